/**
 * How long to pause between two looks at something that keeps coming: as long as a wanted number takes to come, within bounds.
 * Waking up costs several times what is done for one of them.
 */
export class Pace {
  readonly #wanted: number;
  readonly #shortestMs: number;
  readonly #longestMs: number;
  #ms: number;

  constructor(wanted: number, shortestMs: number, longestMs: number) {
    this.#wanted = wanted;
    this.#shortestMs = shortestMs;
    this.#longestMs = longestMs;
    this.#ms = shortestMs;
  }

  /** The next pause in whole milliseconds, when so many have come since the last one began. */
  next(came: number): number {
    const ms = (this.#ms * this.#wanted) / Math.max(1, came);
    this.#ms = Math.round(Math.min(this.#longestMs, Math.max(this.#shortestMs, ms)));
    return this.#ms;
  }
}
