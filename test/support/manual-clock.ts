import type { Clock } from '../../src/base/clock.ts';

/** A clock that stands until it is moved; its wall clock can also be set. */
export class ManualClock implements Clock {
  #wallMs = 1_700_000_000_000;
  #monotonicMs = 5_000;

  wallMs(): number {
    return this.#wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  advance(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
  }

  setWall(ms: number): void {
    this.#wallMs = ms;
  }
}
