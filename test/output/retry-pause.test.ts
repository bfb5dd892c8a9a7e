import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetryPause } from '../../src/output/retry-pause.ts';
import { ManualTime } from './manual-time.ts';

test('pauses double from 250 ms to 30 s and start again after a success', async () => {
  const time = new ManualTime(0);
  const pause = new RetryPause(time);
  const delays: number[] = [];
  for (let i = 0; i < 9; i++) {
    const over = pause.wait();
    delays.push(...time.waiting);
    time.advance(time.waiting[0]);
    await over;
  }
  assert.deepEqual(delays, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  pause.reset();
  const over = pause.wait();
  assert.deepEqual(time.waiting, [250]);
  time.advance(249);
  assert.deepEqual(time.waiting, [250]);
  time.advance(1);
  await over;
});

test('an interrupted pause ends at once and leaves no timer', async () => {
  const time = new ManualTime(0);
  const pause = new RetryPause(time);
  pause.interrupt();
  const over = pause.wait();
  pause.interrupt();
  await over;
  assert.deepEqual(time.waiting, []);
});
