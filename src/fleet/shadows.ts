import type { StoreChange } from '../templates/store.ts';
import { isCleared } from '../templates/stored-value.ts';

interface Shadow {
  /** Writes of the item that have no result yet. */
  writes: number;
  /** Changes up to this index are in the result of our last write; -1 before there is one. */
  floor: number;
  /** What the store had for the item at the floor; null for nothing. */
  value: Uint8Array | null;
  /** Changes that wait for a result, in order. */
  held: { change: StoreChange; index: number }[];
}

/** An item and what the store has for it; null for nothing. */
export interface Settled {
  item: string;
  value: Uint8Array | null;
}

/**
 * Items of which a write is under way. What others did to them is kept back until the result says whether it came before
 * our write, and is of no interest then, or after it.
 */
export class Shadows {
  readonly #scopes = new Map<string, Map<string, Shadow>>();
  /** Floors in the order of their results. */
  readonly #floors: { scope: string; item: string; floor: number }[] = [];
  readonly #seenScopes = new Set<string>();

  begin(scope: string, item: string): void {
    let shadows = this.#scopes.get(scope);
    if (shadows === undefined) this.#scopes.set(scope, (shadows = new Map()));
    const known = shadows.get(item);
    if (known === undefined) shadows.set(item, { writes: 1, floor: -1, value: null, held: [] });
    else known.writes++;
  }

  /** The part of a change that may be told now; null when there is none. */
  filter(change: StoreChange, index: number): StoreChange | null {
    const shadows = this.#scopes.get(change.scope);
    if (shadows === undefined) return change;
    const keepBack = (item: string, part: StoreChange): boolean => {
      const shadow = shadows.get(item);
      if (shadow === undefined) return false;
      if (shadow.writes === 0) return index <= shadow.floor;
      shadow.held.push({ change: part, index });
      return true;
    };
    if (change.type === 'clear') {
      for (const shadow of shadows.values()) if (shadow.writes > 0) shadow.held.push({ change, index });
      return change;
    }
    if (change.type === 'put') {
      const items = change.items.filter((item) => !keepBack(item.item, { ...change, items: [item] }));
      return items.length === 0 ? null : { ...change, items };
    }
    const items = change.items.filter((item) => !keepBack(item, { ...change, items: [item] }));
    return items.length === 0 ? null : { ...change, items };
  }

  /** What a clearance that was told has taken too much: items that were written after it. */
  clearedTooMuch(change: StoreChange, index: number): Settled[] {
    const settled: Settled[] = [];
    if (change.type !== 'clear') return settled;
    for (const [item, { writes, floor, value }] of this.#scopes.get(change.scope) ?? []) {
      if (writes === 0 && index <= floor && value !== null && isCleared(value, change.what))
        settled.push({ item, value });
    }
    return settled;
  }

  /**
   * A write has its result, decided at index: the store had this value then. Returns what it has after all that is known
   * to have happened since; null when nothing has, or when another write of the item is under way.
   */
  end(scope: string, item: string, index: number, value: Uint8Array | null, passed: number): Settled | null {
    const shadow = this.#scopes.get(scope)?.get(item);
    if (shadow === undefined) return null;
    if (index >= shadow.floor) {
      shadow.floor = index;
      shadow.value = value;
    }
    if (--shadow.writes > 0) return null;
    const { held } = shadow;
    shadow.held = [];
    if (shadow.floor <= passed) this.#delete(scope, item);
    else this.#floors.push({ scope, item, floor: shadow.floor });
    if (held.length === 0) return null;
    let { value: current } = shadow;
    for (const { change, index: at } of held) if (at > shadow.floor) current = after(change, current);
    return { item, value: current };
  }

  /** Whether a write of the item has no result yet. */
  isOpen(scope: string, item: string): boolean {
    return (this.#scopes.get(scope)?.get(item)?.writes ?? 0) > 0;
  }

  /** What the store has for items of which writes were decided after an index. */
  settledAfter(index: number): (Settled & { scope: string; index: number })[] {
    return this.#floors.flatMap(({ scope, item, floor }) => {
      const shadow = this.#scopes.get(scope)?.get(item);
      const known = shadow?.writes === 0 && shadow.floor === floor && floor > index;
      return known ? [{ scope, item, value: shadow.value, index: floor }] : [];
    });
  }

  /** All changes up to index have been seen. */
  passed(index: number): void {
    while (this.#floors.length > 0 && this.#floors[0].floor <= index) {
      const { scope, item, floor } = this.#floors.shift()!;
      const shadow = this.#scopes.get(scope)?.get(item);
      if (shadow !== undefined && shadow.writes === 0 && shadow.floor === floor) this.#delete(scope, item);
    }
  }

  /** Another order of changes begins: what was kept back and the floors belong to the last one. */
  reset(): void {
    this.#floors.length = 0;
    this.#seenScopes.clear();
    for (const [scope, shadows] of this.#scopes) {
      for (const [item, shadow] of shadows) {
        shadow.held = [];
        shadow.floor = -1;
        if (shadow.writes === 0) this.#delete(scope, item);
      }
    }
  }

  sawScope(scope: string): void {
    this.#seenScopes.add(scope);
  }

  scopeSeen(scope: string): boolean {
    return this.#seenScopes.has(scope);
  }

  #delete(scope: string, item: string): void {
    const shadows = this.#scopes.get(scope);
    shadows?.delete(item);
    if (shadows?.size === 0) this.#scopes.delete(scope);
  }
}

function after(change: StoreChange, value: Uint8Array | null): Uint8Array | null {
  if (change.type === 'put') return change.items[0].value;
  if (change.type === 'remove') return null;
  return value !== null && isCleared(value, change.what) ? null : value;
}
