import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decode } from '@msgpack/msgpack';
import type { FlowBatch } from '../../src/decode/batch.ts';
import { valueAt } from '../../src/decode/value.ts';
import { ByteWriter } from '../../src/output/byte-writer.ts';
import { appendPlain, putInt64, putNanoseconds, putUint64 } from '../../src/output/msgpack-value.ts';
import { anyBatch } from '../support/arbitrary-batch.ts';
import { encoderFor, type Json, jsonRecords, msgpackRecords } from '../support/encode.ts';
import fc from '../support/fast-check.ts';
import { flowBatch } from '../support/flow-batch.ts';

const iana = { schema: 'iana' } as const;

/** The form that MessagePack gives to the value of a column: octets are binary, everything else is that of the library. */
function binaryForm(batch: FlowBatch, column: number, row: number): unknown {
  const { render } = batch.plan.columns[column];
  const value = valueAt(batch, column, row);
  return render === 'octets' ? new Uint8Array(Buffer.from(value as string, 'hex')) : value;
}

const view = new DataView(new ArrayBuffer(32));
function written(end: number): string {
  return Buffer.from(view.buffer, 0, end).toString('hex');
}

describe('MessagePack rows', () => {
  it('give every value the form that the library gives it, octets as binary', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const records = msgpackRecords(batch, iana);
        for (let row = 0; row < batch.rows; row++) {
          const expected = batch.plan.fields.map(({ key, columns }) => {
            const values = columns.map((column) => binaryForm(batch, column, row));
            return [key, values.length === 1 ? values[0] : values];
          });
          const actual = Object.entries(records[row].fields as Json);
          assert.deepEqual(actual, expected);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('have the keys and the structure of the JSON lines', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        for (const schema of ['millrace', 'iana'] as const) {
          const json = jsonRecords(batch, { schema });
          const maps = msgpackRecords(batch, { schema });
          assert.deepEqual(maps.map(shape), json.map(shape));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('have times of the native schema in nanoseconds', () => {
    const batch = flowBatch({
      fields: [
        [156, 8],
        [157, 8],
      ],
      rows: [[0xe8fe6f8000800000n, 0xe8fe6f80ffffffffn]],
      set: { receivedAtMs: 1_700_000_000_250.75 },
    });
    const [record] = msgpackRecords(batch);
    assert.equal(record.time_flow_start, 1_700_000_000_001_953_125n);
    assert.equal(record.time_flow_end, 1_700_000_000_999_999_999n);
    assert.equal(record.time_received, 1_700_000_000_250_000_000n);
    assert.equal(record.time_exported, 1_700_000_000_000_000_000n);
    assert.equal(jsonRecords(batch)[0].time_flow_start, 1_700_000_000_001);
  });

  it('have sampling rates as integers where they are, as floats where not', () => {
    const batch = flowBatch({
      fields: [
        [305, 4],
        [306, 4],
      ],
      rows: [
        [1, 999],
        [3, 7],
      ],
    });
    assert.deepEqual(
      msgpackRecords(batch).map((record) => record.sampling_rate),
      [1000, 10 / 3],
    );
  });

  it('mend text that is no UTF-8', () => {
    const batch = flowBatch({ fields: [[82, 65535]], rows: [[Uint8Array.of(65, 0xff, 66, 0)]] });
    assert.deepEqual(msgpackRecords(batch, iana)[0].fields, { interfaceName: 'A\ufffdB' });
  });

  it('have texts, octets and maps of every header size', () => {
    for (const length of [0, 31, 32, 255, 256, 40_000]) {
      const batch = flowBatch({
        fields: [
          [82, 65535],
          [70, 65535],
        ],
        rows: [['x'.repeat(length), new Uint8Array(length).fill(7)]],
      });
      assert.deepEqual(msgpackRecords(batch, iana)[0].fields, {
        interfaceName: 'x'.repeat(length),
        mplsTopLabelStackSection: new Uint8Array(length).fill(7),
      });
    }
    for (const count of [1, 15, 16, 300]) {
      const fields = Array.from(
        { length: count },
        (_, i) => [10_000 + i, 1, 99_999] as [number, number, number],
      );
      const batch = flowBatch({ fields, rows: [fields.map((_, i) => Uint8Array.of(i & 255))] });
      assert.equal(Object.keys(msgpackRecords(batch, iana)[0].fields as Json).length, count);
    }
  });

  it('have repeated elements as arrays of any length', () => {
    for (const count of [2, 15, 16, 40]) {
      const batch = flowBatch({
        fields: Array.from({ length: count }, () => [4, 1] as [number, number]),
        rows: [Array.from({ length: count }, (_, i) => i)],
      });
      assert.deepEqual((msgpackRecords(batch, iana)[0].fields as Json).protocolIdentifier, [
        ...Array(count).keys(),
      ]);
    }
  });

  it('carry what a list reader makes of structured data', () => {
    const list = { semantic: 'allOf', values: [1, -5, 2n ** 63n, -(2n ** 40n), 'ü', true, 1.5, [], {}] };
    const batch = flowBatch({ fields: [[291, 65535]], rows: [[Uint8Array.of(3)]] });
    const [record] = msgpackRecords(batch, { ...iana, listToValue: () => list });
    assert.deepEqual((record.fields as Json).basicList, {
      ...list,
      values: [1, -5, 2n ** 63n, -(2 ** 40), 'ü', true, 1.5, [], {}],
    });
  });

  it('grow over many large rows', () => {
    const name = 'x'.repeat(60_000);
    const batch = flowBatch({ fields: [[82, 65535]], rows: Array.from({ length: 40 }, () => [name]) });
    const encoder = encoderFor({ ...iana, format: 'msgpack' });
    assert.equal(encoder.encode(batch), 40);
    assert.ok(encoder.take().length > 40 * 60_000);
  });
});

describe('MessagePack values', () => {
  it('are in their smallest form', () => {
    const unsigned = (value: bigint): string =>
      written(putUint64(view, 0, Number(value >> 32n), Number(value & 0xffffffffn)));
    assert.deepEqual([0n, 127n, 128n, 255n, 256n, 65535n, 65536n, 0xffffffffn, 0x100000000n].map(unsigned), [
      '00',
      '7f',
      'cc80',
      'ccff',
      'cd0100',
      'cdffff',
      'ce00010000',
      'ceffffffff',
      'cf0000000100000000',
    ]);
    const signed = (value: bigint): string => {
      const bits = BigInt.asUintN(64, value);
      return written(putInt64(view, 0, Number(bits >> 32n), Number(bits & 0xffffffffn)));
    };
    assert.deepEqual(
      [1n, -1n, -32n, -33n, -128n, -129n, -32768n, -32769n, -(2n ** 31n), -(2n ** 31n) - 1n].map(signed),
      [
        '01',
        'ff',
        'e0',
        'd0df',
        'd080',
        'd1ff7f',
        'd18000',
        'd2ffff7fff',
        'd280000000',
        'd3ffffffff7fffffff',
      ],
    );
  });

  it('hold any time to the nanosecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 43 }), fc.nat(999_999), (ms, ns) => {
        const end = putNanoseconds(view, 0, ms, ns);
        const read = decode(new Uint8Array(view.buffer, 0, end), { useBigInt64: true });
        assert.equal(BigInt(read as number | bigint), BigInt(ms) * 1_000_000n + BigInt(ns));
      }),
      { numRuns: 2000 },
    );
  });

  it('come out of any plain value as they went in', () => {
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double({ noNaN: true }),
      fc.boolean(),
      fc.integer(),
    );
    // The reader refuses this key; no dictionary of elements has it.
    const key = fc.string().filter((name) => name !== '__proto__');
    const plain = fc.letrec((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('value')), fc.dictionary(key, tie('value'))),
    })).value;
    fc.assert(
      fc.property(plain, (value) => {
        const writer = new ByteWriter(16);
        appendPlain(writer, value);
        assert.deepEqual(JSON.stringify(decode(writer.take())), JSON.stringify(value));
      }),
    );
  });
});

/** Keys all the way down, without the values. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shape);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return true;
  return Object.entries(value).map(([key, member]) => [key, shape(member)]);
}
