import type { Part } from './part.ts';

type HeaderField = readonly [name: string, octets: number];

const NETFLOW: readonly HeaderField[] = [
  ['version', 2],
  ['count', 2],
  ['sysUptime', 4],
  ['unixSeconds', 4],
];
/** The fields of each header in wire order (src/wire/header.ts). */
const HEADERS: Readonly<Record<number, readonly HeaderField[]>> = {
  5: [
    ...NETFLOW,
    ['unixNanoseconds', 4],
    ['flowSequence', 4],
    ['engineType', 1],
    ['engineId', 1],
    ['sampling', 2],
  ],
  7: [...NETFLOW, ['unixNanoseconds', 4], ['flowSequence', 4], ['reserved', 4]],
  9: [...NETFLOW, ['sequence', 4], ['sourceId', 4]],
  10: [
    ['version', 2],
    ['length', 2],
    ['exportTime', 4],
    ['sequence', 4],
    ['observationDomainId', 4],
  ],
};
const TIMES = new Set(['unixSeconds', 'exportTime']);

export const MESSAGE_NAMES: Readonly<Record<number, string>> = {
  5: 'NetFlow v5 message',
  7: 'NetFlow v7 message',
  9: 'NetFlow v9 message',
  10: 'IPFIX message',
};

/** The fields of the message header at `at`, as far as they are there; none when the version is not known. */
export function headerParts(view: DataView, at: number): Part[] {
  if (view.byteLength - at < 2) return [];
  const parts: Part[] = [];
  const version = view.getUint16(at);
  for (const [name, octets] of HEADERS[version] ?? []) {
    if (at + octets > view.byteLength) break;
    parts.push({ at, octets, depth: 1, name, value: headerValue(view, at, name, octets) });
    at += octets;
  }
  return parts;
}

function headerValue(view: DataView, at: number, name: string, octets: number): string {
  const value = octets === 4 ? view.getUint32(at) : octets === 2 ? view.getUint16(at) : view.getUint8(at);
  if (TIMES.has(name)) return `${value} (${new Date(value * 1000).toISOString().replace('.000', '')})`;
  if (name === 'sampling') return `mode ${value >>> 14}, interval ${value & 0x3fff}`;
  return String(value);
}
