import { assert } from '../base/assert.ts';

/**
 * Blocks of shared memory for things that never change once written: template entries, layouts, exporter state.
 *
 * One thread (the main thread) allocates, writes and frees; decode workers only read. A block is written completely before
 * its address is put into a work item, and the item reaches the worker by a message, which orders the two. A block is
 * freed by address at once, but its memory is used again only when every work item that was made before is retired
 * (`reclaim`), so no reader ever sees a block change.
 */
export interface SharedBlocks {
  /** The whole region; addresses are byte offsets into these. */
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Address of a block of at least so many bytes (8-byte aligned, never 0), or 0 when the region is full. */
  allocate(byteLength: number): number;
  /** Gives a block back. No new work item may refer to it from now on; items already made may. */
  free(address: number): void;
}

/** In front of each block: its size class, with FREED while it waits for reclaim and FREE after. Read by the allocator only. */
const BLOCK_HEADER_BYTES = 8;
const FREED = 0x40;
const FREE = 0x80;
/** In a free block: the blocks before and behind it in the list of its size, 0 for none. */
const PREVIOUS = 8;
const NEXT = 12;
/** Blocks are powers of two from 2^MIN_CLASS bytes, header included. */
const MIN_CLASS = 5;
const CLASSES = 32;

/**
 * The allocator of the shared heap, of buddies: powers of two at multiples of their size, halved for what is smaller, and joined
 * again when both halves are free, so that no storm of one size takes the memory from all others. Reuse only after reclaim.
 * The lists of free blocks stand in the blocks themselves, so every step costs the same however many there are.
 */
export class SharedHeap implements SharedBlocks {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #start: number;
  /** Behind the last block. */
  readonly #end: number;
  /** By size class: the first free block, 0 for none. */
  readonly #first = new Uint32Array(CLASSES);
  /** Freed blocks that items in flight may still read, in the order of freeing: address and the items made by then. */
  readonly #retired: { address: number; items: number }[] = [];
  #retiredHead = 0;
  /** Work items made so far; the owner keeps it up to date. */
  itemsMade = 0;
  /** Bytes in blocks that are in use or wait for reclaim. */
  usedBytes = 0;
  /** Bytes of them in blocks that wait for reclaim. */
  #waitingBytes = 0;

  constructor(bytes: Uint8Array, view: DataView, start: number, end: number) {
    assert(start > 0 && start % 8 === 0, 'blocks are aligned to 8 bytes');
    this.bytes = bytes;
    this.view = view;
    this.#start = start;
    for (let sizeClass = CLASSES - 1; sizeClass >= MIN_CLASS; sizeClass--) {
      if (start + 2 ** sizeClass > end) continue;
      this.#link(start, sizeClass);
      start += 2 ** sizeClass;
    }
    this.#end = start;
  }

  allocate(byteLength: number): number {
    const wanted = Math.max(MIN_CLASS, 32 - Math.clz32(byteLength + BLOCK_HEADER_BYTES - 1));
    let sizeClass = wanted;
    while (sizeClass < CLASSES && this.#first[sizeClass] === 0) sizeClass++;
    if (sizeClass >= CLASSES) return 0;
    const block = this.#first[sizeClass];
    this.#unlink(block, sizeClass);
    while (sizeClass > wanted) {
      sizeClass--;
      this.#link(block + 2 ** sizeClass, sizeClass);
    }
    this.view.setUint32(block, sizeClass, true);
    this.usedBytes += 2 ** sizeClass;
    return block + BLOCK_HEADER_BYTES;
  }

  /** Whether much of the region is in blocks that only wait for items to be retired. */
  get crowded(): boolean {
    return this.#waitingBytes * 2 > this.#end - this.#start;
  }

  free(address: number): void {
    const block = address - BLOCK_HEADER_BYTES;
    const sizeClass = this.view.getUint32(block, true);
    assert(sizeClass < CLASSES, 'a block is freed once');
    this.view.setUint32(block, sizeClass | FREED, true);
    this.#waitingBytes += 2 ** sizeClass;
    this.#retired.push({ address, items: this.itemsMade });
  }

  /** Makes freed blocks usable again; itemsRetired: how many of the items made are retired, in order. */
  reclaim(itemsRetired: number): void {
    let head = this.#retiredHead;
    while (head < this.#retired.length && this.#retired[head].items <= itemsRetired) {
      const block = this.#retired[head++].address - BLOCK_HEADER_BYTES;
      const sizeClass = this.view.getUint32(block, true) & ~FREED;
      this.usedBytes -= 2 ** sizeClass;
      this.#waitingBytes -= 2 ** sizeClass;
      this.#join(block, sizeClass);
    }
    this.#retiredHead = head;
    if (head > 1024 && head * 2 > this.#retired.length) {
      this.#retired.splice(0, head);
      this.#retiredHead = 0;
    }
  }

  /** Makes a block free, together with its other half where that is free, too. */
  #join(block: number, sizeClass: number): void {
    for (; ; sizeClass++) {
      const other = this.#start + ((block - this.#start) ^ (2 ** sizeClass));
      // A block starts there in any case; where the other half is in use in part, it is smaller.
      if (other >= this.#end || this.view.getUint32(other, true) !== (sizeClass | FREE)) break;
      this.#unlink(other, sizeClass);
      block = Math.min(block, other);
    }
    this.#link(block, sizeClass);
  }

  #link(block: number, sizeClass: number): void {
    const { view } = this;
    const next = this.#first[sizeClass];
    view.setUint32(block, sizeClass | FREE, true);
    view.setUint32(block + PREVIOUS, 0, true);
    view.setUint32(block + NEXT, next, true);
    if (next !== 0) view.setUint32(next + PREVIOUS, block, true);
    this.#first[sizeClass] = block;
  }

  #unlink(block: number, sizeClass: number): void {
    const { view } = this;
    const previous = view.getUint32(block + PREVIOUS, true);
    const next = view.getUint32(block + NEXT, true);
    if (previous === 0) this.#first[sizeClass] = next;
    else view.setUint32(previous + NEXT, next, true);
    if (next !== 0) view.setUint32(next + PREVIOUS, previous, true);
  }
}
