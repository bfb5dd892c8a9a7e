import type { FlowBatch } from '../decode/batch.ts';
import type { RecordView } from '../schema/view.ts';
import { ColumnSource } from './column-source.ts';
import type { Filter } from './parser.ts';
import { type RowTest, rowTest } from './row-test.ts';

/** A filter on the rows that a view of the native record shows. Options records always pass. */
export class ViewFilter {
  readonly #view: RecordView;
  readonly #source: ColumnSource;
  readonly #test: RowTest;

  constructor({ expression }: Filter, view: RecordView) {
    this.#view = view;
    this.#source = new ColumnSource(view);
    this.#test = rowTest(expression, this.#source);
  }

  /** Binds the view, puts the rows that pass into `kept`, in ascending order, and returns how many they are. */
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
