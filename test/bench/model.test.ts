import assert from 'node:assert/strict';
import { test } from 'node:test';
import { line } from '../../bench/model/calibrate.ts';
import { Scheduler } from '../../bench/model/scheduler.ts';
import { type Costs, type SimulationSetup, simulate } from '../../bench/model/simulate.ts';

const COSTS: Costs = {
  receiveDatagram: 1_000,
  receiveWake: 10_000,
  mainDatagram: 500,
  mainEvent: 20_000,
  decodeDatagram: 4_000,
  decodeTask: 30_000,
  otherDatagram: 0,
  sendDatagram: 0,
  sendWake: 0,
  wakeMarginNs: 3e6,
};
const SETUP: SimulationSetup = {
  costs: COSTS,
  cores: 8,
  workers: 1,
  receivers: 1,
  rate: 10_000,
  seconds: 0.5,
  slots: 8_192,
};
const FLOOD = { ...SETUP, rate: Number.POSITIVE_INFINITY };

test('a line is found again, and stays above zero', () => {
  const { base, slope } = line([0.01, 0.1, 1].map((x) => [x, 700 + 25_000 * x]));
  assert.ok(Math.abs(base - 700) < 1e-6 && Math.abs(slope - 25_000) < 1e-6);
  assert.equal(
    line([
      [1, 100],
      [2, 50],
    ]).slope,
    0,
  );
  assert.equal(
    line([
      [1, 100],
      [2, 300],
    ]).base,
    0,
  );
});

test('threads share cores evenly', () => {
  const scheduler = new Scheduler(2, 3e6);
  const threads = [1, 2, 3, 4].map((i) => scheduler.thread(`${i}`));
  const done = [0, 0, 0, 0];
  scheduler.run(1e9, () => {
    threads.forEach((thread, i) => {
      if (!thread.busy) thread.start(1e5, () => done[i]++);
    });
  });
  for (const count of done) assert.ok(Math.abs(count - 5_000) < 100, `${done}`);
});

test('what a machine can carry is carried, without loss and at its rate', () => {
  const { lost, retired, busy } = simulate(SETUP);
  assert.equal(lost, 0);
  assert.ok(Math.abs(retired - 5_000) < 200, `${retired}`);
  assert.ok(busy.main < 1 && busy.decode < 1);
});

test('under overload the slowest step is the limit, and tasks are full', () => {
  const { retired, tasks, busy } = simulate(FLOOD);
  const limit = 1e9 / (COSTS.decodeDatagram + COSTS.decodeTask / 128);
  assert.ok(Math.abs(retired / FLOOD.seconds / limit - 1) < 0.1, `${retired} ${limit}`);
  assert.ok(busy.decode > 0.95);
  assert.ok(retired / tasks > 100);
  const wider = simulate({ ...FLOOD, workers: 2 });
  assert.ok(wider.retired > retired * 1.8);
});

test('the same setup gives the same prediction', () => {
  assert.deepEqual(simulate(FLOOD), simulate(FLOOD));
});
