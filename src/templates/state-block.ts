/**
 * The form of exporter state in shared memory. A snapshot is one root block and the page blocks its directory names. The
 * main thread writes them (state-table.ts), any thread reads them (state-view.ts). A block never changes once its address
 * has been given away; a change makes a new root and new blocks for the touched pages only.
 *
 * Root: f64 uid, u32 magic, u32 kinds (bit k: there are entries of kind k), f64 systemInitMs (NaN unknown), f64 system-wide
 * sampling rate (0 unknown), u32 slots (0 or a power of two), u32 0, then f64 page uid per slot, then u32 page address per
 * slot. A key belongs to the slot that the low bits of its hash name; several slots may name one page.
 *
 * Page: f64 uid, u32 octets in use (these 16 included), u32 entries, then per entry u32 hash, u8 kind, u8 key octets,
 * u16 value octets, key, value. Behind these the index: u16 offset of an entry in the page or 0, in the place that the upper half
 * of its hash names, or the next free one.
 *
 * Every uid is used once in the life of the process, so that a reader can tell a block from another one that has taken its
 * place. All numbers are big-endian. The key of an application is its id as sent; all other keys are u32 upper, u32 lower
 * half of a number. The value of a rate is f64 rate, u32 algorithm (0 unknown); all others are UTF-8.
 */
export const StateKind = Object.freeze({
  samplerRate: 0,
  selectorRate: 1,
  interfaceRate: 2,
  templateRate: 3,
  interfaceName: 4,
  interfaceDescription: 5,
  vrfName: 6,
  applicationName: 7,
  applicationDescription: 8,
  samplerName: 9,
  selectorName: 10,
});
export const STATE_KINDS = Object.keys(StateKind).length;
/** Kinds below this are rates. */
export const FIRST_NAME_KIND: number = StateKind.interfaceName;

export const ROOT_MAGIC = 0x4d525354;
export const Root = Object.freeze({
  uid: 0,
  magic: 8,
  kinds: 12,
  systemInitMs: 16,
  systemRate: 24,
  slots: 32,
});
export const ROOT_HEADER_BYTES = 40;
export const ROOT_SLOT_BYTES = 12;

export const Page = Object.freeze({ uid: 0, used: 8, entries: 12 });
export const PAGE_HEADER_BYTES = 16;

export const Entry = Object.freeze({ hash: 0, kind: 4, keyBytes: 5, valueBytes: 6 });
export const ENTRY_HEADER_BYTES = 8;

export const NUMBER_KEY_BYTES = 8;
export const RATE_VALUE_BYTES = 12;

/** Position of the uid, and of the address, of the page of a slot. */
export const slotUidAt = (root: number, slot: number): number => root + ROOT_HEADER_BYTES + slot * 8;
export const slotAddressAt = (root: number, slots: number, slot: number): number =>
  root + ROOT_HEADER_BYTES + slots * 8 + slot * 4;

/** Places in the index of a page with so many entries, always more than these: a power of two. */
export const indexPlaces = (entries: number): number => 1 << (32 - Math.clz32(entries + (entries >>> 1)));
export const INDEX_PLACE_BYTES = 2;

/** Hash of a number key: the same as hashBytes of its octets. id: integer from 0 to 2^53-1. */
export function hashNumber(kind: number, id: number): number {
  return finish(mix(mix(kind, Math.floor(id / 2 ** 32)), id >>> 0));
}

/** Hash of a key of so many octets. */
export function hashBytes(kind: number, bytes: Uint8Array, offset: number, length: number): number {
  let hash = kind;
  const end = offset + length;
  let at = offset;
  for (; at + 4 <= end; at += 4) {
    hash = mix(hash, (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]);
  }
  if (at < end) {
    // The leading 1 keeps tails of different lengths apart.
    let tail = 1;
    for (; at < end; at++) tail = (tail << 8) | bytes[at];
    hash = mix(hash, tail);
  }
  return finish(hash);
}

/** One round and the end of MurmurHash3. Whoever makes keys collide fills one page of one scope, which has a limit. */
function mix(hash: number, word: number): number {
  word = Math.imul(word, 0xcc9e2d51);
  word = (word << 15) | (word >>> 17);
  hash ^= Math.imul(word, 0x1b873593);
  hash = (hash << 13) | (hash >>> 19);
  return (Math.imul(hash, 5) + 0xe6546b64) | 0;
}

function finish(hash: number): number {
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Position of the entry with a key in the page at an address, 0 when it is not there. */
export function findEntry(
  view: DataView,
  page: number,
  kind: number,
  hash: number,
  key: Uint8Array,
  keyOffset: number,
  keyBytes: number,
): number {
  const end = page + view.getUint32(page + Page.used);
  let at = page + PAGE_HEADER_BYTES;
  while (at < end) {
    if (isEntry(view, at, kind, hash, key, keyOffset, keyBytes)) return at;
    at += entryBytes(view, at);
  }
  return 0;
}

/** Writes the index of the page at an address, behind its entries. */
export function writeIndex(view: DataView, page: number): void {
  const index = page + view.getUint32(page + Page.used);
  const places = indexPlaces(view.getUint32(page + Page.entries));
  for (let place = 0; place < places; place++) view.setUint16(index + place * INDEX_PLACE_BYTES, 0);
  for (let at = page + PAGE_HEADER_BYTES; at < index; at += entryBytes(view, at)) {
    let place = view.getUint32(at) >>> 16;
    while (view.getUint16(index + (place & (places - 1)) * INDEX_PLACE_BYTES) !== 0) place++;
    view.setUint16(index + (place & (places - 1)) * INDEX_PLACE_BYTES, at - page);
  }
}

/** As findEntry, by the index of a page in shared memory. */
export function findIndexed(
  view: DataView,
  page: number,
  kind: number,
  hash: number,
  key: Uint8Array,
  keyOffset: number,
  keyBytes: number,
): number {
  const index = page + view.getUint32(page + Page.used);
  const places = indexPlaces(view.getUint32(page + Page.entries));
  for (let place = hash >>> 16; ; place++) {
    const offset = view.getUint16(index + (place & (places - 1)) * INDEX_PLACE_BYTES);
    if (offset === 0) return 0;
    if (isEntry(view, page + offset, kind, hash, key, keyOffset, keyBytes)) return page + offset;
  }
}

function isEntry(
  view: DataView,
  at: number,
  kind: number,
  hash: number,
  key: Uint8Array,
  keyOffset: number,
  keyBytes: number,
): boolean {
  return (
    view.getUint32(at) === hash &&
    view.getUint8(at + Entry.kind) === kind &&
    view.getUint8(at + Entry.keyBytes) === keyBytes &&
    sameOctets(view, at + ENTRY_HEADER_BYTES, key, keyOffset, keyBytes)
  );
}

export function entryBytes(view: DataView, entry: number): number {
  return (
    ENTRY_HEADER_BYTES + view.getUint8(entry + Entry.keyBytes) + view.getUint16(entry + Entry.valueBytes)
  );
}

/** Position of the value of an entry. */
export function valueAt(view: DataView, entry: number): number {
  return entry + ENTRY_HEADER_BYTES + view.getUint8(entry + Entry.keyBytes);
}

export function sameOctets(
  view: DataView,
  at: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (view.getUint8(at + i) !== bytes[offset + i]) return false;
  return true;
}
