import type { StoreChange } from '../templates/store.ts';

interface Held {
  change: StoreChange;
  index: number;
}

interface Shadow {
  /** Writes of the item that have no result yet. */
  writes: number;
  /** Changes up to this index are older than our last write; -1 before there is a result. */
  floor: number;
  /** Whether the scope was cleared meanwhile. */
  cleared: boolean;
  held: Held[];
}

/**
 * Items of which a write is under way. What others did to them is kept back until the result says whether it came before
 * our write, and is of no interest then, or after it.
 */
export class Shadows {
  readonly #byItem = new Map<string, Shadow>();
  /** Floors in the order of their results. */
  readonly #floors: { key: string; floor: number }[] = [];
  readonly #seenScopes = new Set<string>();

  begin(scope: string, item: string): void {
    const key = `${scope}\t${item}`;
    const known = this.#byItem.get(key);
    if (known === undefined) this.#byItem.set(key, { writes: 1, floor: -1, cleared: false, held: [] });
    else known.writes++;
  }

  /** The part of a change that concerns no shadowed item; null when there is none. */
  filter(change: StoreChange, index: number): StoreChange | null {
    if (this.#byItem.size === 0) return change;
    if (change.type === 'clear') {
      for (const [key, shadow] of this.#byItem)
        if (key.startsWith(`${change.scope}\t`)) shadow.cleared = true;
      return change;
    }
    const { scope } = change;
    if (change.type === 'put') {
      const items = change.items.filter(
        (item) => !this.#keepBack(scope, item.item, { ...change, items: [item] }, index),
      );
      return items.length === 0 ? null : { ...change, items };
    }
    const items = change.items.filter(
      (item) => !this.#keepBack(scope, item, { ...change, items: [item] }, index),
    );
    return items.length === 0 ? null : { ...change, items };
  }

  wasCleared(scope: string, item: string): boolean {
    return this.#byItem.get(`${scope}\t${item}`)?.cleared === true;
  }

  /** A write has its result, decided at index. Returns what happened to the item after it, in order. */
  end(scope: string, item: string, index: number, passed: number): Held[] {
    const key = `${scope}\t${item}`;
    const shadow = this.#byItem.get(key);
    if (shadow === undefined) return [];
    shadow.floor = Math.max(shadow.floor, index);
    if (--shadow.writes > 0) return [];
    const later = shadow.held.filter((held) => held.index > shadow.floor);
    shadow.held = [];
    if (shadow.floor <= passed) this.#byItem.delete(key);
    else this.#floors.push({ key, floor: shadow.floor });
    return later;
  }

  /** All changes up to index have been seen. */
  passed(index: number): void {
    while (this.#floors.length > 0 && this.#floors[0].floor <= index) {
      const { key, floor } = this.#floors.shift()!;
      const shadow = this.#byItem.get(key);
      if (shadow !== undefined && shadow.writes === 0 && shadow.floor === floor) this.#byItem.delete(key);
    }
  }

  /** Another order of changes begins: what was kept back and the floors belong to the last one. */
  reset(): void {
    this.#floors.length = 0;
    this.#seenScopes.clear();
    for (const [key, shadow] of this.#byItem) {
      shadow.held = [];
      shadow.floor = -1;
      if (shadow.writes === 0) this.#byItem.delete(key);
    }
  }

  sawScope(scope: string): void {
    this.#seenScopes.add(scope);
  }

  scopeSeen(scope: string): boolean {
    return this.#seenScopes.has(scope);
  }

  #keepBack(scope: string, item: string, change: StoreChange, index: number): boolean {
    const shadow = this.#byItem.get(`${scope}\t${item}`);
    if (shadow === undefined) return false;
    if (shadow.writes === 0) return index <= shadow.floor;
    shadow.held.push({ change, index });
    return true;
  }
}
