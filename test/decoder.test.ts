import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecodeResult, DecoderOptions } from '../src/decoder.ts';
import {
  concat,
  ipfix,
  optionsTemplate,
  SECONDS,
  set,
  template,
  u8,
  u16,
  u32,
  u64,
  v5,
  v9,
  v9OptionsTemplate,
  v9Template,
} from './support/bytes.ts';
import { decoderOf } from './support/decoder.ts';

const SOURCE = { address: '192.0.2.1', port: 2055, receivedAtMs: SECONDS * 1000 };

/** Decodes datagrams in order with one decoder. */
function decodeAll(options: DecoderOptions, ...datagrams: Uint8Array[]): DecodeResult[] {
  const decoder = decoderOf(options);
  return datagrams.map((datagram) => decoder.decode(datagram, SOURCE));
}
const fieldsOf = (result: DecodeResult) => result.records.map(({ fields }) => fields);
const octets = template(256, [1, 4]); // octetDeltaCount
const packets = template(256, [2, 4]); // packetDeltaCount

test('templates apply from their place in the message on, also when redefined in between', () => {
  const [result] = decodeAll(
    {},
    ipfix({}, set(2, octets), set(256, u32(1)), set(2, packets), set(256, u32(2)), set(256, u32(3, 4))),
  );
  assert.deepEqual(fieldsOf(result), [
    { octetDeltaCount: 1 },
    { packetDeltaCount: 2 },
    { packetDeltaCount: 3 },
    { packetDeltaCount: 4 },
  ]);
  assert.deepEqual(
    result.templates.map(({ action }) => action),
    ['learned', 'redefined'],
  );
});

test('a data and an options template of one id: the last definition owns it', () => {
  const data = template(256, [10, 4], [34, 4]);
  const options = optionsTemplate(256, 1, [10, 4], [34, 4]);
  const [a] = decodeAll({}, ipfix({}, set(2, data), set(3, options), set(256, u32(1, 2))));
  assert.equal(a.records.length, 0);
  assert.deepEqual(a.optionsRecords[0].fields, { ingressInterface: 1, samplingInterval: 2 });
  const [b] = decodeAll({}, ipfix({}, set(3, options), set(2, data), set(256, u32(1, 2))));
  assert.equal(b.optionsRecords.length, 0);
  assert.deepEqual(fieldsOf(b), [{ ingressInterface: 1, samplingInterval: 2 }]);
});

test('withdrawals are applied in wire order, four octets each, in both kinds of set', () => {
  const options = optionsTemplate(300, 1, [10, 4], [34, 4]);
  const [define, withdrawAfterDefine, optionsWithdrawn] = decodeAll(
    { pending: false },
    ipfix({}, set(2, octets), set(3, options)),
    ipfix({}, set(2, concat(packets, u16(256, 0))), set(256, u32(1))),
    ipfix({}, set(3, u16(300, 0)), set(300, u32(1, 2)), set(2, octets), set(256, u32(5))),
  );
  assert.equal(define.templates.length, 2);
  assert.deepEqual(
    withdrawAfterDefine.templates.map(({ action }) => action),
    ['redefined', 'withdrawn'],
  );
  assert.deepEqual(withdrawAfterDefine.missing, [{ templateId: 256, action: 'dropped' }]);
  assert.deepEqual(
    optionsWithdrawn.templates.map(({ action }) => action),
    ['withdrawn', 'learned'],
  );
  assert.deepEqual(optionsWithdrawn.missing, [{ templateId: 300, action: 'dropped' }]);
  assert.deepEqual(fieldsOf(optionsWithdrawn), [{ octetDeltaCount: 5 }]);
});

test('withdrawing all of a kind leaves the other kind alone', () => {
  const options = optionsTemplate(300, 1, [10, 4], [34, 4]);
  const [, all, after] = decodeAll(
    { pending: false },
    ipfix({}, set(2, concat(octets, template(257, [2, 4]))), set(3, options)),
    ipfix({}, set(2, u16(2, 0))),
    ipfix({}, set(256, u32(1)), set(257, u32(1)), set(300, u32(1, 2))),
  );
  assert.deepEqual(
    all.templates.map(({ templateId }) => templateId),
    [256, 257],
  );
  assert.equal(after.missing.length, 2);
  assert.equal(after.optionsRecords.length, 1);
});

test('withdrawals can be ignored, as RFC 7011 section 8.4 asks over UDP', () => {
  const [, , result] = decodeAll(
    { honourUdpWithdrawals: false },
    ipfix({}, set(2, octets)),
    ipfix({}, set(2, u16(256, 0))),
    ipfix({}, set(256, u32(7))),
  );
  assert.deepEqual(fieldsOf(result), [{ octetDeltaCount: 7 }]);
});

test('an IPFIX message with any nonsensical length is discarded whole', () => {
  const good = set(2, octets);
  for (const bad of [
    set(256, u32(1)).subarray(0, 5), // a set longer than its message
    concat(u16(256, 3), u8(1)),
    concat(u16(256, 0), u8(1)),
    set(2, concat(u16(300, 2), u16(1, 4))), // a template longer than its set
    set(3, concat(u16(300, 2, 1), u16(0x8001, 4), u16(0))), // an enterprise number cut off
  ]) {
    const [result, after] = decodeAll({ pending: false }, ipfix({}, good, bad), ipfix({}, set(256, u32(1))));
    assert.deepEqual(result.templates, []);
    assert.equal(result.faults.length, 1, JSON.stringify(result.faults));
    assert.equal(after.missing.length, 1, 'nothing was learned');
  }
});

test('of a v9 packet, the sets in front of a broken one are good', () => {
  const [result, after] = decodeAll(
    {},
    v9({}, set(0, v9Template(256, [1, 4])), set(256, u32(1)), concat(u16(256, 400), u32(2))),
    v9({}, set(256, u32(3))),
  );
  assert.deepEqual(fieldsOf(result), [{ octetDeltaCount: 1 }]);
  assert.deepEqual(
    result.faults.map(({ code }) => code),
    ['set-length-invalid'],
  );
  assert.deepEqual(fieldsOf(after), [{ octetDeltaCount: 3 }]);
});

test('the count of a v9 header frames nothing, and zeros at the end are padding', () => {
  const template0 = set(0, v9Template(256, [1, 4], [4, 1]));
  for (const [count, tail] of [
    [0, 0],
    [999, 2],
    [1, 700],
  ]) {
    const [result] = decodeAll(
      {},
      concat(v9({ count }, template0, set(256, concat(u32(9), u8(6)), 3)), new Uint8Array(tail)),
    );
    assert.deepEqual(fieldsOf(result), [{ octetDeltaCount: 9, protocolIdentifier: 6 }]);
    assert.deepEqual(result.faults, []);
  }
});

test('template sets may end in up to seven octets of padding, or more', () => {
  for (const padding of [1, 2, 3, 4, 5, 6, 7, 20]) {
    const [a] = decodeAll({}, ipfix({}, set(2, octets, padding), set(256, u32(1))));
    assert.equal(a.records.length, 1);
    assert.deepEqual(a.templates.length, 1);
    const [b] = decodeAll({}, v9({}, set(0, v9Template(256, [1, 4]), padding), set(256, u32(1))));
    assert.equal(b.records.length, 1);
    const [c] = decodeAll({}, v9({}, set(1, v9OptionsTemplate(256, [[1, 4]], [[34, 4]]), padding)));
    assert.deepEqual(c.templates, [{ action: 'learned', kind: 'options', templateId: 256 }]);
    assert.deepEqual([...a.faults, ...b.faults, ...c.faults], []);
  }
});

test('several messages in a datagram: each with its own domain and version', () => {
  const [result] = decodeAll(
    { pending: false },
    concat(
      ipfix({ domain: 1 }, set(2, octets), set(256, u32(1))),
      ipfix({ domain: 2 }, set(256, u32(2))),
      ipfix({ domain: 1 }, set(256, u32(3))),
      v5({}, new Uint8Array(48)),
      v9({ domain: 1 }, set(256, u32(4))),
    ),
  );
  assert.equal(result.version, 10);
  assert.deepEqual(
    result.records.map(({ fields }) => fields.octetDeltaCount),
    [1, 3, 0],
  );
  assert.equal(result.missing.length, 2, 'domain 2, and v9 of the same domain number');
});

test('junk behind the last message is a fault and costs nothing', () => {
  const [result] = decodeAll({}, concat(v5({}, new Uint8Array(48)), u8(255, 255, 0, 0)));
  assert.equal(result.records.length, 1);
  assert.deepEqual(result.faults, [{ code: 'trailing-bytes', offset: 72 }]);
});

test('template sets in v9 form inside an IPFIX message', () => {
  const [result] = decodeAll(
    {},
    ipfix({}, set(0, v9Template(256, [1, 4], [40001, 2])), set(256, concat(u32(1), u16(2)))),
  );
  assert.equal(result.records.length, 1);
  assert.equal(result.records[0].fields.octetDeltaCount, 1);
});

test('reserved sets are skipped, empty data sets are neither missing nor records', () => {
  const [result] = decodeAll(
    {},
    ipfix(
      {},
      set(5, u32(1)),
      set(255, u32(1)),
      set(999, u8()),
      set(2, octets),
      set(256, u8()),
      set(256, u32(8)),
    ),
  );
  assert.deepEqual(fieldsOf(result), [{ octetDeltaCount: 8 }]);
  assert.deepEqual(result.missing, []);
  assert.deepEqual(result.faults, []);
});

test('integers of every reduced size', () => {
  const value = 0x0102030405060708n;
  for (let length = 1; length <= 8; length++) {
    const bytes = u64(value).subarray(8 - length);
    const [result] = decodeAll({}, ipfix({}, set(2, template(256, [1, length])), set(256, bytes)));
    const expected = BigInt.asUintN(8 * length, value);
    assert.equal(BigInt(fieldsOf(result)[0].octetDeltaCount as number), expected, `${length} octets`);
  }
  const signed = template(256, [434, 2]); // mibObjectValueInteger, signed32
  const [result] = decodeAll({}, ipfix({}, set(2, signed), set(256, u16(0xfffe))));
  assert.deepEqual(fieldsOf(result), [{ mibObjectValueInteger: -2 }]);
});

test('integers of variable length, and octets where the width does not fit the type', () => {
  const [result] = decodeAll(
    {},
    ipfix(
      {},
      set(2, template(256, [1, 65_535], [8, 3])),
      set(
        256,
        concat(
          u8(2),
          u16(513),
          u8(1, 2, 3),
          u8(0),
          u8(4, 5, 6),
          u8(9, 1, 0, 0, 0, 0, 0, 0, 0, 0),
          u8(7, 8, 9),
        ),
      ),
    ),
  );
  assert.deepEqual(fieldsOf(result), [
    { octetDeltaCount: 513, sourceIPv4Address: '010203' },
    { octetDeltaCount: 0, sourceIPv4Address: '040506' },
    { octetDeltaCount: 2n ** 64n - 1n, sourceIPv4Address: '070809' },
  ]);
});

test('variable length: empty, short, long form, and past the end of the set', () => {
  const name = template(256, [82, 65_535], [7, 2]);
  const text = (length: number) => Buffer.alloc(length, 'x');
  const long = concat(u8(255), u16(300), text(300), u16(1));
  const [good] = decodeAll(
    {},
    ipfix(
      {},
      set(2, name),
      set(256, concat(u8(0), u16(1), u8(254), text(254), u16(2), long, u8(255), u16(2), text(2), u16(3))),
    ),
  );
  assert.deepEqual(
    fieldsOf(good).map(({ interfaceName }) => (interfaceName as string).length),
    [0, 254, 300, 2],
  );
  assert.deepEqual(good.faults, []);
  for (const bad of [
    concat(u8(5), text(3)),
    concat(u8(255), u16(0xffff), u16(1)),
    concat(u8(255), u8(1), u8(1)),
  ]) {
    const [result] = decodeAll({}, ipfix({}, set(2, name), set(256, concat(u8(1), text(1), u16(9), bad))));
    assert.equal(result.records.length, 1, 'the record in front is good');
    assert.deepEqual(
      result.faults.map(({ code }) => code),
      ['variable-length-overrun'],
    );
  }
});

test('repeated elements are arrays in wire order, reverse and enterprise elements have their keys', () => {
  const [result] = decodeAll(
    {},
    ipfix(
      {},
      set(2, template(256, [1, 1], [1, 1, 29_305], [1, 1], [5, 2, 424_242], [1, 1])),
      set(256, u8(1, 2, 3, 4, 5, 6)),
    ),
  );
  assert.deepEqual(fieldsOf(result), [
    { octetDeltaCount: [1, 3, 6], reverseOctetDeltaCount: 2, '424242.5': '0405' },
  ]);
});

test('zero-length fields: kept where the record has others, refused where it has none', () => {
  const [result] = decodeAll(
    {},
    v9({}, set(0, concat(v9Template(256, [1, 0], [2, 4]), v9Template(257, [1, 0]))), set(256, u32(3))),
  );
  assert.equal(result.records[0].fields.packetDeltaCount, 3);
  assert.deepEqual(result.templates[1], {
    action: 'refused',
    kind: 'data',
    templateId: 257,
    reason: 'record-empty',
  });
});

test('a refused redefinition ends the old definition: its records would be read wrongly', () => {
  const [, refused, after] = decodeAll(
    { pending: false },
    v9({}, set(0, v9Template(256, [1, 4]))),
    v9({}, set(0, v9Template(256, [1, 0]))),
    v9({}, set(256, u32(1))),
  );
  assert.equal(refused.templates[0].action, 'refused');
  assert.equal(after.records.length, 0);
  assert.equal(after.missing.length, 1);
});

test('options templates: every legal scope count, none illegal', () => {
  const fields = [
    [10, 4],
    [34, 4],
  ] as const;
  const [all] = decodeAll(
    {},
    ipfix({}, set(3, optionsTemplate(256, 2, [10, 4], [34, 4])), set(256, u32(1, 2))),
  );
  assert.equal(all.optionsRecords.length, 1, 'all fields are scope');
  for (const scopes of [0, 3, 65_535]) {
    const [bad] = decodeAll({}, ipfix({}, set(3, optionsTemplate(256, scopes, [10, 4], [34, 4]))));
    assert.deepEqual(
      bad.templates.map(({ reason }) => reason),
      ['scope-count-invalid'],
    );
  }
  const [v9Only] = decodeAll({}, v9({}, set(1, v9OptionsTemplate(256, [[2, 4]], [])), set(256, u32(7))));
  assert.deepEqual(v9Only.optionsRecords[0].fields, { scopeInterface: 7 });
  assert.equal(fields.length, 2);
});

test('v9 scopes have names of their own; unknown ones keep their number', () => {
  const scopes: [number, number][] = [
    [1, 4],
    [2, 2],
    [3, 1],
    [4, 1],
    [5, 2],
    [99, 1],
  ];
  const [result] = decodeAll(
    {},
    v9(
      {},
      set(1, v9OptionsTemplate(256, scopes, [[34, 1]])),
      set(256, concat(u32(1), u16(2), u8(3, 4), u16(256), u8(6, 7))),
    ),
  );
  assert.deepEqual(result.optionsRecords[0].fields, {
    scopeSystem: 1,
    scopeInterface: 2,
    scopeLineCard: 3,
    scopeCache: 4,
    scopeTemplate: 256,
    'scope.99': 6,
    samplingInterval: 7,
  });
});

test('held data keep the times of the message they came in', () => {
  const [held, released] = decodeAll(
    {},
    ipfix({ seconds: SECONDS - 60, domain: 4 }, set(256, u32(1))),
    ipfix({ seconds: SECONDS, domain: 4 }, set(2, octets), set(256, u32(2))),
  );
  assert.deepEqual(held.missing, [{ templateId: 256, action: 'held' }]);
  assert.deepEqual(
    released.records.map(({ exportTimeMs, fields }) => [exportTimeMs, fields.octetDeltaCount]),
    [
      [(SECONDS - 60) * 1000, 1],
      [SECONDS * 1000, 2],
    ],
  );
});

test('structured data: lists in lists, with the templates valid at that place', () => {
  const inner = template(300, [8, 4]);
  const outer = template(256, [292, 65_535], [7, 2]);
  const list = (address: number) => concat(u8(7, 3), u16(300), u32(address), u16(1));
  const [result] = decodeAll(
    {},
    ipfix(
      {},
      set(2, concat(inner, outer)),
      set(256, list(0x0a000001)),
      set(2, template(300, [12, 4])),
      set(256, list(0x0a000002)),
      set(2, u16(300, 0)),
      set(256, list(0x0a000003)),
    ),
  );
  assert.deepEqual(
    fieldsOf(result).map(({ subTemplateList }) => subTemplateList),
    [
      { semantic: 'allOf', templateId: 300, records: [{ sourceIPv4Address: '10.0.0.1' }] },
      { semantic: 'allOf', templateId: 300, records: [{ destinationIPv4Address: '10.0.0.2' }] },
      { semantic: 'allOf', templateId: 300, octets: '0a000003' },
    ],
  );
  assert.deepEqual(result.faults, []);
});

test('lists that cannot be taken apart stay octets and are a fault', () => {
  const outer = template(256, [291, 65_535]);
  for (const bad of [
    u8(3), // no header
    concat(u8(3), u16(1, 0), u32(1)), // elements of length 0: a list without end
    concat(u8(3), u16(1, 4), u8(1, 2, 3, 4, 5)), // a rest
    concat(u8(3), u16(82, 65_535), u8(9, 1)), // past the end
  ]) {
    const [result] = decodeAll({}, ipfix({}, set(2, outer), set(256, concat(u8(bad.length), bad))));
    assert.deepEqual(fieldsOf(result), [{ basicList: Buffer.from(bad).toString('hex') }]);
    assert.deepEqual(
      result.faults.map(({ code }) => code),
      ['list-malformed'],
    );
  }
});

test('v5 headers: engine, sampling mode and interval, milliseconds', () => {
  const [result] = decodeAll(
    {},
    v5({ engineType: 3, engineId: 4, sampling: 0x4064, nanoseconds: 500_000_000 }, new Uint8Array(48)),
  );
  const [{ fields, ...rest }] = result.records;
  assert.deepEqual(rest, { templateId: 0, observationDomainId: 0x0304, exportTimeMs: SECONDS * 1000 + 500 });
  assert.deepEqual(
    [fields.engineType, fields.engineId, fields.samplingAlgorithm, fields.samplingInterval],
    [3, 4, 1, 100],
  );
});

test('life times are measured with arrival times only', () => {
  const decoder = decoderOf({ templateTtlMs: 1_000, pending: false });
  const at = (receivedAtMs: number) => ({ ...SOURCE, receivedAtMs });
  decoder.decode(ipfix({ seconds: 1 }, set(2, octets)), at(0));
  assert.equal(decoder.decode(ipfix({ seconds: 2 ** 31 }, set(256, u32(1))), at(1_000)).records.length, 1);
  assert.equal(decoder.decode(ipfix({ seconds: 1 }, set(256, u32(1))), at(1_001)).records.length, 0);
  const again = decoder.decode(ipfix({ seconds: 1 }, set(2, octets)), at(1_002));
  assert.deepEqual(
    again.templates.map(({ action }) => action),
    ['learned'],
  );
});
