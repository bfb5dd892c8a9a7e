import type { FromStore } from '../fleet/messages.ts';

/** Changes that came together, and how far each ring has to be scanned before they take effect. */
interface Arrival {
  changes: readonly FromStore[];
  next: number;
  positions: readonly number[];
}

/** Changes applied before datagrams have their turn again. */
const TURN_CHANGES = 64;

/**
 * Changes that others made, on their way into the stream. They take effect in their order, at one place: after everything
 * that was received before they came, in front of everything that is received later. Positions are datagrams taken from
 * each ring since the start. Main thread.
 */
export class ChangeQueue {
  readonly #arrivals: Arrival[] = [];
  readonly #apply: (change: FromStore) => void;

  constructor(apply: (change: FromStore) => void) {
    this.#apply = apply;
  }

  get empty(): boolean {
    return this.#arrivals.length === 0;
  }

  /** positions: what was received so far, taken or not. */
  add(changes: readonly FromStore[], positions: readonly number[]): void {
    this.#arrivals.push({ changes, next: 0, positions });
  }

  /** How far each ring may be taken before the next changes are begun; undefined for as far as it goes. */
  limits(): readonly number[] | undefined {
    const arrival = this.#arrivals[0];
    return arrival?.next === 0 ? arrival.positions : undefined;
  }

  /** Applies changes whose place is reached, while it may; returns how many. */
  apply(taken: readonly number[], mayApply: () => boolean): number {
    const arrival = this.#arrivals[0];
    if (arrival === undefined || this.limits()?.some((position, i) => position > taken[i])) return 0;
    const end = Math.min(arrival.changes.length, arrival.next + TURN_CHANGES);
    const first = arrival.next;
    while (arrival.next < end && mayApply()) this.#apply(arrival.changes[arrival.next++]);
    if (arrival.next === arrival.changes.length) this.#arrivals.shift();
    return arrival.next - first;
  }
}
