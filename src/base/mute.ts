import type { Clock } from './clock.ts';

/**
 * Keeps repeated messages from flooding a log: one line per kind and interval, with the number of those held back since
 * the last. Kinds come from a fixed set in the code, never from the network.
 */
export class Mute {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #kinds = new Map<string, { nextMs: number; muted: number }>();

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock;
    this.#intervalMs = intervalMs;
  }

  /** How many messages of the kind were held back since the last that passed, or -1 when this one is held back too. */
  pass(kind: string): number {
    const now = this.#clock.monotonicMs();
    const known = this.#kinds.get(kind);
    if (known === undefined) {
      this.#kinds.set(kind, { nextMs: now + this.#intervalMs, muted: 0 });
      return 0;
    }
    if (now < known.nextMs) {
      known.muted++;
      return -1;
    }
    const { muted } = known;
    known.nextMs = now + this.#intervalMs;
    known.muted = 0;
    return muted;
  }
}
