import { crc32c } from '../base/crc32c.ts';

/**
 * The form of an entry of the fleet log, all numbers big-endian:
 *
 * ```
 *  0 u32 magic "MRLE"   4 u8 envelope version (1)   5 u8 flags (1: critical)   6 u16 kind
 *  8 u32 octets of the body   12 u32 CRC-32C of octets 0 to 11 and the body   16 body
 * ```
 *
 * The body belongs to the kind. Who does not know a kind skips the entry, unless it is critical: then he must not go on.
 */
export const ENVELOPE_MAGIC = 0x4d524c45;
export const ENVELOPE_VERSION = 1;
export const ENVELOPE_HEADER_BYTES = 16;
const CRITICAL = 1;

export interface Envelope {
  kind: number;
  critical: boolean;
  body: Uint8Array;
}

export const ENVELOPE_FAULTS = [
  'truncated',
  'magic-unknown',
  'version-invalid',
  'newer-version',
  'length-wrong',
  'checksum-wrong',
] as const;
export type EnvelopeFault = (typeof ENVELOPE_FAULTS)[number];

export function encodeEnvelope(kind: number, critical: boolean, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ENVELOPE_HEADER_BYTES + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, ENVELOPE_MAGIC);
  view.setUint8(4, ENVELOPE_VERSION);
  view.setUint8(5, critical ? CRITICAL : 0);
  view.setUint16(6, kind);
  view.setUint32(8, body.length);
  bytes.set(body, ENVELOPE_HEADER_BYTES);
  view.setUint32(12, checksum(bytes));
  return bytes;
}

/** The body is a view into bytes. No form but this one is ever read, so damage cannot be taken for an older form. */
export function decodeEnvelope(bytes: Uint8Array): Envelope | EnvelopeFault {
  if (bytes.length < ENVELOPE_HEADER_BYTES) return 'truncated';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0) !== ENVELOPE_MAGIC) return 'magic-unknown';
  const version = view.getUint8(4);
  if (version === 0) return 'version-invalid';
  if (version > ENVELOPE_VERSION) return 'newer-version';
  if (view.getUint32(8) !== bytes.length - ENVELOPE_HEADER_BYTES) return 'length-wrong';
  if (view.getUint32(12) !== checksum(bytes)) return 'checksum-wrong';
  return {
    kind: view.getUint16(6),
    critical: (view.getUint8(5) & CRITICAL) !== 0,
    body: bytes.subarray(ENVELOPE_HEADER_BYTES),
  };
}

function checksum(bytes: Uint8Array): number {
  return crc32c(bytes, ENVELOPE_HEADER_BYTES, bytes.length, crc32c(bytes, 0, 12));
}
