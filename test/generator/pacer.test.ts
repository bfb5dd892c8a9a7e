import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import { Pacer, RecordedPacer } from '../../src/generator/pacer.ts';

/** A clock that only sleeping moves; every sleep takes a little longer than asked for. */
function fakeTime(lateMs = 0) {
  const time = {
    nowMs: 1000,
    sleeps: [] as number[],
    clock: { wallMs: () => time.nowMs, monotonicMs: () => time.nowMs },
    sleep: async (ms: number) => {
      time.sleeps.push(ms);
      time.nowMs += ms + lateMs;
    },
  };
  return time;
}

test('a rate is kept in bursts of a few milliseconds', async () => {
  const time = fakeTime();
  const pacer = new Pacer(10_000, time.clock, { sleep: time.sleep });
  const sentAt: number[] = [];
  for (let i = 0; i < 1000; i++) {
    await pacer.wait(1);
    sentAt.push(time.nowMs - 1000);
  }
  // The first of each burst is on time, the others are early by less than 4 ms.
  sentAt.forEach((at, i) => {
    assert.ok(at <= i / 10 + 1e-9 && at > i / 10 - 4, `${i} at ${at}`);
  });
  assert.equal(sentAt.filter((at) => at === 0).length, 40);
});

test('late timers do not add up', async () => {
  const time = fakeTime(0.9);
  const pacer = new Pacer(100, time.clock, { sleep: time.sleep });
  for (let i = 0; i <= 500; i++) await pacer.wait(1);
  assert.ok(Math.abs(time.nowMs - 1000 - 5000) < 1, `${time.nowMs}`);
});

test('several at once count as that many', async () => {
  const time = fakeTime();
  const pacer = new Pacer(1000, time.clock, { sleep: time.sleep });
  for (let i = 0; i < 11; i++) await pacer.wait(50);
  assert.equal(time.nowMs, 1500);
});

test('whoever stood still makes up for one second and no more', async () => {
  const time = fakeTime();
  const pacer = new Pacer(100, time.clock, { sleep: time.sleep });
  await pacer.wait(1);
  time.nowMs += 60_000;
  let atOnce = 0;
  while (time.sleeps.length === 0) {
    await pacer.wait(1);
    atOnce++;
  }
  assert.ok(atOnce >= 100 && atOnce <= 103, `${atOnce}`);
});

test('without a rate it is as fast as possible, and timers still fire', async () => {
  for (const rate of [0, Number.POSITIVE_INFINITY]) {
    const pacer = new Pacer(rate, systemClock);
    let fired = false;
    void setTimeout(1).then(() => {
      fired = true;
    });
    let waits = 0;
    while (!fired) {
      const due = pacer.wait(1);
      if (due !== undefined) waits++;
      await due;
    }
    assert.ok(waits > 0);
  }
});

test('waiting ends when the signal is aborted', async () => {
  const abort = new AbortController();
  const pacer = new Pacer(0.001, systemClock, { signal: abort.signal });
  await pacer.wait(1);
  const waiting = pacer.wait(1);
  assert.notEqual(waiting, undefined);
  abort.abort();
  await waiting;
});

test('recorded distances are kept at the given speed', async () => {
  const time = fakeTime();
  const pacer = new RecordedPacer(2, time.clock, { sleep: time.sleep });
  const sentAt: number[] = [];
  // A pause of a minute, disorder within a second, then a recording that begins again.
  for (const at of [5000, 5100, 65_100, 64_900, 65_200, 5000, 5200]) {
    await pacer.wait(at);
    sentAt.push(time.nowMs - 1000);
  }
  assert.deepEqual(sentAt, [0, 50, 30_050, 30_050, 30_100, 30_100, 30_200]);
});

test('datagrams without a time and speed 0 go at once', async () => {
  const time = fakeTime();
  const pacer = new RecordedPacer(1, time.clock, { sleep: time.sleep });
  for (const at of [Number.NaN, 1000, Number.NaN, 1500]) await pacer.wait(at);
  assert.deepEqual(time.sleeps, [500]);
  const fast = new RecordedPacer(0, time.clock, { sleep: time.sleep });
  for (const at of [0, 1e6, 2e9]) await fast.wait(at);
  assert.deepEqual(time.sleeps, [500]);
});

test('a restart goes on without a pause', async () => {
  const time = fakeTime();
  const pacer = new RecordedPacer(1, time.clock, { sleep: time.sleep });
  await pacer.wait(0);
  await pacer.wait(100);
  pacer.restart();
  await pacer.wait(0);
  assert.equal(time.nowMs, 1100);
  await pacer.wait(100);
  assert.equal(time.nowMs, 1200);
});
