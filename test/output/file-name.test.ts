import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandPattern, numberedPath, unknownDirective } from '../../src/output/file-name.ts';

const AT = Date.UTC(2026, 2, 4, 5, 6, 7, 890);

test('every directive, in UTC', () => {
  assert.equal(
    expandPattern('%Y-%m-%d %H:%M:%S %s %j %%', AT),
    `2026-03-04 05:06:07 ${AT / 1000 - 0.89} 063 %`,
  );
  assert.equal(expandPattern('%%Y%%%Y', AT), '%Y%2026');
  assert.equal(expandPattern('plain.ndjson', AT), 'plain.ndjson');
});

test('the day of the year at the ends of common and leap years', () => {
  assert.equal(expandPattern('%j', Date.UTC(2026, 0, 1)), '001');
  assert.equal(expandPattern('%j', Date.UTC(2026, 11, 31, 23, 59, 59, 999)), '365');
  assert.equal(expandPattern('%j', Date.UTC(2028, 11, 31)), '366');
});

test('the first unknown directive is found, also a lone percent sign', () => {
  assert.equal(unknownDirective('%Y%m%d%H%M%S%s%j%%'), null);
  assert.equal(unknownDirective('%%z'), null);
  assert.equal(unknownDirective('%%%z'), '%z');
  assert.equal(unknownDirective('%Y%'), '%');
  assert.equal(unknownDirective('%\n'), '%\n');
});

test('the number stands before the extension', () => {
  const second = (path: string): string => numberedPath(path, 2, '.');
  assert.equal(numberedPath('a/b.ndjson', 0, '.'), 'a/b.ndjson');
  assert.equal(second('a/b.ndjson'), 'a/b.2.ndjson');
  assert.equal(numberedPath('a/b.ndjson', 3, '-'), 'a/b-3.ndjson');
  assert.equal(second('b.ndjson.gz'), 'b.2.ndjson.gz');
  assert.equal(second('b.zst'), 'b.2.zst');
  assert.equal(second('a.b/c'), 'a.b/c.2');
  assert.equal(second('flows.2026.11.21'), 'flows.2026.11.21.2');
  assert.equal(second('flows.2026.11.gz'), 'flows.2026.11.2.gz');
  assert.equal(second('.flows'), '.flows.2');
  assert.equal(second('x/.gz'), 'x/.gz.2');
});
