import type { ColumnData, FlowBatch } from '../decode/batch.ts';
import type { Plan, Render, Storage } from '../decode/plan.ts';

/**
 * Meanings that computed values add to those of plan.ts: time (ms since the epoch in f64, further nanoseconds in lo), rate (f64,
 * written as an integer where it is one), word (u32, position in `words`).
 */
export type ValueRender = Render | 'time' | 'rate' | 'word';

const NO_BYTES = new Uint8Array(0);
const NO_COLUMN: ColumnData = {
  lo: new Uint32Array(0),
  hi: new Uint32Array(0),
  f64: new Float64Array(0),
  wide: NO_BYTES,
};

/** Where one value of every row is kept and what it means. */
export class ValueColumn {
  readonly storage: Storage;
  readonly render: ValueRender;
  /** Position in the plan's columns; -1 for a computed value. */
  readonly position: number;
  /** After bind: a column of the batch, or of the scratch memory. */
  data: ColumnData;

  constructor(storage: Storage, render: ValueRender, position = -1) {
    this.storage = storage;
    this.render = render;
    this.position = position;
    this.data = position < 0 ? { ...NO_COLUMN } : NO_COLUMN;
  }
}

/**
 * One named value of every row. Encoders keep the object and read what it points at after each bind, because that belongs to
 * the batch or to the scratch memory.
 */
export class RowValue {
  readonly key: string;
  /** One, or those of a list in order. */
  readonly columns: readonly ValueColumn[];
  /** Whether it is written as an array, whatever the number of columns. */
  readonly list: boolean;
  /** Texts of a `word`. */
  readonly words: readonly string[];
  /** Bytes that heap columns point into. */
  heap: Uint8Array = NO_BYTES;
  /** How many of the columns a row has, from the first one on: 0 is absent. Null when every row has all. */
  present: Uint8Array | null = null;
  /** Set by bind where no row has the value, so that nobody needs to look at the rows. */
  absent = false;

  constructor(
    key: string,
    columns: readonly ValueColumn[],
    list = columns.length > 1,
    words: readonly string[] = [],
  ) {
    this.key = key;
    this.columns = columns;
    this.list = list;
    this.words = words;
  }

  /** A value that a rule computes. */
  static computed(
    key: string,
    storage: Storage,
    render: ValueRender,
    words: readonly string[] = [],
  ): RowValue {
    return new RowValue(key, [new ValueColumn(storage, render)], false, words);
  }

  /** A value as decoded: a column, or the columns of a repeated element. */
  static decoded(key: string, plan: Plan, positions: readonly number[]): RowValue {
    const column = (i: number) => new ValueColumn(plan.columns[i].storage, plan.columns[i].render, i);
    return new RowValue(key, positions.map(column));
  }

  /** For decoded values: points at the columns of the batch. */
  bind(batch: FlowBatch): void {
    for (let i = 0; i < this.columns.length; i++) {
      this.columns[i].data = batch.columns[this.columns[i].position];
    }
    this.heap = batch.heap;
  }
}

/** One named value of all records of a set. A view makes it once and fills it for each set. */
export class HeaderValue {
  readonly key: string;
  readonly render: 'number' | 'time' | 'word' | 'address';
  /** Texts of a `word`. */
  readonly words: readonly string[];
  /** The number, the ms since the epoch, or the position in `words`. */
  number = 0;
  /** The 16-byte form of an address at offset. */
  bytes: Uint8Array = NO_BYTES;
  offset = 0;
  /** Whether the set has it. */
  present = true;

  constructor(key: string, render: HeaderValue['render'], words: readonly string[] = []) {
    this.key = key;
    this.render = render;
    this.words = words;
  }
}
