import type { FlowBatch } from '../decode/batch.ts';
import type { BatchCache } from '../decode/batch-cache.ts';
import { copyBatch } from '../decode/copy-batch.ts';
import type { Layout } from '../decode/layout.ts';
import type { PlanRunner } from '../decode/plan-runner.ts';

/**
 * Collects decoded sets in batches that are kept: sets of one layout that follow one another share a batch, until it is full.
 * Rows are decoded into batches that are used again, and copied when their size is known. One thread.
 */
export class KeptBatches {
  readonly #batches: BatchCache;
  #kept: FlowBatch[] = [];
  #open: FlowBatch | null = null;

  constructor(batches: BatchCache) {
    this.#batches = batches;
  }

  /** The runner for the next set. Its batch may hold rows of sets before it. */
  open(layout: Layout): PlanRunner {
    const runner = this.#batches.get(layout.uid, () => layout);
    if (runner.batch !== this.#open) {
      this.#flush();
      this.#open = runner.batch;
      runner.batch.reset();
    }
    return runner;
  }

  /** After rows were decoded for the last context of the batch; full: there was no room for more of them. */
  decoded(batch: FlowBatch, full: boolean): void {
    const { rowStart, rowEnd } = batch.sets[batch.setCount - 1];
    if (rowStart === rowEnd) batch.setCount--;
    if (full) this.#flush();
  }

  /** What was collected; begins anew. */
  take(): FlowBatch[] {
    this.#flush();
    const kept = this.#kept;
    this.#kept = [];
    this.#open = null;
    return kept;
  }

  #flush(): void {
    const batch = this.#open;
    if (batch === null) return;
    if (batch.rows > 0) this.#kept.push(copyBatch(batch));
    batch.reset();
  }
}
