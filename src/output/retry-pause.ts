import type { Timers } from './timers.ts';

export const RETRY_FIRST_MS = 250;
export const RETRY_LONGEST_MS = 30_000;

/** The pause between attempts at something that failed: doubles from 250 ms to 30 s until `reset`. One waiter at a time. */
export class RetryPause {
  readonly #timers: Timers;
  #nextMs = RETRY_FIRST_MS;
  #wake: (() => void) | null = null;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  wait(): Promise<void> {
    const delayMs = this.#nextMs;
    this.#nextMs = Math.min(delayMs * 2, RETRY_LONGEST_MS);
    return new Promise((resolve) => {
      const cancel = this.#timers.after(delayMs, () => this.#wake?.());
      this.#wake = () => {
        this.#wake = null;
        cancel();
        resolve();
      };
    });
  }

  /** Ends a wait that is going on. */
  interrupt(): void {
    this.#wake?.();
  }

  /** After a success: the next pause is a short one again. */
  reset(): void {
    this.#nextMs = RETRY_FIRST_MS;
  }
}
