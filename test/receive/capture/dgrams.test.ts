import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressText, parseAddress } from '../../../src/base/ip.ts';
import { DgramsWriter } from '../../../src/receive/capture/writer.ts';
import { concat, u8, u16, u32 } from '../../support/bytes.ts';
import fc from '../../support/fast-check.ts';
import { counts, pattern, read } from './build.ts';

const record = (source: number[], port: number, payload: Uint8Array): Uint8Array =>
  concat(u8(...source), u16(port, payload.length), payload);
const v9 = (length: number): Uint8Array => concat(u16(9), pattern(length - 2));

const address = (text: string): Uint8Array => {
  const bytes = new Uint8Array(16);
  assert.ok(parseAddress(text, bytes));
  return bytes;
};

test('records, known and unknown sources', async () => {
  const { datagrams, stats } = await read(
    concat(
      record([192, 0, 2, 1], 2055, v9(64)),
      record([0, 0, 0, 0], 0, v9(20)),
      record([223, 255, 255, 1], 65_535, u8()),
    ),
  );
  assert.deepEqual(counts(stats), { frames: 3, datagrams: 3 });
  assert.deepEqual(
    datagrams.map((d) => [
      addressText(d.address, 0),
      d.port,
      d.destinationPort,
      d.payload.length,
      d.capturedAtMs,
    ]),
    [
      ['192.0.2.1', 2055, 0, 64, Number.NaN],
      ['::', 0, 0, 20, Number.NaN],
      ['223.255.255.1', 65_535, 0, 0, Number.NaN],
    ],
  );
  assert.deepEqual(datagrams[0].payload, v9(64));
});

test('a short file needs no flow exports when its records end with it', async () => {
  const { datagrams } = await read(
    concat(record([10, 0, 0, 1], 1, u8(255)), record([10, 0, 0, 1], 1, pattern(9, 77))),
  );
  assert.equal(datagrams.length, 2);
});

test('a source that looks like the magic of pcapng is a source all the same', async () => {
  const { datagrams } = await read(record([0x0a, 0x0d, 0x0d, 0x0a], 2055, v9(64)));
  assert.equal(addressText(datagrams[0].address, 0), '10.13.13.10');
});

test('a source that looks like the magic of pcap is a source all the same', async () => {
  for (const source of [
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0xd4, 0xc3, 0xb2, 0xa1],
  ]) {
    const { datagrams } = await read(record(source, 2055, v9(64)));
    assert.equal(datagrams.length, 1);
  }
});

test('a file that ends in the middle of a record yields what is whole', async () => {
  const whole = record([192, 0, 2, 1], 2055, v9(64));
  const last = record([192, 0, 2, 1], 2055, v9(30));
  for (let length = 0; length <= last.length; length++) {
    const { stats } = await read(concat(whole, last.subarray(0, length)));
    assert.equal(stats.datagrams, length === last.length ? 2 : 1);
    assert.equal(stats.truncated, length === 0 || length === last.length ? 0 : 1);
  }
});

test('a long file of flow exports', async () => {
  const one = record([192, 0, 2, 1], 2055, v9(1400));
  const { stats } = await read(concat(...new Array<Uint8Array>(1000).fill(one), u8(1, 2, 3)));
  assert.deepEqual(counts(stats), { frames: 1000, datagrams: 1000, truncated: 1 });
});

test('the longest payload', async () => {
  const { datagrams } = await read(record([192, 0, 2, 1], 2055, v9(65_535)));
  assert.equal(datagrams[0].payload.length, 65_535);
});

test('what is no capture is told so', async () => {
  const files: Uint8Array[] = [
    new Uint8Array(8),
    new Uint8Array(8000),
    new Uint8Array(200_000),
    new Uint8Array(200_000).fill(0x20),
    new Uint8Array(200_000).fill(0xff),
    Buffer.from('{"type":"flow","bytes":1}\n'.repeat(20_000)),
    Buffer.from('hello\n'),
    u8(7),
    u32(0xa1b2c3d4),
    u32(0xa1b2c3d4, 0x00020004, 0, 0),
    u32(0xa1b2c3d4, 0x00030000, 0, 0, 65_535, 1, 0, 0),
  ];
  for (const file of files) {
    await assert.rejects(read(file), {
      name: 'MillraceError',
      code: 'INPUT_FAILED',
      message:
        'cannot read standard input: not a capture, or broken at its start; ' +
        'pcap, pcapng, .dgrams and IPFIX files are read, plain or gzip-compressed',
    });
  }
});

test('the writer makes what the reader reads', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.ipV4(), fc.nat({ max: 65_535 }), fc.uint8Array({ maxLength: 2000 })), {
        minLength: 1,
      }),
      async (wanted) => {
        const records = wanted.map(([text, port, payload]) =>
          DgramsWriter.record(address(text), port, concat(u16(10), payload)),
        );
        const { datagrams } = await read(concat(...records));
        assert.deepEqual(
          datagrams.map((d) => [d.port, d.payload]),
          wanted.map(([, port, payload]) => [port, concat(u16(10), payload)]),
        );
        for (let i = 0; i < wanted.length; i++) {
          const text = wanted[i][0] === '0.0.0.0' ? '::' : wanted[i][0];
          assert.equal(addressText(datagrams[i].address, 0), text);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('the writer: bytes, IPv6 and the longest payload', () => {
  assert.deepEqual(DgramsWriter.record(address('1.2.3.4'), 513, u8(9)), u8(1, 2, 3, 4, 2, 1, 0, 1, 9));
  assert.deepEqual(DgramsWriter.record(address('2001:db8::1'), 513, u8()), u8(0, 0, 0, 0, 2, 1, 0, 0));
  assert.deepEqual(DgramsWriter.record(new Uint8Array(16), 0, u8()), new Uint8Array(8));
  assert.equal(DgramsWriter.record(address('1.2.3.4'), 1, new Uint8Array(65_535)).length, 65_543);
  assert.throws(() => DgramsWriter.record(address('1.2.3.4'), 1, new Uint8Array(65_536)), /65535/);
});
