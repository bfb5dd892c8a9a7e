/**
 * A window over a stream of bytes, for readers that look at a record in place. It holds what has arrived and was not
 * used; it grows only when one record needs more, and only as far as its bytes arrive.
 */

/** Gives bytes a chunk at a time. */
export interface ByteSource {
  /** The next bytes, valid until the next call; null at the end. */
  next(): Promise<Uint8Array | null>;
  close(): Promise<void>;
  /** Why the end was not a clean one: the bytes were cut short, or could not be unpacked. */
  readonly fault: 'none' | 'truncated' | 'broken';
}

const INITIAL_BYTES = 256 * 1024;

export class ByteStream {
  bytes = new Uint8Array(INITIAL_BYTES);
  view = new DataView(this.bytes.buffer);
  /** The unread bytes are bytes[start .. end); readers move start. */
  start = 0;
  end = 0;
  readonly #source: ByteSource;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get fault(): ByteSource['fault'] {
    return this.#source.fault;
  }

  /** Waits until so many bytes are buffered; false when the stream ends before. May move the window. */
  async fill(count: number): Promise<boolean> {
    while (this.end - this.start < count) {
      const chunk = await this.#source.next();
      if (chunk === null) return false;
      this.#append(chunk);
    }
    return true;
  }

  /** Whatever is buffered, else the next chunk; null at the end. The bytes are valid until the next call. */
  async take(): Promise<Uint8Array | null> {
    if (this.end === this.start) return this.#source.next();
    const taken = this.bytes.subarray(this.start, this.end);
    this.start = this.end;
    return taken;
  }

  close(): Promise<void> {
    return this.#source.close();
  }

  #append(chunk: Uint8Array): void {
    const kept = this.end - this.start;
    const needed = kept + chunk.length;
    if (needed > this.bytes.length) {
      let size = this.bytes.length;
      while (size < needed) size *= 2;
      const larger = new Uint8Array(size);
      larger.set(this.bytes.subarray(this.start, this.end));
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
      this.start = 0;
      this.end = kept;
    } else if (this.end + chunk.length > this.bytes.length) {
      this.bytes.copyWithin(0, this.start, this.end);
      this.start = 0;
      this.end = kept;
    }
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }
}
