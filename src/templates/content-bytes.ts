/**
 * Canonical bytes of the content of a store: state and index in one checksummed value, equal for equal content. All numbers
 * are big-endian, scopes and items stand in the order of their names.
 *
 * ```
 *  0 u32 magic "MRTS"     4 u8 format version (1)   5 u8 1 when there are times, else 0   6 u16 0
 *  8 f64 when it was taken, milliseconds by the clock of the store; 0 without times
 * 16 f64 index            24 u32 scopes             28 u32 octets of the body
 * 32 u32 CRC-32C of octets 0 to 31 and the body     36 body
 * scope: u8 octets of the name, name, u32 items
 * item:  u8 octets of the name, name, with times f64 arrived, f64 announced; u32 octets of the value, value
 * ```
 *
 * With times it is the format of the file store; without them it is what collectors of a fleet must agree on.
 */
import { crc32c } from '../base/crc32c.ts';
import { STORE_LIMITS } from './store.ts';
import { isName, StoreContent } from './store-content.ts';

export const CONTENT_MAGIC = 0x4d525453;
export const CONTENT_VERSION = 1;
export const CONTENT_HEADER_BYTES = 36;

const TIME_BYTES = 16;

export const CONTENT_FAULTS = [
  'truncated',
  'magic-unknown',
  'newer-version',
  'length-wrong',
  'checksum-wrong',
  'content-invalid',
] as const;
export type ContentFault = (typeof CONTENT_FAULTS)[number];

const latin1 = new TextDecoder('latin1');

/** takenAtMs: now, by the clock of the store; null leaves times out. */
export function contentBytes(content: StoreContent, takenAtMs: number | null): Uint8Array {
  const times = takenAtMs !== null;
  const scopes = content.scopeNames().map((scope) => [scope, content.items(scope)] as const);
  const count = scopes.reduce((sum, [, items]) => sum + items.length, 0);
  const bodyBytes = content.bytes - (times ? 0 : count * TIME_BYTES);
  const bytes = new Uint8Array(CONTENT_HEADER_BYTES + bodyBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, CONTENT_MAGIC);
  view.setUint8(4, CONTENT_VERSION);
  view.setUint8(5, times ? 1 : 0);
  view.setFloat64(8, takenAtMs ?? 0);
  view.setFloat64(16, content.index);
  view.setUint32(24, scopes.length);
  view.setUint32(28, bodyBytes);
  let at = CONTENT_HEADER_BYTES;
  const putName = (name: string): void => {
    bytes[at++] = name.length;
    for (let i = 0; i < name.length; i++) bytes[at++] = name.charCodeAt(i);
  };
  for (const [scope, items] of scopes) {
    putName(scope);
    view.setUint32(at, items.length);
    at += 4;
    for (const [item, { value, arrivedAtMs, announcedAtMs }] of items) {
      putName(item);
      if (times) {
        view.setFloat64(at, arrivedAtMs);
        view.setFloat64(at + 8, announcedAtMs);
        at += 16;
      }
      view.setUint32(at, value.length);
      bytes.set(value, at + 4);
      at += 4 + value.length;
    }
  }
  view.setUint32(32, checksum(bytes));
  return bytes;
}

/** Reads what contentBytes has written, and nothing else: what is read has these bytes. Copies the values. */
export function readContent(bytes: Uint8Array): { content: StoreContent; takenAtMs: number } | ContentFault {
  if (bytes.length < 8) return 'truncated';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== CONTENT_MAGIC || view.getUint8(4) < 1) return 'magic-unknown';
  if (view.getUint8(4) > CONTENT_VERSION) return 'newer-version';
  if (bytes.length < CONTENT_HEADER_BYTES) return 'truncated';
  if (view.getUint32(28) !== bytes.length - CONTENT_HEADER_BYTES) return 'length-wrong';
  if (view.getUint32(32) !== checksum(bytes)) return 'checksum-wrong';
  const index = view.getFloat64(16);
  const takenAtMs = view.getFloat64(8);
  const flags = view.getUint8(5);
  const reader = new ContentReader(view, bytes, flags === 1);
  const content = reader.read(view.getUint32(24));
  const sound = flags <= 1 && view.getUint16(6) === 0 && Number.isSafeInteger(index) && index >= 0;
  if (
    content === null ||
    !sound ||
    !Number.isFinite(takenAtMs) ||
    (flags === 0 && !Object.is(takenAtMs, 0))
  ) {
    return 'content-invalid';
  }
  content.index = index;
  return { content, takenAtMs };
}

/** Walks the body; a right checksum says nothing about who wrote it, so every length is checked. */
class ContentReader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #times: boolean;
  #at = CONTENT_HEADER_BYTES;

  constructor(view: DataView, bytes: Uint8Array, times: boolean) {
    this.#view = view;
    this.#bytes = bytes;
    this.#times = times;
  }

  read(scopes: number): StoreContent | null {
    const content = new StoreContent();
    let last = '';
    for (let i = 0; i < scopes; i++) {
      const scope = this.#name(STORE_LIMITS.maxScopeNameBytes);
      if (scope === null || scope <= last || !this.#items(content, scope)) return null;
      last = scope;
    }
    return this.#at === this.#bytes.length ? content : null;
  }

  #items(content: StoreContent, scope: string): boolean {
    const items = this.#u32();
    if (items === 0) return false;
    let last = '';
    for (let i = 0; i < items; i++) {
      const item = this.#name(STORE_LIMITS.maxItemNameBytes);
      if (item === null || item <= last) return false;
      last = item;
      const arrivedAtMs = this.#time();
      const announcedAtMs = this.#time();
      const length = this.#u32();
      if (!Number.isFinite(arrivedAtMs + announcedAtMs) || length > this.#bytes.length - this.#at)
        return false;
      const value = this.#bytes.slice(this.#at, this.#at + length);
      this.#at += length;
      if (!content.fits(scope, [{ item, value }])) return false;
      content.set(scope, item, { value, arrivedAtMs, announcedAtMs });
    }
    return true;
  }

  /** Null when it is none; what stands behind the end is none. */
  #name(maxBytes: number): string | null {
    const length = this.#at < this.#bytes.length ? this.#bytes[this.#at++] : 0;
    const name = latin1.decode(this.#bytes.subarray(this.#at, this.#at + length));
    this.#at += length;
    return name.length === length && isName(name, maxBytes) ? name : null;
  }

  /** 0 where too little is left; from then on nothing is there any more. */
  #u32(): number {
    if (this.#bytes.length - this.#at < 4) return this.#beyond();
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4);
  }

  #time(): number {
    if (!this.#times) return 0;
    if (this.#bytes.length - this.#at < 8) return this.#beyond();
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8);
  }

  #beyond(): number {
    this.#at = Number.POSITIVE_INFINITY;
    return 0;
  }
}

function checksum(bytes: Uint8Array): number {
  return crc32c(bytes, CONTENT_HEADER_BYTES, bytes.length, crc32c(bytes, 0, CONTENT_HEADER_BYTES - 4));
}
