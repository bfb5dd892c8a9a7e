import { VARIABLE_LENGTH } from '../../src/decode/layout.ts';
import { concat, ipfix, set, template, u16, u32 } from '../support/bytes.ts';

/** An element that no dictionary has: its octets are shown as they are. */
const ELEMENT = 32_000;
export const NUMBERED_FIELD = `0.${ELEMENT}`;
const TEMPLATE = set(2, template(256, [ELEMENT, VARIABLE_LENGTH]));
const SHORTEST = 70;
const LENGTHS = 260;

const repeatsOf = (n: number): number => SHORTEST + ((n * 7) % LENGTHS);

/** A datagram that is full of its number: one record, whose length depends on the number as well. */
export function numberedDatagram(n: number): Uint8Array {
  const number = u32(n);
  const octets = concat(...Array.from({ length: repeatsOf(n) }, () => number));
  return ipfix({ sequence: n }, TEMPLATE, set(256, concat(Uint8Array.of(255), u16(octets.length), octets)));
}

/** The number of a record's octets in hexadecimal; NaN when they are not all of one datagram. */
export function numberOf(hex: string): number {
  const n = Number.parseInt(hex.slice(0, 8), 16);
  return hex === hex.slice(0, 8).repeat(repeatsOf(n)) ? n : Number.NaN;
}
