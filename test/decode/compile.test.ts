/** Compiled plans against the interpreter: whatever the layout and the bytes, both do the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Budget, FlowBatch } from '../../src/decode/batch.ts';
import { BatchCache } from '../../src/decode/batch-cache.ts';
import { createV5Layout, createV7Layout } from '../../src/decode/builtin.ts';
import { compilePlan, MAX_COMPILED_COLUMNS, MAX_SOURCE_BYTES, planSource } from '../../src/decode/compile.ts';
import { interpretSet, SetCursor } from '../../src/decode/interpret.ts';
import { createLayout, type Dialect, type FieldSpecifier, VARIABLE_LENGTH } from '../../src/decode/layout.ts';
import { createPlan, type Plan } from '../../src/decode/plan.ts';
import { Jit, PlanRunner } from '../../src/decode/plan-runner.ts';
import { code } from '../../src/decode/source.ts';
import { valueAt } from '../../src/decode/value.ts';
import { standardElements } from '../../src/elements/registry.ts';
import fc from '../support/fast-check.ts';

const planOf = (fields: FieldSpecifier[], dialect: Dialect = 10): Plan =>
  createPlan(createLayout(9, dialect, 0, fields, standardElements), standardElements);
const field = (id: number, length: number): FieldSpecifier => ({ pen: 0, id, length });

interface Limits {
  records: number;
  values: number;
  content: number;
  capacity: number;
}
const PLENTY: Limits = { records: 1e6, values: 1e6, content: 1e6, capacity: 64 };

/** Decodes all of the bytes batch by batch and notes everything that can be seen from outside. */
function trace(plan: Plan, decode: typeof interpretSet, bytes: Uint8Array, limits: Limits): unknown {
  const batch = new FlowBatch(plan, limits.capacity);
  const cursor = new SetCursor();
  const budget = new Budget();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  budget.reset(limits.values, limits.content);
  const header = Math.min(24, bytes.length);
  cursor.begin(0, header, bytes.length, limits.records);
  const rows: unknown[] = [];
  for (let done = false; !done; ) {
    batch.reset();
    const set = batch.beginSet();
    done = decode(plan, batch, bytes, view, cursor, budget);
    set.rowEnd = batch.rows;
    for (let row = 0; row < batch.rows; row++) {
      rows.push(plan.columns.map((_, c) => String(valueAt(batch, c, row, 1_700_000_000_000))));
    }
  }
  return { rows, cursor: { ...cursor }, budget: { ...budget } };
}

const ids = [
  1, 2, 4, 7, 8, 10, 21, 22, 27, 56, 82, 85, 94, 95, 130, 150, 152, 154, 156, 210, 276, 291, 311, 315, 320,
  434, 500, 999,
];
const anyField = fc.record({
  pen: fc.constantFrom(0, 0, 0, 29_305, 9, 424_242),
  id: fc.constantFrom(...ids),
  length: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constantFrom(16, 20, VARIABLE_LENGTH)),
});
const anyPlan = fc
  .tuple(fc.constantFrom<Dialect>(9, 10), fc.array(anyField, { minLength: 1, maxLength: 12 }))
  .map(([dialect, fields]) => planOf(fields, dialect))
  .filter(({ layout }) => layout.minRecordBytes > 0);
const anyLimits = fc.record({
  records: fc.oneof(fc.constant(1e6), fc.nat(5)),
  values: fc.oneof(fc.constant(1e6), fc.nat(40)),
  content: fc.oneof(fc.constant(1e6), fc.nat(200)),
  capacity: fc.integer({ min: 1, max: 20 }),
});

test('random layouts, bytes and limits', () => {
  fc.assert(
    fc.property(
      anyPlan,
      fc.uint8Array({ minLength: 24, maxLength: 600 }),
      anyLimits,
      (plan, bytes, limits) => {
        const compiled = compilePlan(plan)!;
        assert.deepEqual(trace(plan, compiled, bytes, limits), trace(plan, interpretSet, bytes, limits));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('records of plausible variable lengths', () => {
  const plan = planOf([field(82, VARIABLE_LENGTH), field(1, 4), field(85, VARIABLE_LENGTH), field(8, 4)]);
  const compiled = compilePlan(plan)!;
  const value = fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ minLength: 255, maxLength: 300 }));
  const octets = fc.oneof(fc.constantFrom(4, 8), fc.nat(12));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(value, octets, fc.boolean()), { maxLength: 8 }),
      anyLimits,
      (records, limits) => {
        const bytes = new Uint8Array(
          Buffer.concat([
            Buffer.alloc(24),
            ...records.map(([name, width, long]) =>
              Buffer.concat([
                long || name.length > 254
                  ? Buffer.from([255, name.length >>> 8, name.length & 255])
                  : Buffer.from([name.length]),
                name,
                Buffer.from([1, 2, 3, 4, width]),
                Buffer.alloc(width, 7),
                Buffer.from([10, 0, 0, 1]),
              ]),
            ),
          ]),
        );
        assert.deepEqual(trace(plan, compiled, bytes, limits), trace(plan, interpretSet, bytes, limits));
      },
    ),
    { numRuns: 1_000 },
  );
});

test('v5 and v7 with their header values', () => {
  for (const layout of [createV5Layout(standardElements), createV7Layout(standardElements)]) {
    const plan = createPlan(layout, standardElements);
    const bytes = Uint8Array.from({ length: 24 + 5 * layout.minRecordBytes }, (_, i) => (i * 37) & 255);
    assert.deepEqual(
      trace(plan, compilePlan(plan)!, bytes, PLENTY),
      trace(plan, interpretSet, bytes, PLENTY),
    );
  }
});

test('plans that are too large are not compiled', () => {
  const columns = (n: number) => planOf(Array.from({ length: n }, () => field(4, 1)));
  assert.ok(compilePlan(columns(MAX_COMPILED_COLUMNS)) !== null);
  assert.equal(compilePlan(columns(MAX_COMPILED_COLUMNS + 1)), null);

  const lists = (n: number) => planOf(Array.from({ length: n }, () => field(82, VARIABLE_LENGTH)));
  let most = 1;
  while (planSource(lists(most + 1)) !== null) most++;
  assert.ok(most < MAX_COMPILED_COLUMNS, 'the source is the limit');
  const source = planSource(lists(most))!;
  assert.ok(source.length <= MAX_SOURCE_BYTES && source.length * (1 + 1 / most) > MAX_SOURCE_BYTES);
  assert.equal(compilePlan(lists(most + 1)), null);
});

test('only so many plans are compiled; one that is not used any more makes room', () => {
  const jit = new Jit('eager', 2);
  const batches = new BatchCache(standardElements, 1024, jit);
  const layoutOf = (uid: number) => () => createLayout(uid, 10, 0, [field(1, 4)], standardElements);
  for (const uid of [1, 2]) batches.get(uid, layoutOf(uid));
  assert.deepEqual([jit.compiled, jit.refused], [2, 0]);
  const refused = batches.get(3, layoutOf(3));
  assert.deepEqual([jit.compiled, jit.refused], [2, 1]);
  refused.close();
  assert.equal(jit.compiled, 2, 'it had none');
  // More layouts than the cache keeps: those that are pushed out give their place away.
  for (let uid = 4; uid < 10_000; uid++) batches.get(uid, layoutOf(uid));
  assert.equal(jit.compiled, 2);
  assert.equal(jit.refused, 9_999 - 4);
});

test('heaps are handed on from batch to batch, and what somebody else has put there is not', () => {
  const plan = planOf([field(82, 1_000)]);
  const [first, second] = [new FlowBatch(plan, 8), new FlowBatch(plan, 8)];
  first.reserveHeap(100_000);
  const { heap } = first;
  first.reset();
  assert.equal(first.heap.length, 0);
  second.reserveHeap(50_000);
  assert.equal(second.heap, heap);
  first.reserveHeap(10);
  assert.notEqual(first.heap, heap);
  const theirs = new Uint8Array(1_000_000);
  first.heap = theirs;
  first.reset();
  first.reserveHeap(900_000);
  assert.notEqual(first.heap, theirs);
});

test('the source holds nothing but integers of the plan, and looks like this', () => {
  const source = planSource(planOf([field(8, 4), field(7, 2), field(85, 6)]))!;
  assert.match(source, /lo0\[row\] = view\.getUint32\(at \+ 0\);/);
  assert.match(source, /lo1\[row\] = view\.getUint16\(at \+ 4\);/);
  assert.match(
    source,
    /hi2\[row\] = view\.getUint16\(at \+ 6\);\n\s+lo2\[row\] = view\.getUint32\(at \+ 6 \+ 2\);/,
  );
  assert.match(source, /\/\/# sourceURL=millrace-plan-9\.js/);
  for (const bad of ['1', 1.5, -1, Number.NaN, 2 ** 32]) {
    assert.throws(() => code`${bad as number}`, /assertion failed/);
  }
});

test('a runner compiles what is used, compares, and goes back to the interpreter on a mismatch', () => {
  const plan = planOf([field(8, 4), field(1, 4)]);
  const bytes = Uint8Array.from({ length: 24 + 8 * 40 }, (_, i) => (i * 11) & 255);
  const view = new DataView(bytes.buffer);
  const decodeWith = (runner: PlanRunner) => {
    const cursor = new SetCursor();
    const budget = new Budget();
    budget.reset(1e6, 1e6);
    cursor.begin(0, 24, bytes.length, 1e6);
    runner.batch.reset();
    runner.batch.beginSet();
    assert.ok(runner.decode(bytes, view, cursor, budget));
    return [...runner.batch.columns[0].lo.subarray(0, runner.batch.rows)];
  };
  const jit = new Jit('auto');
  const runner = new PlanRunner(new FlowBatch(plan, 64), jit);
  const expected = decodeWith(runner);
  assert.equal(expected.length, 40);
  assert.equal(jit.compiled, 1, 'after the first records');
  for (let i = 0; i < 20; i++) assert.deepEqual(decodeWith(runner), expected);
  assert.equal(jit.mismatches, 0);

  // Code for another plan: every value is wrong, and nobody gets to see one of them.
  const wrong = new PlanRunner(new FlowBatch(plan, 64), new Jit('off'));
  const other = compilePlan(planOf([field(1, 4), field(8, 4)].map((f) => ({ ...f, length: 3 }))));
  const jitOfWrong = new Jit('auto');
  const broken = new PlanRunner(new FlowBatch(plan, 64), jitOfWrong, () => other);
  assert.deepEqual(decodeWith(wrong), expected);
  for (let i = 0; i < 5; i++) assert.deepEqual(decodeWith(broken), expected);
  assert.equal(jitOfWrong.mismatches, 1);
  const off = new Jit('off');
  decodeWith(new PlanRunner(new FlowBatch(plan, 64), off));
  assert.equal(off.compiled, 0);
});
