import { ByteWriter } from '../../output/byte-writer.ts';
import { rowsOf } from '../../output/create-encoder.ts';
import type { RowFormat } from '../../output/encoder.ts';
import type { Rows } from '../../output/rows.ts';
import type { FrameView } from './frame-view.ts';

/** Turns frames into another format, as an encoder does with batches. */
export class FrameEncoder {
  readonly #format: RowFormat;
  readonly #options: boolean;
  readonly #writer = new ByteWriter();
  readonly #prepared = new WeakMap<FrameView, Rows>();

  /** options: whether options records are written too; those of schema iana always are. */
  constructor(format: RowFormat, options: boolean) {
    this.#format = format;
    this.#options = options;
  }

  /** Appends the records of a frame and returns how many. */
  encode(view: FrameView): number {
    let rows = this.#prepared.get(view);
    if (rows === undefined) {
      // What is no plain value is no list in a frame, so nobody asks for one.
      rows = rowsOf(this.#format, view, () => null);
      this.#prepared.set(view, rows);
    }
    return rows.encode(view.batch, this.#options || view.schema === 'iana', this.#writer);
  }

  /** The bytes since the last take, in a buffer of their own. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#writer.take();
  }
}
