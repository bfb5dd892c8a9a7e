import { strict as assert } from 'node:assert';
import { FlowBatch } from '../../src/decode/batch.ts';
import { compilePlan, type DecodeSet } from '../../src/decode/compile.ts';
import { interpretSet } from '../../src/decode/interpret.ts';
import { createPlan, type Plan } from '../../src/decode/plan.ts';
import { standardElements } from '../../src/elements/registry.ts';
import type { Bench, Prepared, Size } from '../harness.ts';
import { boundSets, checkRows, Decoding, digestRows, type Shape } from './decoded.ts';
import { digest } from './input.ts';

/** As many rows as the batch of a decode thread has; see src/decode/batch-cache.ts. */
export const batchRows = (plan: Plan): number =>
  Math.min(1024, Math.floor((16 * 1024) / plan.columns.length));

const RECORDS = 16 * 1024;
const TARGET_NS = 60;

export const SHAPES = {
  v5: { options: { version: 5, exporters: 20 }, place: 0, records: RECORDS },
  'v9-21-fields': { options: { version: 9, exporters: 20 }, place: 0, records: RECORDS },
  'ipfix-ipv6': { options: { version: 10, exporters: 20, templates: 2 }, place: 1, records: RECORDS },
  'ipfix-variable': { options: { version: 10, exporters: 20, templates: 3 }, place: 2, records: RECORDS },
  'v9-options': {
    options: { version: 9, exporters: 20, options: true, templateEvery: 4 },
    place: 0,
    optionsElement: 82,
    records: 2048,
  },
} satisfies Record<string, Shape>;
export type ShapeName = keyof typeof SHAPES;

/** Sets of records to columns of a batch: by the interpreter, and by the code compiled for the plan. */
export const planBenches: Bench[] = (Object.keys(SHAPES) as ShapeName[]).flatMap((name) => {
  const targetNs = name === 'v9-21-fields' ? TARGET_NS : undefined;
  const interpreted: Bench = {
    name: `plan/${name}-interpreted`,
    unit: 'record',
    prepare: (size) => prepare(size, SHAPES[name], () => interpretSet),
  };
  const compiled: Bench = {
    name: `plan/${name}-compiled`,
    unit: 'record',
    targetNs,
    prepare: (size) => prepare(size, SHAPES[name], (plan) => compilePlan(plan)!),
  };
  return [interpreted, compiled];
});

function prepare(size: Size, shape: Shape, decoderOf: (plan: Plan) => DecodeSet): Prepared {
  const input = boundSets(size, shape);
  const plan = createPlan(input.entry.layout, standardElements);
  const decoding = new Decoding(input, new FlowBatch(plan, batchRows(plan)), decoderOf(plan));
  let rows = 0;
  return {
    unitsPerRun: input.records.length,
    run: () =>
      decoding.run((batch) => {
        rows += batch.rows;
      }),
    check() {
      let from = 0;
      const records = decoding.run((batch) => {
        checkRows(batch, input.records, from);
        from += batch.rows;
      });
      assert.equal(records, input.records.length);
      assert.equal(from, input.records.length);
      assert.ok(rows > 0);
    },
    hash() {
      const parts: string[] = [];
      decoding.run((batch) => parts.push(digestRows(batch)));
      return digest(...parts);
    },
  };
}
