/** Neighbours of the well-known cases of RFC 3954, 5103, 6313 and 7011: every width, scope, form and order, octets by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecodeResult, DecoderOptions } from '../src/decoder.ts';
import {
  concat,
  type Field,
  hex,
  ipfix,
  optionsTemplate,
  SECONDS,
  set,
  template,
  u8,
  u16,
  u32,
  u64,
  v9,
  v9OptionsTemplate,
} from './support/bytes.ts';
import { decoderOf } from './support/decoder.ts';

const VARIABLE = 65_535;
const REVERSE = 29_305;
const SOURCE = { address: '192.0.2.1', port: 2055, receivedAtMs: SECONDS * 1000 };

/** A datagram, or one that comes so many milliseconds later or from another address. */
type Step = Uint8Array | [datagram: Uint8Array, from: { laterMs?: number; address?: string; port?: number }];

function decodeAll(options: DecoderOptions, ...steps: Step[]): DecodeResult[] {
  const decoder = decoderOf(options);
  return steps.map((step) => {
    const [datagram, { laterMs = 0, ...from }] = step instanceof Uint8Array ? [step, {}] : step;
    return decoder.decode(datagram, { ...SOURCE, ...from, receivedAtMs: SOURCE.receivedAtMs + laterMs });
  });
}

const last = (...steps: Step[]): DecodeResult => decodeAll({}, ...steps).at(-1)!;
const fieldsOf = ({ records }: DecodeResult) => records.map(({ fields }) => fields);
const optionsOf = ({ optionsRecords }: DecodeResult) => optionsRecords.map(({ fields }) => fields);
const actions = ({ templates }: DecodeResult) =>
  templates.map(({ action, templateId }) => `${action} ${templateId}`);

const octets = template(256, [1, 4]);
const packets = template(257, [2, 4]);
const options = optionsTemplate(258, 1, [10, 4], [34, 4]);
const withdraw = (...ids: number[]) => u16(...ids.flatMap((id) => [id, 0]));

test('unsigned and signed integers of every width, in both dialects', () => {
  for (const [id, name, widest, signed] of [
    [4, 'protocolIdentifier', 1, false],
    [7, 'sourceTransportPort', 2, false],
    [10, 'ingressInterface', 4, false],
    [1, 'octetDeltaCount', 8, false],
    [434, 'mibObjectValueInteger', 4, true],
  ] as const) {
    for (let width = 1; width <= widest; width++) {
      const top = 1n << BigInt(8 * width - 1);
      const values = signed ? [0n, -1n, -top, top - 1n] : [0n, 1n, top, 2n * top - 1n, top - 1n];
      const body = concat(
        ...values.flatMap((value) => [u64(BigInt.asUintN(64, value)).slice(8 - width), u16(443)]),
      );
      const expected = values.map((value) => ({
        [name]: Number.isSafeInteger(Number(value)) ? Number(value) : value,
        destinationTransportPort: 443,
      }));
      const fields: Field[] = [
        [id, width],
        [11, 2],
      ];
      for (const datagram of [
        ipfix({}, set(2, template(256, ...fields)), set(256, body)),
        v9({}, set(0, template(256, ...fields)), set(256, body)),
      ]) {
        const result = last(datagram);
        assert.deepEqual(fieldsOf(result), expected, `${name} in ${width}`);
        assert.deepEqual(result.faults, []);
      }
    }
  }
});

test('values of every type: forward, turned round (RFC 5103), and in a basicList', () => {
  const half = concat(u32(SECONDS + 2_208_988_800), hex('80000000'));
  for (const [id, name, value, expected] of [
    [1, 'octetDeltaCount', hex('ffffffffffffffff'), 18_446_744_073_709_551_615n],
    [8, 'sourceIPv4Address', u8(192, 0, 2, 1), '192.0.2.1'],
    [27, 'sourceIPv6Address', hex('ff02000000000000000000000000fb00'), 'ff02::fb00'],
    [27, 'sourceIPv6Address', hex('00010000000000000001000000000000'), '1::1:0:0:0'],
    [27, 'sourceIPv6Address', hex('00010000000200000003000000040000'), '1:0:2:0:3:0:4:0'],
    [56, 'sourceMacAddress', hex('ffeeddccbbaa'), 'ff:ee:dd:cc:bb:aa'],
    [82, 'interfaceName', hex('65746830'), 'eth0'],
    [82, 'interfaceName', hex('61eda080'), 'a\ufffd\ufffd\ufffd'],
    [82, 'interfaceName', hex('6161c3'), 'aa\ufffd'],
    [82, 'interfaceName', hex('61006200'), 'a\0b'],
    [150, 'flowStartSeconds', hex('ffffffff'), '2106-02-07T06:28:15Z'],
    [152, 'flowStartMilliseconds', u64(1_700_000_000_999n), '2023-11-14T22:13:20.999Z'],
    [154, 'flowStartMicroseconds', half, '2023-11-14T22:13:20.500000Z'],
    [156, 'flowStartNanoseconds', half, '2023-11-14T22:13:20.500000000Z'],
    [276, 'dataRecordsReliability', u8(2), false],
    [311, 'samplingProbability', hex('3fe0000000000000'), 0.5],
    [313, 'ipHeaderPacketSection', hex('abcdef'), 'abcdef'],
    [434, 'mibObjectValueInteger', hex('fffe'), -2],
  ] as const) {
    const list = concat(u8(4), u16(id, value.length), value, value);
    const { records, faults } = last(
      ipfix(
        {},
        set(
          2,
          template(256, [id, value.length], [id, value.length, REVERSE], [id, value.length], [291, VARIABLE]),
        ),
        set(256, concat(value, value, value, u8(list.length), list)),
      ),
    );
    const reverse = `reverse${name[0].toUpperCase()}${name.slice(1)}`;
    assert.deepEqual(records[0].fields, {
      [name]: [expected, expected],
      [reverse]: expected,
      basicList: { semantic: 'ordered', element: name, values: [expected, expected] },
    });
    assert.deepEqual(faults, []);
  }
});

test('scopes of NetFlow v9 in every width', () => {
  for (const [type, name] of [
    [1, 'scopeSystem'],
    [2, 'scopeInterface'],
    [3, 'scopeLineCard'],
    [4, 'scopeCache'],
    [5, 'scopeTemplate'],
  ] as const) {
    for (const width of [1, 2, 3, 4, 8]) {
      const scope = u64(5n).slice(8 - width);
      const result = last(
        v9(
          {},
          set(1, v9OptionsTemplate(256, [[type, width]], [[34, 4]]), 2),
          set(256, concat(scope, u32(1_000))),
        ),
      );
      assert.deepEqual(optionsOf(result), [{ [name]: 5, samplingInterval: 1_000 }]);
    }
  }
});

test('padding of every length behind templates, options templates, withdrawals and data', () => {
  const nine = template(256, [1, 8], [4, 1]);
  for (let padding = 0; padding < 8; padding++) {
    const record = concat(u64(7n), u8(6));
    const v9Options = v9OptionsTemplate(258, [[2, 4]], [[34, 4]]);
    for (const [datagram, learned, name] of [
      [ipfix({}, set(2, nine, padding), set(256, record, padding)), 256, 'octetDeltaCount'],
      [v9({}, set(0, nine, padding), set(256, record, padding)), 256, 'octetDeltaCount'],
      [ipfix({}, set(3, options, padding), set(258, u32(1, 7), padding % 4)), 258, 'samplingInterval'],
      [v9({}, set(1, v9Options, padding), set(258, u32(1, 7), padding % 4)), 258, 'samplingInterval'],
    ] as const) {
      const result = last(datagram);
      assert.deepEqual(actions(result), [`learned ${learned}`]);
      assert.deepEqual(
        [...fieldsOf(result), ...optionsOf(result)].map((fields) => fields[name]),
        [7],
      );
      assert.deepEqual(result.faults, []);
    }
    const withdrawn = last(ipfix({}, set(2, octets)), ipfix({}, set(2, withdraw(256), padding)));
    assert.deepEqual([actions(withdrawn), withdrawn.faults], [['withdrawn 256'], []]);
  }
});

/** What a table row leads to: template events of the last datagram, and the values of its records by template id. */
interface Row {
  what: string;
  options?: DecoderOptions;
  steps: Step[];
  actions?: string[];
  records?: Record<string, unknown>[];
  optionsRecords?: Record<string, unknown>[];
  missing?: string[];
  faults?: string[];
}

const NOT_HELD: DecoderOptions = { pending: false };
const known = ipfix({}, set(2, concat(octets, packets)), set(3, options));
const all = ipfix({}, set(256, u32(1)), set(257, u32(2)), set(258, u32(3, 4)));
const [one, two, three] = [
  { octetDeltaCount: 1 },
  { packetDeltaCount: 2 },
  { ingressInterface: 3, samplingInterval: 4 },
];

const ROWS: Row[] = [
  {
    what: 'all options templates withdrawn: the data templates stay',
    options: NOT_HELD,
    steps: [known, ipfix({}, set(3, withdraw(3))), all],
    records: [one, two],
    missing: ['dropped 258'],
  },
  {
    what: 'the id of all of one kind in a set of the other kind withdraws nothing',
    steps: [known, ipfix({}, set(2, withdraw(3)), set(3, withdraw(2))), all],
    records: [one, two],
    optionsRecords: [three],
  },
  {
    what: 'withdrawals of reserved ids withdraw nothing',
    steps: [known, ipfix({}, set(2, withdraw(255, 4, 1))), all],
    records: [one, two],
    optionsRecords: [three],
  },
  {
    what: 'all withdrawn and one defined anew in one set',
    options: NOT_HELD,
    steps: [known, ipfix({}, set(2, concat(withdraw(2), octets))), all],
    records: [one],
    optionsRecords: [three],
    missing: ['dropped 257'],
  },
  {
    what: 'definitions and withdrawals in turn are told in wire order',
    steps: [
      known,
      ipfix({}, set(2, concat(template(259, [4, 1]), withdraw(256), template(260, [7, 2]), withdraw(257)))),
    ],
    actions: ['learned 259', 'withdrawn 256', 'learned 260', 'withdrawn 257'],
  },
  {
    what: 'the second withdrawal of one template does nothing',
    steps: [known, ipfix({}, set(2, withdraw(256, 256)))],
    actions: ['withdrawn 256'],
  },
  {
    what: 'a withdrawal by another exporter, by another domain, and of a data template in an options set',
    steps: [
      known,
      [ipfix({}, set(2, withdraw(256))), { address: '192.0.2.2' }],
      ipfix({ domain: 2 }, set(2, withdraw(2))),
      ipfix({}, set(3, withdraw(256))),
      all,
    ],
    records: [one, two],
    optionsRecords: [three],
  },
  {
    what: 'an id that has become an options template is not withdrawn with the data templates',
    steps: [
      known,
      ipfix({}, set(3, optionsTemplate(256, 1, [10, 4], [34, 4]))),
      ipfix({}, set(2, withdraw(2))),
      ipfix({}, set(256, u32(3, 4))),
    ],
    optionsRecords: [three],
  },
  {
    what: 'data behind a withdrawal wait for the next definition',
    steps: [
      known,
      ipfix({}, set(2, withdraw(256)), set(256, u32(2))),
      ipfix({}, set(2, template(256, [2, 4]))),
    ],
    actions: ['learned 256'],
    records: [two],
  },
  {
    what: 'withdrawals that are ignored leave the rest of their set',
    options: { honourUdpWithdrawals: false },
    steps: [known, ipfix({}, set(2, concat(withdraw(256, 2), template(259, [4, 1]))), set(256, u32(1)))],
    actions: ['learned 259'],
    records: [one],
  },
  {
    what: 'held data: IPFIX before the template in one message',
    steps: [ipfix({}, set(256, u32(1)), set(2, octets), set(256, u32(1)))],
    actions: ['learned 256'],
    records: [one, one],
    missing: ['held 256'],
  },
  {
    what: 'held options data of NetFlow v9',
    steps: [v9({}, set(258, u32(3, 4))), v9({}, set(1, v9OptionsTemplate(258, [[2, 4]], [[34, 4]])))],
    actions: ['learned 258'],
    optionsRecords: [{ scopeInterface: 3, samplingInterval: 4 }],
  },
  {
    what: 'a template of NetFlow v9 releases nothing of IPFIX, nor one of another exporter',
    steps: [
      ipfix({}, set(256, u32(1))),
      v9({}, set(0, octets)),
      [ipfix({}, set(2, octets)), { address: '192.0.2.9' }],
    ],
    actions: ['learned 256'],
  },
  {
    what: 'a refused template releases nothing, the next one does',
    steps: [ipfix({}, set(256, u32(1))), ipfix({}, set(3, u16(256, 1, 0, 1, 4))), ipfix({}, set(2, octets))],
    actions: ['learned 256'],
    records: [one],
  },
  {
    what: 'a held set shorter than a record is a fault of its own datagram',
    steps: [ipfix({}, set(256, u32(1))), ipfix({}, set(2, template(256, [1, 8])))],
    actions: ['learned 256'],
    faults: ['set-shorter-than-record'],
  },
  {
    what: 'a held subTemplateList is read with a template of the set that releases it',
    steps: [
      ipfix({}, set(256, concat(u8(7, 3), u16(257), u32(2)))),
      ipfix({}, set(2, concat(packets, template(256, [292, VARIABLE])))),
    ],
    actions: ['learned 257', 'learned 256'],
    records: [{ subTemplateList: { semantic: 'allOf', templateId: 257, records: [two] } }],
  },
  {
    what: 'a set that is too large to be held pushes out none',
    options: { pending: { maxBytes: 300 } },
    steps: [ipfix({}, set(256, u32(1))), ipfix({}, set(256, new Uint8Array(400))), ipfix({}, set(2, octets))],
    actions: ['learned 256'],
    records: [one],
  },
  {
    what: 'held sets are counted for each template and each domain',
    options: { pending: { maxSetsPerTemplate: 1 } },
    steps: [
      ipfix({}, set(256, u32(1)), set(257, u32(2)), set(256, u32(9))),
      ipfix({ domain: 2 }, set(256, u32(9))),
      ipfix({}, set(2, concat(octets, packets))),
    ],
    actions: ['learned 256', 'learned 257'],
    records: [one, two],
  },
  {
    what: 'of two held sets the one whose time has passed is gone',
    options: { pending: { ttlMs: 1_000 } },
    steps: [
      ipfix({}, set(256, u32(1))),
      [ipfix({}, set(257, u32(2))), { laterMs: 900 }],
      [ipfix({}, set(2, concat(octets, packets))), { laterMs: 1_500 }],
    ],
    actions: ['learned 256', 'learned 257'],
    records: [two],
  },
  {
    what: 'data do not lengthen the life of a template, nor does their export time',
    options: { ...NOT_HELD, templateTtlMs: 1_000 },
    steps: [
      ipfix({}, set(2, octets)),
      [ipfix({ seconds: SECONDS + 9_999 }, set(256, u32(1))), { laterMs: 900 }],
      [ipfix({}, set(256, u32(1))), { laterMs: 1_001 }],
    ],
    missing: ['dropped 256'],
  },
  {
    what: 'a redefinition of what has expired is learned',
    options: { templateTtlMs: 1_000 },
    steps: [ipfix({}, set(2, octets)), [ipfix({}, set(2, template(256, [2, 4]))), { laterMs: 1_001 }]],
    actions: ['learned 256'],
  },
  {
    what: 'only the enterprise number differs',
    steps: [
      ipfix({}, set(2, template(256, [100, 1, 32_473]))),
      ipfix({}, set(2, template(256, [100, 1, 32_474])), set(256, u8(7))),
    ],
    actions: ['redefined 256'],
    records: [{ '32474.100': '07' }],
  },
  {
    what: 'only the scope count differs',
    steps: [
      ipfix({}, set(3, options)),
      ipfix({}, set(3, optionsTemplate(258, 2, [10, 4], [34, 4])), set(258, u32(3, 4))),
    ],
    actions: ['redefined 258'],
    optionsRecords: [three],
  },
  {
    what: 'only the scope type of NetFlow v9 differs',
    steps: [
      v9({}, set(1, v9OptionsTemplate(258, [[1, 4]], [[34, 4]]))),
      v9({}, set(1, v9OptionsTemplate(258, [[3, 4]], [[34, 4]])), set(258, u32(3, 4))),
    ],
    actions: ['redefined 258'],
    optionsRecords: [{ scopeLineCard: 3, samplingInterval: 4 }],
  },
  {
    what: 'template ids 1 to 3 with fields are refused, and are no withdrawals',
    steps: [known, ipfix({}, set(2, concat(template(2, [1, 4]), template(3, [1, 4]))), set(256, u32(1)))],
    actions: ['refused 2', 'refused 3'],
    records: [one],
  },
  {
    what: 'the sequence number wraps between two definitions',
    steps: [
      ipfix({ sequence: 0xffff_fffe }, set(2, octets)),
      ipfix({ sequence: 3 }, set(2, template(256, [2, 4])), set(256, u32(2))),
    ],
    actions: ['redefined 256'],
    records: [two],
  },
  {
    what: 'IPv4-mapped and plain are one exporter',
    steps: [known, [all, { address: '::ffff:192.0.2.1', port: 9 }]],
    records: [one, two],
    optionsRecords: [three],
  },
];

for (const row of ROWS) {
  test(row.what, () => {
    const result = decodeAll(row.options ?? {}, ...row.steps).at(-1)!;
    assert.deepEqual(actions(result), row.actions ?? []);
    assert.deepEqual(fieldsOf(result), row.records ?? []);
    assert.deepEqual(optionsOf(result), row.optionsRecords ?? []);
    assert.deepEqual(
      result.missing.map(({ action, templateId }) => `${action} ${templateId}`),
      row.missing ?? [],
    );
    assert.deepEqual(
      result.faults.map(({ code }) => code),
      row.faults ?? [],
    );
  });
}

test('semantics of the three lists, and those that are not assigned', () => {
  for (const [number, semantic] of [
    [0, 'noneOf'],
    [1, 'exactlyOneOf'],
    [2, 'oneOrMoreOf'],
    [3, 'allOf'],
    [4, 'ordered'],
    [5, 'undefined'],
    [254, 'undefined'],
    [255, 'undefined'],
  ] as const) {
    const basic = concat(u8(number), u16(4, 1), u8(6, 17));
    const sub = concat(u8(number), u16(257), u32(2));
    const multi = concat(u8(number), u16(256, 8), u32(1), u16(257, 4), u16(999, 5), u8(171));
    const lists = template(260, [291, VARIABLE], [292, VARIABLE], [293, VARIABLE]);
    const body = concat(...[basic, sub, multi].map((list) => concat(u8(list.length), list)));
    const result = last(ipfix({}, set(2, concat(octets, packets, lists)), set(260, body)));
    assert.deepEqual(fieldsOf(result), [
      {
        basicList: { semantic, element: 'protocolIdentifier', values: [6, 17] },
        subTemplateList: { semantic, templateId: 257, records: [two] },
        subTemplateMultiList: {
          semantic,
          entries: [
            { templateId: 256, records: [one] },
            { templateId: 257, records: [] },
            { templateId: 999, octets: 'ab' },
          ],
        },
      },
    ]);
    assert.deepEqual(result.faults, []);
  }
});

test('a template that lists itself is taken apart level by level', () => {
  const inner = concat(u8(3), u16(256, 2), u8(3, 3), u16(256));
  const result = last(
    ipfix(
      {},
      set(2, template(256, [7, 2], [292, VARIABLE])),
      set(256, concat(u16(1), u8(inner.length), inner)),
    ),
  );
  const level = (...records: unknown[]) => ({ semantic: 'allOf', templateId: 256, records });
  assert.deepEqual(fieldsOf(result), [
    { sourceTransportPort: 1, subTemplateList: level({ sourceTransportPort: 2, subTemplateList: level() }) },
  ]);
});
