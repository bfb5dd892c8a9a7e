/**
 * Values as ASCII. Each `put` function writes at an offset of a view and returns the offset behind. They store whole words and
 * so may write up to three octets more than they return: the caller has room for SLACK_BYTES and writes on over them.
 * Pure numbers; nothing is allocated.
 */

/** Room that put functions may write to beyond their result. */
export const SLACK_BYTES = 8;

const ZERO = 48;
const COLON = 58;
const DOT = 46;

/** Digits of 0 to 999 in the upper three octets of a word, and how many there are in the lowest; without leading zeros. */
const NUMBERS = new Uint32Array(1000);
/** The same with leading zeros. */
const TRIPLETS = new Uint32Array(1000);
/** Two digits of 0 to 99. */
const PAIRS = new Uint16Array(100);
/** Two hexadecimal digits of 0 to 255. */
const HEX_PAIRS = new Uint16Array(256);

for (let i = 0; i < 1000; i++) {
  const a = ZERO + Math.floor(i / 100);
  const b = ZERO + (Math.floor(i / 10) % 10);
  const c = ZERO + (i % 10);
  TRIPLETS[i] = ((a << 24) | (b << 16) | (c << 8)) >>> 0;
  if (i >= 100) NUMBERS[i] = (TRIPLETS[i] | 3) >>> 0;
  else if (i >= 10) NUMBERS[i] = ((b << 24) | (c << 16) | 2) >>> 0;
  else NUMBERS[i] = ((c << 24) | 1) >>> 0;
}
for (let i = 0; i < 100; i++) PAIRS[i] = ((ZERO + Math.floor(i / 10)) << 8) | (ZERO + (i % 10));
for (let i = 0; i < 256; i++) HEX_PAIRS[i] = (hexDigit(i >>> 4) << 8) | hexDigit(i & 15);

function hexDigit(value: number): number {
  return value < 10 ? ZERO + value : 87 + value;
}

// Math.imul and the shifts by nothing keep the arithmetic below in 32-bit integers, which divide several times faster.

/** value: 0 to 2^32 - 1. At most 10 octets. */
export function putU32(view: DataView, at: number, value: number): number {
  if (value < 1000) {
    const word = NUMBERS[value];
    view.setUint32(at, word);
    return at + (word & 7);
  }
  const thousands = (value / 1000) >>> 0;
  const last = TRIPLETS[(value - Math.imul(thousands, 1000)) | 0];
  if (thousands < 1000) {
    const word = NUMBERS[thousands];
    view.setUint32(at, word);
    at += word & 7;
    view.setUint32(at, last);
    return at + 3;
  }
  return putMillions(view, at, thousands, last);
}

/** thousands: 1000 to 4294967; last: the word of the last three digits. */
function putMillions(view: DataView, at: number, thousands: number, last: number): number {
  const millions = (thousands / 1000) >>> 0;
  const middle = TRIPLETS[(thousands - Math.imul(millions, 1000)) | 0];
  if (millions < 1000) {
    const word = NUMBERS[millions];
    view.setUint32(at, word);
    at += word & 7;
  } else {
    const billions = (millions / 1000) >>> 0;
    view.setUint8(at, ZERO + billions);
    view.setUint32(at + 1, TRIPLETS[(millions - Math.imul(billions, 1000)) | 0]);
    at += 4;
  }
  view.setUint32(at, middle);
  view.setUint32(at + 3, last);
  return at + 6;
}

/** value: an integer from 0 to 2^53 - 1. At most 16 octets. */
export function putInteger(view: DataView, at: number, value: number): number {
  if (value <= 0xffffffff) return putU32(view, at, value >>> 0);
  const upper = Math.floor(value / 1e9);
  return putNine(view, putU32(view, at, upper >>> 0), value - upper * 1e9);
}

/** Nine digits with leading zeros. */
export function putNine(view: DataView, at: number, value: number): number {
  const whole = value >>> 0;
  const thousands = (whole / 1000) >>> 0;
  const millions = (whole / 1000000) >>> 0;
  view.setUint32(at, TRIPLETS[millions]);
  view.setUint32(at + 3, TRIPLETS[(thousands - Math.imul(millions, 1000)) | 0]);
  view.setUint32(at + 6, TRIPLETS[(whole - Math.imul(thousands, 1000)) | 0]);
  return at + 9;
}

/** Three digits with leading zeros. */
export function putThree(view: DataView, at: number, value: number): number {
  view.setUint32(at, TRIPLETS[value]);
  return at + 3;
}

/** Two digits with a leading zero. */
export function putTwo(view: DataView, at: number, value: number): number {
  view.setUint16(at, PAIRS[value]);
  return at + 2;
}

/** Decimal digits of a 64-bit unsigned integer. At most 20 octets. */
export function putU64(view: DataView, at: number, hi: number, lo: number): number {
  if (hi <= 0x1fffff) return putInteger(view, at, hi * 2 ** 32 + lo);
  // Long division by 10^9 in steps that stay below 2^53.
  const top = Math.floor(hi / 1e9);
  const middle = (hi - top * 1e9) * 65536 + (lo >>> 16);
  const middleQuotient = Math.floor(middle / 1e9);
  const bottom = (middle - middleQuotient * 1e9) * 65536 + (lo & 0xffff);
  const bottomQuotient = Math.floor(bottom / 1e9);
  const upper = top * 2 ** 32 + middleQuotient * 65536 + bottomQuotient;
  return putNine(view, putInteger(view, at, upper), bottom - bottomQuotient * 1e9);
}

/** a.b.c.d. At most 15 octets. */
export function putIpv4(view: DataView, at: number, value: number): number {
  let word = NUMBERS[value >>> 24];
  view.setUint32(at, word);
  at += word & 7;
  view.setUint8(at++, DOT);
  word = NUMBERS[(value >>> 16) & 255];
  view.setUint32(at, word);
  at += word & 7;
  view.setUint8(at++, DOT);
  word = NUMBERS[(value >>> 8) & 255];
  view.setUint32(at, word);
  at += word & 7;
  view.setUint8(at++, DOT);
  word = NUMBERS[value & 255];
  view.setUint32(at, word);
  return at + (word & 7);
}

/** RFC 5952 text of 16 octets. At most 39 octets. */
export function putIpv6(view: DataView, at: number, bytes: Uint8Array, offset: number): number {
  let bestStart = -1;
  let bestLength = 1;
  let runLength = 0;
  for (let i = 0; i < 8; i++) {
    if ((bytes[offset + 2 * i] | bytes[offset + 2 * i + 1]) !== 0) {
      runLength = 0;
    } else if (++runLength > bestLength) {
      bestLength = runLength;
      bestStart = i - runLength + 1;
    }
  }
  for (let i = 0; i < 8; i++) {
    if (i === bestStart) {
      view.setUint16(at, (COLON << 8) | COLON);
      at += 2;
      i += bestLength - 1;
      continue;
    }
    if (i > 0 && i !== bestStart + bestLength) view.setUint8(at++, COLON);
    at = putHexGroup(view, at, (bytes[offset + 2 * i] << 8) | bytes[offset + 2 * i + 1]);
  }
  return at;
}

/** Up to four hexadecimal digits without leading zeros. */
function putHexGroup(view: DataView, at: number, value: number): number {
  if (value >= 0x1000) view.setUint8(at++, hexDigit(value >>> 12));
  if (value >= 0x100) view.setUint8(at++, hexDigit((value >>> 8) & 15));
  if (value >= 0x10) view.setUint8(at++, hexDigit((value >>> 4) & 15));
  view.setUint8(at, hexDigit(value & 15));
  return at + 1;
}

/** The 16-octet form of an address: IPv4-mapped ones as IPv4. At most 39 octets. */
export function putAddress(view: DataView, at: number, bytes: Uint8Array, offset: number): number {
  let prefix = (bytes[offset + 10] ^ 255) | (bytes[offset + 11] ^ 255);
  for (let i = 0; i < 10; i++) prefix |= bytes[offset + i];
  if (prefix !== 0) return putIpv6(view, at, bytes, offset);
  const o = offset + 12;
  const value = (bytes[o] << 24) | (bytes[o + 1] << 16) | (bytes[o + 2] << 8) | bytes[o + 3];
  return putIpv4(view, at, value >>> 0);
}

/** aa:bb:cc:dd:ee:ff: 17 octets. */
export function putMac(view: DataView, at: number, hi: number, lo: number): number {
  view.setUint16(at, HEX_PAIRS[(hi >>> 8) & 255]);
  view.setUint8(at + 2, COLON);
  view.setUint16(at + 3, HEX_PAIRS[hi & 255]);
  view.setUint8(at + 5, COLON);
  view.setUint16(at + 6, HEX_PAIRS[lo >>> 24]);
  view.setUint8(at + 8, COLON);
  view.setUint16(at + 9, HEX_PAIRS[(lo >>> 16) & 255]);
  view.setUint8(at + 11, COLON);
  view.setUint16(at + 12, HEX_PAIRS[(lo >>> 8) & 255]);
  view.setUint8(at + 14, COLON);
  view.setUint16(at + 15, HEX_PAIRS[lo & 255]);
  return at + 17;
}

/** Two lower-case digits per octet. */
export function putHex(
  view: DataView,
  at: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): number {
  for (let i = 0; i < length; i++, at += 2) view.setUint16(at, HEX_PAIRS[bytes[offset + i]]);
  return at;
}
