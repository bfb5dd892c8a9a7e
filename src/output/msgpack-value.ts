import type { ByteWriter } from './byte-writer.ts';

/**
 * MessagePack primitives: integers in their smallest form. Each `put` function writes at an offset of a view and returns the offset
 * behind; at most nine octets.
 */

/** value: 0 to 2^32 - 1. */
export function putUint32(view: DataView, at: number, value: number): number {
  if (value < 128) {
    view.setUint8(at, value);
    return at + 1;
  }
  if (value < 256) {
    view.setUint16(at, 0xcc00 | value);
    return at + 2;
  }
  if (value < 65536) {
    view.setUint8(at, 0xcd);
    view.setUint16(at + 1, value);
    return at + 3;
  }
  view.setUint8(at, 0xce);
  view.setUint32(at + 1, value);
  return at + 5;
}

export function putUint64(view: DataView, at: number, hi: number, lo: number): number {
  if (hi === 0) return putUint32(view, at, lo);
  view.setUint8(at, 0xcf);
  view.setUint32(at + 1, hi);
  view.setUint32(at + 5, lo);
  return at + 9;
}

/** hi: upper 32 bits in two's complement. */
export function putInt64(view: DataView, at: number, hi: number, lo: number): number {
  const upper = hi | 0;
  if (upper >= 0) return putUint64(view, at, upper, lo);
  const lower = lo | 0;
  if (upper === -1 && lower < 0) return putNegative(view, at, lower);
  view.setUint8(at, 0xd3);
  view.setInt32(at + 1, upper);
  view.setUint32(at + 5, lo);
  return at + 9;
}

/** value: -2^31 to -1. */
function putNegative(view: DataView, at: number, value: number): number {
  if (value >= -32) {
    view.setInt8(at, value);
    return at + 1;
  }
  if (value >= -128) {
    view.setUint8(at, 0xd0);
    view.setInt8(at + 1, value);
    return at + 2;
  }
  if (value >= -32768) {
    view.setUint8(at, 0xd1);
    view.setInt16(at + 1, value);
    return at + 3;
  }
  view.setUint8(at, 0xd2);
  view.setInt32(at + 1, value);
  return at + 5;
}

/** value: an integer within ±(2^53 - 1). */
export function putInteger(view: DataView, at: number, value: number): number {
  return putInt64(view, at, Math.floor(value / 2 ** 32) >>> 0, value >>> 0);
}

export function putFloat64(view: DataView, at: number, value: number): number {
  view.setUint8(at, 0xcb);
  view.setFloat64(at + 1, value);
  return at + 9;
}

/** A time as nanoseconds since the epoch. ms: whole, from 0 on. */
export function putNanoseconds(view: DataView, at: number, ms: number, ns: number): number {
  // ms × 10^6 with ms in two parts of 22 and up to 22 bits: every product is exact, every division is by a power of two.
  const upperMs = Math.floor(ms / 2 ** 22);
  const upper = upperMs * 1e6;
  const upperHigh = Math.floor(upper / 1024);
  const low = (upper - upperHigh * 1024) * 2 ** 22 + (ms - upperMs * 2 ** 22) * 1e6 + ns;
  const carry = Math.floor(low / 2 ** 32);
  return putUint64(view, at, upperHigh + carry, low - carry * 2 ** 32);
}

export function putMapHeader(view: DataView, at: number, size: number): number {
  if (size < 16) {
    view.setUint8(at, 0x80 | size);
    return at + 1;
  }
  view.setUint8(at, 0xde);
  view.setUint16(at + 1, size);
  return at + 3;
}

export function putArrayHeader(view: DataView, at: number, size: number): number {
  if (size < 16) {
    view.setUint8(at, 0x90 | size);
    return at + 1;
  }
  view.setUint8(at, 0xdc);
  view.setUint16(at + 1, size);
  return at + 3;
}

/** length: octets of UTF-8. */
export function putStringHeader(view: DataView, at: number, length: number): number {
  if (length < 32) {
    view.setUint8(at, 0xa0 | length);
    return at + 1;
  }
  return putSizedHeader(view, at, length, 0xd9);
}

export function putBinaryHeader(view: DataView, at: number, length: number): number {
  return putSizedHeader(view, at, length, 0xc4);
}

/** first: the code for a length of one octet; those for two and four follow it. */
function putSizedHeader(view: DataView, at: number, length: number, first: number): number {
  view.setUint8(at, length < 256 ? first : length < 65536 ? first + 1 : first + 2);
  if (length < 256) {
    view.setUint8(at + 1, length);
    return at + 2;
  }
  if (length < 65536) {
    view.setUint16(at + 1, length);
    return at + 3;
  }
  view.setUint32(at + 1, length);
  return at + 5;
}

const MAX_HEADER_BYTES = 9;
const utf8 = new TextEncoder();

/** Appends any plain value: what a ListReader returns. Members that are undefined are left out, null is written as nil. */
export function appendPlain(writer: ByteWriter, value: unknown): void {
  writer.reserve(MAX_HEADER_BYTES);
  const { view, at } = writer;
  switch (typeof value) {
    case 'number':
      writer.at = Number.isSafeInteger(value) ? putInteger(view, at, value) : putFloat64(view, at, value);
      return;
    case 'bigint':
      writer.at = putInt64Or(view, at, value);
      return;
    case 'boolean':
      view.setUint8(at, value ? 0xc3 : 0xc2);
      writer.at = at + 1;
      return;
    case 'string':
      appendString(writer, value);
      return;
    default:
      appendStructure(writer, value);
  }
}

function putInt64Or(view: DataView, at: number, value: bigint): number {
  const hi = Number((value >> 32n) & 0xffffffffn);
  const lo = Number(value & 0xffffffffn);
  return value < 0n ? putInt64(view, at, hi, lo) : putUint64(view, at, hi, lo);
}

function appendString(writer: ByteWriter, text: string): void {
  const bytes = utf8.encode(text);
  writer.reserve(MAX_HEADER_BYTES + bytes.length);
  writer.at = putStringHeader(writer.view, writer.at, bytes.length);
  writer.bytes.set(bytes, writer.at);
  writer.at += bytes.length;
}

function appendStructure(writer: ByteWriter, value: unknown): void {
  const { view, at } = writer;
  if (Array.isArray(value)) {
    writer.at = putArrayHeader(view, at, value.length);
    for (const item of value) appendPlain(writer, item);
    return;
  }
  if (typeof value !== 'object' || value === null) {
    view.setUint8(at, 0xc0);
    writer.at = at + 1;
    return;
  }
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  writer.at = putMapHeader(view, at, members.length);
  for (const [key, member] of members) {
    appendString(writer, key);
    appendPlain(writer, member);
  }
}
