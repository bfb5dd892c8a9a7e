import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SetContext } from '../../src/decode/batch.ts';
import type { Dialect } from '../../src/decode/layout.ts';
import { createEncoder } from '../../src/output/create-encoder.ts';
import type { Field } from '../support/bytes.ts';
import {
  type EncodeOptions,
  type Json,
  jsonRecords,
  msgpackRecords,
  stateSource,
} from '../support/encode.ts';
import { type CellValue, flowBatch } from '../support/flow-batch.ts';

interface Case {
  dialect?: Dialect;
  scopes?: number;
  fields: readonly Field[];
  rows: readonly (readonly CellValue[])[];
  set?: Partial<SetContext>;
}

const HEADER = [
  'flow_type',
  'record',
  'time_received',
  'time_exported',
  'exporter_addr',
  'exporter_port',
  'observation_domain_id',
  'template_id',
  'sequence',
  'time_flow_start',
  'time_flow_end',
  'time_source',
];

/** The records without what every record has. Both formats must have the same keys. */
function values(given: Case, options: EncodeOptions = {}): Json[] {
  const batch = flowBatch(given);
  const records = jsonRecords(batch, options);
  assert.deepEqual(
    msgpackRecords(batch, options).map((record) => Object.keys(record)),
    records.map((record) => Object.keys(record)),
  );
  for (const record of records) for (const key of HEADER) delete record[key];
  return records;
}

const one = (fields: readonly Field[], row: readonly CellValue[]): Json => values({ fields, rows: [row] })[0];

describe('header values', () => {
  it('name the protocol and leave out the template where there is none', () => {
    const of = (dialect: Dialect): unknown[] => {
      const [record] = jsonRecords(flowBatch({ dialect, fields: [[4, 1]], rows: [[6]] }));
      return [record.flow_type, record.template_id, record.record];
    };
    assert.deepEqual(
      [5, 7, 9, 10].map((dialect) => of(dialect as Dialect)),
      [
        ['netflow_v5', undefined, undefined],
        ['netflow_v7', undefined, undefined],
        ['netflow_v9', 256, undefined],
        ['ipfix', 256, undefined],
      ],
    );
  });

  it('say what the datagram came with', () => {
    const set = {
      exporterPort: 1,
      observationDomainId: 4_294_967_295,
      sequence: 4_294_967_294,
      exportTimeMs: 1_700_000_000_500.5,
      receivedAtMs: 1_700_000_001_000.25,
    };
    const [record] = jsonRecords(flowBatch({ fields: [[4, 1]], rows: [[6]], set }));
    assert.equal(record.exporter_addr, '192.0.2.1');
    assert.equal(record.exporter_port, 1);
    assert.equal(record.observation_domain_id, 4_294_967_295);
    assert.equal(record.sequence, 4_294_967_294);
    assert.equal(record.time_exported, 1_700_000_000_500);
    assert.equal(record.time_received, 1_700_000_001_000);
  });
});

describe('mapped values', () => {
  it('carry a v5 record', () => {
    const fields: Field[] = [
      [8, 4],
      [12, 4],
      [15, 4],
      [10, 2],
      [14, 2],
      [2, 4],
      [1, 4],
      [22, 4],
      [21, 4],
      [7, 2],
      [11, 2],
      [210, 1],
      [6, 1],
      [4, 1],
      [5, 1],
      [16, 2],
      [17, 2],
      [9, 1],
      [13, 1],
      [210, 2],
    ];
    const row: CellValue[] = [
      '10.0.0.1',
      '10.0.0.2',
      '0.0.0.0',
      1,
      2,
      10,
      1000,
      90_000,
      99_000,
      1234,
      443,
      new Uint8Array(1),
      27,
      6,
      0,
      64512,
      0,
      24,
      0,
      new Uint8Array(2),
      0,
      1,
      100,
      1,
    ];
    assert.deepEqual(values({ dialect: 5, fields, rows: [row] }), [
      {
        sampling_rate: 100,
        sampling_source: 'record',
        src_addr: '10.0.0.1',
        dst_addr: '10.0.0.2',
        src_port: 1234,
        dst_port: 443,
        proto: 6,
        etype: 2048,
        bytes: 1000,
        packets: 10,
        tcp_flags: 27,
        ip_tos: 0,
        in_if: 1,
        out_if: 2,
        src_as: 64512,
        dst_as: 0,
        src_mask: 24,
        dst_mask: 0,
        next_hop: '0.0.0.0',
        ext: { engineType: 0, engineId: 1, samplingAlgorithm: 1 },
      },
    ]);
  });

  it('take the first element that is there and leave the others in ext', () => {
    assert.deepEqual(
      one(
        [
          [85, 8],
          [1, 8],
          [231, 8],
        ],
        [1, 2, 3],
      ),
      {
        bytes: 2,
        ext: { octetTotalCount: 1, initiatorOctets: 3 },
      },
    );
    assert.deepEqual(
      one(
        [
          [231, 8],
          [232, 8],
          [298, 8],
          [299, 8],
        ],
        [1, 2, 3, 4],
      ),
      {
        bytes: 1,
        packets: 3,
        reverse_bytes: 2,
        reverse_packets: 4,
      },
    );
    assert.deepEqual(
      one(
        [
          [1, 8],
          [1, 8, 29305],
          [2, 8, 29305],
          [232, 8],
        ],
        [1, 2, 3, 4],
      ),
      {
        bytes: 1,
        reverse_bytes: 2,
        reverse_packets: 3,
        ext: { responderOctets: 4 },
      },
    );
    assert.deepEqual(
      one(
        [
          [252, 4],
          [253, 4],
        ],
        [5, 6],
      ),
      { in_if: 5, out_if: 6 },
    );
    assert.deepEqual(
      one(
        [
          [81, 6],
          [57, 6],
        ],
        ['00:00:00:00:00:01', '00:00:00:00:00:02'],
      ),
      {
        src_mac: '00:00:00:00:00:01',
        dst_mac: '00:00:00:00:00:02',
      },
    );
    assert.deepEqual(
      one(
        [
          [243, 2],
          [254, 2],
        ],
        [7, 8],
      ),
      { src_vlan: 7, dst_vlan: 8 },
    );
  });

  it('do not replace raw counters by those behind a middlebox', () => {
    assert.deepEqual(
      one(
        [
          [1, 8],
          [2, 8],
          [23, 8],
          [24, 8],
        ],
        [1, 2, 3, 4],
      ),
      {
        bytes: 1,
        packets: 2,
        out_bytes: 3,
        out_packets: 4,
      },
    );
  });

  it('keep all values of a repeated element in ext', () => {
    assert.deepEqual(
      one(
        [
          [1, 4],
          [1, 8],
          [4, 1],
        ],
        [11, 2n ** 60n, 6],
      ),
      {
        proto: 6,
        bytes: 11,
        ext: { octetDeltaCount: [11, '1152921504606846976'] },
      },
    );
  });

  it('stay in ext when they are not what the element is', () => {
    assert.deepEqual(
      one(
        [
          [7, 9],
          [8, 3],
          [371, 4],
        ],
        [new Uint8Array(9), Uint8Array.of(1, 2, 3), 'bob\0'],
      ),
      {
        user_name: 'bob',
        ext: { sourceTransportPort: '000000000000000000', sourceIPv4Address: '010203' },
      },
    );
  });

  it('leave out padding and keep what has no name', () => {
    assert.deepEqual(
      one(
        [
          [210, 3],
          [1234, 2],
          [5, 1, 99_999],
        ],
        [new Uint8Array(3), Uint8Array.of(1, 2), Uint8Array.of(9)],
      ),
      {
        ext: { '0.1234': '0102', '99999.5': '09' },
      },
    );
  });

  it('carry firewall and NAT events, also under the numbers of older software', () => {
    const expected = {
      src_addr: '10.0.0.5',
      etype: 2048,
      nat_src_addr: '203.0.113.5',
      nat_src_port: 1024,
      fw_event: 1,
      user_name: 'alice',
    };
    const row = ['10.0.0.5', '203.0.113.5', 1024, 1, 'alice\0\0'];
    assert.deepEqual(
      one(
        [
          [8, 4],
          [225, 4],
          [227, 2],
          [233, 1],
          [371, 7],
        ],
        row,
      ),
      expected,
    );
    const older: Field[] = [
      [8, 4],
      [40001, 4],
      [40003, 2],
      [40005, 1],
      [40000, 7],
    ];
    assert.deepEqual(values({ dialect: 9, fields: older, rows: [row] }), [expected]);
  });
});

describe('values with an IPv4 and an IPv6 form', () => {
  it('are the one that the template has', () => {
    assert.deepEqual(
      one(
        [
          [8, 4],
          [12, 4],
          [9, 1],
          [62, 16],
        ],
        ['0.0.0.0', '10.0.0.2', 8, '2001:db8::1'],
      ),
      {
        src_addr: '0.0.0.0',
        dst_addr: '10.0.0.2',
        etype: 2048,
        src_mask: 8,
        next_hop: '2001:db8::1',
      },
    );
    assert.deepEqual(
      one(
        [
          [27, 16],
          [29, 1],
        ],
        ['2001:db8::1', 64],
      ),
      {
        src_addr: '2001:db8::1',
        etype: 34525,
        src_mask: 64,
      },
    );
  });

  it('are chosen row by row where it has both', () => {
    const fields: Field[] = [
      [8, 4],
      [27, 16],
      [12, 4],
      [28, 16],
      [9, 1],
      [29, 1],
      [13, 1],
      [30, 1],
    ];
    const rows = [
      ['10.0.0.1', '::', '10.0.0.2', '::', 8, 0, 16, 0],
      ['0.0.0.0', '2001:db8::1', '0.0.0.0', '2001:db8::2', 0, 48, 0, 56],
    ];
    assert.deepEqual(values({ fields, rows }), [
      { src_addr: '10.0.0.1', dst_addr: '10.0.0.2', etype: 2048, src_mask: 8, dst_mask: 16 },
      { src_addr: '2001:db8::1', dst_addr: '2001:db8::2', etype: 34525, src_mask: 48, dst_mask: 56 },
    ]);
  });

  it('show the other form in ext when it says something', () => {
    const fields: Field[] = [
      [8, 4],
      [27, 16],
      [9, 1],
      [29, 1],
    ];
    const rows = [
      ['10.0.0.1', '2001:db8::1', 8, 64],
      ['0.0.0.0', '2001:db8::1', 8, 64],
      ['10.0.0.1', '::', 8, 0],
    ];
    assert.deepEqual(
      values({ fields, rows }).map((record) => record.ext),
      [
        { sourceIPv6Address: '2001:db8::1', sourceIPv6PrefixLength: 64 },
        { sourceIPv4PrefixLength: 8 },
        undefined,
      ],
    );
  });
});

describe('etype', () => {
  it('is what was sent, else by version, else by address, else absent', () => {
    assert.deepEqual(
      one(
        [
          [256, 2],
          [60, 1],
          [8, 4],
        ],
        [0x0806, 4, '10.0.0.1'],
      ),
      {
        src_addr: '10.0.0.1',
        etype: 0x0806,
        ext: { ipVersion: 4 },
      },
    );
    const versions = values({ fields: [[60, 1]], rows: [[4], [6], [5]] });
    assert.deepEqual(versions, [{ etype: 2048 }, { etype: 34525 }, { ext: { ipVersion: 5 } }]);
    assert.deepEqual(
      one(
        [
          [60, 1],
          [8, 4],
        ],
        [0, '10.0.0.1'],
      ),
      {
        src_addr: '10.0.0.1',
        etype: 2048,
        ext: { ipVersion: 0 },
      },
    );
    assert.deepEqual(one([[28, 16]], ['::1']), { dst_addr: '::1', etype: 34525 });
    assert.deepEqual(one([[56, 6]], [1]), { src_mac: '00:00:00:00:00:01' });
  });
});

describe('icmp_type and icmp_code', () => {
  it('are taken apart, or as they are', () => {
    assert.deepEqual(one([[32, 2]], [0x0305]), { icmp_type: 3, icmp_code: 5 });
    assert.deepEqual(one([[139, 2]], [0x8000]), { icmp_type: 128, icmp_code: 0 });
    assert.deepEqual(
      one(
        [
          [176, 1],
          [177, 1],
          [32, 2],
        ],
        [8, 0, 0x0800],
      ),
      {
        icmp_type: 8,
        icmp_code: 0,
        ext: { icmpTypeCodeIPv4: 2048 },
      },
    );
    assert.deepEqual(
      one(
        [
          [178, 1],
          [179, 1],
        ],
        [1, 4],
      ),
      { icmp_type: 1, icmp_code: 4 },
    );
  });

  it('are left out of flows of other protocols unless they say something', () => {
    const fields: Field[] = [
      [4, 1],
      [32, 2],
    ];
    const rows = [
      [1, 0],
      [58, 0],
      [6, 0],
      [17, 0x0301],
    ];
    assert.deepEqual(
      values({ fields, rows }).map((record) => [record.icmp_type, record.icmp_code]),
      [
        [0, 0],
        [0, 0],
        [undefined, undefined],
        [3, 1],
      ],
    );
  });
});

describe('mpls_labels', () => {
  const section = (label: number, bottom = false): Uint8Array =>
    Uint8Array.of(label >>> 12, (label >>> 4) & 255, ((label & 15) << 4) | (bottom ? 1 : 0));

  it('end with the bottom of the stack or with an empty section', () => {
    const fields: Field[] = [
      [70, 3],
      [71, 3],
      [72, 3],
    ];
    const rows = [
      [section(16), section(1_048_575), section(3, true)],
      [section(16, true), section(99), section(98)],
      [section(17), section(0), section(98)],
      [section(0), section(0), section(0)],
    ];
    assert.deepEqual(values({ fields, rows }), [
      { mpls_labels: [16, 1_048_575, 3] },
      { mpls_labels: [16] },
      { mpls_labels: [17] },
      {},
    ]);
  });

  it('are an array also when there can be only one', () => {
    assert.deepEqual(one([[70, 3]], [section(5, true)]), { mpls_labels: [5] });
    assert.deepEqual(one([[70, 2]], [Uint8Array.of(1, 2)]), {});
  });
});

describe('app_id and vpn_rd', () => {
  it('are engine and selector', () => {
    assert.deepEqual(one([[95, 4]], [Uint8Array.of(13, 0, 1, 187)]), { app_id: '13:443' });
    assert.deepEqual(one([[95, 7]], [Uint8Array.of(20, 255, 255, 255, 255, 255, 255)]), {
      app_id: '20:281474976710655',
    });
    assert.deepEqual(one([[95, 2]], [Uint8Array.of(3, 0)]), { app_id: '3:0' });
    assert.deepEqual(one([[95, 65535]], [Uint8Array.of()]), {});
    assert.deepEqual(one([[95, 8]], [new Uint8Array(8)]), { ext: { applicationId: '0000000000000000' } });
  });

  it('are administrator and number', () => {
    assert.deepEqual(one([[90, 8]], [Uint8Array.of(0, 0, 0xfd, 0xe8, 0, 0, 0, 100)]), {
      vpn_rd: '65000:100',
    });
    assert.deepEqual(one([[90, 8]], [Uint8Array.of(0, 1, 192, 0, 2, 1, 0, 7)]), { vpn_rd: '192.0.2.1:7' });
    assert.deepEqual(one([[90, 8]], [Uint8Array.of(0, 2, 0, 1, 0, 0, 255, 255)]), { vpn_rd: '65536:65535' });
    assert.deepEqual(one([[90, 8]], [Uint8Array.of(0, 3, 0, 0, 0, 0, 0, 0)]), {
      ext: { mplsVpnRouteDistinguisher: '0003000000000000' },
    });
  });
});

describe('sampling', () => {
  const rate = (fields: readonly Field[], row: readonly CellValue[]): unknown[] => {
    const record = one(fields, row);
    return [record.sampling_rate, record.sampling_source, record.ext];
  };

  it('comes from the record', () => {
    assert.deepEqual(rate([[34, 4]], [1000]), [1000, 'record', undefined]);
    assert.deepEqual(rate([[50, 4]], [512]), [512, 'record', undefined]);
    assert.deepEqual(
      rate(
        [
          [305, 4],
          [306, 4],
        ],
        [1, 99],
      ),
      [100, 'record', undefined],
    );
    assert.deepEqual(
      rate(
        [
          [309, 4],
          [310, 4],
        ],
        [2, 100],
      ),
      [50, 'record', undefined],
    );
    assert.deepEqual(
      rate(
        [
          [305, 4],
          [306, 4],
        ],
        [3, 7],
      ),
      [10 / 3, 'record', undefined],
    );
  });

  it('is unknown when the record says 0 or half of it', () => {
    assert.deepEqual(rate([[34, 4]], [0]), [undefined, undefined, undefined]);
    assert.deepEqual(
      rate(
        [
          [305, 4],
          [306, 4],
        ],
        [0, 99],
      ),
      [undefined, undefined, undefined],
    );
    assert.deepEqual(rate([[305, 4]], [100]), [undefined, undefined, { samplingPacketInterval: 100 }]);
  });

  it('comes from options data where the record does not say', () => {
    const asked: number[][] = [];
    const state = stateSource({
      samplingRate: (...given) => {
        asked.push(given);
        return given[2] === 3 ? 0 : given[2] * 100;
      },
    });
    const fields: Field[] = [
      [48, 1],
      [302, 8],
      [10, 4],
      [34, 4],
    ];
    const rows = [
      [1, 2, 10, 0],
      [1, 2, 10, 0],
      [1, 2, 3, 0],
      [1, 2, 3, 7],
    ];
    const records = values({ fields, rows, set: { stateAddress: 8, templateId: 300 } }, { state });
    assert.deepEqual(
      records.map((record) => [record.sampling_rate, record.sampling_source]),
      [
        [1000, 'options'],
        [1000, 'options'],
        [undefined, undefined],
        [7, 'record'],
      ],
    );
    assert.deepEqual(new Set(asked.map(String)), new Set(['1,2,10,300', '1,2,3,300']));
  });

  it('asks with -1 for what the record does not have', () => {
    const state = stateSource({
      samplingRate: (...given) => {
        assert.deepEqual(given, [-1, -1, -1, 256]);
        return 2.5;
      },
    });
    const [record] = values({ fields: [[4, 1]], rows: [[6]], set: { stateAddress: 8 } }, { state });
    assert.equal(record.sampling_rate, 2.5);
  });
});

describe('names', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const state = stateSource({
    interfaceName: (index) => (index === 0 ? null : bytes(`if${index}`)),
    interfaceDescription: (index) => (index === 1 ? bytes('uplink "A"') : null),
    vrfName: (id) => bytes(`vrf${id}`),
    samplerName: (id) => bytes(`sampler${id}`),
    selectorName: (id) => bytes(`selector${id}`),
    applicationName: (heap, offset, length) => (heap[offset + length - 1] === 80 ? bytes('http') : null),
  });
  const set = { stateAddress: 8 };

  it('come from options data', () => {
    const fields: Field[] = [
      [10, 4],
      [14, 4],
      [234, 4],
      [235, 4],
      [48, 1],
      [95, 4],
    ];
    const rows = [
      [1, 2, 3, 4, 5, Uint8Array.of(3, 0, 0, 80)],
      [0, 1, 3, 4, 5, Uint8Array.of(3, 0, 0, 81)],
    ];
    assert.deepEqual(values({ fields, rows, set }, { state }), [
      {
        sampler_id: 5,
        sampler_name: 'sampler5',
        in_if: 1,
        out_if: 2,
        in_if_name: 'if1',
        out_if_name: 'if2',
        in_if_desc: 'uplink "A"',
        in_vrf_id: 3,
        out_vrf_id: 4,
        in_vrf_name: 'vrf3',
        out_vrf_name: 'vrf4',
        app_id: '3:80',
        app_name: 'http',
      },
      {
        sampler_id: 5,
        sampler_name: 'sampler5',
        in_if: 0,
        out_if: 1,
        out_if_name: 'if1',
        out_if_desc: 'uplink "A"',
        in_vrf_id: 3,
        out_vrf_id: 4,
        in_vrf_name: 'vrf3',
        out_vrf_name: 'vrf4',
        app_id: '3:81',
      },
    ]);
  });

  it('are those of the exporter that sent the set', () => {
    const other = stateSource({ interfaceName: (index) => bytes(`other${index}`) });
    const fields: Field[] = [[10, 4]];
    const batch = flowBatch({
      fields,
      rows: [[1], [1], [1], [1]],
      sets: [
        { rows: 1, stateAddress: 8 },
        { rows: 1, stateAddress: 16 },
        { rows: 1, stateAddress: 0 },
        { rows: 1, stateAddress: 8 },
      ],
    });
    const encoder = createEncoder(
      { format: 'ndjson', schema: 'millrace', options: false },
      { state: (address) => (address === 8 ? state : other), listToValue: () => null },
    );
    encoder.encode(batch);
    const lines = new TextDecoder().decode(encoder.take()).trim().split('\n');
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as Json).in_if_name),
      ['if1', 'other1', undefined, 'if1'],
    );
  });

  it('stay right when there are more of them than are remembered', () => {
    const rows = Array.from({ length: 3000 }, (_, i) => [1 + ((i * 7) % 1500), 1 + ((i * 13) % 1700)]);
    const records = values(
      {
        fields: [
          [10, 4],
          [14, 4],
        ],
        rows,
        set,
      },
      { state },
    );
    assert.deepEqual(
      records.map((record) => [record.in_if_name, record.out_if_name]),
      rows.map(([inIf, outIf]) => [`if${inIf}`, `if${outIf}`]),
    );
  });

  it('come from the record rather than from options data', () => {
    const fields: Field[] = [
      [48, 1],
      [84, 6],
      [95, 4],
      [96, 8],
    ];
    const row = [5, 'mine\0\0', Uint8Array.of(3, 0, 0, 80), 'web\0\0\0\0\0'];
    const [record] = values({ fields, rows: [row], set }, { state });
    assert.equal(record.sampler_name, 'mine');
    assert.equal(record.app_name, 'web');
    assert.equal('ext' in record, false);
  });

  it('of selectors belong to selectors', () => {
    const [record] = values({ fields: [[302, 8]], rows: [[2n ** 40n]], set }, { state });
    assert.deepEqual(record, { sampler_id: 2 ** 40, sampler_name: `selector${2 ** 40}` });
  });

  it('and sampling are not for options records', () => {
    const given: Case = {
      scopes: 1,
      fields: [
        [10, 4],
        [34, 4],
        [95, 4],
      ],
      rows: [[1, 100, Uint8Array.of(3, 0, 0, 80)]],
      set,
    };
    const [record] = values(given, { state, options: true });
    assert.deepEqual(record, { in_if: 1, app_id: '3:80', ext: { samplingInterval: 100 } });
    // Options templates without a scope have the layout of a data template.
    const [bare] = values({ ...given, scopes: 0, set: { ...set, options: true } }, { state, options: true });
    assert.equal('in_if_name' in bare, false);
  });
});

describe('options records', () => {
  it('say what they are and keep their scope', () => {
    const batch = flowBatch({
      dialect: 9,
      scopes: 1,
      fields: [
        [2, 4],
        [82, 8],
      ],
      rows: [[7, 'Gi0/1\0\0\0']],
    });
    const [record] = jsonRecords(batch, { options: true });
    assert.equal(record.record, 'options');
    assert.deepEqual(record.ext, { scopeInterface: 7, interfaceName: 'Gi0/1' });
    assert.equal('packets' in record, false);
  });
});
