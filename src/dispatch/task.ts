import type { DecodeLimits } from '../decode/limits.ts';
import type { JitMode } from '../decode/plan-runner.ts';
import type { Encoding } from '../output/encoder.ts';

/** Messages between the main thread and decode workers: numbers only; payloads stay in shared memory. */

/** Given to a worker when it starts. */
export interface WorkerSetup {
  memory: SharedArrayBuffer;
  encodings: readonly Encoding[];
  limits: DecodeLimits;
  /** Whether plans are compiled. */
  jit: JitMode;
}

export interface DecodeTask {
  /** Number of the first work item, and how many follow each other. */
  firstItem: number;
  items: number;
  /** Encode after every datagram, so that a worker that dies leaves no doubt about the datagram it died of. */
  careful: boolean;
}

export interface DecodeTaskResult {
  /** Encoded bytes and the records in them, per encoding. */
  chunks: Uint8Array<ArrayBuffer>[];
  rows: number[];
  malformedLists: number;
  /** Sets in which compiled code and interpreter disagreed; the interpreter's result was used. */
  mismatches: number;
}
