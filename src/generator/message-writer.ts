/** Length that says "variable" in a field specifier (RFC 7011 section 7). */
export const VARIABLE = 0xffff;

/**
 * Puts one message of sets into a buffer that is used again for the next: sets begin at multiples of 4 octets and are
 * padded to one (RFC 3954 section 5.2, RFC 7011 section 3.3.1).
 */
export class MessageWriter {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** First octet that must not be written; a multiple of 4, so that padding always has room. */
  readonly end: number;
  /** Where the next octet goes. */
  at = 0;
  #setAt = -1;
  #setId = 0;

  constructor(maxBytes: number) {
    this.end = maxBytes & ~3;
    this.bytes = new Uint8Array(this.end);
    this.view = new DataView(this.bytes.buffer);
  }

  begin(headerBytes: number): void {
    this.at = headerBytes;
    this.#setAt = -1;
  }

  /** Octets that a record of so many needs in a set, with the set header if that set is not the open one. */
  needed(setId: number, recordBytes: number): number {
    return this.#setAt >= 0 && this.#setId === setId ? recordBytes : recordBytes + 7;
  }

  /** Goes on with the open set of this id or starts one. */
  openSet(setId: number): void {
    if (this.#setAt >= 0) {
      if (this.#setId === setId) return;
      this.closeSet();
    }
    this.#setAt = this.at;
    this.#setId = setId;
    this.at += 4;
  }

  put(record: Uint8Array): void {
    this.bytes.set(record, this.at);
    this.at += record.length;
  }

  /** Pads the open set, if any, and writes its header. */
  closeSet(): void {
    if (this.#setAt < 0) return;
    while ((this.at & 3) !== 0) this.bytes[this.at++] = 0;
    this.view.setUint16(this.#setAt, this.#setId);
    this.view.setUint16(this.#setAt + 2, this.at - this.#setAt);
    this.#setAt = -1;
  }
}

/** Writes an unsigned integer of 1 to 8 octets, big-endian; value up to 2^53-1, cut to the octets there are. */
export function writeUint(view: DataView, at: number, length: number, value: number): void {
  switch (length) {
    case 1:
      view.setUint8(at, value);
      return;
    case 2:
      view.setUint16(at, value);
      return;
    case 4:
      view.setUint32(at, value);
      return;
    case 8:
      view.setUint32(at, value / 0x1_0000_0000);
      view.setUint32(at + 4, value);
      return;
    default:
      for (let i = at + length - 1; i >= at; i--) {
        view.setUint8(i, value);
        value = Math.floor(value / 256);
      }
  }
}
