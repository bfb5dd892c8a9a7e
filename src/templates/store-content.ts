/**
 * The content of a store: a fold of its changes. What a change says is done exactly, in the order given; whoever decides
 * about conflicts does so before (memory-store.ts, the scripts of Redis). Values are opaque but for their header.
 */
import { type ClearWhat, STORE_LIMITS, type StoreChange, type StoredItem } from './store.ts';
import { isCleared } from './stored-value.ts';

/** Times are milliseconds by the clock of the store. */
export interface ContentItem {
  readonly value: Uint8Array;
  /** When the definition came from its exporter; the conflict rule compares these. */
  readonly arrivedAtMs: number;
  /** When it was last announced. */
  readonly announcedAtMs: number;
}

/** What a scope and an item take beside their names and values: lengths, counts and times (content-bytes.ts). */
export const SCOPE_BYTES = 5;
export const ITEM_BYTES = 21;

/** Names are printable ASCII, so that there is one order of them and a terminal can show them. */
const NAME = /^[!-~]+$/;

export function isName(name: string, maxBytes: number): boolean {
  return name.length <= maxBytes && NAME.test(name);
}

export class StoreContent {
  /** Position in the order of changes: that of the last one. */
  index = 0;
  readonly #scopes = new Map<string, Map<string, ContentItem>>();
  #bytes = 0;

  /** Octets of its canonical bytes without the header. */
  get bytes(): number {
    return this.#bytes;
  }

  /** In their order. */
  scopeNames(): string[] {
    return [...this.#scopes.keys()].sort();
  }

  /** The items of a scope in the order of their names. */
  items(scope: string): [string, ContentItem][] {
    return [...(this.#scopes.get(scope) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  item(scope: string, item: string): ContentItem | undefined {
    return this.#scopes.get(scope)?.get(item);
  }

  /** How many items, and whether a scope, would have to go for these items to fit the limits on numbers. */
  excess(scope: string, items: readonly { readonly item: string }[]): { items: number; scope: boolean } {
    const known = this.#scopes.get(scope);
    const added = new Set(items.map(({ item }) => item).filter((item) => known?.has(item) !== true));
    return {
      items: Math.max(0, (known?.size ?? 0) + added.size - STORE_LIMITS.maxItemsPerScope),
      scope: known === undefined && this.#scopes.size >= STORE_LIMITS.maxScopes,
    };
  }

  /** Whether all STORE_LIMITS allow these items. */
  fits(scope: string, items: readonly { readonly item: string; readonly value: Uint8Array }[]): boolean {
    const excess = this.excess(scope, items);
    if (excess.scope || excess.items > 0 || items.length > STORE_LIMITS.maxItemsPerPut) return false;
    let bytes = this.#bytes + SCOPE_BYTES + scope.length;
    for (const { item, value } of items) {
      if (value.length > STORE_LIMITS.maxValueBytes) return false;
      bytes += ITEM_BYTES + item.length + value.length;
    }
    return bytes <= STORE_LIMITS.maxContentBytes;
  }

  /**
   * Does what a change says; nowMs: when its ages hold. A put that does not fit has no effect, on the index neither: false.
   */
  apply(change: StoreChange, index: number, nowMs: number): boolean {
    if (change.type === 'put' && !this.fits(change.scope, change.items)) return false;
    this.fold(change, nowMs);
    this.index = index;
    return true;
  }

  /** Does what a change says, whatever the limits. Keeps copies of the values. */
  fold(change: StoreChange, nowMs: number): void {
    const { scope } = change;
    if (change.type === 'put') {
      for (const { item, value, idleMs } of change.items) {
        const atMs = nowMs - idleMs;
        this.set(scope, item, { value: value.slice(), arrivedAtMs: atMs, announcedAtMs: atMs });
      }
      return;
    }
    const items = change.type === 'remove' ? change.items : this.cleared(scope, change.what);
    for (const item of items) this.#delete(scope, item);
  }

  /** Puts an item without a question; keeps the bytes given. */
  set(scope: string, item: string, entry: ContentItem): void {
    this.#delete(scope, item);
    let items = this.#scopes.get(scope);
    if (items === undefined) {
      this.#scopes.set(scope, (items = new Map()));
      this.#bytes += SCOPE_BYTES + scope.length;
    }
    items.set(item, entry);
    this.#bytes += ITEM_BYTES + item.length + entry.value.length;
  }

  /** Notes that an item was announced; of several times the latest counts. */
  touch(scope: string, item: string, atMs: number): void {
    const items = this.#scopes.get(scope);
    const entry = items?.get(item);
    if (entry !== undefined && entry.announcedAtMs < atMs)
      items!.set(item, { ...entry, announcedAtMs: atMs });
  }

  /** The items that a clear takes. */
  cleared(scope: string, what: ClearWhat): string[] {
    return this.items(scope).flatMap(([item, { value }]) => (isCleared(value, what) ? [item] : []));
  }

  /** Items of a scope but these, those that were announced longest ago first. */
  oldestItems(scope: string, but: ReadonlySet<string>): string[] {
    return this.items(scope)
      .filter(([item]) => !but.has(item))
      .sort(([, a], [, b]) => a.announcedAtMs - b.announcedAtMs)
      .map(([item]) => item);
  }

  /** The scope of which the last announcement is longest ago. */
  idlestScope(): string {
    let idlest = '';
    let idlestAtMs = Number.POSITIVE_INFINITY;
    for (const [scope, items] of this.#scopes) {
      const atMs = lastAnnounced(items);
      if (atMs < idlestAtMs) [idlest, idlestAtMs] = [scope, atMs];
    }
    return idlest;
  }

  /** Scopes of which nothing was announced since a time. */
  idleScopes(sinceMs: number): string[] {
    return this.scopeNames().filter((scope) => lastAnnounced(this.#scopes.get(scope)!) < sinceMs);
  }

  #delete(scope: string, item: string): void {
    const items = this.#scopes.get(scope);
    const entry = items?.get(item);
    if (items === undefined || entry === undefined) return;
    items.delete(item);
    this.#bytes -= ITEM_BYTES + item.length + entry.value.length;
    if (items.size > 0) return;
    this.#scopes.delete(scope);
    this.#bytes -= SCOPE_BYTES + scope.length;
  }
}

function lastAnnounced(items: ReadonlyMap<string, ContentItem>): number {
  let atMs = Number.NEGATIVE_INFINITY;
  for (const { announcedAtMs } of items.values()) atMs = Math.max(atMs, announcedAtMs);
  return atMs;
}

/** What an item is to somebody outside: a copy, with its age. */
export function storedItem(item: string, entry: ContentItem, nowMs: number): StoredItem {
  return { item, value: entry.value.slice(), idleMs: Math.max(0, nowMs - entry.announcedAtMs) };
}
