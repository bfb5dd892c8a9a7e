import { strict as assert } from 'node:assert';
import { createEncoder } from '../../src/output/create-encoder.ts';
import { readColumnar } from '../../src/receive/columnar/reader.ts';
import { numberOf } from '../../test/generator/reader.ts';
import type { Bench, Prepared, Size } from '../harness.ts';
import { encodeInput } from './encode.bench.ts';
import { checkObjects } from './encoded.ts';
import { digest } from './input.ts';

/** Columnar frames back to columns, of which two are added up, and to objects. */
export const columnarBenches: Bench[] = [
  { name: 'columnar/read-columns', unit: 'record', prepare: prepareColumns },
  { name: 'columnar/read-objects', unit: 'record', prepare: prepareObjects },
];

function framesOf(size: Size) {
  const { batches, records, state } = encodeInput(size, false);
  const encoding = { format: 'columnar', schema: 'millrace', options: false } as const;
  const encoder = createEncoder(encoding, { state, listToValue: () => null });
  for (const batch of batches) encoder.encode(batch);
  return { frames: encoder.take(), records };
}

const SUMMED = { bytes: 1, packets: 2 } as const;

function prepareColumns(size: Size): Prepared {
  const { frames, records } = framesOf(size);
  const sums = { bytes: 0, packets: 0 };
  return {
    unitsPerRun: records.length,
    run() {
      sums.bytes = 0;
      sums.packets = 0;
      for (const { columns, rows } of readColumnar(frames)) {
        const bytes = columns['bytes'].values;
        const packets = columns['packets'].values;
        for (let row = 0; row < rows; row++) {
          sums.bytes += bytes[row];
          sums.packets += packets[row];
        }
      }
      return sums.bytes;
    },
    check() {
      for (const key of ['bytes', 'packets'] as const) {
        assert.equal(
          sums[key],
          records.reduce((sum, record) => sum + numberOf(record, SUMMED[key]), 0),
        );
      }
    },
    hash: () => digest(sums.bytes, ' ', sums.packets),
  };
}

function prepareObjects(size: Size): Prepared {
  const { frames, records } = framesOf(size);
  let objects: Record<string, unknown>[] = [];
  return {
    unitsPerRun: records.length,
    run() {
      objects = [];
      for (const frame of readColumnar(frames)) objects.push(...frame.toObjects());
      return objects;
    },
    check: () => checkObjects(objects, 'millrace', records),
    hash: () => digest(JSON.stringify(objects)),
  };
}
