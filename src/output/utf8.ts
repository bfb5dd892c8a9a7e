/**
 * Text from the network: UTF-8 if the exporter keeps to RFC 7011 section 6.1.6, any octets if it does not. What is no UTF-8
 * becomes U+FFFD in the way of the WHATWG decoder (one for each longest prefix of a possible character), so that the output
 * is what TextDecoder makes of the same octets.
 */

const QUOTE = 34;
const BACKSLASH = 92;
const LOWER_U = 117;

/** Octets that stand for themselves inside a JSON string: printable ASCII but the quote and the backslash. */
const PLAIN = new Uint8Array(256);
for (let c = 32; c < 127; c++) PLAIN[c] = c === QUOTE || c === BACKSLASH ? 0 : 1;

/** Letter of a two-octet escape, 0 for none. */
const ESCAPE_LETTERS = new Uint8Array(256);
for (const [code, letter] of [
  [8, 'b'],
  [9, 't'],
  [10, 'n'],
  [12, 'f'],
  [13, 'r'],
  [QUOTE, '"'],
  [BACKSLASH, '\\'],
] as const) {
  ESCAPE_LETTERS[code] = letter.charCodeAt(0);
}

/** Octets that one octet of text can become at most inside a JSON string. */
export const MAX_JSON_EXPANSION = 6;

/** Octets of U+FFFD. */
const REPLACEMENT_BYTES = 3;

/** Length of a text without its trailing NULs, with which fixed-length fields are filled up. */
export function textLength(bytes: Uint8Array, offset: number, length: number): number {
  while (length > 0 && bytes[offset + length - 1] === 0) length--;
  return length;
}

/**
 * Length of the character that starts at offset; negative when there is none: minus the number of octets that one U+FFFD stands
 * for.
 */
export function characterLength(bytes: Uint8Array, offset: number, end: number): number {
  const lead = bytes[offset];
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return -1;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // The second octet has a narrower range after four of the leads: no overlong forms, surrogates or beyond U+10FFFF.
  let low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  let high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  for (let i = 1; i < length; i++) {
    if (offset + i >= end || bytes[offset + i] < low || bytes[offset + i] > high) return -i;
    low = 0x80;
    high = 0xbf;
  }
  return length;
}

/** Whether the octets are UTF-8. */
export function isUtf8(bytes: Uint8Array, offset: number, length: number): boolean {
  const end = offset + length;
  while (offset < end) {
    if (bytes[offset] < 0x80) {
      offset++;
      continue;
    }
    const size = characterLength(bytes, offset, end);
    if (size < 0) return false;
    offset += size;
  }
  return true;
}

/** Octets of a text with U+FFFD in place of what is no UTF-8. */
export function mendedLength(bytes: Uint8Array, offset: number, length: number): number {
  const end = offset + length;
  let sum = 0;
  while (offset < end) {
    const size = characterLength(bytes, offset, end);
    sum += size < 0 ? REPLACEMENT_BYTES : size;
    offset += Math.abs(size);
  }
  return sum;
}

/** Writes a text with U+FFFD in place of what is no UTF-8. */
export function putMended(
  target: Uint8Array,
  at: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): number {
  const end = offset + length;
  while (offset < end) {
    const size = characterLength(bytes, offset, end);
    if (size < 0) at = putReplacement(target, at);
    else for (let i = 0; i < size; i++) target[at++] = bytes[offset + i];
    offset += Math.abs(size);
  }
  return at;
}

function putReplacement(target: Uint8Array, at: number): number {
  target[at] = 0xef;
  target[at + 1] = 0xbf;
  target[at + 2] = 0xbd;
  return at + REPLACEMENT_BYTES;
}

/**
 * Writes the inside of a JSON string. The target has room for MAX_JSON_EXPANSION times the length. What could act on a terminal
 * or hide text on it is escaped as well, so that a line may be shown as it is.
 */
export function putJsonText(
  target: Uint8Array,
  at: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): number {
  const end = offset + length;
  while (offset < end) {
    const c = bytes[offset];
    if (PLAIN[c] === 1) {
      target[at++] = c;
      offset++;
    } else if (c < 0x80) {
      at = putEscape(target, at, c);
      offset++;
    } else {
      const size = characterLength(bytes, offset, end);
      at = putCharacter(target, at, bytes, offset, size);
      offset += Math.abs(size);
    }
  }
  return at;
}

/** ASCII that is not plain. */
function putEscape(target: Uint8Array, at: number, code: number): number {
  if (ESCAPE_LETTERS[code] === 0) return putUnicodeEscape(target, at, code);
  target[at] = BACKSLASH;
  target[at + 1] = ESCAPE_LETTERS[code];
  return at + 2;
}

/** size: as characterLength says. */
function putCharacter(
  target: Uint8Array,
  at: number,
  bytes: Uint8Array,
  offset: number,
  size: number,
): number {
  if (size < 0) return putReplacement(target, at);
  if (size < 4) {
    const code = codePoint(bytes, offset, size);
    if (isHidden(code)) return putUnicodeEscape(target, at, code);
  }
  for (let i = 0; i < size; i++) target[at + i] = bytes[offset + i];
  return at + size;
}

/** Of a valid character of two or three octets. */
function codePoint(bytes: Uint8Array, offset: number, size: number): number {
  if (size === 2) return ((bytes[offset] & 31) << 6) | (bytes[offset + 1] & 63);
  return ((bytes[offset] & 15) << 12) | ((bytes[offset + 1] & 63) << 6) | (bytes[offset + 2] & 63);
}

/** C1 controls, zero-width characters, marks of writing direction, line and paragraph separators, byte order mark. */
function isHidden(code: number): boolean {
  return (
    (code >= 0x7f && code < 0xa0) ||
    code === 0x61c ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    code === 0xfeff
  );
}

/** JSON text with the same characters escaped; those below U+0020 are already. */
export function escapeHidden(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (unit) => {
    const code = unit.charCodeAt(0);
    return isHidden(code) ? unicodeEscape(code) : unit;
  });
}

/** A JSON string in ASCII. */
export function asciiJson(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, (unit) => unicodeEscape(unit.charCodeAt(0)));
}

function unicodeEscape(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

function putUnicodeEscape(target: Uint8Array, at: number, code: number): number {
  target[at] = BACKSLASH;
  target[at + 1] = LOWER_U;
  for (let i = 0; i < 4; i++) {
    const digit = (code >>> (12 - 4 * i)) & 15;
    target[at + 2 + i] = digit < 10 ? 48 + digit : 87 + digit;
  }
  return at + 6;
}
