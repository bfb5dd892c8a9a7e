import type { Bench } from './harness.ts';

/** What a bench allocates per 1 000 units once it is warm: in the JavaScript heap, and in array buffers outside of it. */
export interface Allocations {
  heapBytes: number;
  bufferBytes: number;
}

const WARMUP_MS = 500;
const ATTEMPTS = 9;
const RUNS = 8;

/**
 * Differences of memoryUsage around a few runs, in a process whose young generation is so large that nothing is collected
 * in between (ALLOCATION_FLAGS). The median of several attempts: the optimiser's own allocations come and go. Of the calling
 * thread only.
 */
export async function allocations(bench: Bench): Promise<Allocations> {
  const prepared = await bench.prepare('full');
  try {
    for (const end = performance.now() + WARMUP_MS; performance.now() < end; ) await prepared.run();
    const heap: number[] = [];
    const buffers: number[] = [];
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      globalThis.gc?.();
      const before = process.memoryUsage();
      for (let i = 0; i < RUNS; i++) {
        const result = prepared.run();
        if (result instanceof Promise) await result;
      }
      const after = process.memoryUsage();
      heap.push(after.heapUsed - before.heapUsed);
      buffers.push(after.arrayBuffers - before.arrayBuffers);
    }
    const per1000 = (bytes: number[]): number =>
      (1000 * bytes.sort((a, b) => a - b)[ATTEMPTS >> 1]) / (RUNS * prepared.unitsPerRun);
    return { heapBytes: per1000(heap), bufferBytes: per1000(buffers) };
  } finally {
    await prepared.close?.();
  }
}

export const ALLOCATION_FLAGS = ['--expose-gc', '--min-semi-space-size=512', '--max-semi-space-size=512'];
