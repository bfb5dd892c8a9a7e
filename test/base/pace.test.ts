import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Pace } from '../../src/base/pace.ts';

/** Pauses while so many come per millisecond. */
function pauses(pace: Pace, perMs: number, count: number): number[] {
  const all = [pace.next(0)];
  while (all.length < count) all.push(pace.next(all.at(-1)! * perMs));
  return all;
}

describe('Pace', () => {
  it('pauses for as long as the wanted number takes to come', () => {
    const pace = new Pace(256, 1, 16);
    assert.deepEqual(pauses(pace, 32, 4), [16, 8, 8, 8]);
    assert.deepEqual(pauses(pace, 64, 4).slice(1), [4, 4, 4]);
  });

  it('keeps within its bounds', () => {
    const pace = new Pace(256, 2, 16);
    assert.deepEqual(pauses(pace, 1, 3), [16, 16, 16]);
    assert.equal(pace.next(1_000_000), 2);
    assert.equal(pace.next(1_000_000), 2);
    assert.equal(pace.next(0), 16);
  });

  it('is in whole milliseconds', () => {
    const pace = new Pace(100, 1, 16);
    for (const came of [33, 7, 91, 1, 640]) assert.ok(Number.isInteger(pace.next(came)));
  });
});
