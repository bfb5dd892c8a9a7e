import { setTimeout as pause } from 'node:timers/promises';
import { applyChange, contentLines, type StoreContent } from '../../src/fleet/content.ts';
import type { StoreChange, StoredItem, StoreState, StoreWatcher } from '../../src/templates/store.ts';

/** Watches a store and keeps what it is told: the content, and how it came about. Fails on calls out of order. */
export class StoreWitness implements StoreWatcher {
  content: StoreContent = new Map();
  /** Index of the last reset or change. */
  index = 0;
  readonly changes: { change: StoreChange; index: number }[] = [];
  readonly resets: { lost: boolean; index: number }[] = [];
  readonly states: { state: StoreState; reason: string }[] = [];
  #fresh: StoreContent | null = null;
  #lost = false;

  resetBegin(lost: boolean): void {
    this.#fresh = new Map();
    this.#lost = lost;
  }

  resetScope(scope: string, items: readonly StoredItem[]): void {
    if (this.#fresh === null) throw new Error('a scope outside of a reset');
    if (this.#fresh.has(scope)) throw new Error('a scope twice');
    this.#fresh.set(scope, new Map(items.map(({ item, value }) => [item, value])));
  }

  resetEnd(index: number): void {
    if (this.#fresh === null) throw new Error('the end of no reset');
    this.content = this.#fresh;
    this.#fresh = null;
    this.index = index;
    this.resets.push({ lost: this.#lost, index });
  }

  changed(change: StoreChange, index: number): void {
    if (this.#fresh !== null) throw new Error('a change within a reset');
    if (index < this.index) throw new Error(`change ${index} after ${this.index}`);
    this.index = index;
    this.changes.push({ change, index });
    applyChange(this.content, change);
  }

  state(state: StoreState, reason: string): void {
    this.states.push({ state, reason });
  }

  get last(): StoreState | undefined {
    return this.states.at(-1)?.state;
  }

  lines(): string[] {
    return contentLines(this.content);
  }
}

/** Waits for a condition, generously; fails with what it is about. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  ms = 30_000,
): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await pause(5);
  }
}
