/**
 * Follows a counter of 32 bits past its end, which the drops of a busy socket reach in hours. Looks have to be less than 2^31
 * apart; a value that is a little lower than the one before says nothing.
 */
export class WideCounter {
  #last = 0;
  #total = 0;

  /** value: of the counter, modulo 2^32. Returns what it has counted since 0. */
  see(value: number): number {
    const step = (value - this.#last) | 0;
    if (step > 0) {
      this.#last = value >>> 0;
      this.#total += step;
    }
    return this.#total;
  }
}
