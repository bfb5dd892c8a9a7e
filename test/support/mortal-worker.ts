import { workerData } from 'node:worker_threads';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import type { DecodeTask, WorkerSetup } from '../../src/dispatch/task.ts';
import { TaskDecoder } from '../../src/dispatch/task-decoder.ts';
import { standardElements } from '../../src/elements/registry.ts';
import { DEADLY_PEN, WRETCHED_PEN } from './deadly.ts';

/** A decode thread that ends or throws in the middle of its task when it meets a field of the one or the other enterprise. */
const decoder = new TaskDecoder(workerData as WorkerSetup, {
  lookup(pen, id) {
    if (pen === DEADLY_PEN) process.exit(1);
    if (pen === WRETCHED_PEN) throw new Error('wretched');
    return standardElements.lookup(pen, id);
  },
});

export function decode(task: DecodeTask): unknown {
  const result = decoder.run(task);
  return move({
    [transferableSymbol]: result.chunks.flatMap((chunk) => (typeof chunk === 'number' ? [] : [chunk.buffer])),
    [valueSymbol]: result,
  });
}
