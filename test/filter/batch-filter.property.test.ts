import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchFilter } from '../../src/filter/batch-filter.ts';
import { parseFilter } from '../../src/filter/parser.ts';
import { RecordFilter } from '../../src/filter/record-filter.ts';
import { jsonRecords, msgpackRecords, stateSource } from '../support/encode.ts';
import fc from '../support/fast-check.ts';
import { EXPORT_MS, flowBatch } from '../support/flow-batch.ts';
import { anyFilter } from './filter-arbitrary.ts';
import { filterBatchSpec, STATE } from './filter-batches.ts';

test('filters of batches and of JSON keep the records that the reference keeps', () => {
  const state = stateSource({ systemInitMs: EXPORT_MS - 100_000 });
  let kept = 0;
  let dropped = 0;
  fc.assert(
    fc.property(filterBatchSpec, anyFilter, (spec, { text, holds }) => {
      const batch = flowBatch(spec);
      const isOptions = batch.sets.flatMap(({ rowStart, rowEnd, options }) =>
        new Array<boolean>(rowEnd - rowStart).fill(options),
      );
      const records = msgpackRecords(batch, { options: true, state });
      const expected = records.filter((record, row) => isOptions[row] || holds(record));
      const filter = new BatchFilter(parseFilter(text), (address) => (address === STATE ? state : null));
      assert.deepEqual(
        [...filter.select(batch)].map((row) => records[row]),
        expected,
        text,
      );
      const one = new RecordFilter(parseFilter(text));
      assert.deepEqual(
        jsonRecords(batch, { options: true, state }).map((record) => one.matches(record)),
        records.map((record) => expected.includes(record)),
        text,
      );
      assert.equal(filter.apply(batch), records.length - expected.length);
      assert.deepEqual(msgpackRecords(batch, { options: true, state }), expected);
      kept += expected.length;
      dropped += records.length - expected.length;
    }),
    { numRuns: 2_000 },
  );
  assert.ok(kept > 1_000 && dropped > 1_000, `${kept} kept, ${dropped} dropped`);
});
