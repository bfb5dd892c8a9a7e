import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compactBatch } from '../../src/decode/compact-batch.ts';
import { recordsOf } from '../../src/decode/records.ts';
import { anyBatchSpec } from '../support/arbitrary-batch.ts';
import fc from '../support/fast-check.ts';
import { flowBatch } from '../support/flow-batch.ts';

test('rows of every storage close up in their order, in their sets, and sets without rows are gone', () => {
  const cases = fc
    .tuple(anyBatchSpec, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), fc.array(fc.nat(3)))
    .map(([spec, stays, sizes]) => {
      const rows = [...spec.rows, ...spec.rows, ...spec.rows];
      const sets: { rows: number; templateId: number }[] = [];
      let left = rows.length;
      for (const size of [...sizes, rows.length]) {
        sets.push({ rows: Math.min(size, left), templateId: 256 + sets.length });
        left -= sets[sets.length - 1].rows;
      }
      return { spec: { ...spec, rows, set: undefined, sets }, stays };
    });
  fc.assert(
    fc.property(cases, ({ spec, stays }) => {
      const batch = flowBatch(spec);
      const expected = [...recordsOf(batch)].filter((_, row) => stays[row]);
      const kept = Uint32Array.from(stays.keys()).filter((row) => stays[row] && row < batch.rows);
      compactBatch(batch, kept, kept.length);
      assert.deepEqual([...recordsOf(batch)], expected);
      assert.equal(batch.rows, expected.length);
      const used = batch.sets.slice(0, batch.setCount);
      if (kept.length < spec.rows.length) assert.ok(used.every(({ rowStart, rowEnd }) => rowEnd > rowStart));
      assert.equal(used.at(-1)?.rowEnd ?? 0, batch.rows);
      assert.equal(new Set(batch.sets).size, spec.sets.length);
    }),
  );
});
