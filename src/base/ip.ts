/**
 * IP and MAC addresses between bytes and text. The in-memory form of every address is 16 bytes in network order; IPv4 is
 * kept in its IPv4-mapped form (::ffff:a.b.c.d), so that one exporter has one form whatever socket it reached.
 */

const V4_PREFIX_WORD = 0x0000ffff;

/** a.b.c.d of a 32-bit number in network order. */
export function ipv4Text(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/** RFC 5952 text of the 16 bytes at offset. */
export function ipv6Text(bytes: Uint8Array, offset: number): string {
  let bestStart = -1;
  let bestLength = 1;
  let runStart = -1;
  for (let i = 0; i <= 8; i++) {
    const zero = i < 8 && bytes[offset + 2 * i] === 0 && bytes[offset + 2 * i + 1] === 0;
    if (zero) {
      if (runStart < 0) runStart = i;
    } else if (runStart >= 0) {
      if (i - runStart > bestLength) {
        bestStart = runStart;
        bestLength = i - runStart;
      }
      runStart = -1;
    }
  }
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === bestStart) {
      text += '::';
      i += bestLength - 1;
      continue;
    }
    if (text !== '' && !text.endsWith(':')) text += ':';
    text += ((bytes[offset + 2 * i] << 8) | bytes[offset + 2 * i + 1]).toString(16);
  }
  return text;
}

/** Text of the 16-byte address at an offset: IPv4-mapped ones as IPv4. */
export function addressText(bytes: Uint8Array, offset = 0): string {
  if (isV4Mapped(bytes, offset)) {
    const o = offset + 12;
    return `${bytes[o]}.${bytes[o + 1]}.${bytes[o + 2]}.${bytes[o + 3]}`;
  }
  return ipv6Text(bytes, offset);
}

export function isV4Mapped(bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < 10; i++) if (bytes[offset + i] !== 0) return false;
  return bytes[offset + 10] === 255 && bytes[offset + 11] === 255;
}

/** aa:bb:cc:dd:ee:ff of the upper 16 and lower 32 bits. */
export function macText(high: number, low: number): string {
  const hex = (high & 0xffff).toString(16).padStart(4, '0') + low.toString(16).padStart(8, '0');
  return `${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4, 6)}:${hex.slice(6, 8)}:${hex.slice(8, 10)}:${hex.slice(10, 12)}`;
}

/**
 * Writes the 16-byte form of an address text (IPv4, IPv6, with or without a zone) to target.
 * Returns false, with target undefined, when the text is no address.
 */
export function parseAddress(text: string, target: Uint8Array, offset = 0): boolean {
  const zone = text.indexOf('%');
  if (zone >= 0) text = text.slice(0, zone);
  if (text.indexOf(':') < 0) {
    const v4 = parseV4(text);
    if (v4 < 0) return false;
    writeMapped(target, offset, v4);
    return true;
  }
  return parseV6(text, target, offset);
}

/** Writes the IPv4-mapped form of a 32-bit address. */
export function writeMapped(target: Uint8Array, offset: number, v4: number): void {
  target.fill(0, offset, offset + 10);
  target[offset + 10] = V4_PREFIX_WORD >>> 8;
  target[offset + 11] = V4_PREFIX_WORD & 255;
  target[offset + 12] = v4 >>> 24;
  target[offset + 13] = v4 >>> 16;
  target[offset + 14] = v4 >>> 8;
  target[offset + 15] = v4;
}

/** The 32-bit value as a number from 0 to 2^32-1, or -1. */
function parseV4(text: string): number {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return -1;
  let value = 0;
  for (let i = 1; i <= 4; i++) {
    const octet = Number(match[i]);
    if (octet > 255) return -1;
    value = value * 256 + octet;
  }
  return value;
}

function parseV6(text: string, target: Uint8Array, offset: number): boolean {
  const lastColon = text.lastIndexOf(':');
  const tail = text.slice(lastColon + 1);
  if (tail.includes('.')) {
    const v4 = parseV4(tail);
    if (v4 < 0) return false;
    text = `${text.slice(0, lastColon + 1)}${(v4 >>> 16).toString(16)}:${(v4 & 0xffff).toString(16)}`;
  }
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const head = halves[0] === '' ? [] : halves[0].split(':');
  const rest = halves.length === 1 || halves[1] === '' ? [] : halves[1].split(':');
  const missing = 8 - head.length - rest.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return false;
  const groups = [...head, ...new Array<string>(halves.length === 1 ? 0 : missing).fill('0'), ...rest];
  for (let i = 0; i < 8; i++) {
    if (!/^[0-9a-f]{1,4}$/i.test(groups[i])) return false;
    const value = Number.parseInt(groups[i], 16);
    target[offset + 2 * i] = value >>> 8;
    target[offset + 2 * i + 1] = value;
  }
  return true;
}

/** An address range. Matching compares the first `bits` bits of the 16-byte form. */
export class Cidr {
  readonly bytes: Uint8Array;
  readonly bits: number;

  private constructor(bytes: Uint8Array, bits: number) {
    this.bytes = bytes;
    this.bits = bits;
  }

  /** `10.0.0.0/8`, `2001:db8::/32` or a single address; null when it is neither. */
  static parse(text: string): Cidr | null {
    const slash = text.indexOf('/');
    const address = slash < 0 ? text : text.slice(0, slash);
    const bytes = new Uint8Array(16);
    if (!parseAddress(address, bytes)) return null;
    const v4 = !address.includes(':');
    const width = v4 ? 32 : 128;
    let prefix = width;
    if (slash >= 0) {
      if (!/^\d{1,3}$/.test(text.slice(slash + 1))) return null;
      prefix = Number(text.slice(slash + 1));
      if (prefix > width) return null;
    }
    return new Cidr(bytes, v4 ? prefix + 96 : prefix);
  }

  contains(address: Uint8Array, offset = 0): boolean {
    const whole = this.bits >>> 3;
    for (let i = 0; i < whole; i++) if (this.bytes[i] !== address[offset + i]) return false;
    const rest = this.bits & 7;
    return rest === 0 || ((this.bytes[whole] ^ address[offset + whole]) & (0xff00 >>> rest) & 0xff) === 0;
  }
}
