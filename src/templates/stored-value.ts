import { crc32c } from '../base/crc32c.ts';
import { type ClearWhat, REORDER_WINDOW_MS, type Version } from './store.ts';

/**
 * The form of a value in a store, all numbers big-endian:
 *
 * ```
 *  0 u32 magic "MRTV"     4 u8 format version (1)   5 u8 kind (ValueKind)   6 u16 0
 *  8 f64 learned at, milliseconds since the Unix epoch, by the writer's clock
 * 16 f64 export time of the message that said it, milliseconds since the Unix epoch
 * 24 u32 sequence number of that message            28 8 octets, who wrote it
 * 36 u32 octets of the body                         40 u32 CRC-32C of octets 0 to 39 and the body
 * 44 body: u16 octets of the key, key (scope name, tab, item name), payload
 * ```
 *
 * Scripts of the Redis store read the header at these offsets. The payload of a template is its canonical layout
 * (decode/layout.ts, layoutBytes); of exporter state the value as state-block.ts has it.
 */
export const VALUE_MAGIC = 0x4d525456;
export const VALUE_VERSION = 1;
export const VALUE_HEADER_BYTES = 44;
export const WRITER_BYTES = 8;

/** What a value is of. */
export const ValueKind = {
  /** A template of flow records. */
  data: 1,
  /** An options template. */
  options: 2,
  /** Exporter state: a sampling rate or a name. */
  state: 3,
} as const;

/** A value, taken apart. */
export interface StoredValue {
  /** One of ValueKind. */
  kind: number;
  /** When it was learned, ms since the epoch by the clock of the writer. */
  learnedAtMs: number;
  /** Export time of its message, ms since the epoch. */
  exportTimeMs: number;
  /** Sequence number of its message. */
  sequence: number;
  /** WRITER_BYTES octets that name the collector. */
  writer: Uint8Array;
  /** Canonical layout of a template; of exporter state the value as it is kept. */
  payload: Uint8Array;
}

/**
 * What is wrong with the bytes of a value. newer-version is no damage: a later release wrote it, so it is left alone and
 * counts as absent.
 */
export const VALUE_FAULTS = [
  'truncated',
  'magic-unknown',
  'newer-version',
  'length-wrong',
  'checksum-wrong',
  'key-wrong',
  'content-invalid',
] as const;
/** One of VALUE_FAULTS. */
export type ValueFault = (typeof VALUE_FAULTS)[number];

const utf8 = new TextEncoder();

export function encodeValue(scope: string, item: string, value: StoredValue): Uint8Array {
  const key = utf8.encode(`${scope}\t${item}`);
  const bodyBytes = 2 + key.length + value.payload.length;
  const bytes = new Uint8Array(VALUE_HEADER_BYTES + bodyBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, VALUE_MAGIC);
  view.setUint8(4, VALUE_VERSION);
  view.setUint8(5, value.kind);
  view.setFloat64(8, value.learnedAtMs);
  view.setFloat64(16, value.exportTimeMs);
  view.setUint32(24, value.sequence);
  bytes.set(value.writer.subarray(0, WRITER_BYTES), 28);
  view.setUint32(36, bodyBytes);
  view.setUint16(VALUE_HEADER_BYTES, key.length);
  bytes.set(key, VALUE_HEADER_BYTES + 2);
  bytes.set(value.payload, VALUE_HEADER_BYTES + 2 + key.length);
  view.setUint32(40, checksum(bytes));
  return bytes;
}

/** Reads a value that is said to be that of a key; the payload is a view into bytes. Trusts nothing. */
export function decodeValue(scope: string, item: string, bytes: Uint8Array): StoredValue | ValueFault {
  const fault = headerFault(bytes);
  if (fault !== null) return fault;
  const view = viewOf(bytes);
  if (view.getUint32(40) !== checksum(bytes)) return 'checksum-wrong';
  const key = utf8.encode(`${scope}\t${item}`);
  const keyAt = VALUE_HEADER_BYTES + 2;
  if (bytes.length < keyAt || view.getUint16(VALUE_HEADER_BYTES) !== key.length) return 'key-wrong';
  for (let i = 0; i < key.length; i++) if (bytes[keyAt + i] !== key[i]) return 'key-wrong';
  const value = {
    kind: view.getUint8(5),
    learnedAtMs: view.getFloat64(8),
    exportTimeMs: view.getFloat64(16),
    sequence: view.getUint32(24),
    writer: bytes.subarray(28, 28 + WRITER_BYTES),
    payload: bytes.subarray(keyAt + key.length),
  };
  const sound = value.kind >= 1 && value.kind <= 3 && Number.isFinite(value.learnedAtMs);
  return sound && Number.isFinite(value.exportTimeMs) ? value : 'content-invalid';
}

/** What the header alone says is wrong, null for nothing. */
export function headerFault(bytes: Uint8Array): ValueFault | null {
  if (bytes.length < 8) return 'truncated';
  const view = viewOf(bytes);
  if (view.getUint32(0) !== VALUE_MAGIC) return 'magic-unknown';
  if (view.getUint8(4) > VALUE_VERSION) return 'newer-version';
  if (view.getUint8(4) < 1) return 'magic-unknown';
  if (bytes.length < VALUE_HEADER_BYTES) return 'truncated';
  return view.getUint32(36) === bytes.length - VALUE_HEADER_BYTES ? null : 'length-wrong';
}

/** When a value with a sound header was said, if it arrived so long ago. */
export function versionOf(bytes: Uint8Array, ageMs: number): Version {
  const view = viewOf(bytes);
  return { ageMs, exportTimeMs: view.getFloat64(16), sequence: view.getUint32(24) };
}

/** The kind that a sound header says. */
export function kindOf(bytes: Uint8Array): number {
  return bytes[5];
}

/** Whether two sound values say the same, whoever said it and when. */
export function sameContent(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length || a[5] !== b[5]) return false;
  for (let i = VALUE_HEADER_BYTES; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Whether a value goes when what it is of is cleared; values that cannot be read stay unless everything goes. */
export function isCleared(value: Uint8Array, what: ClearWhat): boolean {
  return what === 'all' || (headerFault(value) === null && kindOf(value) === ValueKind[what]);
}

/**
 * The conflict rule: whether a definition may take the place of another for the same key. Two that arrived within the
 * reorder window are put in order by export time, then sequence number (modulo 2^32); at other times the later arrival
 * wins, so that an exporter that came up with its clock in the past is not locked out.
 */
export function supersedes(candidate: Version, current: Version): boolean {
  const laterMs = current.ageMs - candidate.ageMs;
  if (Math.abs(laterMs) > REORDER_WINDOW_MS) return laterMs > 0;
  if (candidate.exportTimeMs !== current.exportTimeMs) return candidate.exportTimeMs > current.exportTimeMs;
  return ((candidate.sequence - current.sequence) | 0) >= 0;
}

function checksum(bytes: Uint8Array): number {
  return crc32c(bytes, VALUE_HEADER_BYTES, bytes.length, crc32c(bytes, 0, 40));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
