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

/** In front of each block: its size class. Read by the allocator only. */
const BLOCK_HEADER_BYTES = 8;
/** Blocks are powers of two from 2^MIN_CLASS bytes, header included. */
const MIN_CLASS = 5;
const CLASSES = 32;

/**
 * The allocator of the shared heap, of buddies: powers of two at multiples of their size, halved for what is smaller, and joined
 * again when both halves are free, so that no storm of one size takes the memory from all others. Reuse only after reclaim.
 */
export class SharedHeap implements SharedBlocks {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #start: number;
  /** Free blocks by size class: their offsets from the start. */
  readonly #free: Set<number>[] = Array.from({ length: CLASSES }, () => new Set());
  /** Freed blocks that items in flight may still read, in the order of freeing: address and the items made by then. */
  readonly #retired: { address: number; items: number }[] = [];
  #retiredHead = 0;
  /** Work items made so far; the owner keeps it up to date. */
  itemsMade = 0;
  /** Bytes in blocks that are in use or wait for reclaim. */
  usedBytes = 0;

  constructor(bytes: Uint8Array, view: DataView, start: number, end: number) {
    assert(start % 8 === 0, 'blocks are aligned to 8 bytes');
    this.bytes = bytes;
    this.view = view;
    this.#start = start;
    for (let sizeClass = CLASSES - 1, offset = 0; sizeClass >= MIN_CLASS; sizeClass--) {
      const size = 2 ** sizeClass;
      if (start + offset + size > end) continue;
      this.#free[sizeClass].add(offset);
      offset += size;
    }
  }

  allocate(byteLength: number): number {
    const wanted = Math.max(MIN_CLASS, 32 - Math.clz32(byteLength + BLOCK_HEADER_BYTES - 1));
    let sizeClass = wanted;
    while (sizeClass < CLASSES && this.#free[sizeClass].size === 0) sizeClass++;
    if (sizeClass >= CLASSES) return 0;
    const [offset] = this.#free[sizeClass];
    this.#free[sizeClass].delete(offset);
    while (sizeClass > wanted) {
      sizeClass--;
      this.#free[sizeClass].add(offset + 2 ** sizeClass);
    }
    const block = this.#start + offset;
    this.view.setUint32(block, sizeClass, true);
    this.usedBytes += 2 ** sizeClass;
    return block + BLOCK_HEADER_BYTES;
  }

  free(address: number): void {
    this.#retired.push({ address, items: this.itemsMade });
  }

  /** Makes freed blocks usable again; itemsRetired: how many of the items made are retired, in order. */
  reclaim(itemsRetired: number): void {
    let head = this.#retiredHead;
    while (head < this.#retired.length && this.#retired[head].items <= itemsRetired) {
      const block = this.#retired[head++].address - BLOCK_HEADER_BYTES;
      const sizeClass = this.view.getUint32(block, true);
      this.usedBytes -= 2 ** sizeClass;
      this.#join(block - this.#start, sizeClass);
    }
    this.#retiredHead = head;
    if (head > 1024 && head * 2 > this.#retired.length) {
      this.#retired.splice(0, head);
      this.#retiredHead = 0;
    }
  }

  /** Adds a free block, together with its other half where that is free, too. */
  #join(offset: number, sizeClass: number): void {
    while (this.#free[sizeClass].delete(offset ^ (2 ** sizeClass))) {
      offset &= ~(2 ** sizeClass);
      sizeClass++;
    }
    this.#free[sizeClass].add(offset);
  }
}
