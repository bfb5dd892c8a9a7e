import type { FlowBatch } from '../decode/batch.ts';
import type { LentMemory } from './byte-writer.ts';

export const FORMATS = ['ndjson', 'text', 'msgpack', 'columnar'] as const;
export type Format = (typeof FORMATS)[number];
/** Formats that write one record after another. */
export type RowFormat = Exclude<Format, 'columnar'>;
export const SCHEMAS = ['millrace', 'iana'] as const;
export type Schema = (typeof SCHEMAS)[number];

/** What an output wants of its records. Outputs with equal encodings share the work of one encoder. */
export interface Encoding {
  readonly format: Format;
  readonly schema: Schema;
  /** Whether options records are written too (schema iana: always). */
  readonly options: boolean;
}

/**
 * Turns batches into bytes; runs in decode workers. Pure: no I/O, no clock.
 * Lifecycle: any number of `encode`, then one `take`, then again.
 */
export interface Encoder {
  /** Appends all rows of the batch, or none of a batch of options records that the encoding leaves out. Returns the rows written. */
  encode(batch: FlowBatch): number;
  /** The bytes since the last take, in a buffer of their own that may be transferred to another thread. */
  take(): Uint8Array<ArrayBuffer>;
  /** Encodes from now on into memory of somebody else's, as far as it goes; after a take. */
  lend(memory: LentMemory): void;
  /** Ends that: how many bytes stand in the lent memory, or -1 when they did not fit and have to be taken. */
  giveBack(): number;
}
