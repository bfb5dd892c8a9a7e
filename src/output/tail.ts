import type { Clock } from '../base/clock.ts';

/** Somebody who watches records go by. */
export interface TailReader {
  /** Whole encoded records, one per line; valid during the call only. */
  take(chunk: Uint8Array, records: number): void;
  /** Records that were not shown to anybody, because there were too many. */
  passed(records: number): void;
}

/** Records per second that are shown; what is beyond costs the collector nothing but a count. */
export const MAX_TAIL_RECORDS_PER_SECOND = 20_000;

/**
 * Shows encoded records to whoever watches at the moment. Nobody's output: it keeps nothing, waits for nobody, and its
 * records are not part of the ledger. Without readers, or with more records than it shows, workers do not encode for it.
 */
export class Tail {
  readonly #clock: Clock;
  readonly #readers = new Set<TailReader>();
  /** What may still be shown; it grows with time, and a chunk may overdraw it. */
  #allowance = MAX_TAIL_RECORDS_PER_SECOND;
  #grownAtMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#grownAtMs = clock.monotonicMs();
  }

  get readers(): number {
    return this.#readers.size;
  }

  add(reader: TailReader): void {
    this.#readers.add(reader);
  }

  remove(reader: TailReader): void {
    this.#readers.delete(reader);
  }

  /** Whether records that are encoded now would be shown. */
  get wanted(): boolean {
    if (this.#readers.size === 0) return false;
    const nowMs = this.#clock.monotonicMs();
    const grown = this.#allowance + ((nowMs - this.#grownAtMs) / 1000) * MAX_TAIL_RECORDS_PER_SECOND;
    this.#allowance = Math.min(grown, MAX_TAIL_RECORDS_PER_SECOND);
    this.#grownAtMs = nowMs;
    return this.#allowance > 0;
  }

  show(chunk: Uint8Array, records: number): void {
    if (!this.wanted) {
      this.pass(records);
      return;
    }
    this.#allowance -= records;
    for (const reader of this.#readers) reader.take(chunk, records);
  }

  /** Records that were not encoded for it. */
  pass(records: number): void {
    for (const reader of this.#readers) reader.passed(records);
  }
}
