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

/** Lists inside lists (RFC 6313) that are taken apart; deeper ones stay octets. */
export const MAX_LIST_DEPTH = 8;
