import { RecordOffset, RingControl } from './layout.ts';
import type { SharedMemory } from './shared-memory.ts';

/**
 * Datagram slots between one receiver (producer) and the main thread (consumer). The producer touches head only, the
 * consumer tail only; roles never change. A slot goes free → claimed (producer) → published → taken (main, read by decode
 * workers) → released. In order: what is released first was received first.
 */
export class Ring {
  readonly #memory: SharedMemory;
  readonly #headWord: number;
  readonly #tailWord: number;
  readonly #slots: number;
  readonly #mask: number;
  /** Consumer's own: slots taken so far. */
  #taken: number;

  constructor(memory: SharedMemory, base: number) {
    this.#memory = memory;
    this.#headWord = (base + RingControl.head) >>> 2;
    this.#tailWord = (base + RingControl.tail) >>> 2;
    this.#slots = base + RingControl.bytes;
    this.#mask = memory.size.slots - 1;
    this.#taken = Atomics.load(memory.words, this.#tailWord);
  }

  /** Producer: address of the next free slot, or -1 when the ring is full. */
  claim(): number {
    const { words, size } = this.#memory;
    const head = words[this.#headWord];
    if (((head - Atomics.load(words, this.#tailWord)) | 0) >= size.slots) return -1;
    return this.#slot(head);
  }

  /** Producer: hands over the claimed slot, which must be whole. */
  publish(): void {
    const { words } = this.#memory;
    Atomics.store(words, this.#headWord, (words[this.#headWord] + 1) | 0);
  }

  /** Consumer: published slots that are not taken yet. */
  available(): number {
    return (Atomics.load(this.#memory.words, this.#headWord) - this.#taken) | 0;
  }

  /** Consumer: address of the next published slot; only when available. */
  take(): number {
    const slot = this.#slot(this.#taken);
    this.#taken = (this.#taken + 1) | 0;
    return slot;
  }

  /** Consumer: gives the oldest taken slots back. */
  release(count: number): void {
    const { words } = this.#memory;
    Atomics.store(words, this.#tailWord, (words[this.#tailWord] + count) | 0);
  }

  /** Slots that are not free. */
  used(): number {
    const { words } = this.#memory;
    return (Atomics.load(words, this.#headWord) - Atomics.load(words, this.#tailWord)) | 0;
  }

  #slot(index: number): number {
    return this.#slots + (index & this.#mask) * this.#memory.offsets.slotBytes;
  }
}

/** Writes a datagram record at a slot's or block's address. The payload must fit. */
export function writeRecord(
  memory: { bytes: Uint8Array; view: DataView },
  at: number,
  payload: Uint8Array,
  address: Uint8Array,
  addressAt: number,
  port: number,
  receivedAtMs: number,
): void {
  const { bytes, view } = memory;
  view.setUint32(at + RecordOffset.length, payload.length, true);
  view.setUint16(at + RecordOffset.port, port, true);
  view.setFloat64(at + RecordOffset.receivedAtMs, receivedAtMs, true);
  for (let i = 0; i < 16; i++) bytes[at + RecordOffset.address + i] = address[addressAt + i];
  bytes.set(payload, at + RecordOffset.payload);
}
