import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { MillraceError } from '../../../src/base/errors.ts';
import { concat, u8 } from '../../support/bytes.ts';
import fc from '../../support/fast-check.ts';
import {
  big,
  type Contents,
  enhancedPacket,
  extension,
  fragment6,
  frame,
  ipv4,
  ipv6,
  little,
  networkInterface,
  pattern,
  pcap,
  pcapHeader,
  pcapRecord,
  read,
  section,
  udp,
} from './build.ts';

/** Reads to the end; null for the one error that may come. The counts are checked by read(). */
async function readHostile(file: Uint8Array, chunkBytes: number): Promise<Contents | null> {
  try {
    return await read(file, chunkBytes);
  } catch (error) {
    assert.ok(error instanceof MillraceError && error.code === 'INPUT_FAILED', String(error));
    return null;
  }
}

const chunkBytes = fc.integer({ min: 1, max: 3000 });
const LINK_TYPES = [0, 1, 12, 101, 108, 113, 229, 276];

test('random bytes end, with INPUT_FAILED at most', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), chunkBytes, async (bytes, chunk) => {
      await readHostile(bytes, chunk);
    }),
    { numRuns: 300 },
  );
});

test('random bytes behind a good start end, with INPUT_FAILED at most', async () => {
  const starts = [
    pcapHeader(little),
    pcapHeader(big, 101, 0xa1b23c4d),
    pcapHeader(little, 276, 0xa1b2cd34),
    section(little),
    concat(section(big), networkInterface(big, 1)),
    u8(0x1f, 0x8b, 8, 0),
    gzipSync(u8()).subarray(0, 10),
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...starts),
      fc.uint8Array({ maxLength: 3000 }),
      chunkBytes,
      async (start, rest, chunk) => {
        await readHostile(concat(start, rest), chunk);
      },
    ),
    { numRuns: 500 },
  );
});

test('random frames of every link type are counted one by one', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...LINK_TYPES),
      fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }),
      async (linkType, frames) => {
        const { stats } = await read(pcap(linkType, ...frames));
        assert.equal(stats.frames, frames.length);
      },
    ),
    { numRuns: 500 },
  );
});

const SEGMENT = udp(pattern(600));
const PACKETS = [
  ipv4(SEGMENT),
  ipv4(SEGMENT, { options: pattern(8) }),
  ipv4(SEGMENT.subarray(0, 400), { more: true }),
  ipv4(SEGMENT.subarray(400), { offset: 400 }),
  ipv6(SEGMENT),
  ipv6(extension(43, 0, extension(17, 1, SEGMENT)), 0),
  ipv6(fragment6(SEGMENT.subarray(0, 400), { more: true }), 44),
  ipv6(fragment6(SEGMENT.subarray(400), { offset: 400 }), 44),
];
const FILES = [
  pcap(101, ...PACKETS),
  concat(pcapHeader(big, 101), ...PACKETS.map((data) => pcapRecord(big, data))),
  concat(
    section(little),
    networkInterface(little, 101),
    ...PACKETS.map((data) => enhancedPacket(little, 0, 0n, data)),
  ),
  pcap(1, frame(pattern(50)), frame(pattern(60))),
];

test('good files with damaged octets end, and every frame is accounted for', async () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...FILES), damage, chunkBytes, async (file, octets, chunk) => {
      const damaged = file.slice();
      for (const [at, value] of octets) damaged[at % damaged.length] = value;
      await readHostile(damaged, chunk);
    }),
    { numRuns: 800 },
  );
});

test('damage inside frames never reaches into the next one', async () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 12 });
  const good = ipv4(udp(pattern(77)), { id: 999, source: u8(203, 0, 113, 1) });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...PACKETS), damage, async (packet, octets) => {
      const damaged = packet.slice();
      for (const [at, value] of octets) damaged[at % damaged.length] = value;
      const { datagrams, stats } = await read(pcap(101, damaged, good));
      assert.equal(stats.frames, 2);
      assert.deepEqual(datagrams.at(-1)?.payload, pattern(77));
    }),
    { numRuns: 500 },
  );
});

test('packed files with damaged octets end', async () => {
  const packed = gzipSync(FILES[0]);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: packed.length - 1 }), fc.nat({ max: 255 }), async (at, value) => {
      const damaged = packed.slice();
      damaged[at] = value;
      await readHostile(damaged, 100);
    }),
    { numRuns: 200 },
  );
});
