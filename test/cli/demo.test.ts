import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Running } from './child.ts';

test('the demo shows flows of every version, and SIGINT ends it with the ledger', async () => {
  const demo = new Running(['demo']);
  const shown = (): number => new Set(demo.stdout.match(/via 127\.0\.0\.\d/g)).size;
  await demo.until('flows of all exporters', () => shown() === 5);
  demo.kill('SIGINT');
  const { code, stdout, stderr } = await demo.ended;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /→/);
  assert.match(stderr, /^demo: /);
  assert.match(stderr, /\nledger\n {2}datagrams_received /);
  const [, encoded, written] = /records: (\d+) encoded, (\d+) written\n/.exec(stderr) ?? [];
  assert.equal(encoded, written);
});

test('the demo ends quietly when its reader goes away', async () => {
  const demo = new Running(['demo']);
  await demo.lines(1);
  demo.child.stdout?.destroy();
  const { code, stderr } = await demo.ended;
  assert.equal(code, 0);
  assert.match(stderr, /^demo: [^\n]*\n$/);
});
