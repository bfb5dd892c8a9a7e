import type { ElementLookup } from '../elements/element.ts';
import { FlowBatch } from './batch.ts';
import type { Layout } from './layout.ts';
import { createPlan } from './plan.ts';

/** Values that all batches of a cache have room for: bounds its memory whatever layouts exporters make up. */
const MAX_CACHED_VALUES = 8 * 1024 * 1024;
/** Values that one batch has room for, where its layout leaves a choice. */
const BATCH_VALUES = 16 * 1024;
const PLAN_COST_VALUES = 64;

/** Plans and batches by layout, made when first needed. One per thread that decodes. */
export class BatchCache {
  readonly #elements: ElementLookup;
  readonly #maxRows: number;
  readonly #batches = new Map<number, FlowBatch>();
  #values = 0;

  constructor(elements: ElementLookup, maxRows: number) {
    this.#elements = elements;
    this.#maxRows = maxRows;
  }

  /** The batch for a layout that may be known by its uid already; read is asked for it when it is not. */
  get(uid: number, read: () => Layout): FlowBatch {
    const known = this.#batches.get(uid);
    if (known !== undefined) return known;
    const plan = createPlan(read(), this.#elements);
    const columns = Math.max(1, plan.columns.length);
    const rows = Math.max(1, Math.min(this.#maxRows, Math.floor(BATCH_VALUES / columns)));
    const batch = new FlowBatch(plan, rows);
    this.#values += cost(batch);
    this.#batches.set(uid, batch);
    for (const [oldest, other] of this.#batches) {
      if (this.#values <= MAX_CACHED_VALUES || oldest === uid) break;
      this.#batches.delete(oldest);
      this.#values -= cost(other);
    }
    return batch;
  }
}

function cost(batch: FlowBatch): number {
  return batch.capacity * batch.columns.length + PLAN_COST_VALUES;
}
