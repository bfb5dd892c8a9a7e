/**
 * Filters of any kind, each with what it means for a record in the native schema as a reader of msgpack sees it: the reference
 * that the compiled filter is compared with. Shares neither the parser nor the columns.
 */

import type { Json } from '../support/encode.ts';
import fc from '../support/fast-check.ts';
import { EXPORT_MS } from '../support/flow-batch.ts';

export interface MeantFilter {
  readonly text: string;
  holds(record: Json): boolean;
}

/** A value the record does not have is null. */
type Get = (record: Json) => bigint | null;

const integer = (value: unknown): bigint | null =>
  typeof value === 'number' || typeof value === 'bigint' ? BigInt(value) : null;
const field =
  (key: string): Get =>
  (record) =>
    integer(record[key]);

const duration: Get = (record) => {
  if (record.time_source !== undefined) return null;
  const start = integer(record.time_flow_start);
  const end = integer(record.time_flow_end);
  return start === null || end === null ? null : end / 1_000_000n - start / 1_000_000n;
};
const inMs =
  (key: string): Get =>
  (record) => {
    const value = integer(record[key]);
    return value === null ? null : value / 1_000_000n;
  };
const per =
  (key: string, factor: bigint, divisor: Get): Get =>
  (record) => {
    const value = integer(record[key]);
    const by = divisor(record);
    if (value === null || by === null) return null;
    return by === 0n ? 0n : (value * factor) / by;
  };
const VERSIONS: Readonly<Record<string, bigint>> = {
  netflow_v5: 5n,
  netflow_v7: 7n,
  netflow_v9: 9n,
  ipfix: 10n,
};

/** Phrase, its values (any of which may match), and numbers to compare with. */
const NUMBERS: readonly (readonly [string, readonly Get[], readonly string[]])[] = [
  ['src port', [field('src_port')], ['0', '53', '443', '65535']],
  ['dst port', [field('dst_port')], ['0', '53', '443', '65535']],
  ['port', [field('src_port'), field('dst_port')], ['0', '53', '443', '0x1bb']],
  ['proto', [field('proto')], ['1', '6', '17', '58']],
  ['bytes', [field('bytes')], ['0', '40', '1k', '1.5M', '4G', '9007199254740991']],
  ['in packets', [field('packets')], ['0', '1', '10', '1k']],
  ['tos', [field('ip_tos')], ['0', '46']],
  ['flags =', [field('tcp_flags')], ['2', 'S', 'SA', '0x12']],
  ['as', [field('src_as'), field('dst_as')], ['0', '64512', '4200000000']],
  ['next as', [field('next_as')], ['64512']],
  ['in if', [field('in_if')], ['1', '2']],
  ['egress if', [field('out_if')], ['1', '2']],
  ['if', [field('in_if'), field('out_if')], ['1', '2', '3']],
  ['src vlan', [field('src_vlan')], ['1', '100']],
  ['mask', [field('src_mask'), field('dst_mask')], ['0', '24', '64']],
  ['icmp-type', [field('icmp_type')], ['0', '3', '8']],
  ['icmp-code', [field('icmp_code')], ['0', '1']],
  ['duration', [duration], ['0', '1', '1500', '2s', '1m']],
  ['first seen', [inMs('time_flow_start')], [String(EXPORT_MS - 2_000), '2023-11-14T22:13:18.5']],
  ['last seen', [inMs('time_flow_end')], [String(EXPORT_MS), String(EXPORT_MS - 500)]],
  ['pps', [per('packets', 1_000n, duration)], ['0', '1', '100', '1k']],
  ['bps', [per('bytes', 8_000n, duration)], ['0', '8000', '1M']],
  ['bpp', [per('bytes', 1n, field('packets'))], ['0', '40', '1500']],
  ['version', [(record) => VERSIONS[String(record.flow_type)]], ['5', '9', '10']],
  ['domain', [field('observation_domain_id')], ['0', '1']],
  ['template', [field('template_id')], ['0', '256']],
  ['ethertype', [field('etype')], ['2048', '34525']],
  [
    'mpls label1',
    [(record) => integer((record.mpls_labels as unknown[] | undefined)?.[0])],
    ['1', '16', '1048575'],
  ],
];

const NAMES: Readonly<Record<string, bigint>> = { S: 2n, SA: 18n };
const SCALES: Readonly<Record<string, bigint>> = { k: 1_000n, M: 1_000_000n, G: 1_000_000_000n };

function numberOf(text: string): bigint {
  if (text === '1.5M') return 1_500_000n;
  if (text === '2s') return 2_000n;
  if (text === '1m') return 60_000n;
  if (text === '2023-11-14T22:13:18.5') return BigInt(EXPORT_MS - 1_500);
  const scale = SCALES[text.at(-1)!];
  return NAMES[text] ?? (scale === undefined ? BigInt(text) : BigInt(text.slice(0, -1)) * scale);
}

const COMPARISONS: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
  '': (a, b) => a === b,
  '=': (a, b) => a === b,
  '==': (a, b) => a === b,
  EQ: (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  lt: (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  GT: (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

const someValue = (gets: readonly Get[], record: Json, holds: (value: bigint) => boolean): boolean =>
  gets.some((get) => {
    const value = get(record);
    return value !== null && holds(value);
  });

const comparison: fc.Arbitrary<MeantFilter> = fc
  .constantFrom(...NUMBERS)
  .chain(([phrase, gets, values]) =>
    fc.record({
      phrase: fc.constant(phrase),
      gets: fc.constant(gets),
      value: fc.constantFrom(...values),
      comparator: fc.constantFrom(...Object.keys(COMPARISONS)),
    }),
  )
  .map(({ phrase, gets, value, comparator }) => {
    const given = phrase.endsWith('=') ? '' : comparator;
    return {
      text: `${phrase} ${given} ${value}`,
      holds: (record) => someValue(gets, record, (found) => COMPARISONS[given](found, numberOf(value))),
    };
  });

const list: fc.Arbitrary<MeantFilter> = fc
  .record({
    ports: fc.array(fc.nat(65_535).map(BigInt), { minLength: 1, maxLength: 4 }),
    more: fc.boolean(),
    separator: fc.constantFrom(' ', ', ', ','),
  })
  .map(({ ports, more, separator }) => {
    const wanted = more ? [...ports, 53n, 443n] : ports;
    return {
      text: `port in [${wanted.join(separator)}]`,
      holds: (record) =>
        someValue([field('src_port'), field('dst_port')], record, (port) => wanted.includes(port)),
    };
  });

const flags: fc.Arbitrary<MeantFilter> = fc
  .constantFrom<[string, bigint]>(['S', 2n], ['sa', 18n], ['FRPU', 45n], ['X', 63n])
  .map(([text, mask]) => ({
    text: `flags ${text}`,
    holds: (record) => someValue([field('tcp_flags')], record, (found) => (found & mask) === mask),
  }));

/** Address ranges with the addresses of the record values that lie inside of them. */
const RANGES: readonly (readonly [string, (address: string) => boolean])[] = [
  ['10.0.0.1', (a) => a === '10.0.0.1'],
  ['10.0.0.0/8', (a) => a.startsWith('10.')],
  ['10/8', (a) => a.startsWith('10.')],
  ['0.0.0.0/0', (a) => !a.includes(':')],
  ['192.0.2.128/25', (a) => a === '192.0.2.200'],
  ['2001:db8::/32', (a) => a.startsWith('2001:db8:')],
  ['2001:db8::1', (a) => a === '2001:db8::1'],
  ['::/1', (a) => a === '::' || a.startsWith('2001:') || !a.includes(':')],
];
export const ADDRESSES_V4 = [
  '0.0.0.0',
  '10.0.0.1',
  '10.200.3.4',
  '192.0.2.7',
  '192.0.2.200',
  '255.255.255.255',
];
export const ADDRESSES_V6 = ['::', '2001:db8::1', '2001:db8:1::2', 'fe80::1'];

const PLACES: readonly (readonly [string, readonly string[]])[] = [
  ['ip', ['src_addr', 'dst_addr']],
  ['src net', ['src_addr']],
  ['dst host', ['dst_addr']],
  ['next ip', ['next_hop']],
  ['src nat ip', ['nat_src_addr']],
  ['exporter', ['exporter_addr']],
  ['router ip', ['exporter_addr']],
];

const address: fc.Arbitrary<MeantFilter> = fc
  .record({
    place: fc.constantFrom(...PLACES),
    ranges: fc.array(fc.constantFrom(...RANGES), { minLength: 1, maxLength: 3 }),
    alone: fc.boolean(),
  })
  .map(({ place: [phrase, keys], ranges, alone }) => {
    const used = alone ? ranges.slice(0, 1) : ranges;
    return {
      text: alone ? `${phrase} ${used[0][0]}` : `${phrase} in [${used.map(([text]) => text).join(' ')}]`,
      holds: (record) =>
        keys.some((key) => {
          const value = record[key];
          return typeof value === 'string' && used.some(([, inside]) => inside(value));
        }),
    };
  });

const others: fc.Arbitrary<MeantFilter> = fc.constantFrom<MeantFilter>(
  { text: 'any', holds: () => true },
  { text: 'ipv4', holds: (record) => record.etype === 0x0800 },
  { text: 'INET6', holds: (record) => record.etype === 0x86dd },
  { text: 'flags 0', holds: (record) => record.tcp_flags === 0 },
  { text: 'flags 18', holds: (record) => record.tcp_flags === 18 },
  { text: 'proto tcp', holds: (record) => record.proto === 6 },
  { text: 'proto icmp6', holds: (record) => record.proto === 58 },
  { text: 'src mac 00:00:5e:00:53:01', holds: (record) => record.src_mac === '00:00:5e:00:53:01' },
  { text: 'mac 3c:52:a1:ff:00:02', holds: (record) => record.src_mac === '3c:52:a1:ff:00:02' },
  { text: 'flowdir egress', holds: (record) => record.direction === 1 },
  { text: 'engine-type 0', holds: () => false },
  {
    text: 'mpls label 16',
    holds: (record) => ((record.mpls_labels ?? []) as unknown[]).some((label) => Number(label) === 16),
  },
);

const term = fc.oneof(
  { weight: 6, arbitrary: comparison },
  { weight: 1, arbitrary: list },
  { weight: 1, arbitrary: flags },
  { weight: 3, arbitrary: address },
  { weight: 2, arbitrary: others },
);

export const anyFilter: fc.Arbitrary<MeantFilter> = fc.letrec<{ filter: MeantFilter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    term,
    fc
      .tuple(fc.constantFrom('not', '!', 'NOT'), tie('filter'))
      .map(([not, of]) => ({ text: `${not} (${of.text})`, holds: (record: Json) => !of.holds(record) })),
    fc
      .tuple(fc.constantFrom('and', '&&'), fc.array(tie('filter'), { minLength: 2, maxLength: 3 }))
      .map(([and, of]) => ({
        text: of.map(({ text }) => `(${text})`).join(` ${and} `),
        holds: (record: Json) => of.every((part) => part.holds(record)),
      })),
    // No parentheses: and binds more tightly than or.
    fc
      .tuple(fc.constantFrom('or', '||'), fc.array(fc.tuple(term, term), { minLength: 2, maxLength: 3 }))
      .map(([or, of]) => ({
        text: of.map(([a, b]) => `${a.text} and ${b.text}`).join(` ${or}\n`),
        holds: (record: Json) => of.some(([a, b]) => a.holds(record) && b.holds(record)),
      })),
  ),
})).filter;
