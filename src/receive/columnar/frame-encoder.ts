import { Budget, FlowBatch, NO_TEMPLATES } from '../../decode/batch.ts';
import { ByteWriter } from '../../output/byte-writer.ts';
import { rowsOf } from '../../output/create-encoder.ts';
import type { RowFormat } from '../../output/encoder.ts';
import type { Rows } from '../../output/rows.ts';
import type { ColumnarFrame } from './frame.ts';
import { FrameView, NO_PLAN } from './frame-view.ts';
import type { ColumnarSchema } from './schema.ts';

/** Schemas whose views and keys are kept ready; the one not used for longest makes room. */
const MAX_SCHEMAS = 64;
const NO_BUDGET = new Budget();

interface Prepared {
  readonly view: FrameView;
  readonly rows: Rows;
}

/** Turns frames into another format, as an encoder does with batches. */
export class FrameEncoder {
  readonly #format: RowFormat;
  readonly #options: boolean;
  readonly #writer = new ByteWriter();
  readonly #batch = new FlowBatch(NO_PLAN, 0);
  readonly #prepared = new Map<ColumnarSchema, Prepared>();

  /** options: whether options records are written too; those of schema iana always are. */
  constructor(format: RowFormat, options: boolean) {
    this.#format = format;
    this.#options = options;
  }

  /** Appends the records of a frame and returns how many. */
  encode(frame: ColumnarFrame): number {
    const { view, rows } = this.#prepare(frame.schema);
    const batch = this.#batch;
    view.load(frame);
    batch.reset();
    for (const set of frame.sets) {
      const context = batch.beginSet();
      Object.assign(context, set, {
        exporterOffset: 0,
        templates: NO_TEMPLATES,
        budget: NO_BUDGET,
        stateAddress: 0,
      });
    }
    return rows.encode(batch, this.#options || view.schema === 'iana', this.#writer);
  }

  /** The bytes since the last take, in a buffer of their own. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#writer.take();
  }

  #prepare(schema: ColumnarSchema): Prepared {
    let prepared = this.#prepared.get(schema);
    if (prepared === undefined) {
      const view = new FrameView(schema);
      // What is no plain value is no list in a frame, so nobody asks for one.
      prepared = { view, rows: rowsOf(this.#format, view, () => null) };
      if (this.#prepared.size >= MAX_SCHEMAS) this.#prepared.delete(this.#prepared.keys().next().value!);
    } else {
      this.#prepared.delete(schema);
    }
    this.#prepared.set(schema, prepared);
    return prepared;
  }
}
