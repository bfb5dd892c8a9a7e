/** Whatever the bytes are: no exception, no read outside the datagram, bounded output, and the decoder works afterwards. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Decoder } from '../src/decoder.ts';
import { ExporterSimulator } from '../src/generator/exporters.ts';
import { concat, ipfix, SECONDS, set, template, u16, u32 } from './support/bytes.ts';
import { decoderOf } from './support/decoder.ts';
import fc from './support/fast-check.ts';

const SOURCE = { address: '192.0.2.1', port: 2055, receivedAtMs: SECONDS * 1000 };
const CANARY = 0xa5;

/** Decodes a datagram that lies between canaries in a larger buffer. */
function decodeInside(decoder: Decoder, datagram: Uint8Array): void {
  const room = new Uint8Array(datagram.length + 128).fill(CANARY);
  room.set(datagram, 64);
  const result = decoder.decode(room.subarray(64, 64 + datagram.length), SOURCE);
  const values = [...result.records, ...result.optionsRecords].reduce(
    (sum, { fields }) => sum + Object.keys(fields).length,
    0,
  );
  assert.ok(values <= 2 * 65_536);
  // A fault may lie in a held set that this datagram released.
  for (const { offset } of result.faults) assert.ok(offset >= 0 && offset <= 65_535);
  assert.deepEqual(room.subarray(64, 64 + datagram.length), datagram, 'the datagram is not written to');
}

function stillWorks(decoder: Decoder): void {
  const { records } = decoder.decode(
    ipfix({ domain: 77 }, set(2, template(256, [1, 4])), set(256, u32(5))),
    SOURCE,
  );
  assert.equal(records.at(-1)?.fields.octetDeltaCount, 5);
}

/** A few datagrams of each version as exporters send them. */
const seeds: Uint8Array[] = ([5, 7, 9, 10] as const).flatMap((version) => {
  const simulator = new ExporterSimulator({
    version,
    templates: version >= 9 ? 6 : 1,
    options: true,
    seed: 7,
  });
  return Array.from({ length: 12 }, () => simulator.next().payload.slice());
});
seeds.push(
  ipfix(
    {},
    set(
      2,
      concat(
        template(256, [291, 65_535]),
        template(300, [8, 4]),
        template(257, [292, 65_535], [293, 65_535]),
      ),
    ),
    set(256, concat(new Uint8Array([9, 3]), u16(291, 65_535), new Uint8Array([4, 3, 0, 4, 0]))),
    set(257, concat(new Uint8Array([7, 3]), u16(300), u32(1), new Uint8Array([9, 3]), u16(300, 8), u32(1))),
  ),
);

test('random bytes behind every version number', () => {
  const decoder = decoderOf();
  fc.assert(
    fc.property(fc.constantFrom(0, 5, 7, 9, 10), fc.uint8Array({ maxLength: 400 }), (version, bytes) => {
      decodeInside(decoder, concat(u16(version), bytes));
    }),
    { numRuns: 3_000 },
  );
  stillWorks(decoder);
});

test('random sets in a sound IPFIX message', () => {
  const decoder = decoderOf();
  const body = fc.uint8Array({ maxLength: 120 });
  const sets = fc.array(fc.tuple(fc.constantFrom(0, 1, 2, 3, 4, 256, 257, 258), body), { maxLength: 6 });
  fc.assert(
    fc.property(sets, (list) => {
      decodeInside(decoder, ipfix({}, ...list.map(([id, content]) => set(id, content))));
    }),
    { numRuns: 3_000 },
  );
  stillWorks(decoder);
});

test('datagrams of exporters with bytes changed, removed, repeated and cut', () => {
  const decoder = decoderOf();
  const mutation = fc.record({
    seed: fc.nat(seeds.length - 1),
    kind: fc.constantFrom('set', 'cut', 'remove', 'repeat', 'word'),
    at: fc.nat(1_500),
    value: fc.nat(65_535),
    length: fc.nat(64),
  });
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      let bytes: Uint8Array = seeds[mutations[0].seed].slice();
      for (const { kind, at, value, length } of mutations) {
        const i = at % Math.max(1, bytes.length);
        if (kind === 'set') bytes[i] = value;
        else if (kind === 'word' && i + 1 < bytes.length) bytes.set([value >>> 8, value & 255], i);
        else if (kind === 'cut') bytes = bytes.slice(0, i);
        else if (kind === 'remove') bytes = concat(bytes.slice(0, i), bytes.slice(i + length));
        else bytes = concat(bytes.slice(0, i + length), bytes.slice(i));
      }
      decodeInside(decoder, bytes);
    }),
    { numRuns: 4_000 },
  );
  stillWorks(decoder);
});

test('canary: the checks of this file do fail when they should', () => {
  const broken = {
    decode: () => ({ records: [], optionsRecords: [], faults: [{ code: 'none', offset: -1 }] }),
  } as unknown as Decoder;
  assert.throws(() => decodeInside(broken, new Uint8Array(4)));
});
