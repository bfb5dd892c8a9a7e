import type { FlowBatch } from '../decode/batch.ts';
import type { Plan } from '../decode/plan.ts';
import { IanaView } from '../schema/iana-view.ts';
import { MillraceView } from '../schema/millrace-view.ts';
import { Scratch } from '../schema/scratch.ts';
import type { StateLookup } from '../schema/state-source.ts';
import type { RecordView } from '../schema/view.ts';
import { ByteWriter, type LentMemory } from './byte-writer.ts';
import { ColumnarRows } from './columnar.ts';
import type { Encoder, Encoding, RowFormat } from './encoder.ts';
import { MsgpackRows } from './msgpack.ts';
import { NdjsonRows } from './ndjson.ts';
import type { ListReader, Rows } from './rows.ts';
import { FieldTextRows } from './text-fields.ts';
import { FlowTextRows } from './text-flow.ts';

/** Plans whose views and keys are kept ready; the one not used for longest makes room. */
const MAX_PLANS = 512;

export interface EncoderDependencies {
  /** Exporter state at an address of the shared heap. */
  readonly state: StateLookup;
  readonly listToValue: ListReader;
}

export function createEncoder(encoding: Encoding, dependencies: EncoderDependencies): BatchEncoder {
  return new BatchEncoder(encoding, dependencies);
}

interface PreparedPlan {
  readonly rows: Rows;
  readonly view: MillraceView | null;
}

/** Prepares each plan once and encodes batches with it. Lives in a decode thread. */
export class BatchEncoder implements Encoder {
  /** Records whose flow times were outside of the window and were replaced by the export time. */
  timeFallbacks = 0;
  readonly #encoding: Encoding;
  readonly #dependencies: EncoderDependencies;
  readonly #options: boolean;
  readonly #scratch = new Scratch();
  readonly #writer = new ByteWriter();
  readonly #frame = new ByteWriter();
  readonly #plans = new Map<Plan, PreparedPlan>();

  constructor(encoding: Encoding, dependencies: EncoderDependencies) {
    this.#encoding = encoding;
    this.#dependencies = dependencies;
    this.#options = encoding.options || encoding.schema === 'iana';
  }

  encode(batch: FlowBatch): number {
    if (!this.#options && isOptionsOnly(batch)) return 0;
    const { rows, view } = this.#prepared(batch.plan);
    const before = view?.timeFallbacks ?? 0;
    const written = rows.encode(batch, this.#options, this.#writer);
    if (view !== null) this.timeFallbacks += view.timeFallbacks - before;
    return written;
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#writer.take();
  }

  lend(memory: LentMemory): void {
    this.#writer.lend(memory);
  }

  giveBack(): number {
    return this.#writer.giveBack();
  }

  #prepared(plan: Plan): PreparedPlan {
    let prepared = this.#plans.get(plan);
    if (prepared === undefined) {
      prepared = this.#prepare(plan);
      if (this.#plans.size >= MAX_PLANS) this.#plans.delete(this.#plans.keys().next().value!);
    } else {
      this.#plans.delete(plan);
    }
    this.#plans.set(plan, prepared);
    return prepared;
  }

  #prepare(plan: Plan): PreparedPlan {
    const { format, schema } = this.#encoding;
    const { listToValue, state } = this.#dependencies;
    const native = schema === 'millrace' ? new MillraceView(plan, this.#scratch, state) : null;
    const view = native ?? new IanaView(plan);
    if (format === 'columnar')
      return { rows: new ColumnarRows(view, this.#scratch, this.#frame, state), view: native };
    return { rows: rowsOf(format, view, listToValue), view: native };
  }
}

/** Writes what a view shows, in a format of rows. */
export function rowsOf(format: RowFormat, view: RecordView, listToValue: ListReader): Rows {
  switch (format) {
    case 'ndjson':
      return new NdjsonRows(view, listToValue);
    case 'msgpack':
      return new MsgpackRows(view, listToValue);
    case 'text':
      return view.schema === 'iana'
        ? new FieldTextRows(view, listToValue)
        : new FlowTextRows(view, listToValue);
  }
}

/** Spares the work on batches of which nothing would be written. */
function isOptionsOnly(batch: FlowBatch): boolean {
  for (let i = 0; i < batch.setCount; i++) if (!batch.sets[i].options) return false;
  return true;
}
