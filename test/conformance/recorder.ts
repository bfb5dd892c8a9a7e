import assert from 'node:assert/strict';
import type { StoreChange, StoredItem, StoreState, StoreWatcher } from '../../src/templates/store.ts';

/** Longer than a store on this machine takes for anything. */
const PATIENCE_MS = 30_000;

/** A watcher that keeps what it is told, and holds the store to the order of calls. */
export class Recorder implements StoreWatcher {
  /** The content as it was told, up to the last change or reset. */
  scopes = new Map<string, Map<string, StoredItem>>();
  readonly changes: { change: StoreChange; index: number }[] = [];
  readonly resets: { lost: boolean; index: number }[] = [];
  readonly states: { state: StoreState; reason: string }[] = [];
  /** Of the last change or reset. */
  index = -1;
  #reset: { lost: boolean; scopes: Map<string, Map<string, StoredItem>> } | null = null;
  readonly #waiting = new Set<() => void>();

  resetBegin(lost: boolean): void {
    this.#reset = { lost, scopes: new Map() };
  }

  resetScope(scope: string, items: readonly StoredItem[]): void {
    assert.ok(this.#reset !== null, 'a scope outside a reset');
    const { scopes } = this.#reset;
    assert.ok(!scopes.has(scope), 'a scope twice in a reset');
    scopes.set(scope, new Map(items.map((one) => [one.item, one])));
    assert.equal(scopes.get(scope)!.size, items.length, 'an item twice in a reset');
  }

  resetEnd(index: number): void {
    assert.ok(this.#reset !== null, 'the end of no reset');
    const { lost, scopes } = this.#reset;
    this.#reset = null;
    this.resets.push({ lost, index });
    this.scopes = scopes;
    this.index = index;
    this.#wake();
  }

  changed(change: StoreChange, index: number): void {
    assert.ok(this.#reset === null && this.resets.length > 0, 'a change in a reset, or before it');
    assert.ok(index > this.index, `change ${index} after ${this.index}`);
    this.index = index;
    this.changes.push({ change, index });
    const items = this.scopes.get(change.scope) ?? new Map<string, StoredItem>();
    this.scopes.set(change.scope, items);
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

  get last(): StoreState | undefined {
    return this.states.at(-1)?.state;
  }

  /** All content, in one order. */
  lines(): string[] {
    const lines: string[] = [];
    for (const [scope, items] of this.scopes)
      for (const { item, value } of items.values())
        lines.push(`${scope}\t${item}\t${Buffer.from(value).toString('hex')}`);
    return lines.sort();
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
    return this.#until(state, () => this.last === state);
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
