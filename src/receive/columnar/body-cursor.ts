import { countText } from '../../base/count-text.ts';
import { MillraceError } from '../../base/errors.ts';

/** Columnar bytes that cannot be read (code INPUT_FAILED), and where. */
export class ColumnarError extends MillraceError {
  /** Octets from the start of the input to what is wrong. */
  readonly offset: number;

  constructor(reason: string, offset: number) {
    super('INPUT_FAILED', `columnar data broken at octet ${offset}: ${reason}`);
    this.offset = offset;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Takes a frame body apart, MessagePack value by value: the few kinds that a body has, in whatever size they come. Nothing is
 * read outside of the body and nothing is made for a size before its octets are there. Throws ColumnarError.
 */
export class BodyCursor {
  readonly bytes: Uint8Array;
  at: number;
  readonly #view: DataView;
  readonly #end: number;
  /** Offset in the input of the first of `bytes`. */
  readonly #origin: number;

  constructor(bytes: Uint8Array, start: number, end: number, origin: number) {
    // The slice of a Buffer would not be a copy.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = end;
    this.#origin = origin;
  }

  get left(): number {
    return this.#end - this.at;
  }

  fail(reason: string, at = this.at): never {
    throw new ColumnarError(reason, this.#origin + at);
  }

  /** The number of members of a map. */
  map(): number {
    const at = this.at;
    const kind = this.#u8();
    if (kind >= 0x80 && kind <= 0x8f) return kind & 15;
    if (kind === 0xde) return this.#u16();
    return this.fail('a map is expected', at);
  }

  /** The number of items of an array; what is asked for has at least one octet each. */
  array(): number {
    const at = this.at;
    const kind = this.#u8();
    let count = kind & 15;
    if (kind === 0xdc) count = this.#u16();
    else if (kind === 0xdd) count = this.#u32();
    else if (kind < 0x90 || kind > 0x9f) this.fail('an array is expected', at);
    if (count > this.left)
      this.fail(`an array of ${countText(count, 'item')} does not fit into its frame`, at);
    return count;
  }

  integer(): number {
    const at = this.at;
    const kind = this.#u8();
    if (kind < 0x80) return kind;
    if (kind === 0xcc) return this.#u8();
    if (kind === 0xcd) return this.#u16();
    if (kind === 0xce) return this.#u32();
    return this.fail('an unsigned integer of up to 32 bits is expected', at);
  }

  text(): string {
    const at = this.at;
    const kind = this.#u8();
    let length = kind & 31;
    if (kind === 0xd9) length = this.#u8();
    else if (kind === 0xda) length = this.#u16();
    else if (kind === 0xdb) length = this.#u32();
    else if (kind < 0xa0 || kind > 0xbf) this.fail('a text is expected', at);
    const octets = this.#take(length);
    try {
      return utf8.decode(octets);
    } catch {
      return this.fail('a text is no UTF-8', at);
    }
  }

  /** The octets where they lie. */
  binary(): Uint8Array {
    const at = this.at;
    const kind = this.#u8();
    let length = 0;
    if (kind === 0xc4) length = this.#u8();
    else if (kind === 0xc5) length = this.#u16();
    else if (kind === 0xc6) length = this.#u32();
    else this.fail('binary data are expected', at);
    return this.#take(length);
  }

  /** Whether a nil is next, which is taken then. */
  nil(): boolean {
    if (this.left === 0 || this.bytes[this.at] !== 0xc0) return false;
    this.at++;
    return true;
  }

  /** The key of a map, which has to be this one. */
  key(name: string): void {
    const at = this.at;
    if (this.text() !== name) this.fail(`the key ${JSON.stringify(name)} is expected`, at);
  }

  #take(length: number): Uint8Array {
    if (length > this.left) this.fail(`${length} octets do not fit into their frame`);
    const start = this.at;
    this.at += length;
    return this.bytes.subarray(start, this.at);
  }

  #u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  #u16(): number {
    return this.#view.getUint16(this.#advance(2));
  }

  #u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  #advance(octets: number): number {
    if (octets > this.left) this.fail('a frame ends in the middle of a value');
    const at = this.at;
    this.at += octets;
    return at;
  }
}
