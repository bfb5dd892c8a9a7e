import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';

/** How far datagrams may be ahead of their time: what is due in the next few milliseconds goes in one burst. */
const BURST_MS = 4;
/** How much delay is made up for by going faster; whoever stood still for longer goes on from there. */
const MAX_LAG_MS = 1000;
/** Datagrams after which timers and sockets get their turn, when there is nothing to wait for. */
const YIELD_EVERY = 128;
/** Timers take at most 2^31-1 ms. */
const MAX_SLEEP_MS = 60_000;

export interface PacerOptions {
  /** Ends all waiting at once when it is aborted; the caller is to look at it. */
  signal?: AbortSignal;
  /** Stands in for a timer in tests. */
  sleep?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/**
 * Lets events happen at given times after the first one. The times count from the start, not from each other, so that
 * late timers do not add up.
 */
class Timeline {
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
  #originMs = Number.NaN;
  #sinceYield = 0;

  constructor(clock: Clock, options: PacerOptions) {
    this.#clock = clock;
    this.#signal = options.signal;
    this.#sleep = options.sleep ?? sleep;
  }

  /** Waits until so many ms after the start; undefined when `n` datagrams may go at once. */
  reach(elapsedMs: number, n: number): Promise<void> | undefined {
    const nowMs = this.#clock.monotonicMs();
    if (Number.isNaN(this.#originMs)) this.#originMs = nowMs - elapsedMs;
    const dueMs = this.#originMs + elapsedMs;
    if (dueMs - nowMs >= BURST_MS) return this.#until(dueMs);
    if (nowMs - dueMs > MAX_LAG_MS) this.#originMs += nowMs - dueMs - MAX_LAG_MS;
    return this.pass(n);
  }

  /** Does not wait, but lets the event loop run once in a while. */
  pass(n: number): Promise<void> | undefined {
    this.#sinceYield += n;
    if (this.#sinceYield < YIELD_EVERY) return undefined;
    this.#sinceYield = 0;
    return setImmediate();
  }

  async #until(dueMs: number): Promise<void> {
    this.#sinceYield = 0;
    for (;;) {
      const restMs = dueMs - this.#clock.monotonicMs();
      // Timers may be up to a millisecond early.
      if (restMs < 1 || this.#signal?.aborted) return;
      await this.#sleep(Math.min(restMs, MAX_SLEEP_MS), this.#signal);
    }
  }
}

/** Lets datagrams go at a constant rate, in bursts of a few milliseconds. */
export class Pacer {
  readonly #timeline: Timeline;
  readonly #intervalMs: number;
  #released = 0;

  /** Datagrams per second; 0 and Infinity mean as fast as possible, with a turn for the event loop now and then. */
  constructor(ratePerSecond: number, clock: Clock, options: PacerOptions = {}) {
    this.#timeline = new Timeline(clock, options);
    this.#intervalMs = ratePerSecond > 0 ? 1000 / ratePerSecond : 0;
  }

  /** To be awaited before `n` datagrams are sent. Undefined, which costs nothing to await, when they may go at once. */
  wait(n = 1): Promise<void> | undefined {
    if (this.#intervalMs === 0) return this.#timeline.pass(n);
    const elapsedMs = this.#released * this.#intervalMs;
    this.#released += n;
    return this.#timeline.reach(elapsedMs, n);
  }
}

/** A step back in recorded time of more than this is another recording; less is disorder. */
const DISORDER_MS = 1000;

/** Lets datagrams go in their recorded distances. */
export class RecordedPacer {
  readonly #timeline: Timeline;
  readonly #speed: number;
  #elapsedMs = 0;
  #lastMs = Number.NaN;

  /** 2 is twice as fast as recorded; 0 and Infinity mean as fast as possible. */
  constructor(speed: number, clock: Clock, options: PacerOptions = {}) {
    this.#timeline = new Timeline(clock, options);
    this.#speed = speed > 0 ? speed : Number.POSITIVE_INFINITY;
  }

  /** To be awaited before a datagram that was recorded at that time is sent; NaN goes at once. */
  wait(recordedAtMs: number): Promise<void> | undefined {
    if (Number.isNaN(recordedAtMs) || this.#speed === Number.POSITIVE_INFINITY) return this.#timeline.pass(1);
    const stepMs = recordedAtMs - this.#lastMs;
    if (stepMs > 0) {
      this.#elapsedMs += stepMs / this.#speed;
      this.#lastMs = recordedAtMs;
    } else if (!(stepMs >= -DISORDER_MS)) {
      // The first of all, or the first of another recording, goes at once.
      this.#lastMs = recordedAtMs;
    }
    return this.#timeline.reach(this.#elapsedMs, 1);
  }

  /** The next datagram begins another recording, without a pause before it. */
  restart(): void {
    this.#lastMs = Number.NaN;
  }
}

async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal });
  } catch (error) {
    if (!signal?.aborted) throw error;
  }
}
