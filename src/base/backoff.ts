import { randomInt } from 'node:crypto';

/** Milliseconds to wait after so many failures in a row: doubling, bounded, and random, so that many do not come at once. */
export function backoffMs(failures: number, firstMs: number, mostMs: number): number {
  const limit = Math.min(mostMs, firstMs * 2 ** Math.min(failures, 20));
  return randomInt(Math.ceil(limit / 4), Math.ceil(limit) + 1);
}
