import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { anyBatch } from '../support/arbitrary-batch.ts';
import type { Field } from '../support/bytes.ts';
import { stateSource, stateText, textLines } from '../support/encode.ts';
import fc from '../support/fast-check.ts';
import { type CellValue, EXPORT_MS, flowBatch } from '../support/flow-batch.ts';

const FLOW: Field[] = [
  [152, 8],
  [153, 8],
  [8, 4],
  [12, 4],
  [7, 2],
  [11, 2],
  [4, 1],
  [2, 4],
  [1, 4],
  [10, 4],
  [14, 4],
  [16, 4],
  [17, 4],
];
const flowRow = (change: Record<number, CellValue> = {}): CellValue[] => {
  const row: CellValue[] = [
    EXPORT_MS + 123,
    EXPORT_MS + 500,
    '192.0.2.10',
    '198.51.100.20',
    51515,
    443,
    6,
    12,
    3500,
    3,
    7,
    64512,
    65001,
  ];
  for (const [i, value] of Object.entries(change)) row[Number(i)] = value;
  return row;
};
const line = (fields: Field[], row: CellValue[], options = {}): string =>
  textLines(flowBatch({ fields, rows: [row] }), options)[0];

describe('flows as text', () => {
  it('show a flow in one line', () => {
    assert.equal(
      line(FLOW, flowRow()),
      '2023-11-14 22:13:20.123       192.0.2.10:51515 → 198.51.100.20:443      TCP        12 pkts     3.4 KiB' +
        '  in 3 out 7  AS64512→AS65001  via 192.0.2.1',
    );
  });

  it('stand under each other', () => {
    const lines = textLines(
      flowBatch({
        fields: FLOW,
        rows: [flowRow(), flowRow({ 2: '1.1.1.1', 3: '223.255.255.255', 4: 1, 6: 17, 7: 999_999, 8: 1023 })],
      }),
    );
    for (const mark of ['→', ' pkts', '  in 3', '  via ']) {
      assert.equal(lines[0].indexOf(mark), lines[1].indexOf(mark), mark);
    }
  });

  it('leave out what is missing', () => {
    assert.equal(
      line(
        [
          [8, 4],
          [12, 4],
          [4, 1],
        ],
        ['192.0.2.10', '198.51.100.20', 99],
      ),
      '2023-11-14 22:13:20.000             192.0.2.10 → 198.51.100.20          proto 99  via 192.0.2.1',
    );
    assert.equal(line([[41, 8]], [1]).replace(/ +/g, ' '), '2023-11-14 22:13:20.000 - → - via 192.0.2.1');
    assert.match(
      line(
        [
          [56, 6],
          [80, 6],
        ],
        ['00:00:00:00:00:01', '00:00:00:00:00:02'],
      ),
      / 00:00:00:00:00:01 → 00:00:00:00:00:02 /,
    );
    assert.match(line([[14, 4]], [7]), / {2}out 7 {2}/);
    assert.doesNotMatch(line(FLOW, flowRow({ 11: 0, 12: 0 })), /AS/);
  });

  it('put IPv6 addresses with ports in brackets', () => {
    const fields: Field[] = [
      [27, 16],
      [28, 16],
      [7, 2],
      [11, 2],
    ];
    assert.match(
      line(fields, ['2001:db8::1', '2001:db8::2', 1, 2]),
      / \[2001:db8::1\]:1 → \[2001:db8::2\]:2 /,
    );
    assert.match(
      line(
        [
          [27, 16],
          [28, 16],
        ],
        ['2001:db8::1', '::'],
      ),
      / 2001:db8::1 → :: /,
    );
    const both: Field[] = [
      [8, 4],
      [27, 16],
      [7, 2],
    ];
    assert.match(line(both, ['192.0.2.10', '::', 1]), / 192\.0\.2\.10:1 → - /);
    assert.match(line(both, ['0.0.0.0', '2001:db8::1', 1]), / \[2001:db8::1\]:1 → - /);
  });

  it('name protocols, and ICMP by type and code instead of ports', () => {
    assert.match(line(FLOW, flowRow({ 6: 17 })), / UDP {2,}/);
    const icmp: Field[] = [
      [8, 4],
      [7, 2],
      [4, 1],
      [32, 2],
    ];
    assert.match(line(icmp, ['192.0.2.10', 0, 1, 0x0800]), / 192\.0\.2\.10 → - +ICMP 8\/0 /);
  });

  it('round octets to binary units', () => {
    const octets = (value: number | bigint): string =>
      line([[1, 8]], [value]).replace(/^.*- +(.*?) {2}via.*$/, '$1');
    assert.deepEqual(
      [0, 1023, 1024, 1536, 1_048_524, 1_048_525, 2 ** 30, 18_446_744_073_709_551_615n].map(octets),
      ['0 B', '1023 B', '1.0 KiB', '1.5 KiB', '1023.9 KiB', '1.0 MiB', '1.0 GiB', '16.0 EiB'],
    );
  });

  it('show sampling, the other direction, translation, events and names', () => {
    const fields: Field[] = [
      [8, 4],
      [12, 4],
      [34, 4],
      [1, 4],
      [1, 4, 29305],
      [2, 4, 29305],
      [225, 4],
      [226, 4],
      [227, 2],
      [228, 2],
      [230, 1],
      [233, 1],
      [371, 5],
      [96, 4],
    ];
    const row = [
      '10.0.0.5',
      '198.51.100.80',
      1000,
      100,
      2048,
      3,
      '203.0.113.5',
      '198.51.100.80',
      1024,
      443,
      4,
      3,
      'alice',
      'web\0',
    ];
    assert.match(
      line(fields, row),
      / 100 B {2}×1000 {2}← 3 pkts {2}2\.0 KiB {2}NAT 203\.0\.113\.5:1024 → 198\.51\.100\.80:443 {2}NAT44 session created {2}flow denied {2}user "alice" {2}app "web" {2}via 192\.0\.2\.1$/,
    );
  });

  it('show interfaces by name where names are known', () => {
    const state = stateSource({
      interfaceName: (index) => (index === 3 ? stateText('Gi0/1\u001b[2J') : null),
    });
    const batch = flowBatch({ fields: FLOW, rows: [flowRow()], set: { stateAddress: 8 } });
    assert.match(textLines(batch, { state })[0], / {2}in Gi0\/1\\u001b\[2J out 7 /);
  });
});

describe('other records as text', () => {
  it('show the fields of options records', () => {
    const batch = flowBatch({
      dialect: 9,
      scopes: 1,
      fields: [
        [2, 4],
        [82, 8],
      ],
      rows: [[7, 'Gi0/1']],
    });
    assert.deepEqual(textLines(batch, { options: true }), [
      '2023-11-14 22:13:20.000  v9 #256 options  scopeInterface=7 interfaceName="Gi0/1"  via 192.0.2.1',
    ]);
  });

  it('show all fields in schema iana', () => {
    const batch = flowBatch({
      fields: [
        [8, 4],
        [4, 1],
        [4, 1],
      ],
      rows: [['192.0.2.10', 6, 17]],
    });
    assert.deepEqual(textLines(batch, { schema: 'iana' }), [
      '2023-11-14 22:13:20.000  ipfix #256  sourceIPv4Address="192.0.2.10" protocolIdentifier=[6,17]  via 192.0.2.1',
    ]);
  });
});

describe('text from exporters', () => {
  it('never reaches a terminal as a control character', () => {
    fc.assert(
      fc.property(anyBatch, fc.constantFrom('millrace', 'iana'), (batch, schema) => {
        for (const text of textLines(batch, { schema: schema as 'millrace' | 'iana' })) {
          assert.doesNotMatch(text, /[\p{Cc}\u200b-\u200f\u2028-\u202e\u2066-\u2069]/u);
        }
      }),
      { numRuns: 300 },
    );
    const hostile = '\u001b]0;owned\u0007\r\n\u009b31m\u202e';
    for (const schema of ['millrace', 'iana'] as const) {
      const text = line(
        [
          [371, 65535],
          [96, 65535],
        ],
        [hostile, hostile],
        { schema },
      );
      assert.doesNotMatch(text, /[\p{Cc}\u202e]/u);
      assert.match(text, /\\u001b\]0;owned\\u0007\\r\\n\\u009b31m\\u202e/);
    }
  });

  it('in lists neither', () => {
    const batch = flowBatch({ fields: [[291, 65535]], rows: [[Uint8Array.of(3)]] });
    const [text] = textLines(batch, { schema: 'iana', listToValue: () => ['\u009b31m\u001b'] });
    assert.match(text, /basicList=\["\\u009b31m\\u001b"\]/);
  });
});
