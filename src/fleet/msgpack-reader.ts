/** What a body may consist of; maps are objects without a prototype. */
export type BodyValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly BodyValue[]
  | { readonly [key: string]: BodyValue };

const MAX_DEPTH = 4;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads MessagePack that anybody may have written: exactly one value without extensions, 64-bit integers or a key twice.
 * Nothing is made for a size before its octets are there. Octets are views. Undefined when it is not that.
 */
export function readMsgpack(bytes: Uint8Array): BodyValue | undefined {
  const reader = new Reader(bytes);
  try {
    const value = reader.value(0);
    return reader.at === bytes.length ? value : undefined;
  } catch (error) {
    // DataView and the text decoder throw these two; anything else is a fault of the program.
    if (error instanceof RangeError || error instanceof TypeError) return undefined;
    throw error;
  }
}

class Reader {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  value(depth: number): BodyValue {
    const kind = this.#uint(1);
    if (kind < 0x80) return kind;
    if (kind < 0x90) return this.#map(kind & 15, depth);
    if (kind < 0xa0) return this.#array(kind & 15, depth);
    if (kind < 0xc0) return this.#text(kind & 31);
    if (kind >= 0xe0) return kind - 0x100;
    switch (kind) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#take(this.#uint(1 << (kind - 0xc4)));
      case 0xca:
        return this.#view.getFloat32(this.#advance(4));
      case 0xcb:
        return this.#view.getFloat64(this.#advance(8));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#uint(1 << (kind - 0xcc));
      case 0xd0:
        return this.#view.getInt8(this.#advance(1));
      case 0xd1:
        return this.#view.getInt16(this.#advance(2));
      case 0xd2:
        return this.#view.getInt32(this.#advance(4));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#uint(1 << (kind - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#array(this.#uint(2 << (kind - 0xdc)), depth);
      case 0xde:
        return this.#map(this.#uint(2), depth);
      default:
        throw new RangeError('unknown kind of value');
    }
  }

  #array(count: number, depth: number): BodyValue[] {
    if (depth >= MAX_DEPTH || count > this.#bytes.length - this.at) throw new RangeError('array too large');
    return Array.from({ length: count }, () => this.value(depth + 1));
  }

  #map(count: number, depth: number): { [key: string]: BodyValue } {
    if (depth >= MAX_DEPTH) throw new RangeError('too deep');
    const map: { [key: string]: BodyValue } = Object.create(null);
    for (let i = 0; i < count; i++) {
      const key = this.value(MAX_DEPTH);
      if (typeof key !== 'string' || key in map) throw new RangeError('key twice, or no text');
      map[key] = this.value(depth + 1);
    }
    return map;
  }

  #text(length: number): string {
    return utf8.decode(this.#take(length));
  }

  #take(length: number): Uint8Array {
    const at = this.#advance(length);
    return this.#bytes.subarray(at, this.at);
  }

  #uint(octets: number): number {
    const at = this.#advance(octets);
    if (octets === 1) return this.#view.getUint8(at);
    return octets === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  #advance(octets: number): number {
    const at = this.at;
    if (octets > this.#bytes.length - at) throw new RangeError('ends in the middle of a value');
    this.at = at + octets;
    return at;
  }
}
