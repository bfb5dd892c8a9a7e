import type { FlowBatch, SetContext } from '../decode/batch.ts';

/**
 * Turns structured data (RFC 6313) of one row into plain values: objects, arrays, strings, numbers, bigints, booleans. How deep
 * they nest is bounded by the reader.
 */
export type ListReader = (batch: FlowBatch, columnIndex: number, row: number, set: SetContext) => unknown;
