import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WideCounter } from '../../src/base/wide-counter.ts';

test('a counter of 32 bits is followed past its end, time and again', () => {
  const counter = new WideCounter();
  let real = 0;
  for (const step of [0, 1, 2 ** 31 - 1, 2 ** 31 - 1, 5, 2 ** 30, 2 ** 31 - 1, 2 ** 31 - 1, 0, 1]) {
    real += step;
    assert.equal(counter.see(real % 2 ** 32), real);
  }
  assert.ok(real > 2 ** 33);
});

test('a counter that falls back a little is not taken for one that has come around', () => {
  const counter = new WideCounter();
  assert.equal(counter.see(1_000), 1_000);
  assert.equal(counter.see(900), 1_000);
  assert.equal(counter.see(1_001), 1_001);
  // Several counters together are one, modulo 2^32.
  assert.equal(counter.see(2 ** 32 + 1_002), 1_002);
});
