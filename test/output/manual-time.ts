import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../src/base/clock.ts';
import type { Timers } from '../../src/output/timers.ts';

/** A clock with its timers, both moved by the test. */
export class ManualTime implements Clock, Timers {
  #nowMs: number;
  #timers: { atMs: number; delayMs: number; run: () => void }[] = [];

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** The delays that are being waited for, as they were asked for. */
  get waiting(): number[] {
    return this.#timers.map((timer) => timer.delayMs).sort((a, b) => a - b);
  }

  /** Moves the clock on, running what is due on the way at its time. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.run();
    }
    this.#nowMs = endMs;
  }

  /** Sets the clock without running timers, as an administrator or a suspended machine does. */
  jumpTo(nowMs: number): void {
    this.#nowMs = nowMs;
  }
}

/** Lets I/O go on until the condition holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const giveUpAt = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > giveUpAt) throw new Error(`gave up waiting until ${what}`);
    await nextTurn();
  }
}
