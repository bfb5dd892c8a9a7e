import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../src/generator/prng.ts';

const take = (prng: Prng, n: number) => Array.from({ length: n }, () => prng.next());

test('a seed and a stream mean the same numbers everywhere', () => {
  assert.deepEqual(take(new Prng(1, 0), 4), [3387734806, 1080862987, 3546521498, 2861869171]);
  assert.deepEqual(take(new Prng(2 ** 40 + 7, 3), 50), take(new Prng(2 ** 40 + 7, 3), 50));
});

test('seeds and streams are independent of each other', () => {
  const series = [new Prng(1, 0), new Prng(1, 1), new Prng(2, 0), new Prng(1 + 2 ** 32, 0)].map((p) =>
    take(p, 8),
  );
  const numbers = series.flat();
  assert.equal(new Set(numbers).size, numbers.length);
});

test('numbers are whole, below their limit and spread out', () => {
  const prng = new Prng(5, 5);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[prng.below(10)]++;
  assert.equal(
    counts.reduce((a, b) => a + b),
    10_000,
  );
  for (const count of counts) assert.ok(count > 850 && count < 1150, `${counts}`);
  for (let i = 0; i < 100; i++) assert.equal(prng.below(1), 0);
});

test('chance is never at 0, always at 1 and in between as often as it says', () => {
  const prng = new Prng(6, 0);
  let hits = 0;
  for (let i = 0; i < 10_000; i++) {
    assert.equal(prng.chance(0), false);
    assert.equal(prng.chance(1), true);
    if (prng.chance(0.25)) hits++;
  }
  assert.ok(hits > 2300 && hits < 2700, `${hits}`);
});
