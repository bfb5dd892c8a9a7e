import type { ToStore } from './messages.ts';

/**
 * Writes of items that the main thread has handed over and of which the session did not know yet when it said what is heard
 * now. The session answers for them later: what the store has by then is told with, or instead of, their result. So until then
 * nothing that it says about these items counts. What waits here is what is between the threads.
 */
export class InTransit {
  #handedOver = 0;
  /** By scope and item, in the order of their last writes: number of that request. */
  readonly #writes = new Map<string, number>();

  /** A request goes to the session. Every one counts, whatever it is. */
  handOver(request: ToStore): void {
    this.#handedOver++;
    if (request.type !== 'put' && request.type !== 'remove') return;
    const key = keyOf(request.scope, request.item);
    this.#writes.delete(key);
    this.#writes.set(key, this.#handedOver);
  }

  /** What is heard from now on was said when the session had received so many requests. */
  received(requests: number): void {
    for (const [key, request] of this.#writes) {
      if (request > requests) return;
      this.#writes.delete(key);
    }
  }

  /** Items that are under way. */
  get size(): number {
    return this.#writes.size;
  }

  has(scope: string, item: string): boolean {
    return this.#writes.size > 0 && this.#writes.has(keyOf(scope, item));
  }
}

/** Neither name has a tab. */
function keyOf(scope: string, item: string): string {
  return `${scope}\t${item}`;
}
