import assert from 'node:assert/strict';
import type { StoreChange, StoredItem, StoreState, StoreWatcher } from '../../src/templates/store.ts';

/** Longer than a store on this machine takes for anything. */
const PATIENCE_MS = 30_000;

/** A watcher that keeps what it is told, and holds the store to the order of calls. */
export class Recorder implements StoreWatcher {
  /** The content as far as it was told. */
  readonly scopes = new Map<string, Map<string, StoredItem>>();
  readonly changes: { change: StoreChange; index: number }[] = [];
  readonly states: { state: StoreState; reason: string }[] = [];
  index = -1;
  resets = 0;
  lost = false;
  #resetting = false;
  readonly #waiting = new Set<() => void>();

  resetBegin(lost: boolean): void {
    assert.ok(!this.#resetting, 'a reset in a reset');
    this.#resetting = true;
    this.lost = lost;
    this.scopes.clear();
  }

  resetScope(scope: string, items: readonly StoredItem[]): void {
    assert.ok(this.#resetting, 'a scope outside a reset');
    const known = this.#scope(scope);
    for (const one of items) {
      assert.ok(!known.has(one.item), `${one.item} twice in a reset`);
      known.set(one.item, one);
    }
  }

  resetEnd(index: number): void {
    assert.ok(this.#resetting, 'the end of no reset');
    this.#resetting = false;
    this.resets++;
    this.index = index;
    this.#wake();
  }

  changed(change: StoreChange, index: number): void {
    assert.ok(!this.#resetting && this.resets > 0, 'a change in a reset, or before it');
    assert.ok(index > this.index, `change ${index} after ${this.index}`);
    this.index = index;
    this.changes.push({ change, index });
    const items = this.#scope(change.scope);
    if (change.type === 'put') for (const one of change.items) items.set(one.item, one);
    if (change.type === 'remove') for (const one of change.items) items.delete(one);
    if (change.type === 'clear') this.#clear(items, change.what);
    if (items.size === 0) this.scopes.delete(change.scope);
    this.#wake();
  }

  state(state: StoreState, reason: string): void {
    assert.ok(!reason.includes('\n'), reason);
    this.states.push({ state, reason });
    this.#wake();
  }

  /** Values of a scope by item, each octet as a character. */
  items(scope: string): Record<string, string> {
    const entries = [...(this.scopes.get(scope) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(
      entries.map(([name, { value }]) => [name, Buffer.from(value).toString('latin1')]),
    );
  }

  until(index: number): Promise<void> {
    return this.#until(`change ${index}`, () => this.index >= index);
  }

  untilState(state: StoreState): Promise<void> {
    return this.#until(state, () => this.states.at(-1)?.state === state);
  }

  #scope(scope: string): Map<string, StoredItem> {
    let items = this.scopes.get(scope);
    if (items === undefined) this.scopes.set(scope, (items = new Map()));
    return items;
  }

  /** Octet 5 is the kind; what is of a later format (octet 4) is of none. */
  #clear(items: Map<string, StoredItem>, what: 'all' | 'data' | 'options'): void {
    const kind = { data: 1, options: 2 };
    for (const [name, { value }] of items) {
      if (what === 'all' || (value[4] === 1 && value[5] === kind[what])) items.delete(name);
    }
  }

  async #until(what: string, holds: () => boolean): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`never told of ${what}, only of ${this.index}`)),
        PATIENCE_MS,
      );
    });
    try {
      while (!holds()) await Promise.race([new Promise<void>((resolve) => this.#waiting.add(resolve)), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
