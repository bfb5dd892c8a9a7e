import type { SetContext } from '../../decode/batch.ts';
import { createLayout } from '../../decode/layout.ts';
import { createPlan } from '../../decode/plan.ts';
import { standardElements } from '../../elements/registry.ts';
import { IanaView } from '../../schema/iana-view.ts';
import { MillraceView } from '../../schema/millrace-view.ts';
import { Scratch } from '../../schema/scratch.ts';
import { type HeaderValue, RowValue, ValueColumn } from '../../schema/values.ts';
import type { RecordView } from '../../schema/view.ts';
import type { ColumnarColumn, ColumnarFrame } from './frame.ts';
import type { ColumnarField, ColumnarItem, ColumnarSchema } from './schema.ts';
import type { ColumnarArrays } from './value.ts';

/** Of no columns; for the header values of a view, which do not depend on them. */
export const NO_PLAN = createPlan(createLayout(0, 10, 0, [], standardElements), standardElements);

const NO_OCTETS = new Uint8Array(0);

/** What an encoder writes for the frames of one schema, as it would for the batches that they were made of. */
export class FrameView implements RecordView {
  readonly schema: ColumnarSchema['schema'];
  readonly group: ColumnarSchema['group'];
  readonly groupAlways: boolean;
  readonly headers: readonly HeaderValue[];
  readonly values: readonly RowValue[];
  readonly grouped: readonly RowValue[];
  readonly #header: RecordView;

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
  }

  /** Points at the columns of a frame of the schema. */
  load(frame: ColumnarFrame): void {
    for (let i = 0; i < this.values.length; i++) pointAt(this.values[i], frame.values[i]);
    for (let i = 0; i < this.grouped.length; i++) pointAt(this.grouped[i], frame.grouped[i]);
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
  if (column === null) return;
  value.present = column.present;
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
