import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressText } from '../../../src/base/ip.ts';
import { concat, u8, u16 } from '../../support/bytes.ts';
import fc from '../../support/fast-check.ts';
import {
  type Contents,
  counts,
  extension,
  fragment6,
  ipv4,
  ipv6,
  little,
  pattern,
  pcapHeader,
  pcapRecord,
  read,
  udp,
} from './build.ts';

const RAW = 101;
const PAYLOAD = pattern(3000);
const SEGMENT = udp(PAYLOAD);

interface Piece {
  from: number;
  to: number;
  id?: number;
  /** Capture time after the start. */
  atMs?: number;
  /** Said of the piece, where it is not so by its end. */
  more?: boolean;
  segment?: Uint8Array;
  source?: Uint8Array;
}

const families = {
  IPv4: ({ from, to, id = 1, more, segment = SEGMENT, source }: Piece): Uint8Array =>
    ipv4(segment.subarray(from, to), { id, offset: from, more: more ?? to < segment.length, source }),
  IPv6: ({ from, to, id = 1, more, segment = SEGMENT, source }: Piece): Uint8Array =>
    ipv6(
      fragment6(segment.subarray(from, to), { id, offset: from, more: more ?? to < segment.length }),
      44,
      undefined,
      source && concat(u16(0x2001, 0xdb8, 0, 0, 0, 0), source),
    ),
};

type Build = (piece: Piece) => Uint8Array;

const file = (build: Build, pieces: Piece[]): Uint8Array =>
  concat(
    pcapHeader(little, RAW),
    ...pieces.map((piece) => {
      const { atMs = 0 } = piece;
      return pcapRecord(little, build(piece), {
        seconds: 1_700_000_000 + Math.floor(atMs / 1000),
        fraction: (atMs % 1000) * 1000,
      });
    }),
  );

const readPieces = (build: Build, ...pieces: Piece[]): Promise<Contents> => read(file(build, pieces));

const END = SEGMENT.length;
const A = { from: 0, to: 1480 };
const B = { from: 1480, to: 2960 };
const C = { from: 2960, to: END };

for (const [family, build] of Object.entries(families)) {
  test(`${family}: pieces in any order`, async () => {
    const orders = [
      [A, B, C],
      [A, C, B],
      [B, A, C],
      [B, C, A],
      [C, A, B],
      [C, B, A],
    ];
    for (const order of orders) {
      const { datagrams, stats } = await readPieces(build, ...order);
      assert.deepEqual(counts(stats), { frames: 3, fragments: 3, datagrams: 1, reassembled: 1 });
      assert.deepEqual(datagrams[0].payload, PAYLOAD);
      assert.equal(datagrams[0].port, 4000);
      assert.equal(datagrams[0].destinationPort, 2055);
      assert.equal(addressText(datagrams[0].address, 0), family === 'IPv4' ? '192.0.2.7' : '2001:db8::7');
    }
  });

  test(`${family}: the time is that of the last piece`, async () => {
    const { datagrams } = await readPieces(build, A, B, { ...C, atMs: 40 });
    assert.equal(datagrams[0].capturedAtMs, 1_700_000_000_040);
  });

  test(`${family}: interleaved datagrams are told apart by id and source`, async () => {
    const other = { source: u8(203, 0, 113, 9), segment: udp(pattern(3000, 9)) };
    const { datagrams, stats } = await readPieces(
      build,
      A,
      { ...A, ...other },
      { ...A, id: 2, segment: udp(pattern(3000, 5)) },
      { ...B, ...other },
      B,
      { ...B, id: 2, segment: udp(pattern(3000, 5)) },
      { ...C, id: 2, segment: udp(pattern(3000, 5)) },
      C,
      { ...C, ...other },
    );
    assert.equal(stats.reassembled, 3);
    assert.deepEqual(
      datagrams.map(({ payload }) => payload),
      [pattern(3000, 5), PAYLOAD, pattern(3000, 9)],
    );
  });

  test(`${family}: duplicates and overlaps with the same data do no harm`, async () => {
    for (const extra of [A, B, { from: 8, to: 1472 }, { from: 800, to: 2400 }, { from: 0, to: 2960 }]) {
      const { datagrams, stats } = await readPieces(build, A, extra, B, extra, C);
      assert.deepEqual(counts(stats), { frames: 5, fragments: 5, datagrams: 1, reassembled: 1 });
      assert.deepEqual(datagrams[0].payload, PAYLOAD);
    }
    const bridge = await readPieces(
      build,
      { from: 0, to: 800 },
      { from: 1600, to: 2000 },
      { from: 400, to: END },
    );
    assert.deepEqual(bridge.datagrams[0].payload, PAYLOAD);
  });

  test(`${family}: an overlap with different data makes the datagram void, late pieces too`, async () => {
    const forged = SEGMENT.slice();
    forged[1500] ^= 1;
    for (const overlap of [B, { from: 1496, to: 1504 }, { from: 0, to: 2400 }]) {
      const { datagrams, stats } = await readPieces(build, A, B, { ...overlap, segment: forged }, C, A, B, C);
      assert.equal(datagrams.length, 0);
      assert.deepEqual(counts(stats), { frames: 7, fragments: 7, fragmentsDropped: 7 });
    }
  });

  test(`${family}: pieces that disagree about the end make the datagram void`, async () => {
    const early = { ...B, more: false };
    const later = { ...B, more: true };
    const atEnd = { from: 1480, to: 2960, more: true };
    for (const pieces of [
      [C, early, A], // an end before the end
      [early, C, A], // an end after it
      [C, A, { from: 2960, to: END, more: false, segment: SEGMENT.subarray(0, END - 1) }, later],
      [early, atEnd, A], // more behind the end
      [early, { ...C, to: C.from + 8, more: true }, A],
    ]) {
      const { datagrams, stats } = await readPieces(build, ...pieces);
      assert.equal(datagrams.length, 0);
      assert.deepEqual(counts(stats), {
        frames: pieces.length,
        fragments: pieces.length,
        fragmentsDropped: pieces.length,
      });
    }
  });

  test(`${family}: a lost piece leaves a counted loss`, async () => {
    const { datagrams, stats } = await readPieces(
      build,
      A,
      C,
      { ...A, id: 2 },
      { ...B, id: 2 },
      { ...C, id: 2 },
    );
    assert.equal(datagrams.length, 1);
    assert.deepEqual(counts(stats), {
      frames: 5,
      fragments: 5,
      fragmentsDropped: 2,
      datagrams: 1,
      reassembled: 1,
    });
  });

  test(`${family}: a piece whose data were cut cannot be used`, async () => {
    const cut = build(B).subarray(0, -1);
    const { stats } = await read(
      concat(
        pcapHeader(little, RAW),
        ...[build(A), cut, build(C)].map((packet) => pcapRecord(little, packet)),
      ),
    );
    assert.deepEqual(counts(stats), { frames: 3, truncated: 1, fragments: 2, fragmentsDropped: 2 });
  });

  test(`${family}: pieces that cannot be are dropped alone`, async () => {
    const odd = { from: 0, to: 1479, more: true };
    const empty = { from: 1480, to: 1480, more: true };
    const beyond = { from: 65_528, to: 65_536, segment: pattern(65_536) };
    const { datagrams, stats } = await readPieces(build, odd, A, empty, B, beyond, C);
    assert.equal(datagrams.length, 1);
    assert.deepEqual(counts(stats), {
      frames: 6,
      fragments: 6,
      fragmentsDropped: 3,
      datagrams: 1,
      reassembled: 1,
    });
  });

  test(`${family}: the longest datagram`, async () => {
    const payload = pattern(65_507);
    const segment = udp(payload);
    const pieces: Piece[] = [];
    for (let from = 0; from < segment.length; from += 1480) {
      pieces.push({ from, to: Math.min(from + 1480, segment.length), segment });
    }
    const { datagrams } = await readPieces(build, ...pieces.reverse());
    assert.deepEqual(datagrams[0].payload, payload);
  });

  test(`${family}: at most 30 s by capture time`, async () => {
    const inTime = await readPieces(build, A, B, { ...C, atMs: 30_000 });
    assert.equal(inTime.stats.reassembled, 1);
    const late = await readPieces(build, A, B, { ...C, atMs: 30_001 });
    assert.deepEqual(counts(late.stats), { frames: 3, fragments: 3, fragmentsDropped: 3 });
    // An old datagram is not mixed with a later one of the same id.
    const reused = { segment: udp(pattern(3000, 77)), atMs: 30_001 };
    const { datagrams, stats } = await readPieces(
      build,
      A,
      { ...A, ...reused },
      { ...B, ...reused },
      { ...C, ...reused },
    );
    assert.deepEqual(datagrams[0].payload, pattern(3000, 77));
    assert.equal(stats.fragmentsDropped, 1);
  });

  test(`${family}: at most 256 datagrams, the oldest goes first`, async () => {
    const firsts = (count: number): Piece[] => Array.from({ length: count }, (_, i) => ({ ...A, id: i + 1 }));
    const rest = [B, C];
    const fits = await readPieces(build, ...firsts(256), ...rest);
    assert.equal(fits.stats.reassembled, 1);
    assert.equal(fits.stats.fragmentsDropped, 255);
    // The first one is pushed out, so its other pieces stay alone and push out the second.
    const full = await readPieces(build, ...firsts(257), ...rest);
    assert.equal(full.stats.reassembled, 0);
    assert.equal(full.stats.fragmentsDropped, 259);
    const third = rest.map((piece) => ({ ...piece, id: 3 }));
    assert.equal((await readPieces(build, ...firsts(257), ...rest, ...third)).stats.reassembled, 1);
  });

  test(`${family}: at most 1 MiB of pieces, the oldest goes first`, async () => {
    const segment = pattern(65_000);
    const piece = { from: 0, to: 32_768, segment };
    const pieces = Array.from({ length: 32 }, (_, i) => ({ ...piece, id: i + 10 }));
    const last = { from: 8, to: 16, id: 1, segment: udp(pattern(8)), more: false };
    const first = { ...last, from: 0, to: 8, more: true };
    // 31 × 32 KiB, 8 bytes, and what fills 1 MiB to the last byte.
    const upTo = (bytes: number): Piece[] => [
      first,
      ...pieces.slice(0, 31),
      { ...piece, id: 99, to: bytes - 31 * 32_768 - 8 },
      last,
    ];
    assert.equal((await readPieces(build, ...upTo(1024 * 1024))).stats.reassembled, 1);
    const over = await readPieces(build, ...upTo(1024 * 1024 + 8));
    assert.equal(over.stats.reassembled, 0);
    assert.equal(over.stats.fragmentsDropped, 34);
  });

  test(`${family}: at most 256 pieces of one datagram`, async () => {
    const pieces = (count: number): Piece[] => {
      const segment = udp(pattern(count * 8 - 8));
      return Array.from({ length: count }, (_, i) => ({ from: i * 8, to: i * 8 + 8, segment }));
    };
    assert.equal((await readPieces(build, ...pieces(256))).stats.reassembled, 1);
    const over = await readPieces(build, ...pieces(257));
    assert.equal(over.stats.reassembled, 0);
    assert.equal(over.stats.fragmentsDropped, 257);
  });

  test(`${family}: what comes out of pieces is checked like any datagram`, async () => {
    const { stats } = await readPieces(
      build,
      ...[A, B, C].map((piece) => ({ ...piece, segment: udp(PAYLOAD, { length: 3009 }) })),
    );
    assert.deepEqual(counts(stats), { frames: 3, fragments: 3, fragmentsDropped: 3 });
  });

  test(`${family}: any pieces of a datagram that cover it make it, whatever their order and overlap`, async () => {
    const cut = fc.tuple(fc.nat({ max: 375 }), fc.integer({ min: 1, max: 200 }));
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { maxLength: 30 }), fc.integer(), async (cuts, seed) => {
        const pieces: Piece[] = cuts.map(([unit, units]) => ({
          from: unit * 8,
          to: Math.min((unit + units) * 8, END),
        }));
        pieces.push(A, B, C);
        pieces.sort((a, b) => ((a.from * 31 + a.to * 17) ^ seed) - ((b.from * 31 + b.to * 17) ^ seed));
        const { datagrams } = await readPieces(build, ...pieces.filter(({ from, to }) => from < to));
        assert.ok(datagrams.length >= 1);
        for (const { payload } of datagrams) assert.deepEqual(payload, PAYLOAD);
      }),
      { numRuns: 60 },
    );
  });
}

test('IPv6: headers behind the fragment header, and what follows is told by the first piece', async () => {
  const whole = extension(17, 1, SEGMENT);
  const pieces = [
    ipv6(fragment6(whole.subarray(1024), { offset: 1024, nextHeader: 17 }), 44),
    ipv6(fragment6(whole.subarray(0, 1024), { more: true, nextHeader: 60 }), 44),
  ];
  const { datagrams } = await read(
    concat(pcapHeader(little, RAW), ...pieces.map((packet) => pcapRecord(little, packet))),
  );
  assert.deepEqual(datagrams[0].payload, PAYLOAD);
});

test('IPv6: headers before the fragment header', async () => {
  const pieces = [A, B, C].map(({ from, to }) =>
    ipv6(extension(44, 0, fragment6(SEGMENT.subarray(from, to), { offset: from, more: to < END })), 0),
  );
  const { datagrams } = await read(
    concat(pcapHeader(little, RAW), ...pieces.map((packet) => pcapRecord(little, packet))),
  );
  assert.deepEqual(datagrams[0].payload, PAYLOAD);
});

test('IPv6: fragments inside fragments are refused', async () => {
  const inner = fragment6(SEGMENT, { more: true });
  const pieces = [
    ipv6(fragment6(inner.subarray(0, 1024), { more: true, nextHeader: 44 }), 44),
    ipv6(fragment6(inner.subarray(1024), { offset: 1024, nextHeader: 44 }), 44),
  ];
  const { stats } = await read(
    concat(pcapHeader(little, RAW), ...pieces.map((packet) => pcapRecord(little, packet))),
  );
  assert.deepEqual(counts(stats), { frames: 2, fragments: 2, fragmentsDropped: 2 });
});
