import type { ElementLookup } from '../elements/element.ts';
import { FlowBatch } from './batch.ts';
import type { Layout } from './layout.ts';
import { createPlan } from './plan.ts';
import { Jit, PlanRunner } from './plan-runner.ts';

/** Values that all batches of a cache have room for: bounds its memory whatever layouts exporters make up. */
const MAX_CACHED_VALUES = 16 * 1024 * 1024;
/** Values that one batch has room for, where its layout leaves a choice. */
const BATCH_VALUES = 16 * 1024;
const PLAN_COST_VALUES = 64;

/** Plans with their batches by layout, made when first needed. One per thread that decodes. */
export class BatchCache {
  readonly jit: Jit;
  readonly #elements: ElementLookup;
  readonly #maxRows: number;
  readonly #runners = new Map<number, PlanRunner>();
  #values = 0;

  constructor(elements: ElementLookup, maxRows: number, jit = new Jit('auto')) {
    this.#elements = elements;
    this.#maxRows = maxRows;
    this.jit = jit;
  }

  /** The runner and batch for a layout that may be known by its uid already; read is asked for it when it is not. */
  get(uid: number, read: () => Layout): PlanRunner {
    const known = this.#runners.get(uid);
    if (known !== undefined) return known;
    const plan = createPlan(read(), this.#elements);
    const columns = Math.max(1, plan.columns.length);
    const rows = Math.max(1, Math.min(this.#maxRows, Math.floor(BATCH_VALUES / columns)));
    const runner = new PlanRunner(new FlowBatch(plan, rows), this.jit);
    this.#values += cost(runner.batch);
    this.#runners.set(uid, runner);
    for (const [oldest, evicted] of this.#runners) {
      if (this.#values <= MAX_CACHED_VALUES || oldest === uid) break;
      this.#runners.delete(oldest);
      this.#values -= cost(evicted.batch);
      evicted.close();
    }
    return runner;
  }
}

/** A batch, and the one that its compiled plan is checked with. Octets of heap columns belong to batches that hold rows only. */
function cost(batch: FlowBatch): number {
  return 2 * batch.capacity * batch.columns.length + PLAN_COST_VALUES;
}
