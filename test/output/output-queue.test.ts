import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OutputQueue } from '../../src/output/output-queue.ts';
import fc from '../support/fast-check.ts';

const bytes = (length: number): Uint8Array => new Uint8Array(length);

test('a full queue drops what does not fit and counts it', () => {
  const queue = new OutputQueue<null>(100, 'drop');
  queue.push(bytes(60), 6, null);
  queue.push(bytes(40), 4, null);
  assert.deepEqual([queue.counts.queued, queue.counts.droppedQueueFull, queue.bytes], [10, 0, 100]);
  queue.push(bytes(1), 1, null);
  assert.deepEqual([queue.counts.queued, queue.counts.droppedQueueFull, queue.bytes], [10, 1, 100]);
  queue.written(1);
  queue.push(bytes(61), 7, null);
  assert.equal(queue.counts.droppedQueueFull, 8);
  queue.push(bytes(60), 7, null);
  assert.equal(queue.counts.queued, 11);
  assert.equal(queue.ready, true);
});

test('a chunk larger than the queue is taken when the queue is empty, and only then', () => {
  const queue = new OutputQueue<null>(100, 'drop');
  queue.push(bytes(1000), 9, null);
  assert.equal(queue.counts.queued, 9);
  queue.push(bytes(1), 1, null);
  assert.equal(queue.counts.droppedQueueFull, 1);
});

test('a waiting queue takes everything, turns unready when full and ready when half empty', () => {
  const queue = new OutputQueue<null>(100, 'wait');
  let calls = 0;
  queue.onReady = () => calls++;
  queue.push(bytes(49), 1, null);
  queue.push(bytes(50), 1, null);
  assert.equal(queue.ready, true);
  queue.push(bytes(1), 1, null);
  assert.equal(queue.ready, false);
  queue.push(bytes(1), 1, null);
  assert.equal(queue.counts.queued, 4);
  queue.written(1);
  assert.deepEqual([queue.bytes, queue.ready, calls], [52, false, 0]);
  queue.failed(1);
  assert.deepEqual([queue.bytes, queue.ready, calls], [2, true, 1]);
  queue.written(1);
  assert.equal(calls, 1);
});

test('records are never lost between the counts', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('push', 'written', 'failed', 'refuse'), fc.nat(20)), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(steps, fc.constantFrom('drop' as const, 'wait' as const), (list, whenFull) => {
      const queue = new OutputQueue<number>(64, whenFull);
      let given = 0;
      let next = 0;
      const model: number[] = [];
      for (const [step, n] of list) {
        if (step === 'push' || step === 'refuse') given += n;
        if (step === 'refuse') queue.refuse(n);
        if (step === 'push') {
          const before = queue.length;
          queue.push(bytes(n), n, next);
          if (queue.length > before) model.push(next);
          next++;
        }
        const some = Math.min(n, queue.length);
        if (step === 'written') queue.written(some);
        if (step === 'failed') queue.failed(some);
        if (step === 'written' || step === 'failed') model.splice(0, some);
        const { written, droppedFailed, droppedQueueFull, queued } = queue.counts;
        assert.equal(written + droppedFailed + droppedQueueFull + queued, given);
        assert.deepEqual(
          model.map((_, i) => queue.at(i)?.tag),
          model,
        );
        assert.equal(queue.at(queue.length), undefined);
        assert.equal(queue.bytes, queued);
      }
    }),
  );
});
