import type { FlowBatch } from '../decode/batch.ts';
import { compactBatch } from '../decode/compact-batch.ts';
import type { Plan } from '../decode/plan.ts';
import { MillraceView } from '../schema/millrace-view.ts';
import { Scratch } from '../schema/scratch.ts';
import type { StateLookup } from '../schema/state-source.ts';
import { ColumnSource } from './column-source.ts';
import type { Filter } from './parser.ts';
import { type RowTest, rowTest } from './row-test.ts';

/** Plans for which tests are kept ready; the one not used for longest makes room. */
const MAX_PLANS = 512;

/**
 * Applies a filter to batches. Flow records are looked at as the native record shows them (schema/record.ts), whatever
 * schema they are written in; options records always stay. Lives in one thread.
 */
export class BatchFilter {
  readonly #filter: Filter;
  readonly #stateAt: StateLookup;
  readonly #scratch = new Scratch();
  readonly #plans = new Map<Plan, PlanFilter>();
  #kept = new Uint32Array(0);

  /** stateAt: the exporter state bound to a set; IPFIX flow times may need it. */
  constructor(filter: Filter, stateAt: StateLookup = () => null) {
    this.#filter = filter;
    this.#stateAt = stateAt;
  }

  /** The rows that stay, in ascending order; valid until the next call. The batch is left as it is. */
  select(batch: FlowBatch): Uint32Array {
    if (this.#kept.length < batch.rows) this.#kept = new Uint32Array(Math.max(batch.capacity, batch.rows));
    return this.#kept.subarray(0, this.#planFilter(batch.plan).select(batch, this.#kept));
  }

  /** Takes the other rows out of the batch and returns how many they were. */
  apply(batch: FlowBatch): number {
    const { rows } = batch;
    const kept = this.select(batch);
    compactBatch(batch, kept, kept.length);
    return rows - kept.length;
  }

  #planFilter(plan: Plan): PlanFilter {
    let found = this.#plans.get(plan);
    if (found === undefined) {
      found = new PlanFilter(this.#filter, plan, this.#scratch, this.#stateAt);
      if (this.#plans.size >= MAX_PLANS) this.#plans.delete(this.#plans.keys().next().value!);
    } else {
      this.#plans.delete(plan);
    }
    this.#plans.set(plan, found);
    return found;
  }
}

/** A filter on the columns of one plan. */
class PlanFilter {
  readonly #view: MillraceView;
  readonly #source: ColumnSource;
  readonly #test: RowTest;

  constructor({ expression, keys }: Filter, plan: Plan, scratch: Scratch, stateAt: StateLookup) {
    this.#view = new MillraceView(plan, scratch, stateAt, keys);
    this.#source = new ColumnSource(this.#view);
    this.#test = rowTest(expression, this.#source);
  }

  /** Returns how many rows stay. */
  select(batch: FlowBatch, kept: Uint32Array): number {
    this.#view.bind(batch);
    const test = this.#test;
    let count = 0;
    for (let i = 0; i < batch.setCount; i++) {
      const set = batch.sets[i];
      this.#source.set = set;
      for (let row = set.rowStart; row < set.rowEnd; row++) if (set.options || test(row)) kept[count++] = row;
    }
    return count;
  }
}
