import type { SharedBlocks } from '../memory/heap.ts';
import {
  ENTRY_HEADER_BYTES,
  Entry,
  entryBytes,
  FIRST_NAME_KIND,
  findEntry,
  hashBytes,
  INDEX_PLACE_BYTES,
  indexPlaces,
  PAGE_HEADER_BYTES,
  Page,
  ROOT_HEADER_BYTES,
  ROOT_MAGIC,
  ROOT_SLOT_BYTES,
  Root,
  STATE_KINDS,
  sameOctets,
  slotAddressAt,
  slotUidAt,
  valueAt,
  writeIndex,
} from './state-block.ts';
import { STATE_LIMITS } from './state-limits.ts';

export const Put = Object.freeze({ unchanged: 0, changed: 1, refused: 2 });

// Only the main thread makes snapshots, so one counter serves the process; at 10^6 blocks a second it lasts 285 years.
let lastUid = 0;

const LEAST_PAGE_BYTES = 64;

/** What the tables of a collector hold together. */
export interface StateTotal {
  entries: number;
}

interface TablePage {
  /** Low bits of the hash that its entries share. */
  depth: number;
  /** Content in the form of a page block; private to the main thread. */
  bytes: Uint8Array;
  view: DataView;
  used: number;
  entries: number;
  /** Its block in the last snapshot; 0 before there is one. */
  address: number;
  uid: number;
  dirty: boolean;
}

/**
 * Entries of one exporter and domain and the snapshots of them. Extendible hashing: a page that is full splits in two and
 * the others stay as they are, so what a publication writes is bounded by what was learned since the last one. Main thread.
 */
export class StateTable {
  readonly counts = new Uint32Array(STATE_KINDS);
  readonly #total: StateTotal;
  #directory: TablePage[] = [];
  #depth = 0;
  #dirty: TablePage[] = [];
  #changed = false;
  #root = 0;
  #skip = 0;
  #systemInitMs = Number.NaN;
  #systemRate = 0;

  constructor(total: StateTotal) {
    this.#total = total;
  }

  /** Whether something has changed since the last snapshot. After publish: it found the heap full. */
  get changed(): boolean {
    return this.#changed;
  }

  get systemInitMs(): number {
    return this.#systemInitMs;
  }

  set systemInitMs(value: number) {
    if (value === this.#systemInitMs) return;
    this.#systemInitMs = value;
    this.#changed = true;
  }

  get systemRate(): number {
    return this.#systemRate;
  }

  set systemRate(value: number) {
    if (value === this.#systemRate) return;
    this.#systemRate = value;
    this.#changed = true;
  }

  /** Whether nothing is known. */
  get isEmpty(): boolean {
    if (this.#systemRate !== 0 || !Number.isNaN(this.#systemInitMs)) return false;
    for (const count of this.counts) if (count > 0) return false;
    return true;
  }

  /** Keeps the value (its first valueBytes octets) for a key (its first keyBytes octets). Returns one of Put. */
  put(kind: number, key: Uint8Array, keyBytes: number, value: Uint8Array, valueBytes: number): number {
    const hash = hashBytes(kind, key, 0, keyBytes);
    let page = this.#pageOf(hash);
    const at = findEntry(page.view, 0, kind, hash, key, 0, keyBytes);
    if (at > 0) return this.#replace(page, at, value, valueBytes);
    if (!this.#admits(kind)) return Put.refused;
    while (page.entries >= STATE_LIMITS.pageEntries && page.depth < STATE_LIMITS.maxDirectoryDepth) {
      this.#split(page);
      page = this.#pageOf(hash);
    }
    if (page.entries >= STATE_LIMITS.maxPageEntries) return Put.refused;
    const entry = page.used;
    resize(page, ENTRY_HEADER_BYTES + keyBytes + valueBytes);
    page.view.setUint32(entry, hash);
    page.view.setUint8(entry + Entry.kind, kind);
    page.view.setUint8(entry + Entry.keyBytes, keyBytes);
    page.view.setUint16(entry + Entry.valueBytes, valueBytes);
    copy(page.bytes, entry + ENTRY_HEADER_BYTES, key, keyBytes);
    copy(page.bytes, entry + ENTRY_HEADER_BYTES + keyBytes, value, valueBytes);
    page.entries++;
    this.counts[kind]++;
    this.#total.entries++;
    this.#touch(page);
    return Put.changed;
  }

  /** Forgets a key; nothing happens when it is not there. */
  remove(kind: number, key: Uint8Array, keyBytes: number): void {
    if (this.counts[kind] === 0) return;
    const hash = hashBytes(kind, key, 0, keyBytes);
    const page = this.#pageOf(hash);
    const at = findEntry(page.view, 0, kind, hash, key, 0, keyBytes);
    if (at === 0) return;
    const bytes = entryBytes(page.view, at);
    page.bytes.copyWithin(at, at + bytes, page.used);
    resize(page, -bytes);
    trim(page);
    page.entries--;
    this.counts[kind]--;
    this.#total.entries--;
    this.#touch(page);
  }

  /** The value of a key: a view that is valid until the next change; null when it is not there. */
  get(kind: number, key: Uint8Array, keyBytes: number): DataView | null {
    if (this.counts[kind] === 0) return null;
    const hash = hashBytes(kind, key, 0, keyBytes);
    const { view } = this.#pageOf(hash);
    const at = findEntry(view, 0, kind, hash, key, 0, keyBytes);
    return at === 0
      ? null
      : new DataView(view.buffer, valueAt(view, at), view.getUint16(at + Entry.valueBytes));
  }

  /** Calls visit for each entry; the arrays it is given are valid until the next change. */
  forEach(visit: (kind: number, key: Uint8Array, value: Uint8Array) => void): void {
    for (const page of this.#pages()) {
      const { view, bytes } = page;
      for (let at = PAGE_HEADER_BYTES; at < page.used; at += entryBytes(view, at)) {
        const value = valueAt(view, at);
        visit(
          view.getUint8(at + Entry.kind),
          bytes.subarray(at + ENTRY_HEADER_BYTES, value),
          bytes.subarray(value, value + view.getUint16(at + Entry.valueBytes)),
        );
      }
    }
  }

  /** Address of a snapshot of the present content, 0 when there is none; the last snapshot while the heap is full. */
  publish(blocks: SharedBlocks): number {
    if (!this.#changed) return this.#root;
    if (this.isEmpty) {
      this.#freeAll(blocks);
      this.#changed = false;
      return 0;
    }
    if (this.#skip > 0) {
      this.#skip--;
      return this.#root;
    }
    const slots = this.#directory.length;
    const root = blocks.allocate(ROOT_HEADER_BYTES + slots * ROOT_SLOT_BYTES);
    const fresh: number[] = [];
    let full = root === 0;
    for (let i = 0; i < this.#dirty.length && !full; i++) {
      const page = this.#dirty[i];
      const address = blocks.allocate(page.used + indexPlaces(page.entries) * INDEX_PLACE_BYTES);
      if (address === 0) full = true;
      else fresh.push(address);
    }
    if (full) {
      for (const address of fresh) blocks.free(address);
      if (root !== 0) blocks.free(root);
      this.#skip = STATE_LIMITS.publishesSkippedWhenFull;
      return this.#root;
    }
    for (let i = 0; i < fresh.length; i++) {
      const page = this.#dirty[i];
      if (page.address !== 0) blocks.free(page.address);
      page.address = fresh[i];
      page.uid = ++lastUid;
      page.dirty = false;
      writePage(blocks, page);
    }
    this.#dirty.length = 0;
    this.#writeRoot(blocks.view, root);
    if (this.#root !== 0) blocks.free(this.#root);
    this.#root = root;
    this.#changed = false;
    return root;
  }

  /** Gives all blocks back; the content stays, and the next publication writes it anew. */
  unpublish(blocks: SharedBlocks): void {
    if (this.#root === 0) return;
    this.#freeAll(blocks);
    this.#changed = true;
  }

  /** Gives all blocks back and forgets everything. */
  release(blocks: SharedBlocks): void {
    this.#freeAll(blocks);
    this.#directory = [];
    this.#depth = 0;
    this.#dirty = [];
    this.#changed = false;
    this.#skip = 0;
    this.#systemInitMs = Number.NaN;
    this.#systemRate = 0;
    for (const count of this.counts) this.#total.entries -= count;
    this.counts.fill(0);
  }

  #writeRoot(view: DataView, root: number): void {
    const slots = this.#directory.length;
    let kinds = 0;
    for (let kind = 0; kind < STATE_KINDS; kind++) if (this.counts[kind] > 0) kinds |= 1 << kind;
    view.setFloat64(root + Root.uid, ++lastUid);
    view.setUint32(root + Root.magic, ROOT_MAGIC);
    view.setUint32(root + Root.kinds, kinds);
    view.setFloat64(root + Root.systemInitMs, this.#systemInitMs);
    view.setFloat64(root + Root.systemRate, this.#systemRate);
    view.setUint32(root + Root.slots, slots);
    view.setUint32(root + Root.slots + 4, 0);
    for (let slot = 0; slot < slots; slot++) {
      const page = this.#directory[slot];
      view.setFloat64(slotUidAt(root, slot), page.uid);
      view.setUint32(slotAddressAt(root, slots, slot), page.address);
    }
  }

  /** After it the next publication writes every page anew. */
  #freeAll(blocks: SharedBlocks): void {
    if (this.#root !== 0) blocks.free(this.#root);
    this.#root = 0;
    for (const page of this.#pages()) {
      if (page.address !== 0) blocks.free(page.address);
      page.address = 0;
      this.#touch(page);
    }
  }

  #admits(kind: number): boolean {
    if (this.#total.entries >= STATE_LIMITS.maxEntriesInAll) return false;
    if (kind < FIRST_NAME_KIND) return this.counts[kind] < STATE_LIMITS.maxRatesPerKind;
    let names = 0;
    for (let other = FIRST_NAME_KIND; other < STATE_KINDS; other++) names += this.counts[other];
    return names < STATE_LIMITS.maxNames;
  }

  #pageOf(hash: number): TablePage {
    if (this.#directory.length === 0) this.#directory.push(createPage(0));
    return this.#directory[hash & (this.#directory.length - 1)];
  }

  *#pages(): Iterable<TablePage> {
    // A page stands first in the slot that has no bits beyond its depth.
    for (const [slot, page] of this.#directory.entries()) if (slot >>> page.depth === 0) yield page;
  }

  #touch(page: TablePage): void {
    this.#changed = true;
    if (page.dirty) return;
    page.dirty = true;
    this.#dirty.push(page);
  }

  #replace(page: TablePage, entry: number, value: Uint8Array, valueBytes: number): number {
    const known = page.view.getUint16(entry + Entry.valueBytes);
    const at = valueAt(page.view, entry);
    if (known === valueBytes && sameOctets(page.view, at, value, 0, valueBytes)) return Put.unchanged;
    if (known !== valueBytes) {
      const tail = at + known;
      const end = page.used;
      resize(page, valueBytes - known);
      page.bytes.copyWithin(at + valueBytes, tail, end);
      page.view.setUint16(entry + Entry.valueBytes, valueBytes);
    }
    copy(page.bytes, at, value, valueBytes);
    this.#touch(page);
    return Put.changed;
  }

  #split(page: TablePage): void {
    if (page.depth === this.#depth) {
      this.#directory = this.#directory.concat(this.#directory);
      this.#depth++;
    }
    const bit = 1 << page.depth;
    const moved = createPage(page.depth + 1);
    page.depth++;
    let kept = PAGE_HEADER_BYTES;
    const { bytes, view, used } = page;
    for (let at = PAGE_HEADER_BYTES; at < used; ) {
      const length = entryBytes(view, at);
      if ((view.getUint32(at) & bit) === 0) {
        bytes.copyWithin(kept, at, at + length);
        kept += length;
      } else {
        const target = moved.used;
        resize(moved, length);
        moved.bytes.set(bytes.subarray(at, at + length), target);
        moved.entries++;
      }
      at += length;
    }
    resize(page, kept - used);
    trim(page);
    page.entries -= moved.entries;
    for (let slot = 0; slot < this.#directory.length; slot++) {
      if (this.#directory[slot] === page && (slot & bit) !== 0) this.#directory[slot] = moved;
    }
    this.#touch(page);
    this.#touch(moved);
  }
}

function createPage(depth: number): TablePage {
  const bytes = new Uint8Array(LEAST_PAGE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(Page.used, PAGE_HEADER_BYTES);
  return { depth, bytes, view, used: PAGE_HEADER_BYTES, entries: 0, address: 0, uid: 0, dirty: false };
}

/** Makes a page longer by so many octets (or shorter, when negative). */
function resize(page: TablePage, bytes: number): void {
  page.used += bytes;
  if (page.used > page.bytes.length) move(page, Math.max(page.used, page.bytes.length * 2));
  page.view.setUint32(Page.used, page.used);
}

/** Gives memory back that a page does not need: limits are on what is kept, so what was taken back must not cost either. */
function trim(page: TablePage): void {
  if (page.bytes.length > Math.max(LEAST_PAGE_BYTES, page.used * 4)) move(page, page.used * 2);
}

function move(page: TablePage, room: number): void {
  const bytes = new Uint8Array(room);
  bytes.set(page.bytes.subarray(0, Math.min(room, page.bytes.length)));
  page.bytes = bytes;
  page.view = new DataView(bytes.buffer);
}

function writePage(blocks: SharedBlocks, page: TablePage): void {
  const { bytes, view, address, used, entries } = page;
  view.setFloat64(Page.uid, page.uid);
  view.setUint32(Page.used, used);
  view.setUint32(Page.entries, entries);
  blocks.bytes.set(bytes.subarray(0, used), address);
  writeIndex(blocks.view, address);
}

function copy(target: Uint8Array, at: number, source: Uint8Array, length: number): void {
  for (let i = 0; i < length; i++) target[at + i] = source[i];
}
