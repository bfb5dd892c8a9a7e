import { workerData } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import type { DecodeTask, DecodeTaskResult, WorkerSetup } from '../src/dispatch/task.ts';
import { TaskDecoder } from '../src/dispatch/task-decoder.ts';
import { elementsWith } from '../src/elements/registry.ts';

/** Entry of a decode thread: Piscina calls `decode` with one task at a time. */
const setup = workerData as WorkerSetup;
const decoder = new TaskDecoder(setup, elementsWith(setup.elements));

export function decode(task: DecodeTask): unknown {
  const result: DecodeTaskResult = decoder.run(task);
  return move({
    [transferableSymbol]: result.chunks.flatMap((chunk) => (typeof chunk === 'number' ? [] : [chunk.buffer])),
    [valueSymbol]: result,
  });
}
