import { RecordOffset, RingControl } from './layout.ts';
import type { SharedMemory } from './shared-memory.ts';
import { changed, sleep, wake } from './wait.ts';

/**
 * Datagram slots between one receiver (producer) and the main thread (consumer). The producer touches head only, the
 * consumer tail only; roles never change. A slot goes free → claimed (producer) → published → taken (main, read by decode
 * workers) → released. In order: what is released first was received first.
 */
export class Ring {
  readonly #memory: SharedMemory;
  readonly #headWord: number;
  readonly #fullWord: number;
  readonly #kernelDropsWord: number;
  readonly #tailWord: number;
  readonly #stopWord: number;
  readonly #mainWaitsWord: number;
  readonly #slots: number;
  readonly #mask: number;
  /** Consumer's own: slots taken so far. */
  #taken: number;

  constructor(memory: SharedMemory, base: number) {
    this.#memory = memory;
    this.#headWord = (base + RingControl.head) >>> 2;
    this.#fullWord = (base + RingControl.full) >>> 2;
    this.#kernelDropsWord = (base + RingControl.kernelDrops) >>> 2;
    this.#tailWord = (base + RingControl.tail) >>> 2;
    this.#stopWord = (base + RingControl.stop) >>> 2;
    this.#mainWaitsWord = (base + RingControl.mainWaits) >>> 2;
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
    this.publishMany(1);
  }

  /** Producer: index of the next slot, and how many slots from there on are free without wrapping around. */
  get nextIndex(): number {
    return this.#memory.words[this.#headWord] & this.#mask;
  }
  freeRun(): number {
    const { words, size } = this.#memory;
    const head = words[this.#headWord];
    const used = (head - Atomics.load(words, this.#tailWord)) | 0;
    return Math.min(size.slots - used, size.slots - (head & this.#mask));
  }

  /** Address of the slot with this index. */
  slotAt(index: number): number {
    return this.#slots + index * this.#memory.offsets.slotBytes;
  }

  /** Producer: hands over the next count slots, which must be whole. */
  publishMany(count: number): void {
    const { words } = this.#memory;
    Atomics.store(words, this.#headWord, (words[this.#headWord] + count) | 0);
    if (Atomics.load(words, this.#mainWaitsWord) !== 0) wake(words, this.#headWord);
  }

  /** Producer: counts that there was no free slot, and sleeps until there may be one. Not on the main thread. */
  waitForRoom(): void {
    const { words } = this.#memory;
    Atomics.add(words, this.#fullWord, 1);
    sleep(words, this.#tailWord, Atomics.load(words, this.#tailWord));
  }

  /** Producer: sleeps for so long, less when it should end. */
  rest(ms: number): void {
    sleep(this.#memory.words, this.#stopWord, 0, ms);
  }

  /** Producer: how many datagrams the kernel has dropped so far. */
  setKernelDrops(count: number): void {
    Atomics.store(this.#memory.words, this.#kernelDropsWord, count | 0);
  }

  /** Producer: whether it should end. */
  stopping(): boolean {
    return Atomics.load(this.#memory.words, this.#stopWord) !== 0;
  }

  /** Main: asks the producer to end. */
  stop(): void {
    Atomics.store(this.#memory.words, this.#stopWord, 1);
    wake(this.#memory.words, this.#stopWord);
  }

  get kernelDrops(): number {
    return Atomics.load(this.#memory.words, this.#kernelDropsWord) >>> 0;
  }
  /** How often the producer found no free slot and had to wait. */
  get timesFull(): number {
    return Atomics.load(this.#memory.words, this.#fullWord) >>> 0;
  }

  /**
   * Main: resolves soon after something is published, or after a while; null when something is there already. The flag is
   * set before the look at head, and the producer stores head before it looks at the flag: so one of them sees the other.
   */
  arrival(): Promise<void> | null {
    const { words } = this.#memory;
    Atomics.store(words, this.#mainWaitsWord, 1);
    const waiting = changed(words, this.#headWord, this.#taken);
    if (waiting === null) Atomics.store(words, this.#mainWaitsWord, 0);
    return waiting;
  }

  /** Main: does not wait any more. */
  awake(): void {
    Atomics.store(this.#memory.words, this.#mainWaitsWord, 0);
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

  #slot(counter: number): number {
    return this.slotAt(counter & this.#mask);
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
  view.setUint16(at + RecordOffset.port, port);
  view.setFloat64(at + RecordOffset.receivedAtMs, receivedAtMs, true);
  for (let i = 0; i < 16; i++) bytes[at + RecordOffset.address + i] = address[addressAt + i];
  bytes.set(payload, at + RecordOffset.payload);
}
