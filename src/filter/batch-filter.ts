import type { FlowBatch } from '../decode/batch.ts';
import { compactBatch } from '../decode/compact-batch.ts';
import type { Plan } from '../decode/plan.ts';
import { MillraceView } from '../schema/millrace-view.ts';
import { Scratch } from '../schema/scratch.ts';
import type { StateLookup } from '../schema/state-source.ts';
import { expressionOf, type Filter } from './parser.ts';
import { ViewFilter } from './view-filter.ts';

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
  readonly #plans = new Map<Plan, ViewFilter>();
  #kept = new Uint32Array(0);

  /** stateAt: the exporter state bound to a set; IPFIX flow times may need it. */
  constructor(filter: Filter, stateAt: StateLookup = () => null) {
    expressionOf(filter);
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

  #planFilter(plan: Plan): ViewFilter {
    let found = this.#plans.get(plan);
    if (found === undefined) {
      const view = new MillraceView(plan, this.#scratch, this.#stateAt, this.#filter.keys);
      found = new ViewFilter(this.#filter, view);
      if (this.#plans.size >= MAX_PLANS) this.#plans.delete(this.#plans.keys().next().value!);
    } else {
      this.#plans.delete(plan);
    }
    this.#plans.set(plan, found);
    return found;
  }
}
