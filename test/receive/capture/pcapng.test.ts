import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '../../../src/base/errors.ts';
import { concat, u8 } from '../../support/bytes.ts';
import {
  big,
  block,
  counts,
  enhancedPacket,
  ethernet,
  frame,
  ipv4,
  little,
  networkInterface,
  type Order,
  option,
  padded,
  pattern,
  read,
  section,
  udp,
} from './build.ts';

const PAYLOAD = pattern(101);
const FRAME = frame(PAYLOAD);
const RAW_PACKET = ipv4(udp(pattern(33)));
const SECONDS = 1_700_000_000n;

const resolution = (order: Order, value: number): Uint8Array => option(order, 9, u8(value));
const offset = (order: Order, seconds: bigint): Uint8Array => {
  const high = Number(BigInt.asUintN(32, seconds >> 32n));
  const low = Number(BigInt.asUintN(32, seconds));
  return option(order, 14, order === big ? big.u32(high, low) : little.u32(low, high));
};
const end = (order: Order): Uint8Array => option(order, 0, u8());

/** Time stamps of one packet per interface, each interface with the options given. */
async function times(order: Order, ...packets: [options: Uint8Array, time: bigint][]): Promise<number[]> {
  const { datagrams } = await read(
    concat(
      section(order),
      ...packets.map(([options]) => networkInterface(order, 1, { options })),
      ...packets.map(([, time], i) => enhancedPacket(order, i, time, FRAME)),
    ),
  );
  return datagrams.map(({ capturedAtMs }) => capturedAtMs);
}

for (const [name, order] of Object.entries({ big, little })) {
  test(`enhanced packets of two interfaces, ${name}-endian`, async () => {
    const { datagrams, stats } = await read(
      concat(
        section(order, concat(option(order, 4, u8(1, 2, 3)), end(order))),
        networkInterface(order, 1),
        networkInterface(order, 101, { options: concat(option(order, 2, pattern(5)), resolution(order, 9)) }),
        enhancedPacket(order, 0, SECONDS * 1_000_000n + 123_456n, FRAME),
        enhancedPacket(order, 1, SECONDS * 1_000_000_000n + 123_456_000n, RAW_PACKET),
        enhancedPacket(order, 0, SECONDS * 1_000_000n + 7n, FRAME),
      ),
    );
    assert.deepEqual(counts(stats), { frames: 3, datagrams: 3 });
    assert.deepEqual(datagrams[0].payload, PAYLOAD);
    assert.deepEqual(datagrams[1].payload, pattern(33));
    assert.equal(datagrams[0].capturedAtMs, 1_700_000_000_123.456);
    assert.ok(Math.abs(datagrams[1].capturedAtMs - 1_700_000_000_123.456) < 0.0005);
    assert.equal(datagrams[2].capturedAtMs, 1_700_000_000_000.007);
  });

  test(`resolutions and offsets, ${name}-endian`, async () => {
    const got = await times(
      order,
      [u8(), SECONDS * 1_000_000n],
      [resolution(order, 3), SECONDS * 1000n + 5n],
      [resolution(order, 0), SECONDS],
      [resolution(order, 0x80 | 10), SECONDS * 1024n + 512n],
      [resolution(order, 0x80 | 20), SECONDS * 2n ** 20n + 2n ** 18n],
      [concat(resolution(order, 3), offset(order, SECONDS)), 250n],
      [concat(offset(order, -5n), resolution(order, 3)), 6000n],
      [concat(offset(order, SECONDS + 2n ** 32n)), 0n],
      [concat(end(order), resolution(order, 3)), SECONDS * 1_000_000n],
    );
    assert.deepEqual(got, [
      1_700_000_000_000,
      1_700_000_000_005,
      1_700_000_000_000,
      1_700_000_000_500,
      1_700_000_000_250,
      1_700_000_000_250,
      1000,
      1_700_000_000_000 + 2 ** 32 * 1000,
      1_700_000_000_000,
    ]);
  });

  test(`times before 1970 and behind the year 9999 are none, ${name}-endian`, async () => {
    const last = 253_402_300_799n;
    const got = await times(
      order,
      [resolution(order, 0), last],
      [resolution(order, 0), last + 1n],
      [resolution(order, 0), 2n ** 64n - 1n],
      [offset(order, 2n ** 63n - 1n), 0n],
      [offset(order, -(2n ** 63n)), 0n],
      [offset(order, -1n), 999_000n],
      [offset(order, -1n), 1_000_000n],
    );
    assert.deepEqual(got, [Number(last) * 1000, NaN, NaN, NaN, NaN, NaN, 0]);
  });

  test(`simple and obsolete packets, ${name}-endian`, async () => {
    const simple = (data: Uint8Array, original = data.length): Uint8Array =>
      block(order, 3, concat(order.u32(original), padded(data)));
    const obsolete = block(
      order,
      2,
      concat(
        order.u16(1, 0xffff),
        order.u32(395_812, 0x63c0_0000, FRAME.length, FRAME.length),
        padded(FRAME),
      ),
    );
    const { datagrams, stats } = await read(
      concat(section(order), networkInterface(order, 1), networkInterface(order, 1), simple(FRAME), obsolete),
    );
    assert.deepEqual(counts(stats), { frames: 2, datagrams: 2 });
    assert.ok(Number.isNaN(datagrams[0].capturedAtMs));
    assert.deepEqual(datagrams[1].payload, PAYLOAD);
    assert.equal(datagrams[1].capturedAtMs, (395_812 * 2 ** 32 + 0x63c0_0000) / 1000);
    const cut = await read(
      concat(
        section(order),
        networkInterface(order, 1, { snap: 60 }),
        simple(FRAME.subarray(0, 60), FRAME.length),
      ),
    );
    assert.deepEqual(counts(cut.stats), { frames: 1, truncated: 1 });
  });
}

test('sections of different byte order, each with interfaces of its own', async () => {
  const { datagrams, stats } = await read(
    concat(
      section(little),
      networkInterface(little, 1),
      enhancedPacket(little, 0, SECONDS * 1_000_000n, FRAME),
      section(big),
      networkInterface(big, 101, { options: resolution(big, 3) }),
      enhancedPacket(big, 0, SECONDS * 1000n, RAW_PACKET),
      enhancedPacket(big, 1, 0n, FRAME),
    ),
  );
  assert.deepEqual(counts(stats), { frames: 3, datagrams: 2, unsupported: 1 });
  assert.deepEqual(
    datagrams.map(({ capturedAtMs }) => capturedAtMs),
    [1_700_000_000_000, 1_700_000_000_000],
  );
});

test('unknown blocks and options are skipped', async () => {
  const { stats } = await read(
    concat(
      section(little),
      block(little, 0x0bad, pattern(400)),
      networkInterface(little, 1, { options: concat(option(little, 2988, pattern(9)), end(little)) }),
      block(little, 4, pattern(12)),
      block(little, 0xdeadbeef, pattern(300_000)),
      block(little, 5, u8()),
      enhancedPacket(little, 0, 0n, FRAME),
    ),
  );
  assert.deepEqual(counts(stats), { frames: 1, datagrams: 1 });
});

test('interface options that lead out of their block are not followed', async () => {
  const broken = concat(little.u16(9, 4000), u8(3, 0, 0, 0));
  assert.deepEqual(await times(little, [broken, SECONDS * 1_000_000n]), [1_700_000_000_000]);
});

test('packets that contradict their block, or belong to no interface', async () => {
  const { datagrams, stats } = await read(
    concat(
      section(little),
      block(little, 3, concat(little.u32(4), u8(1, 2, 3, 4))),
      networkInterface(little, 1),
      block(little, 6, little.u32(0, 0, 0, 0)),
      block(little, 2, u8(0, 0, 0, 0)),
      block(little, 3, u8()),
      enhancedPacket(little, 0, 0n, FRAME, FRAME.length + 4),
      enhancedPacket(little, 0, 0n, FRAME, 0xffffffff),
      enhancedPacket(little, 0xffffffff, 0n, FRAME),
      enhancedPacket(little, 0, 0n, FRAME),
    ),
  );
  assert.equal(datagrams.length, 1);
  assert.deepEqual(counts(stats), { frames: 8, datagrams: 1, malformed: 5, unsupported: 2 });
});

test('other frames are counted per interface', async () => {
  const { stats } = await read(
    concat(
      section(little),
      networkInterface(little, 105),
      networkInterface(little, 1),
      enhancedPacket(little, 0, 0n, FRAME),
      enhancedPacket(little, 1, 0n, ethernet(0x0806, pattern(28))),
      enhancedPacket(little, 1, 0n, FRAME),
    ),
  );
  assert.deepEqual(counts(stats), { frames: 3, unsupported: 1, notUdp: 1, datagrams: 1 });
});

test('a broken block ends the capture', async () => {
  const before = concat(section(little), networkInterface(little, 1), enhancedPacket(little, 0, 0n, FRAME));
  const mismatch = block(little, 77, pattern(8));
  mismatch[mismatch.length - 4]++;
  const otherVersion = section(little);
  otherVersion[12] = 2;
  const noMagic = section(little);
  noMagic[8] = 0;
  const shortSection = block(little, 0x0a0d0d0a, little.u32(0x1a2b3c4d));
  for (const broken of [
    concat(little.u32(6, 8), new Uint8Array(20)),
    concat(little.u32(6, 0), new Uint8Array(20)),
    concat(little.u32(6, 33), new Uint8Array(40)),
    concat(little.u32(6, 16 * 1024 * 1024 + 4), new Uint8Array(40)),
    mismatch,
    otherVersion,
    noMagic,
    shortSection,
  ]) {
    const { datagrams, stats } = await read(concat(before, broken, enhancedPacket(little, 0, 0n, FRAME)));
    assert.equal(datagrams.length, 1);
    assert.deepEqual(counts(stats), { frames: 1, datagrams: 1, broken: 1 });
  }
});

test('a block of 16 MiB is skipped', async () => {
  const { stats } = await read(
    concat(
      section(little),
      networkInterface(little, 1),
      block(little, 77, new Uint8Array(16 * 1024 * 1024 - 12)),
      enhancedPacket(little, 0, 0n, FRAME),
    ),
  );
  assert.deepEqual(counts(stats), { frames: 1, datagrams: 1 });
});

test('a packet above 256 KiB ends the capture as broken', async () => {
  const limit = 256 * 1024;
  const packet = (bytes: number): Uint8Array =>
    concat(
      section(little),
      networkInterface(little, 1),
      enhancedPacket(little, 0, 0n, concat(FRAME, new Uint8Array(bytes - FRAME.length))),
    );
  assert.deepEqual(counts((await read(packet(limit))).stats), { frames: 1, datagrams: 1 });
  assert.deepEqual(counts((await read(packet(limit + 1))).stats), { broken: 1 });
});

test('a file that ends in the middle of a block yields what is whole', async () => {
  const whole = concat(section(little), networkInterface(little, 1), enhancedPacket(little, 0, 0n, FRAME));
  const last = enhancedPacket(little, 0, 0n, FRAME);
  for (let length = 0; length <= last.length; length++) {
    const { stats } = await read(concat(whole, last.subarray(0, length)));
    assert.equal(stats.datagrams, length === last.length ? 2 : 1);
    assert.equal(stats.truncated, length === 0 || length === last.length ? 0 : 1);
  }
});

test('a first section of an unknown version cannot be read', async () => {
  const file = section(little);
  file[12] = 2;
  await assert.rejects(
    read(file),
    (error) => error instanceof MillraceError && error.code === 'INPUT_FAILED',
  );
});
