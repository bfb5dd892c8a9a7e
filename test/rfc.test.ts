/** What RFC 7011 and RFC 3954 ask of a collector and no other test shows; docs/conformance.md names the test of each rule. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecodeResult, DecoderOptions } from '../src/decoder.ts';
import {
  concat,
  ipfix,
  optionsTemplate,
  set,
  template,
  u8,
  u16,
  u32,
  v9,
  v9OptionsTemplate,
  v9Template,
} from './support/bytes.ts';
import { decoderOf } from './support/decoder.ts';

const SOURCE = { address: '192.0.2.1', port: 2055, receivedAtMs: 0 };
const decodeAll = (options: DecoderOptions, ...datagrams: Uint8Array[]): DecodeResult[] => {
  const decoder = decoderOf(options);
  return datagrams.map((datagram) => decoder.decode(datagram, SOURCE));
};
const fieldsOf = (result: DecodeResult) => result.records.map(({ fields }) => fields);
const octets = template(256, [1, 4]);

test('padding of data sets is shorter than a record and may be anything', () => {
  const wide = [template(256, [1, 4], [2, 4]), v9Template(256, [1, 4], [2, 4])] as const;
  for (const padding of [1, 2, 3, 4, 7])
    for (const filler of [0, 255]) {
      const body = concat(u32(1, 2), new Uint8Array(padding).fill(filler));
      for (const message of [
        ipfix({}, set(2, wide[0]), set(256, body)),
        v9({}, set(0, wide[1]), set(256, body)),
      ]) {
        const [result] = decodeAll({}, message);
        assert.deepEqual(fieldsOf(result), [{ octetDeltaCount: 1, packetDeltaCount: 2 }]);
        assert.deepEqual(result.faults, []);
      }
    }
});

test('padding of options data sets is accepted', () => {
  const body = concat(u32(1, 2), u8(255, 255, 255));
  for (const message of [
    ipfix({}, set(3, optionsTemplate(256, 1, [10, 4], [34, 4])), set(256, body)),
    v9({}, set(1, v9OptionsTemplate(256, [[2, 4]], [[34, 4]])), set(256, body)),
  ]) {
    const [result] = decodeAll({}, message);
    assert.equal(result.optionsRecords.length, 1);
    assert.deepEqual(result.faults, []);
  }
});

test('a withdrawal of a template that is not known changes nothing', () => {
  const [, ignored, after] = decodeAll(
    {},
    ipfix({}, set(2, octets)),
    ipfix({}, set(2, u16(999, 0)), set(256, u32(1))),
    ipfix({}, set(256, u32(2))),
  );
  assert.deepEqual([ignored.templates, ignored.faults], [[], []]);
  assert.deepEqual(
    [...fieldsOf(ignored), ...fieldsOf(after)],
    [{ octetDeltaCount: 1 }, { octetDeltaCount: 2 }],
  );
});

test('a message of 65535 octets', () => {
  const [result, cut] = decodeAll(
    {},
    ipfix({}, set(2, template(256, [1, 1])), set(256, new Uint8Array(65_535 - 16 - 12 - 4).fill(7))),
    ipfix({}, set(256, new Uint8Array(65_535 - 16 - 4).fill(7))).subarray(0, 65_534),
  );
  assert.equal(result.records.length, 65_503);
  assert.deepEqual(result.faults, []);
  assert.deepEqual(
    cut.faults.map(({ code }) => code),
    ['message-length-invalid'],
  );
});

test('float64 in four octets is a float32', () => {
  const bytes = new Uint8Array(4 + 8 + 4);
  const view = new DataView(bytes.buffer);
  view.setFloat32(0, 1.5);
  view.setFloat64(4, 0.1);
  view.setFloat32(12, -2);
  // samplingProbability, float64
  const [result] = decodeAll(
    {},
    ipfix({}, set(2, template(256, [311, 4], [311, 8], [311, 4])), set(256, bytes)),
  );
  assert.deepEqual(fieldsOf(result), [{ samplingProbability: [1.5, 0.1, -2] }]);
});

test('template numbers have no order and no meaning', () => {
  const [result] = decodeAll(
    {},
    ipfix(
      {},
      set(3, optionsTemplate(256, 1, [149, 4], [34, 4])),
      set(2, concat(template(60_000, [1, 4]), template(300, [2, 4]))),
      set(300, u32(3)),
      set(60_000, u32(6)),
      set(256, u32(1, 2)),
    ),
  );
  assert.deepEqual(fieldsOf(result), [{ packetDeltaCount: 3 }, { octetDeltaCount: 6 }]);
  assert.equal(result.optionsRecords.length, 1);
});

test('one template number of two domains and of two exporters', () => {
  const decoder = decoderOf({});
  const from = (address: string, message: Uint8Array) =>
    fieldsOf(decoder.decode(message, { ...SOURCE, address }));
  const other = template(256, [2, 4]);
  for (const [address, domain, definition] of [
    ['192.0.2.1', 1, octets],
    ['192.0.2.1', 2, other],
    ['192.0.2.2', 1, other],
  ] as const)
    from(address, ipfix({ domain }, set(2, definition)));
  assert.deepEqual(from('192.0.2.1', ipfix({ domain: 1 }, set(256, u32(1)))), [{ octetDeltaCount: 1 }]);
  assert.deepEqual(from('192.0.2.1', ipfix({ domain: 2 }, set(256, u32(2)))), [{ packetDeltaCount: 2 }]);
  assert.deepEqual(from('192.0.2.2', ipfix({ domain: 1 }, set(256, u32(3)))), [{ packetDeltaCount: 3 }]);
});

test('one template number of two ports of an exporter, when the port counts', () => {
  const decoder = decoderOf({ exporterKey: 'address+port' });
  const from = (port: number, message: Uint8Array) => fieldsOf(decoder.decode(message, { ...SOURCE, port }));
  from(1, ipfix({}, set(2, octets)));
  from(2, ipfix({}, set(2, template(256, [2, 4]))));
  assert.deepEqual(from(1, ipfix({}, set(256, u32(1)))), [{ octetDeltaCount: 1 }]);
  assert.deepEqual(from(2, ipfix({}, set(256, u32(2)))), [{ packetDeltaCount: 2 }]);
});

test('data in later messages, and data in front of their template', () => {
  for (const [define, data] of [
    [ipfix({}, set(2, octets)), ipfix({}, set(256, u32(1)))],
    [v9({}, set(0, v9Template(256, [1, 4]))), v9({}, set(256, u32(1)))],
  ]) {
    const [, , later] = decodeAll({}, define, ipfix({}), data);
    assert.deepEqual(fieldsOf(later), [{ octetDeltaCount: 1 }]);
    const [held, released] = decodeAll({}, data, define);
    assert.deepEqual(held.missing, [{ templateId: 256, action: 'held' }]);
    assert.deepEqual(fieldsOf(released), [{ octetDeltaCount: 1 }]);
  }
});

test('several template sets in one v9 packet, and a new definition that holds at once', () => {
  const [result] = decodeAll(
    {},
    v9(
      {},
      set(0, v9Template(256, [1, 4])),
      set(0, v9Template(257, [2, 4])),
      set(256, u32(1)),
      set(0, v9Template(256, [85, 4])),
      set(256, u32(2)),
      set(257, u32(3)),
    ),
  );
  assert.deepEqual(fieldsOf(result), [
    { octetDeltaCount: 1 },
    { octetTotalCount: 2 },
    { packetDeltaCount: 3 },
  ]);
});

test('a version that is reserved is refused whole', () => {
  for (const version of [0, 1, 6, 8, 11, 65_535]) {
    const message = concat(u16(version), ipfix({}, set(2, octets)).subarray(2));
    const [result, after] = decodeAll({ pending: false }, message, ipfix({}, set(256, u32(1))));
    assert.deepEqual([result.version, result.templates], [null, []]);
    assert.deepEqual(
      result.faults.map(({ code }) => code),
      ['unknown-version'],
    );
    assert.equal(after.missing.length, 1);
  }
});

test('of two definitions that arrive together, the one that was exported last holds; else the one that arrives last', () => {
  const first = ipfix({ seconds: 1_000, sequence: 5 }, set(2, octets));
  const other = set(2, template(256, [2, 4]));
  for (const [seconds, sequence, laterMs, holds] of [
    [1_000, 4, 0, 'first'],
    [999, 9, 60_000, 'first'],
    [999, 9, 60_001, 'other'],
    [1_000, 6, 0, 'other'],
    [1_001, 0, 0, 'other'],
  ] as const) {
    const decoder = decoderOf({});
    decoder.decode(first, SOURCE);
    const at = { ...SOURCE, receivedAtMs: laterMs };
    const { templates } = decoder.decode(ipfix({ seconds, sequence }, other), at);
    assert.deepEqual(
      templates.map(({ action, reason }) => reason ?? action),
      [holds === 'first' ? 'older-definition' : 'redefined'],
    );
    const [record] = fieldsOf(decoder.decode(ipfix({ seconds, sequence }, set(256, u32(1))), at));
    assert.deepEqual(record, holds === 'first' ? { octetDeltaCount: 1 } : { packetDeltaCount: 1 });
  }
});

test('data behind a definition that comes late are not read with the newer one', () => {
  const packets = template(256, [2, 2], [2, 2]);
  const late = { seconds: 1_000, sequence: 4 };
  const decode = (...sets: Uint8Array[]) =>
    decodeAll(
      {},
      ipfix({ seconds: 1_001, sequence: 5 }, set(2, packets)),
      ipfix(late, ...sets),
      ipfix(late, set(256, u32(0x0001_0002))),
    );
  const [, result, after] = decode(
    set(2, octets),
    set(256, u32(7)),
    set(2, packets),
    set(256, u32(0x0001_0002)),
  );
  assert.deepEqual(result.missing, [{ templateId: 256, action: 'dropped' }]);
  assert.deepEqual(fieldsOf(result), [{ packetDeltaCount: [1, 2] }]);
  assert.deepEqual(fieldsOf(after), [{ packetDeltaCount: [1, 2] }]);
  const [, other] = decode(set(2, octets), set(256, u32(7)), set(2, template(257, [1, 4])), set(257, u32(8)));
  assert.deepEqual(fieldsOf(other), [{ octetDeltaCount: 8 }]);
});
