/**
 * Sets of NetFlow v9 (FlowSets) and IPFIX: u16 id, u16 length with the four octets of this header, then the content
 * (RFC 3954 section 5.2, RFC 7011 section 3.3.2).
 */
export const SET_HEADER_BYTES = 4;

/** Lowest id of a template and of a data set. */
export const MIN_TEMPLATE_ID = 256;

/** Set ids below 256 that have a meaning. */
export const SetId = { v9Template: 0, v9OptionsTemplate: 1, template: 2, optionsTemplate: 3 } as const;

/**
 * Walks the set headers of [start, end) and returns where the chain of sound sets ends: `end` itself, or the offset of the
 * first header that does not fit. What follows a sound chain and is too short for a header, or is all zero, is padding and
 * counts as sound: exporters align datagrams to 32 bits or fill them with zeros.
 */
export function soundEnd(view: DataView, start: number, end: number): number {
  let at = start;
  while (end - at >= SET_HEADER_BYTES) {
    const length = view.getUint16(at + 2);
    if (length < SET_HEADER_BYTES || at + length > end) return allZero(view, at, end) ? end : at;
    at += length;
  }
  return allZero(view, at, end) ? end : at;
}

export function allZero(view: DataView, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (view.getUint8(i) !== 0) return false;
  return true;
}
