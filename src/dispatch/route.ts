import { NOT_WANTED, type Slabs } from '../memory/slabs.ts';
import type { Sink } from '../output/sink.ts';
import type { Tail } from '../output/tail.ts';
import type { DecodePool } from './pool.ts';
import type { DecodeTaskResult } from './task.ts';

export interface PipelineOutput {
  readonly sink: Sink;
  /** Position of its encoding in the worker setup. */
  encoding: number;
  /** Records handed to the sink. */
  encoded: number;
}

/** Where encoded records go. */
export interface Destinations {
  readonly outputs: readonly PipelineOutput[];
  /** Who watches flows, with the position of their encoding, which an output may share. */
  readonly tail: { readonly tail: Tail; readonly encoding: number } | null;
}

/** Who decodes a task, and where its bytes go. A task keeps its route to the end, also when a reload has made another. */
export interface Route {
  readonly pool: DecodePool;
  readonly slabs: Slabs;
  /** Outputs by encoding. */
  readonly outputs: readonly (readonly PipelineOutput[])[];
  readonly tail: Destinations['tail'];
}

export function createRoute(pool: DecodePool, slabs: Slabs, { outputs, tail }: Destinations): Route {
  const encodings = Math.max(tail?.encoding ?? -1, ...outputs.map(({ encoding }) => encoding)) + 1;
  const byEncoding = Array.from({ length: encodings }, (_, i) =>
    outputs.filter(({ encoding }) => encoding === i),
  );
  return { pool, slabs, outputs: byEncoding, tail };
}

/** A slab for each encoding, as far as there are any; none for what nobody would read. */
export function acquireSlabs({ slabs, outputs, tail }: Route): number[] {
  return outputs.map((readers, encoding) => {
    const watched = tail?.encoding === encoding && tail.tail.wanted;
    return watched || readers.length > 0 ? slabs.acquire() : NOT_WANTED;
  });
}

/** Gives what a worker has made to the outputs and to whoever watches. taken: the slabs that acquireSlabs gave for it. */
export function deliver(route: Route, taken: readonly number[], result: DecodeTaskResult): void {
  const { chunks, rows, flows } = result;
  for (let encoding = 0; encoding < chunks.length; encoding++) {
    const slab = taken[encoding];
    const chunk = chunks[encoding];
    if (slab === NOT_WANTED) {
      if (route.tail?.encoding === encoding) route.tail.tail.pass(flows);
      continue;
    }
    const bytes = typeof chunk === 'number' ? route.slabs.at(slab).bytes.subarray(0, chunk) : chunk;
    deliverTo(route, encoding, bytes, rows[encoding], slab);
  }
}

/** To every reader of one encoding; the slab is free again when the last output has written it. */
function deliverTo(route: Route, encoding: number, bytes: Uint8Array, records: number, slab: number): void {
  const { slabs, tail } = route;
  if (records > 0 && tail?.encoding === encoding) tail.tail.show(bytes, records);
  const outputs = records === 0 ? [] : route.outputs[encoding];
  let users = outputs.length;
  if (users === 0) slabs.release(slab);
  const release = () => {
    if (--users === 0) slabs.release(slab);
  };
  for (const output of outputs) {
    output.encoded += records;
    output.sink.write(bytes, records, release);
  }
}
