import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FlowBatch } from '../../src/decode/batch.ts';
import { valueAt } from '../../src/decode/value.ts';
import { anyBatch } from '../support/arbitrary-batch.ts';
import { encoderFor, type Json, jsonRecords } from '../support/encode.ts';
import fc from '../support/fast-check.ts';
import { flowBatch } from '../support/flow-batch.ts';

const iana = { schema: 'iana' } as const;

/** The form that JSON gives to a value of the library. */
function jsonForm(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'number') return value;
  // JSON knows no negative zero.
  return Number.isFinite(value) ? value + 0 : null;
}

function expectedFields(batch: FlowBatch, row: number): Json {
  return Object.fromEntries(
    batch.plan.fields.map(({ key, columns }) => {
      const values = columns.map((column) => jsonForm(valueAt(batch, column, row)));
      return [key, values.length === 1 ? values[0] : values];
    }),
  );
}

describe('NDJSON', () => {
  it('writes the lossless record with its keys in this order', () => {
    const batch = flowBatch({
      fields: [
        [8, 4],
        [1, 8],
      ],
      rows: [['198.51.100.7', 18446744073709551615n]],
      set: { exporterPort: 50123, observationDomainId: 4294967295, templateId: 300 },
    });
    const encoder = encoderFor(iana);
    assert.equal(encoder.encode(batch), 1);
    assert.equal(
      new TextDecoder().decode(encoder.take()),
      '{"exporter":"192.0.2.1","exporterPort":50123,"version":10,"observationDomainId":4294967295,"templateId":300,' +
        '"exportTimeMs":1700000000000,"kind":"data","fields":{"sourceIPv4Address":"198.51.100.7",' +
        '"octetDeltaCount":"18446744073709551615"}}\n',
    );
  });

  it('writes the native record with its keys in the order of the table', () => {
    const batch = flowBatch({
      dialect: 9,
      fields: [
        [1, 4],
        [8, 4],
        [95, 4],
        [777, 2],
      ],
      rows: [[5, '198.51.100.7', Uint8Array.of(13, 0, 0, 80), Uint8Array.of(0xab, 0xcd)]],
    });
    const encoder = encoderFor();
    encoder.encode(batch);
    assert.equal(
      new TextDecoder().decode(encoder.take()),
      '{"flow_type":"netflow_v9","time_received":1700000000250,"time_exported":1700000000000,' +
        '"exporter_addr":"192.0.2.1","exporter_port":2055,"observation_domain_id":1,"template_id":256,"sequence":7,' +
        '"time_flow_start":1700000000000,"time_flow_end":1700000000000,"time_source":"export",' +
        '"src_addr":"198.51.100.7","etype":2048,"bytes":5,"app_id":"13:80","ext":{"0.777":"abcd"}}\n',
    );
  });

  it('gives every value the form that the library gives it', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const records = jsonRecords(batch, iana);
        for (let row = 0; row < batch.rows; row++) {
          assert.deepEqual(records[row].fields, expectedFields(batch, row));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('writes integers as numbers to ±(2^53 - 1) and as text beyond', () => {
    const numbers: [bigint, unknown][] = [
      [2n ** 53n - 1n, 2 ** 53 - 1],
      [2n ** 53n, '9007199254740992'],
      [-(2n ** 53n) + 1n, -(2 ** 53) + 1],
      [-(2n ** 53n), '-9007199254740992'],
      [-(2n ** 63n), '-9223372036854775808'],
    ];
    const batch = flowBatch({ fields: [[434, 8]], rows: numbers.map(([value]) => [value]) });
    assert.deepEqual(
      jsonRecords(batch, iana).map((record) => (record.fields as Json).mibObjectValueInteger),
      numbers.map(([, expected]) => expected),
    );
  });

  it('writes records of the native schema that JSON readers understand, whatever the values', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        for (const record of jsonRecords(batch)) assert.equal(record.flow_type, 'ipfix');
      }),
      { numRuns: 300 },
    );
  });

  it('writes an object of fields even when there are none', () => {
    const batch = flowBatch({ dialect: 5, fields: [[210, 4]], rows: [[new Uint8Array(4)]] });
    const [record] = jsonRecords(batch, iana);
    assert.deepEqual(Object.keys(record.fields as Json), [
      'engineType',
      'engineId',
      'samplingInterval',
      'samplingAlgorithm',
    ]);
    const onlyPadding = flowBatch({ fields: [[210, 4]], rows: [[new Uint8Array(4)]] });
    assert.deepEqual(jsonRecords(onlyPadding, iana)[0].fields, { paddingOctets: '00000000' });
    assert.equal('ext' in jsonRecords(onlyPadding)[0], false);
  });

  it('names IPv6 exporters in canonical form', () => {
    const exporter = new Uint8Array(20);
    exporter.set([0x20, 0x01, 0x0d, 0xb8], 4);
    exporter[19] = 9;
    const batch = flowBatch({ fields: [[4, 1]], rows: [[6]], set: { exporter, exporterOffset: 4 } });
    assert.equal(jsonRecords(batch)[0].exporter_addr, '2001:db8::9');
    assert.equal(jsonRecords(batch, iana)[0].exporter, '2001:db8::9');
  });

  it('writes what a list reader makes of structured data', () => {
    const batch = flowBatch({
      fields: [
        [291, 65535],
        [4, 1],
      ],
      rows: [
        [Uint8Array.of(3, 0, 1), 6],
        [Uint8Array.of(4), 17],
      ],
    });
    const asked: unknown[] = [];
    const records = jsonRecords(batch, {
      ...iana,
      listToValue: (given, column, row, set) => {
        asked.push([given === batch, column, row, set === batch.sets[0]]);
        return {
          semantic: 'allOf',
          element: 'octetDeltaCount',
          values: [1, 2n ** 60n, 'a\u009b"', Number.NaN],
        };
      },
    });
    assert.deepEqual(asked, [
      [true, 0, 0, true],
      [true, 0, 1, true],
    ]);
    assert.deepEqual(records[1].fields, {
      basicList: {
        semantic: 'allOf',
        element: 'octetDeltaCount',
        values: [1, '1152921504606846976', 'a\u009b"', null],
      },
      protocolIdentifier: 17,
    });
  });

  it('keeps rows and sets in order', () => {
    const batch = flowBatch({
      fields: [[7, 2]],
      rows: [[1], [2], [3], [4]],
      sets: [
        { rows: 2, sequence: 10 },
        { rows: 0, sequence: 11 },
        { rows: 2, sequence: 12 },
      ],
    });
    assert.deepEqual(
      jsonRecords(batch).map((record) => [record.sequence, record.src_port]),
      [
        [10, 1],
        [10, 2],
        [12, 3],
        [12, 4],
      ],
    );
  });

  it('grows over many large rows', () => {
    const name = 'x'.repeat(60_000);
    const batch = flowBatch({
      fields: [[82, 65535]],
      rows: Array.from({ length: 40 }, (_, i) => [`${i}${name}`]),
    });
    const records = jsonRecords(batch, iana);
    assert.deepEqual(
      records.map((record) => (record.fields as Json).interfaceName),
      Array.from({ length: 40 }, (_, i) => `${i}${name}`),
    );
  });
});
