const MIN_CAPACITY = 64 * 1024;

/** Memory of somebody else's that a writer may use for a while. */
export interface LentMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/**
 * A growing run of bytes. Encoders ask for room, write through `view` or `bytes` at an offset of their own and store it back in
 * `at`; both arrays change when room is made and when the bytes are taken. What does not fit lent memory goes on in
 * memory of the writer's own.
 */
export class ByteWriter {
  bytes!: Uint8Array;
  view!: DataView;
  /** Bytes written. */
  at = 0;
  readonly #minCapacity: number;
  #lent: LentMemory | null = null;
  #own: LentMemory | null = null;

  constructor(minCapacity = MIN_CAPACITY) {
    this.#minCapacity = minCapacity;
    this.#allocate(minCapacity);
  }

  /** Writes from now on into this memory. What was not taken before is forgotten. */
  lend(memory: LentMemory): void {
    if (this.#lent === null) this.#own = { bytes: this.bytes, view: this.view };
    this.at = 0;
    this.#lent = memory;
    this.bytes = memory.bytes;
    this.view = memory.view;
  }

  /** Ends the use of lent memory. How many bytes stand in it, or -1 when there were more than it could hold: take has them. */
  giveBack(): number {
    const lent = this.#lent;
    this.#lent = null;
    if (lent === null || this.bytes !== lent.bytes) return -1;
    const written = this.at;
    this.at = 0;
    this.bytes = this.#own!.bytes;
    this.view = this.#own!.view;
    return written;
  }

  /** Makes room for so many more bytes. */
  reserve(bytes: number): void {
    const need = this.at + bytes;
    if (need <= this.bytes.length) return;
    const written = this.bytes.subarray(0, this.at);
    this.#allocate(Math.max(need, this.bytes.length * 2));
    this.bytes.set(written);
  }

  /** What was written, in a buffer of its own; the writer begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    // Only own memory is left when there is something to take.
    const taken = this.bytes.subarray(0, this.at) as Uint8Array<ArrayBuffer>;
    this.at = 0;
    // A buffer that is at least half full is given away as it is, which saves the copy; the next one gets the size that this one needed.
    if (taken.length > this.bytes.length / 2) {
      this.#allocate(Math.max(this.#minCapacity, Math.ceil(taken.length * 1.125)));
      return taken;
    }
    return taken.slice();
  }

  #allocate(capacity: number): void {
    // Of its own, unlike Buffer.allocUnsafe; and not cleared, because only what was written is ever shown.
    const { buffer } = Buffer.allocUnsafeSlow(capacity);
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }
}

/** Copies all of source to an offset that has the room for it; returns the offset behind. For short runs: no view is made. */
export function putBytes(bytes: Uint8Array, at: number, source: Uint8Array): number {
  return putRange(bytes, at, source, 0, source.length);
}

/** Copies part of source. */
export function putRange(
  bytes: Uint8Array,
  at: number,
  source: Uint8Array,
  offset: number,
  length: number,
): number {
  for (let i = 0; i < length; i++) bytes[at + i] = source[offset + i];
  return at + length;
}
