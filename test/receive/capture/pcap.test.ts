import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, u8 } from '../../support/bytes.ts';
import { big, counts, frame, little, pattern, pcap, pcapHeader, pcapRecord, read } from './build.ts';

const PAYLOAD = pattern(100);
const FRAME = frame(PAYLOAD);

for (const [name, order] of Object.entries({ big, little })) {
  test(`microseconds, ${name}-endian`, async () => {
    const { datagrams, stats } = await read(
      concat(
        pcapHeader(order),
        pcapRecord(order, FRAME, { seconds: 1_700_000_000, fraction: 123_456 }),
        pcapRecord(order, FRAME, { seconds: 4_000_000_000, fraction: 0 }),
      ),
    );
    assert.deepEqual(counts(stats), { frames: 2, datagrams: 2 });
    assert.deepEqual(datagrams[0].payload, PAYLOAD);
    assert.equal(datagrams[0].capturedAtMs, 1_700_000_000_123.456);
    assert.equal(datagrams[1].capturedAtMs, 4_000_000_000_000);
  });

  test(`nanoseconds, ${name}-endian`, async () => {
    const { datagrams } = await read(
      concat(
        pcapHeader(order, 1, 0xa1b23c4d),
        pcapRecord(order, FRAME, { seconds: 1_700_000_000, fraction: 123_456_000 }),
      ),
    );
    assert.equal(datagrams[0].capturedAtMs, 1_700_000_000_123.456);
  });

  test(`modified form, ${name}-endian`, async () => {
    const record = (data: Uint8Array): Uint8Array =>
      concat(
        order.u32(1_700_000_000, 5000, data.length, data.length),
        order.u32(2),
        order.u16(0x0800),
        u8(0, 0),
        data,
      );
    const { datagrams, stats } = await read(
      concat(pcapHeader(order, 1, 0xa1b2cd34), record(FRAME), record(frame(u8(7)))),
    );
    assert.deepEqual(counts(stats), { frames: 2, datagrams: 2 });
    assert.deepEqual(datagrams[1].payload, u8(7));
    assert.equal(datagrams[1].capturedAtMs, 1_700_000_000_005);
  });
}

test('a header alone is an empty capture', async () => {
  const { datagrams, stats } = await read(pcapHeader(little));
  assert.equal(datagrams.length, 0);
  assert.deepEqual(counts(stats), {});
});

test('the length of a frame check sequence in the link type is no part of it', async () => {
  const { stats } = await read(
    concat(pcapHeader(little, 0x5400_0001), pcapRecord(little, concat(FRAME, u8(1, 2, 3, 4)))),
  );
  assert.deepEqual(counts(stats), { frames: 1, datagrams: 1 });
});

test('a file that ends in the middle of a record yields what is whole', async () => {
  const whole = pcap(1, FRAME, FRAME);
  const secondAt = whole.length - 16 - FRAME.length;
  for (let length = secondAt; length <= whole.length; length++) {
    const { datagrams, stats } = await read(whole.subarray(0, length));
    const all = length === whole.length ? 2 : 1;
    assert.equal(datagrams.length, all);
    assert.deepEqual(stats.truncated, length === secondAt || length === whole.length ? 0 : 1);
    assert.equal(stats.frames, all);
  }
});

test('a record of 256 KiB is read, a longer one ends the capture as broken', async () => {
  const limit = 256 * 1024;
  const fits = concat(FRAME, new Uint8Array(limit - FRAME.length));
  const longest = await read(pcap(1, fits, FRAME));
  assert.deepEqual(counts(longest.stats), { frames: 2, datagrams: 2 });
  const { datagrams, stats } = await read(pcap(1, FRAME, concat(fits, u8(0)), FRAME));
  assert.equal(datagrams.length, 1);
  assert.deepEqual(counts(stats), { frames: 1, datagrams: 1, broken: 1 });
});

test('a frame of no bytes', async () => {
  const { stats } = await read(pcap(1, u8(), FRAME));
  assert.deepEqual(counts(stats), { frames: 2, truncated: 1, datagrams: 1 });
});

test('records are read whatever the sizes of the chunks they come in', async () => {
  const frames = Array.from({ length: 20 }, (_, i) => frame(pattern(i * 13, i)));
  const file = pcap(1, ...frames);
  for (const chunkBytes of [1, 2, 3, 7, 16, 24, 40, 500]) {
    const { datagrams } = await read(file, chunkBytes);
    assert.deepEqual(
      datagrams.map(({ payload }) => payload),
      frames.map((_, i) => pattern(i * 13, i)),
    );
  }
});
