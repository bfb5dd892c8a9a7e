import type { DecodeLimits } from '../decode/limits.ts';
import type { JitMode } from '../decode/plan-runner.ts';
import type { Element } from '../elements/element.ts';
import type { Encoding } from '../output/encoder.ts';

/** Messages between the main thread and decode workers: numbers only; payloads stay in shared memory. */

/** Given to a worker when it starts. */
export interface WorkerSetup {
  memory: SharedArrayBuffer;
  /** Shared memory for encoded bytes (memory/slabs.ts). */
  slabs: SharedArrayBuffer;
  slabBytes: number;
  encodings: readonly Encoding[];
  limits: DecodeLimits;
  /** Elements beside those that are built in. */
  elements: readonly Element[];
  /** Whether plans are compiled. */
  jit: JitMode;
  /** The filter that flow records have to pass to be encoded; null for none. */
  filter: string | null;
}

export interface DecodeTask {
  /** Number of the first work item, and how many follow each other. */
  firstItem: number;
  items: number;
  /** Encode after every datagram, so that a worker that dies leaves no doubt about the datagram it died of. */
  careful: boolean;
  /** The slab that each encoding may write to, or NO_SLAB, or NOT_WANTED. */
  slabs: readonly number[];
}

export interface DecodeTaskResult {
  /** Per encoding: how many bytes stand in its slab; or the bytes themselves, where there was no slab or it was too small. */
  chunks: (number | Uint8Array<ArrayBuffer>)[];
  /** Per encoding: the records in them. */
  rows: number[];
  /** Flow records that were given to the encoders, and those that the filter left out. */
  flows: number;
  filtered: number;
  malformedLists: number;
  /** How long the worker was at it. */
  busyMs: number;
  /** Sets in which compiled code and interpreter disagreed; the interpreter's result was used. */
  mismatches: number;
  /** Plans that were not compiled because they are too large or too many. */
  plansRefused: number;
}
