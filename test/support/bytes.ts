/**
 * Messages byte by byte, for tests. Knows the wire formats of RFC 3954 and RFC 7011 only as far as the author of a test
 * spells them out, and shares nothing with the decoder or the generator.
 */

/** Octets of hex text; white space is ignored. */
export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replace(/\s+/g, ''), 'hex'));
}

export function concat(...parts: (Uint8Array | number[])[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part))));
}

export const u8 = (...values: number[]): Uint8Array => Uint8Array.from(values);
export const u16 = (...values: number[]): Uint8Array =>
  concat(values.flatMap((v) => [(v >>> 8) & 255, v & 255]));
export const u32 = (...values: number[]): Uint8Array =>
  concat(values.flatMap((v) => [(v >>> 24) & 255, (v >>> 16) & 255, (v >>> 8) & 255, v & 255]));
export const u64 = (value: bigint): Uint8Array => u32(Number(value >> 32n), Number(value & 0xffffffffn));

/** A set: id, length, body and padding octets of zero. */
export function set(id: number, body: Uint8Array, padding = 0): Uint8Array {
  return concat(u16(id, 4 + body.length + padding), body, new Uint8Array(padding));
}

export type Field = [id: number, length: number] | [id: number, length: number, pen: number];

const specifier = ([id, length, pen]: Field): Uint8Array =>
  pen === undefined ? u16(id, length) : concat(u16(id | 0x8000, length), u32(pen));

/** IPFIX template record. */
export const template = (id: number, ...fields: Field[]): Uint8Array =>
  concat(u16(id, fields.length), ...fields.map(specifier));

/** IPFIX options template record; the first `scopes` fields are the scope. */
export const optionsTemplate = (id: number, scopes: number, ...fields: Field[]): Uint8Array =>
  concat(u16(id, fields.length, scopes), ...fields.map(specifier));

/** NetFlow v9 template record. */
export const v9Template = (id: number, ...fields: [number, number][]): Uint8Array =>
  concat(u16(id, fields.length), ...fields.map(([type, length]) => u16(type, length)));

/** NetFlow v9 options template record. */
export const v9OptionsTemplate = (
  id: number,
  scopes: [number, number][],
  options: [number, number][],
): Uint8Array =>
  concat(u16(id, scopes.length * 4, options.length * 4), ...[...scopes, ...options].map((f) => u16(...f)));

export interface Header {
  sequence?: number;
  domain?: number;
  /** Export time, seconds since the epoch. */
  seconds?: number;
  sysUptime?: number;
  /** v9: the count of the header; by default the number of sets. */
  count?: number;
}

export const SECONDS = 1_700_000_000;

export function ipfix(header: Header, ...sets: Uint8Array[]): Uint8Array {
  const body = concat(...sets);
  return concat(
    u16(10, 16 + body.length),
    u32(header.seconds ?? SECONDS, header.sequence ?? 0, header.domain ?? 1),
    body,
  );
}

export function v9(header: Header, ...sets: Uint8Array[]): Uint8Array {
  return concat(
    u16(9, header.count ?? sets.length),
    u32(header.sysUptime ?? 100_000, header.seconds ?? SECONDS, header.sequence ?? 0, header.domain ?? 1),
    ...sets,
  );
}

export interface V5Header extends Header {
  nanoseconds?: number;
  engineType?: number;
  engineId?: number;
  sampling?: number;
}

/** NetFlow v5 datagram of 48-byte records. */
export function v5(header: V5Header, ...records: Uint8Array[]): Uint8Array {
  return concat(
    u16(5, header.count ?? records.length),
    u32(
      header.sysUptime ?? 100_000,
      header.seconds ?? SECONDS,
      header.nanoseconds ?? 0,
      header.sequence ?? 0,
    ),
    u8(header.engineType ?? 0, header.engineId ?? 0),
    u16(header.sampling ?? 0),
    ...records,
  );
}
