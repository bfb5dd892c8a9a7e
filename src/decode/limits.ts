/** Limits on what one datagram can be made to cost. Every one is configurable; these are the defaults. */
export interface DecodeLimits {
  /** Fields of a template, scope fields included. */
  maxFieldsPerTemplate: number;
  /** Octets of the shortest record a template may describe. */
  maxTemplateBytes: number;
  /** Templates of one exporter and observation domain, options templates included. */
  maxTemplatesPerScope: number;
  /** Records decoded from one set. */
  maxRecordsPerSet: number;
  /** Values (record fields and list elements) decoded from one datagram. */
  maxValuesPerDatagram: number;
  /** Octets of field content decoded from one datagram, without the length octets of variable-length fields. */
  maxContentBytesPerDatagram: number;
}

export const DEFAULT_DECODE_LIMITS: Readonly<DecodeLimits> = {
  maxFieldsPerTemplate: 10_000,
  maxTemplateBytes: 65_535,
  maxTemplatesPerScope: 1_000,
  // A datagram cannot hold more records than octets; the limits on values and content bound what they become.
  maxRecordsPerSet: 65_535,
  maxValuesPerDatagram: 65_536,
  maxContentBytesPerDatagram: 4 * 1024 * 1024,
};

const HELD_VALUES_PER_OCTET = 2;
const HELD_VALUES_MIN = 256;

/**
 * Values that a set that was held may be decoded into. All that wait for a template are decoded at once; without this, fields of
 * no length would make of each of them, however small, as much as of a whole datagram.
 */
export function maxHeldValues(limits: DecodeLimits, setBytes: number): number {
  return Math.min(limits.maxValuesPerDatagram, HELD_VALUES_MIN + HELD_VALUES_PER_OCTET * setBytes);
}

/**
 * What the held sets that one datagram releases may become where it is one result of objects: this many values, of which a record
 * takes some for itself. Six thousand full datagrams have fewer; 64 MiB of sets with a record in each octet would not fit into memory.
 */
export const MAX_RELEASED_VALUES = 2 ** 22;
export const RELEASED_VALUES_PER_RECORD = 8;

/** Lists inside lists (RFC 6313) that are taken apart; deeper ones stay octets. */
export const MAX_LIST_DEPTH = 8;
