/** Every limit on what a datagram can cost: one below and one above, and that the refusal is visible. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_LIST_DEPTH } from '../src/decode/limits.ts';
import type { DecodeResult, DecoderOptions } from '../src/decoder.ts';
import {
  concat,
  type Field,
  ipfix,
  SECONDS,
  set,
  template,
  u8,
  u16,
  u32,
  v9,
  v9Template,
} from './support/bytes.ts';
import { decoderOf } from './support/decoder.ts';

const SOURCE = { address: '192.0.2.1', port: 2055, receivedAtMs: SECONDS * 1000 };
const decodeOne = (options: DecoderOptions, datagram: Uint8Array): DecodeResult =>
  decoderOf(options).decode(datagram, SOURCE);
const faultsOf = (result: DecodeResult) => result.faults.map(({ code }) => code);
const refusals = (result: DecodeResult) => result.templates.map(({ action, reason }) => reason ?? action);
const times = <T>(n: number, value: T): T[] => new Array<T>(n).fill(value);

test('maxFieldsPerTemplate', () => {
  for (const [limit, expected] of [
    [3, 'learned'],
    [2, 'too-many-fields'],
  ] as const) {
    const datagram = ipfix({}, set(2, template(256, ...times<Field>(3, [1, 4]))));
    assert.deepEqual(refusals(decodeOne({ limits: { maxFieldsPerTemplate: limit } }, datagram)), [expected]);
  }
});

test('maxTemplateBytes, by default what a datagram can hold', () => {
  const learn = (bytes: number, limits = {}) =>
    refusals(decodeOne({ limits }, v9({}, set(0, v9Template(256, [313, bytes])))));
  assert.deepEqual(learn(100, { maxTemplateBytes: 100 }), ['learned']);
  assert.deepEqual(learn(101, { maxTemplateBytes: 100 }), ['record-too-long']);
  const two = (bytes: number) => v9({}, set(0, v9Template(256, [313, 65_000], [313, bytes])));
  assert.deepEqual(refusals(decodeOne({}, two(535))), ['learned']);
  assert.deepEqual(refusals(decodeOne({}, two(536))), ['record-too-long']);
});

test('maxTemplatesPerScope: the template announced longest ago makes room', () => {
  const decoder = decoderOf({ limits: { maxTemplatesPerScope: 2 }, pending: false });
  const define = (id: number) => decoder.decode(ipfix({}, set(2, template(id, [1, 4]))), SOURCE);
  define(256);
  define(257);
  assert.deepEqual(refusals(define(256)), ['refreshed']);
  assert.deepEqual(refusals(define(258)), ['learned']);
  const { records, missing } = decoder.decode(
    ipfix({}, set(256, u32(1)), set(257, u32(1)), set(258, u32(1))),
    SOURCE,
  );
  assert.deepEqual(
    records.map(({ templateId }) => templateId),
    [256, 258],
  );
  assert.deepEqual(missing, [{ templateId: 257, action: 'dropped' }]);
});

test('maxRecordsPerSet', () => {
  const datagram = ipfix({}, set(2, template(256, [1, 4])), set(256, u32(1, 2, 3)), set(256, u32(4, 5)));
  const within = decodeOne({ limits: { maxRecordsPerSet: 3 } }, datagram);
  assert.deepEqual([within.records.length, faultsOf(within)], [5, []]);
  const above = decodeOne({ limits: { maxRecordsPerSet: 2 } }, datagram);
  assert.deepEqual(
    above.records.map(({ fields }) => fields.octetDeltaCount),
    [1, 2, 4, 5],
  );
  assert.deepEqual(faultsOf(above), ['records-limit']);
});

test('maxValuesPerDatagram counts all sets of a datagram and starts anew with the next', () => {
  const decoder = decoderOf({ limits: { maxValuesPerDatagram: 4 } });
  decoder.decode(ipfix({}, set(2, template(256, [1, 1], [2, 1]))), SOURCE);
  const exact = ipfix({}, set(256, u8(1, 2)), set(256, u8(3, 4)));
  const above = ipfix({}, set(256, u8(1, 2)), set(256, u8(3, 4, 5, 6)));
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(faultsOf(decoder.decode(exact, SOURCE)), []);
    const result = decoder.decode(above, SOURCE);
    assert.equal(result.records.length, 2);
    assert.deepEqual(faultsOf(result), ['values-limit']);
  }
});

test('maxValuesPerDatagram counts the elements of lists', () => {
  const list = (n: number) =>
    ipfix(
      {},
      set(2, template(256, [291, 65_535])),
      set(256, concat(u8(5 + n), u8(3), u16(4, 1), new Uint8Array(n))),
    );
  const limits = { maxValuesPerDatagram: 11 };
  assert.deepEqual(faultsOf(decodeOne({ limits }, list(10))), []);
  assert.deepEqual(faultsOf(decodeOne({ limits }, list(11))), ['list-malformed']);
});

test('records of nothing but zero-length fields cannot multiply values', () => {
  const fields: [number, number][] = [[4, 1], ...times<[number, number]>(200, [313, 0])];
  const result = decodeOne({}, v9({}, set(0, v9Template(256, ...fields)), set(256, new Uint8Array(60_000))));
  assert.equal(result.records.length, Math.floor(65_536 / 201));
  assert.deepEqual(faultsOf(result), ['values-limit']);
});

test('sets that were held: two values for an octet and 256 more, each, and no more than the datagram may have', () => {
  const held = (zeroes: number, octets: number, limits = {}) => {
    const decoder = decoderOf({ limits });
    decoder.decode(ipfix({}, ...times(1_000, set(256, new Uint8Array(octets)))), SOURCE);
    const fields: Field[] = [...times<Field>(zeroes, [313, 0]), ...times<Field>(octets, [4, 1])];
    return decoder.decode(ipfix({}, set(2, template(256, ...fields))), SOURCE);
  };
  for (const octets of [1, 3]) {
    const within = held(256 + octets, octets);
    assert.deepEqual([within.records.length, faultsOf(within)], [1_000, []]);
    const above = held(257 + octets, octets);
    assert.deepEqual([above.records.length, faultsOf(above)], [0, times(1_000, 'values-limit')]);
  }
  assert.equal(held(0, 3, { maxValuesPerDatagram: 3 }).records.length, 1_000);
  assert.equal(held(0, 4, { maxValuesPerDatagram: 3 }).records.length, 0);
});

test('what one datagram releases into a result: 4 194 304 values, of which a record takes 8 for itself, and the next anew', () => {
  const decoder = decoderOf();
  for (const id of [256, 257]) {
    for (let i = 0; i < 10; i++) decoder.decode(ipfix({}, set(id, new Uint8Array(65_000))), SOURCE);
  }
  for (const id of [256, 257]) {
    const result = decoder.decode(ipfix({}, set(2, template(id, [4, 1])), set(id, u8(6))), SOURCE);
    // Seven sets take 9 × 65 000 each; what is left is enough for the values of the eighth.
    assert.equal(result.records.length, 8 * 65_000 + 1);
    assert.deepEqual(faultsOf(result), ['values-limit', 'values-limit']);
  }
});

test('lists of a wide template in many records make no room that values could not fill', () => {
  const wide = template(257, ...times<Field>(9_999, [313, 0]), [4, 1]);
  const lists = times(13_000, concat(u8(4, 3), u16(257), u8(6)));
  const decoder = decoderOf();
  decoder.decode(ipfix({}, set(2, wide), set(2, template(256, [292, 65_535]))), SOURCE);
  const result = decoder.decode(ipfix({}, set(256, concat(...lists))), SOURCE);
  assert.deepEqual(faultsOf(result), ['values-limit', 'list-malformed']);
  assert.deepEqual(result.records.at(-1)?.fields, { subTemplateList: '03010106' });
});

test('maxContentBytesPerDatagram does not count length octets', () => {
  const limits = { maxContentBytesPerDatagram: 4 };
  const names = (...lengths: number[]) =>
    ipfix(
      {},
      set(2, template(256, [82, 65_535])),
      set(256, concat(...lengths.flatMap((n) => [u8(n), new Uint8Array(n)]))),
    );
  const exact = decodeOne({ limits }, names(1, 3));
  assert.deepEqual([exact.records.length, faultsOf(exact)], [2, []]);
  const above = decodeOne({ limits }, names(1, 4));
  assert.deepEqual([above.records.length, faultsOf(above)], [1, ['content-limit']]);
});

test('lists inside lists, at the depth that is taken apart and one deeper', () => {
  const nested = (depth: number): Uint8Array => {
    let content = concat(u8(3), u16(4, 1), u8(42));
    for (let i = 1; i < depth; i++) content = concat(u8(3), u16(291, 65_535), u8(content.length), content);
    return ipfix({}, set(2, template(256, [291, 65_535])), set(256, concat(u8(content.length), content)));
  };
  assert.deepEqual(faultsOf(decodeOne({}, nested(MAX_LIST_DEPTH))), []);
  assert.deepEqual(faultsOf(decodeOne({}, nested(MAX_LIST_DEPTH + 1))), ['list-malformed']);
});

test('allowedVersions', () => {
  const result = decodeOne({ allowedVersions: [10] }, v9({}, set(0, v9Template(256, [1, 4]))));
  assert.deepEqual([result.version, result.templates, faultsOf(result)], [9, [], ['version-not-allowed']]);
});

test('template ids from 256 to 65535', () => {
  for (const [id, expected] of [
    [255, 'id-reserved'],
    [256, 'learned'],
    [65_535, 'learned'],
  ] as const) {
    assert.deepEqual(refusals(decodeOne({}, ipfix({}, set(2, template(id, [1, 4]))))), [expected]);
    assert.deepEqual(refusals(decodeOne({}, v9({}, set(0, v9Template(id, [1, 4]))))), [expected]);
  }
});

test('a storm of redefinitions leaves one template and bounded memory', () => {
  const decoder = decoderOf();
  const storm = concat(...Array.from({ length: 2_000 }, (_, i) => template(256, [1, (i % 8) + 1], [2, 4])));
  let last: DecodeResult | undefined;
  for (let i = 0; i < 20; i++) last = decoder.decode(ipfix({}, set(2, storm)), SOURCE);
  assert.equal(last?.templates.length, 2_000);
  const { records } = decoder.decode(ipfix({}, set(256, concat(u8(1, 2, 3, 4, 5, 6, 7, 8), u32(9)))), SOURCE);
  assert.deepEqual(records[0].fields.packetDeltaCount, 9);
});

test('sixteen thousand sets without content, template or meaning', () => {
  const decoder = decoderOf();
  const empty = concat(...times(16_000, u16(999, 4)));
  const missing = concat(...times(8_000, concat(u16(999, 8), u32(1))));
  assert.deepEqual(decoder.decode(ipfix({}, empty), SOURCE).missing, []);
  assert.equal(decoder.decode(ipfix({}, missing), SOURCE).missing.length, 8_000);
  assert.equal(
    decoder.decode(ipfix({}, set(2, template(256, [1, 4])), set(256, u32(1))), SOURCE).records.length,
    1,
  );
});

test('a hundred thousand forged exporters do not harm one that sends', () => {
  const decoder = decoderOf();
  const real = (seconds: number, ...sets: Uint8Array[]) =>
    decoder.decode(ipfix({}, ...sets), { ...SOURCE, receivedAtMs: (SECONDS + seconds) * 1000 });
  real(0, set(2, template(256, [1, 4])), set(256, u32(1)));
  real(2, set(256, u32(2)));
  const forged = ipfix({}, set(2, template(256, [2, 4])), set(256, u32(6)), set(300, u32(7)));
  for (let i = 0; i < 100_000; i++) {
    const address = `10.${i >>> 16}.${(i >>> 8) & 255}.${i & 255}`;
    decoder.decode(forged, { address, receivedAtMs: (SECONDS + 3) * 1000 });
  }
  assert.deepEqual(real(4, set(256, u32(3))).records[0].fields, { octetDeltaCount: 3 });
});

test('template sets of nothing but zeros and withdrawals of nothing are walked once', () => {
  const decoder = decoderOf();
  const zeros = new Uint8Array(65_000);
  zeros[zeros.length - 1] = 1;
  for (let i = 0; i < 300; i++) {
    decoder.decode(ipfix({}, set(2, zeros)), SOURCE);
    decoder.decode(ipfix({}, set(3, zeros)), SOURCE);
    decoder.decode(v9({}, set(0, zeros), set(1, zeros.slice(0, 400))), SOURCE);
  }
  assert.equal(
    decoder.decode(ipfix({}, set(2, template(256, [1, 4])), set(256, u32(1))), SOURCE).records.length,
    1,
  );
});
