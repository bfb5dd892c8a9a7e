import type { FlowBatch, SetContext } from '../decode/batch.ts';
import type { ByteWriter } from './byte-writer.ts';

/** Encodes the batches of one plan in one format. */
export interface Rows {
  /** Appends the rows of the batch, those of options records only with `options`; returns how many. */
  encode(batch: FlowBatch, options: boolean, writer: ByteWriter): number;
}

/**
 * Turns structured data (RFC 6313) of one row into plain values: objects, arrays, strings, numbers, bigints, booleans. How deep
 * they nest is bounded by the reader.
 */
export type ListReader = (batch: FlowBatch, columnIndex: number, row: number, set: SetContext) => unknown;
