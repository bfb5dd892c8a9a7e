const MIN_CAPACITY = 64 * 1024;

/**
 * A growing run of bytes. Encoders ask for room, write through `view` or `bytes` at an offset of their own and store it back in
 * `at`; both arrays change when room is made and when the bytes are taken.
 */
export class ByteWriter {
  bytes!: Uint8Array<ArrayBuffer>;
  view!: DataView<ArrayBuffer>;
  /** Bytes written. */
  at = 0;
  readonly #minCapacity: number;

  constructor(minCapacity = MIN_CAPACITY) {
    this.#minCapacity = minCapacity;
    this.#allocate(minCapacity);
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
    const taken = this.bytes.subarray(0, this.at);
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
    this.bytes = new Uint8Array(Buffer.allocUnsafeSlow(capacity).buffer as ArrayBuffer);
    this.view = new DataView(this.bytes.buffer);
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
