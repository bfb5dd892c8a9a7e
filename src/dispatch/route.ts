import type { Slabs } from '../memory/slabs.ts';
import type { Sink } from '../output/sink.ts';
import type { DecodePool } from './pool.ts';

export interface PipelineOutput {
  readonly sink: Sink;
  /** Position of its encoding in the worker setup. */
  encoding: number;
  /** Records handed to the sink. */
  encoded: number;
}

/** Who decodes a task, and where its bytes go. A task keeps its route to the end, also when a reload has made another. */
export interface Route {
  readonly pool: DecodePool;
  readonly slabs: Slabs;
  /** Outputs by encoding. */
  readonly outputs: readonly (readonly PipelineOutput[])[];
}

export function createRoute(pool: DecodePool, slabs: Slabs, outputs: readonly PipelineOutput[]): Route {
  const encodings = Math.max(-1, ...outputs.map(({ encoding }) => encoding)) + 1;
  const byEncoding = Array.from({ length: encodings }, (_, i) =>
    outputs.filter(({ encoding }) => encoding === i),
  );
  return { pool, slabs, outputs: byEncoding };
}
