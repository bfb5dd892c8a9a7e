/** Batches of layouts that are out of the ordinary, by what is odd about them. Without structured data. */
import type { FlowBatch } from '../../src/decode/batch.ts';
import type { ExporterStateSource } from '../../src/schema/state-source.ts';
import { stateSource, stateText } from './encode.ts';
import { EXPORT_MS, flowBatch } from './flow-batch.ts';

export const ODD_STATE: ExporterStateSource = stateSource({
  samplingRate: (sampler) => (sampler === 2 ? 1000 : sampler === 3 ? 10 / 3 : 0),
  systemInitMs: EXPORT_MS - 5_000_000,
  interfaceName: (index) => (index === 7 ? stateText('Gi0/0/7 "ü"') : null),
  interfaceDescription: (index) => (index < 10 ? stateText(`uplink ${index}`) : null),
  vrfName: (id) => (id === 1 ? stateText('red') : null),
  applicationName: (bytes, offset, length) => (length > 0 && bytes[offset] === 13 ? stateText('quic') : null),
  samplerName: (id) => (id === 2 ? stateText('one in a thousand') : null),
});

export const oddBatches = (): Record<string, FlowBatch> => ({
  'one field, many rows': flowBatch({
    fields: [[7, 2]],
    rows: Array.from({ length: 3000 }, (_, i) => [i & 0xffff]),
  }),
  'fields of no length': flowBatch({
    fields: [
      [1, 0],
      [82, 0],
      [2, 4],
    ],
    rows: [[new Uint8Array(0), '', 3]],
  }),
  'repeated elements of several widths': flowBatch({
    fields: [
      [85, 4],
      [85, 8],
      [85, 3],
      [85, 9],
      [8, 4],
      [8, 4],
    ],
    rows: [
      [1, 2n ** 53n, 3, Uint8Array.of(4), '10.0.0.1', '10.0.0.2'],
      [0, 2n ** 53n - 1n, 0, new Uint8Array(0), '0.0.0.0', '255.255.255.255'],
    ],
  }),
  'a column beside its reverse and an unknown one': flowBatch({
    fields: [
      [1, 8],
      [1, 8, 29_305],
      [777, 65_535, 424_242],
    ],
    rows: [[2n ** 64n - 1n, 2n ** 53n, Uint8Array.of(0, 255)]],
  }),
  'IPv4 and IPv6 in one template': flowBatch({
    fields: [
      [8, 4],
      [27, 16],
      [12, 4],
      [28, 16],
      [9, 1],
      [29, 1],
      [60, 1],
    ],
    rows: [
      ['192.0.2.1', '::', '192.0.2.2', '::', 24, 0, 4],
      ['0.0.0.0', '2001:db8::1', '0.0.0.0', '2001:db8::2', 0, 48, 6],
      ['192.0.2.1', '2001:db8::1', '0.0.0.0', '::', 24, 48, 9],
    ],
  }),
  'times of every kind, some not to be believed': flowBatch({
    fields: [
      [152, 8],
      [153, 8],
      [150, 4],
      [154, 8],
      [156, 8],
    ],
    rows: [
      [BigInt(EXPORT_MS - 1000), BigInt(EXPORT_MS), 1_699_999_999, 0xe8fe6f8000800000n, 0xe8fe6f8000800001n],
      [2n ** 63n, 5n, 0xffffffff, 0n, 2n ** 64n - 1n],
      [0n, 0n, 0, 1n, 0x0000000100000000n],
    ],
  }),
  'uptimes without a header that knows': flowBatch({
    fields: [
      [22, 4],
      [21, 4],
    ],
    rows: [
      [4_000_000, 5_000_000],
      [6_000_000, 0],
    ],
    set: { stateAddress: 8 },
  }),
  'names and rates from options data, for some sets': flowBatch({
    fields: [
      [10, 4],
      [14, 4],
      [48, 1],
      [95, 4],
      [234, 4],
    ],
    rows: [
      [7, 8, 2, Uint8Array.of(13, 0, 1, 197), 1],
      [9, 70, 3, Uint8Array.of(3, 0, 0, 80), 2],
      [7, 8, 2, Uint8Array.of(13, 0, 1, 197), 1],
      [7, 8, 1, Uint8Array.of(), 1],
    ],
    sets: [{ rows: 2, stateAddress: 8 }, { rows: 1 }, { rows: 1, stateAddress: 8 }],
  }),
  'labels, distinguishers and application ids, good and bad': flowBatch({
    fields: [
      [70, 3],
      [71, 3],
      [90, 65_535],
      [95, 65_535],
    ],
    rows: [
      [
        Uint8Array.of(0, 6, 64),
        Uint8Array.of(0, 12, 129),
        Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2),
        Uint8Array.of(3, 1),
      ],
      [new Uint8Array(3), new Uint8Array(3), Uint8Array.of(7), Uint8Array.of(3)],
      [Uint8Array.of(255, 255, 255), new Uint8Array(3), new Uint8Array(0), new Uint8Array(0)],
    ],
  }),
  'ICMP and others': flowBatch({
    fields: [
      [4, 1],
      [32, 2],
    ],
    rows: [
      [1, 0x0800],
      [6, 0],
      [6, 0x0303],
    ],
  }),
  'texts that are none': flowBatch({
    fields: [
      [82, 65_535],
      [371, 8],
    ],
    rows: [
      [Uint8Array.of(65, 0xff, 66, 0, 0), new TextEncoder().encode('\ufeffab\0\0\0')],
      ['', new Uint8Array(8)],
      ['line\nbreak \u202e "quoted" \\ \u{1f600}', new TextEncoder().encode('12345678')],
    ],
  }),
  'numbers at their limits': flowBatch({
    fields: [
      [434, 4],
      [434, 8],
      [311, 8],
      [320, 8],
      [276, 1],
      [56, 6],
    ],
    rows: [
      [-(2 ** 31), -(2n ** 63n), Number.NaN, Number.POSITIVE_INFINITY, 1, 2n ** 48n - 1n],
      [2 ** 31 - 1, 2n ** 63n - 1n, -0, 5e-324, 2, 0n],
      [-1, -(2n ** 53n), 1e300, 0.1, 3, 1n],
      [0, -(2n ** 53n) + 1n, 4_294_967_296, -1, 0, 0xff00ff00ff00n],
    ],
  }),
  'options records': flowBatch({
    dialect: 9,
    scopes: 1,
    fields: [
      [1, 4],
      [34, 4],
      [84, 16],
    ],
    rows: [[167_772_161, 100, 'sampler']],
  }),
  'options records among others': flowBatch({
    dialect: 9,
    fields: [
      [7, 2],
      [22, 4],
      [21, 4],
    ],
    rows: [
      [1, 90_000, 95_000],
      [2, 90_000, 95_000],
      [3, 0xfffffff0, 95_000],
    ],
    sets: [
      { rows: 1 },
      { rows: 1, options: true },
      { rows: 1, sequence: 8, exporterPort: 1, exportTimeMs: EXPORT_MS + 999.75 },
    ],
  }),
  'options records among many others': flowBatch({
    dialect: 9,
    fields: [
      [1, 8],
      [27, 16],
      [82, 65_535],
      [153, 8],
    ],
    rows: Array.from({ length: 300 }, (_, i) => [
      2n ** 53n - 150n + BigInt(i),
      new Uint8Array(16).fill(i),
      'x'.repeat(i % 7),
      BigInt(EXPORT_MS - i),
    ]),
    sets: [
      { rows: 99 },
      { rows: 50, options: true },
      { rows: 100, sequence: 8 },
      { rows: 1, options: true },
      { rows: 50 },
    ],
  }),
  'NetFlow v5': flowBatch({
    dialect: 5,
    fields: [
      [8, 4],
      [1, 4],
    ],
    rows: [['10.1.1.1', 40]],
    set: { templateId: 0 },
  }),
});
