import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Route } from '../../src/dispatch/route.ts';
import type { DecodeTask, DecodeTaskResult } from '../../src/dispatch/task.ts';
import { Task, TaskQueue } from '../../src/dispatch/task-queue.ts';
import { ItemState } from '../../src/memory/layout.ts';
import { SharedMemory } from '../../src/memory/shared-memory.ts';
import { WorkItems } from '../../src/memory/work-items.ts';

const SIZE = { rings: 1, slots: 64, maxDatagramBytes: 100, items: 16_384, heapBytes: 0 };

/** Threads that do what the test says. */
class Threads {
  readonly runs: {
    task: DecodeTask;
    resolve: (result: DecodeTaskResult) => void;
    reject: (e: Error) => void;
  }[] = [];
  readonly terminated: number[] = [];

  run(task: DecodeTask): Promise<DecodeTaskResult> {
    return new Promise((resolve, reject) => this.runs.push({ task, resolve, reject }));
  }
  async terminate(threadId: number): Promise<void> {
    this.terminated.push(threadId);
  }
}

test('a stuck worker is ended also when a task in front of it waits for that worker', async () => {
  const items = new WorkItems(SharedMemory.create(SIZE));
  const threads = new Threads();
  const route = { pool: threads, slabs: null, outputs: [], tail: null } as unknown as Route;
  const owner = { retire: () => {}, taskFailed: () => {}, taskRetried: () => {}, quarantine: () => {} };
  let nowMs = 0;
  const queue = new TaskQueue(4, items, owner, () => nowMs);
  for (let i = 0; i < 2; i++) {
    items.make(1_000 * (i + 1), 0, 0, 10, false, 0, 0, 0);
    const task = new Task(i, 1, route);
    task.items = 1;
    queue.add(task);
  }
  // Thread 1 dies of the first; the pool gives it to thread 2, behind the second, with which that is never done.
  items.setProgress(0, ItemState.started, 1);
  items.setProgress(1, ItemState.started, 2);
  threads.runs[0].reject(new Error('thread 1 ended'));
  await turn();
  assert.deepEqual(
    threads.runs.map(({ task }) => task.firstItem),
    [0, 1, 0],
  );
  nowMs = 29_999;
  queue.checkStuck(30_000);
  assert.deepEqual(threads.terminated, []);
  nowMs = 30_000;
  queue.checkStuck(30_000);
  assert.deepEqual(threads.terminated, [2]);
});
