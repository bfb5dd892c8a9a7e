import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Dialect } from '../../src/decode/layout.ts';
import type { Field } from '../support/bytes.ts';
import { jsonRecords } from '../support/encode.ts';
import { type CellValue, flowBatch } from '../support/flow-batch.ts';
import { one, values } from './record-values.ts';

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
