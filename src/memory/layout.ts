import { assert } from '../base/assert.ts';

/**
 * Every shared region, word and offset. One SharedArrayBuffer holds all of it:
 *
 * ```
 * header (64 bytes) | per ring: control (128 bytes), slots | work items | shared heap
 * ```
 *
 * Shared words and their owners:
 *
 * | word                    | writer                              | readers          | order                                    |
 * |-------------------------|-------------------------------------|------------------|------------------------------------------|
 * | header                  | creator, before any other thread    | all, at attach   | thread start                             |
 * | ring head               | the ring's receiver                 | main             | stored (Atomics) after the slot is whole |
 * | ring full, kernelDrops  | the ring's receiver                 | main             | stored (Atomics), monotonic              |
 * | ring tail               | main                                | the receiver     | stored (Atomics) when no reader is left  |
 * | ring stop               | main                                | the receiver     | stored (Atomics) once                    |
 * | ring mainWaits          | main                                | the receiver     | stored before head is looked at again    |
 * | slot                    | receiver until published            | main, workers    | ring head; work item message             |
 * | item words 0 to 5       | main                                | the task's worker| task message to the worker               |
 * | item state and result   | the task's worker while it runs     | main             | task result message, or worker exit      |
 * | heap block              | main, before its address is used    | workers          | task message to the worker               |
 *
 * Indexes are monotonic 32-bit counters that are masked when used; capacities are powers of two.
 */
export const MEMORY_MAGIC = 0x4d4c5243; // "MLRC"
export const MEMORY_VERSION = 2;

/** 32-bit words of the header. */
export const HeaderWord = {
  magic: 0,
  version: 1,
  bytes: 2,
  rings: 3,
  slots: 4,
  slotBytes: 5,
  items: 6,
  heapBytes: 7,
};
export const HEADER_REGION_BYTES = 64;

/** Byte offsets in a ring's control block: one cache line per writing thread, the receiver's first. */
export const RingControl = {
  head: 0,
  full: 4,
  kernelDrops: 8,
  tail: 64,
  stop: 68,
  mainWaits: 72,
  bytes: 128,
} as const;

/**
 * A datagram record: in a ring slot, or in a heap block for a set that was held. Length, number and time are little-endian. Port
 * (big-endian) and address (16-byte form) lie where a `struct sockaddr_in6` at `source` has them, so that the kernel can
 * write them.
 */
export const RecordOffset = {
  length: 0,
  /** Number of the datagram since the start, modulo 2^32; written by the main thread, which alone reads it. */
  number: 4,
  source: 8,
  port: 10,
  address: 16,
  receivedAtMs: 40,
  payload: 48,
} as const;
/** Length of a record whose datagram did not fit: nothing of it may be used. */
export const LENGTH_OVERSIZE = 0xffffffff;

/** 32-bit words of a work item. */
export const ItemWord = {
  /** Byte address of the datagram's payload; its record is RecordOffset.payload before it. */
  payload: 0,
  /** Offset of the message header in the payload (upper half) and start of the set's content (lower half). */
  headerAndStart: 1,
  /** End of the set's content (lower half); bit 16: options records. */
  end: 2,
  /** Address of the template entry. */
  entry: 3,
  /** Address of the exporter state, 0 for none. */
  state: 4,
  /** Address of the template directory of the scope, 0 where the layout holds no structured data. */
  directory: 5,
  /** ItemState (lower two bits) and the id of the thread that works on it. */
  progress: 6,
  /** Records decoded (lower 24 bits) and fault number (upper 8). */
  result: 7,
  words: 8,
} as const;
export const ITEM_OPTIONS_BIT = 0x10000;

export const ItemState = { waiting: 0, started: 1, done: 2, skip: 3 } as const;

export interface MemorySize {
  rings: number;
  /** Slots of each ring. */
  slots: number;
  /** Largest datagram a slot can take, in bytes. */
  maxDatagramBytes: number;
  items: number;
  heapBytes: number;
}

export interface MemoryOffsets {
  slotBytes: number;
  ringBytes: number;
  rings: number;
  items: number;
  heap: number;
  total: number;
}

/** Offsets are kept in 31 bits, so that addresses are small integers everywhere. */
const MAX_TOTAL_BYTES = 0x7fffffff;
/** A datagram with as many one-byte sets as fit must find room for its items. */
export const MIN_ITEMS = 16_384;

export function memoryOffsets(size: MemorySize): MemoryOffsets {
  assert(isPowerOfTwo(size.slots) && isPowerOfTwo(size.items), 'capacities are powers of two');
  assert(size.items >= MIN_ITEMS, 'the item ring holds the sets of any datagram');
  assert(size.maxDatagramBytes >= 1 && size.maxDatagramBytes <= 0xffff, 'a datagram length fits 16 bits');
  const slotBytes = align(RecordOffset.payload + size.maxDatagramBytes);
  const ringBytes = RingControl.bytes + size.slots * slotBytes;
  const rings = HEADER_REGION_BYTES;
  const items = rings + size.rings * ringBytes;
  const heap = items + size.items * ItemWord.words * 4;
  const total = heap + align(size.heapBytes);
  assert(total <= MAX_TOTAL_BYTES, `shared memory of ${total} bytes is more than ${MAX_TOTAL_BYTES}`);
  return { slotBytes, ringBytes, rings, items, heap, total };
}

function align(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

function isPowerOfTwo(n: number): boolean {
  return n > 0 && (n & (n - 1)) === 0;
}
