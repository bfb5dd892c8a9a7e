import { Budget, FlowBatch, NO_TEMPLATES, type SetContext } from '../../decode/batch.ts';
import { compactBatch } from '../../decode/compact-batch.ts';
import { createLayout } from '../../decode/layout.ts';
import { createPlan } from '../../decode/plan.ts';
import { standardElements } from '../../elements/registry.ts';
import { IanaView } from '../../schema/iana-view.ts';
import { MillraceView } from '../../schema/millrace-view.ts';
import { Scratch } from '../../schema/scratch.ts';
import { type HeaderValue, RowValue, ValueColumn } from '../../schema/values.ts';
import type { RecordView } from '../../schema/view.ts';
import type { ColumnarColumn, ColumnarFrame, ColumnarSet } from './frame.ts';
import type { ColumnarField, ColumnarItem, ColumnarSchema } from './schema.ts';
import type { ColumnarArrays } from './value.ts';

/** Of no columns; for the header values of a view, which do not depend on them. */
export const NO_PLAN = createPlan(createLayout(0, 10, 0, [], standardElements), standardElements);

const NO_OCTETS = new Uint8Array(0);
/** What sets have beside that of frames. */
const NOT_IN_FRAMES = Object.freeze({
  exporterOffset: 0,
  templates: NO_TEMPLATES,
  budget: new Budget(),
  stateAddress: 0,
});

/** Makes frames ready for encoders and filters; what they have in common is prepared once. */
export class FrameViews {
  /** As many as the reader remembers schemas. */
  readonly #views = new WeakMap<ColumnarSchema, FrameView>();

  /** The view of a frame, until the next one is loaded. Shares the frame's memory. */
  load(frame: ColumnarFrame): FrameView {
    let view = this.#views.get(frame.schema);
    if (view === undefined) {
      view = new FrameView(frame.schema);
      this.#views.set(frame.schema, view);
    }
    view.load(frame);
    return view;
  }
}

/** What encoders and filters see in the frames of one schema, as they would in the batches that these were made of. */
export class FrameView implements RecordView {
  readonly schema: ColumnarSchema['schema'];
  readonly group: ColumnarSchema['group'];
  readonly groupAlways: boolean;
  readonly headers: readonly HeaderValue[];
  readonly values: readonly RowValue[];
  readonly grouped: readonly RowValue[];
  /** The rows and sets of the frame, with the columns of `values` and then of `grouped`. */
  readonly batch: FlowBatch;
  /** As in the frame: what the batch has no place for. */
  sets: readonly ColumnarSet[] = [];
  readonly #header: RecordView;
  readonly #all: readonly RowValue[];

  constructor(schema: ColumnarSchema) {
    const header =
      schema.schema === 'iana' ? new IanaView(NO_PLAN) : new MillraceView(NO_PLAN, new Scratch(), () => null);
    this.#header = header;
    this.schema = header.schema;
    this.group = header.group;
    this.groupAlways = header.groupAlways;
    this.headers = header.headers;
    this.values = schema.values.map(rowValue);
    this.grouped = schema.grouped.map(rowValue);
    this.#all = [...this.values, ...this.grouped];
    const columns = this.#all.flatMap((value) => value.columns.map(({ data }) => data));
    this.batch = new FlowBatch(NO_PLAN, 0, columns);
  }

  /** Points at the columns of a frame of the schema. */
  load(frame: ColumnarFrame): void {
    const { batch } = this;
    const columns = [...frame.values, ...frame.grouped];
    for (let i = 0; i < columns.length; i++) pointAt(this.#all[i], columns[i]);
    batch.reset();
    batch.heap = this.#all.find(({ heap }) => heap.length > 0)?.heap ?? NO_OCTETS;
    this.sets = frame.sets;
    for (const set of frame.sets) Object.assign(batch.beginSet(), set, NOT_IN_FRAMES);
    batch.rows = frame.rows;
  }

  /** Takes rows out of the frame. The first `count` of `kept` stay; they are in ascending order. */
  keep(kept: Uint32Array, count: number): void {
    if (count === this.batch.rows) return;
    for (const { present } of this.#all)
      if (present !== null) for (let row = 0; row < count; row++) present[row] = present[kept[row]];
    compactBatch(this.batch, kept, count);
  }

  /** Nothing is left to compute. */
  bind(): void {}

  header(set: SetContext): void {
    this.#header.header(set);
  }
}

function rowValue({ name, list, items }: ColumnarField): RowValue {
  return new RowValue(name, items.map(valueColumn), list, items[0].words);
}

/** Structured data are octets: the templates that tell what is in them are not there any more. */
function valueColumn({ type, storage }: ColumnarItem): ValueColumn {
  return new ValueColumn(storage === 'time' ? 'f64' : storage, type === 'list' ? 'octets' : type);
}

function pointAt(value: RowValue, column: ColumnarColumn | null): void {
  value.absent = column === null;
  value.present = column?.present ?? null;
  if (column === null) return;
  value.heap = column.items.find(({ heap }) => heap !== null)?.heap ?? NO_OCTETS;
  for (let i = 0; i < value.columns.length; i++) pointDataAt(value.columns[i], column.items[i]);
}

function pointDataAt({ data }: ValueColumn, { storage, values, more }: ColumnarArrays): void {
  if (storage === 'b16') {
    data.wide = values as Uint8Array;
  } else if (storage === 'f64' || storage === 'time') {
    data.f64 = values as Float64Array;
    if (more !== null) data.lo = more;
  } else {
    data.lo = new Uint32Array(values.buffer, values.byteOffset, values.length);
    if (more !== null) data.hi = more;
  }
}
