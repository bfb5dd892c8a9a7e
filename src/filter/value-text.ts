/** The values of the filter language, from their text. */
import { Cidr } from '../base/ip.ts';
import { PROTOCOLS } from '../output/protocol-names.ts';
import type { Term, ValueKind } from './words.ts';

const UNBOUNDED: ReadonlySet<ValueKind> = new Set(['counter', 'duration', 'time']);

/** A number, or null when the text is none of its kind or too large. */
export function numberOf(text: string, { kind, max }: Term): number | null {
  const value = READERS[kind](text);
  const most = UNBOUNDED.has(kind) ? Number.MAX_SAFE_INTEGER : max;
  return value !== null && value <= most ? value : null;
}

/** What texts a term takes, for whoever gave another. */
export function allowedValues({ kind, max }: Term): string {
  switch (kind) {
    case 'address':
      return 'an address or range, such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32; names are not looked up';
    case 'number':
      return `a whole number from 0 to ${max}`;
    case 'counter':
      return 'a whole number, with k, M, G or T for thousands, such as 1500 or 10k';
    case 'duration':
      return 'milliseconds, or a duration such as 30s or 5m';
    case 'time':
      return 'a time in UTC such as 2026-11-21 or 2026-11-21T15:29:34.5, or milliseconds since 1970';
    case 'direction':
      return `ingress, egress or a number from 0 to ${max}`;
    case 'protocol':
      return `a number from 0 to ${max} or a name: ${[...PROTOCOL_NUMBERS.keys()].join(', ')}`;
    case 'flags':
      return `letters of ${[...FLAG_BITS.keys()].join('')} (X: all) or a number from 0 to ${max}`;
    case 'mac':
      return 'a MAC address such as 00:00:5e:00:53:01';
  }
}

/** An address or range; of networks the octets that are zero may be left out, as in 10/8. */
export function rangeOf(text: string): Cidr | null {
  const short = /^(\d{1,3}(?:\.\d{1,3}){0,2})(\/\d{1,2})$/.exec(text);
  if (short === null) return Cidr.parse(text);
  const octets = short[1].split('.');
  while (octets.length < 4) octets.push('0');
  return Cidr.parse(`${octets.join('.')}${short[2]}`);
}

const ascii = new TextDecoder();
/** Protocol numbers by name, in lower case. */
export const PROTOCOL_NUMBERS: ReadonlyMap<string, number> = new Map(
  [...PROTOCOLS].map(([number, name]) => [ascii.decode(name).toLowerCase(), number]),
);

/** Bits of the TCP header. */
const FLAG_BITS: ReadonlyMap<string, number> = new Map([
  ['F', 1],
  ['S', 2],
  ['R', 4],
  ['P', 8],
  ['A', 16],
  ['U', 32],
  ['E', 64],
  ['C', 128],
]);
const ALL_FLAGS = 0x3f;

const SCALES: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, g: 1e9, t: 1e12 };
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 };

const DIRECTIONS: ReadonlyMap<string, number> = new Map([
  ['ingress', 0],
  ['egress', 1],
]);

const READERS: Readonly<Record<ValueKind, (text: string) => number | null>> = {
  address: () => null,
  number: whole,
  counter: (text) => scaled(text, /^(\d{1,16}(?:\.\d{1,9})?)([kmgt])$/i, SCALES),
  duration: (text) => scaled(text, /^(\d{1,16}(?:\.\d{1,9})?)(ms|[smhd])$/i, UNITS_MS),
  protocol: (text) => PROTOCOL_NUMBERS.get(text.toLowerCase()) ?? whole(text),
  direction: (text) => DIRECTIONS.get(text.toLowerCase()) ?? whole(text),
  time: (text) => whole(text) ?? timeMs(text),
  flags: (text) => whole(text) ?? flagBits(text),
  mac: (text) => {
    if (!/^[0-9a-f]{1,2}(?:[:-][0-9a-f]{1,2}){5}$/i.test(text)) return null;
    return text.split(/[:-]/).reduce((value, octet) => value * 256 + Number.parseInt(octet, 16), 0);
  },
};

function whole(text: string): number | null {
  return /^(\d{1,16}|0x[0-9a-f]{1,13})$/i.test(text) ? Number(text) : null;
}

function scaled(text: string, form: RegExp, units: Readonly<Record<string, number>>): number | null {
  const match = form.exec(text);
  if (match === null) return whole(text);
  const value = Number(match[1]) * units[match[2].toLowerCase()];
  return Number.isSafeInteger(value) ? value : null;
}

function timeMs(text: string): number | null {
  const [, date, time = '00:00'] =
    /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)Z?)?$/i.exec(text) ?? [];
  const ms = Date.parse(`${date}T${time}Z`);
  // The parser of dates takes February 31 for a day in March.
  return ms >= 0 && new Date(ms).toISOString().startsWith(`${date}T${time}`) ? ms : null;
}

function flagBits(text: string): number | null {
  let bits = 0;
  for (const letter of text.toUpperCase()) {
    const bit = letter === 'X' ? ALL_FLAGS : FLAG_BITS.get(letter);
    if (bit === undefined) return null;
    bits |= bit;
  }
  return bits;
}
