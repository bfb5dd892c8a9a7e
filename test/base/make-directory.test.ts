import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, test } from 'node:test';
import { makeDirectory } from '../../src/base/make-directory.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-directory-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const at = (name: string): string => join(directory, name);

test('all that is missing is made, with the mode, and what is there is left', async () => {
  await makeDirectory(fs, at('a/b/c'), 0o700);
  for (const name of ['a', 'a/b', 'a/b/c']) assert.equal(statSync(at(name)).mode & 0o777, 0o700);
  await makeDirectory(fs, at('a/b'));
  assert.equal(statSync(at('a/b')).mode & 0o777, 0o700);
  await makeDirectory(fs, relative('.', at('x/y')));
  await makeDirectory(fs, `${at('x/y')}/../z/`);
  assert.ok(existsSync(at('x/z')));
  await makeDirectory(fs, '/');
  await makeDirectory(fs, '.');
});

test('several at a time do not hinder each other', async () => {
  await Promise.all(Array.from({ length: 20 }, (_, i) => makeDirectory(fs, at(`many/of/them/${i % 3}`))));
  assert.ok(existsSync(at('many/of/them/2')));
});

test('what cannot be made is an error with the reason', async () => {
  writeFileSync(at('file'), '');
  await assert.rejects(makeDirectory(fs, at('file')), { code: 'EEXIST' });
  await assert.rejects(makeDirectory(fs, at('file/a/b')), { code: 'ENOTDIR' });
  await assert.rejects(makeDirectory(fs, at('n'.repeat(300))), { code: 'ENAMETOOLONG' });
});

test('where the system says that nothing is there, it ends', {
  skip: !existsSync('/proc/self'),
}, async () => {
  const message = 'no directory can be made at /proc/millrace';
  await assert.rejects(makeDirectory(fs, '/proc/millrace/a/b'), { message });
});
