import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitCosts, line } from '../../bench/model/fit.ts';
import type { Measured, Observation } from '../../bench/model/measure.ts';
import { Scheduler } from '../../bench/model/scheduler.ts';
import { type Costs, type SimulationSetup, simulate } from '../../bench/model/simulate.ts';

const COSTS: Costs = {
  receiveDatagram: 1_000,
  mainDatagram: 500,
  decodeDatagram: 4_000,
  otherDatagram: 0,
  sendDatagram: 0,
  receiveWake: 10_000,
  sendWake: 0,
  mainCold: 200_000,
  decodeColdTask: 50_000,
  decodeColdDatagram: 1_000,
  coldNs: 8e6,
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
const LOAD = { exporters: 1, templates: 1, seed: 1, maxDatagramBytes: 1384 };
const FULL: Observation = {
  rate: 100_000,
  received: 100_000,
  lost: 0,
  tasksPerDatagram: 1 / 256,
  main: COSTS.mainDatagram + (COSTS.mainCold * (COSTS.decodeDatagram - COSTS.mainDatagram)) / COSTS.coldNs,
  receive: COSTS.receiveDatagram,
  decode: COSTS.decodeDatagram,
  other: 0,
  send: 1,
  mainSleeps: 0,
  mainSleepNs: 0,
  receiveSleeps: 0,
  decodeSleepNs: 0,
  coresUsed: 1,
  background: 0,
  loadAverage: 0,
  referenceMs: 10,
};
const FLOOD = { ...SETUP, rate: Number.POSITIVE_INFINITY };

test('a line is found again, and stays above zero', () => {
  const points = (of: (x: number) => number) =>
    [0.01, 0.1, 1].map((x) => ({ x, base: 1, y: of(x), scale: Math.abs(of(x)) }));
  const { base, slope } = line(points((x) => 700 + 25_000 * x));
  assert.ok(Math.abs(base - 700) < 1e-6 && Math.abs(slope - 25_000) < 1e-6);
  assert.equal(line(points((x) => 100 - 50 * x)).slope, 0);
  assert.equal(line(points((x) => 200 * x - 1)).base, 0);
});

test('costs that are found from simulated bursts predict others', () => {
  const setup = { workers: 1, receivers: 1, receive: 'recvmmsg' as const, outputs: [], load: LOAD };
  const observe = (rate: number): Observation => {
    const { main, receive, decode, retired, tasks, mainWakes, receiveWakes } = simulate({ ...SETUP, rate });
    const sleepNs = (cpu: number, times: number): number => (SETUP.seconds * 1e9 - cpu * retired) / times;
    return {
      ...FULL,
      ...{ rate, main, receive, decode, received: retired / SETUP.seconds },
      ...{ tasksPerDatagram: tasks / retired, receiveSleeps: receiveWakes / retired },
      ...{ mainSleeps: mainWakes / retired, mainSleepNs: sleepNs(main, mainWakes) },
      decodeSleepNs: sleepNs(decode, tasks),
    };
  };
  const measured: Measured = {
    paced: [2_000, 8_000, 30_000, 60_000].map(observe),
    full: FULL,
    held: [],
    flood: FULL,
  };
  const [costs] = fitCosts([{ setup, measured }]);
  for (const rate of [4_000, 16_000, 45_000]) {
    const [found, real] = [costs, COSTS].map((of) => simulate({ ...SETUP, rate, costs: of }));
    for (const key of ['main', 'receive', 'decode'] as const) {
      assert.ok(Math.abs(found[key] / real[key] - 1) < 0.15, `${rate} ${key} ${found[key]} ${real[key]}`);
    }
  }
});

test('who has slept for longer pays more, up to a bound; who has not slept pays nothing', () => {
  const perDatagram = (rate: number): number => simulate({ ...SETUP, rate }).decode;
  const cold = COSTS.decodeDatagram + COSTS.decodeColdDatagram + COSTS.decodeColdTask / 256;
  assert.ok(Math.abs(perDatagram(16_000) / cold - 1) < 0.03, `${perDatagram(16_000)} ${cold}`);
  assert.ok(perDatagram(60_000) < cold * 0.95);
  assert.ok(Math.abs(simulate(FLOOD).decode / COSTS.decodeDatagram - 1) < 0.03);
});

test('threads share cores evenly', () => {
  const scheduler = new Scheduler(2);
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
  // The last ones are on their way.
  assert.ok(Math.abs(retired - 5_000) < 400, `${retired}`);
  assert.ok(busy.main < 1 && busy.decode < 1);
});

test('with a sender on the same cores, everything that was sent is retired', () => {
  const costs = { ...COSTS, sendDatagram: 3_000, sendWake: 30_000 };
  const { lost, retired, perSecond } = simulate({ ...SETUP, cores: 2, costs });
  assert.equal(lost, 0);
  // The sender looks once in a millisecond: ten datagrams may not be due by the end.
  assert.ok(retired >= 4_990 && retired <= 5_000, `${retired}`);
  assert.ok(perSecond < 10_000 && perSecond > 9_000, `${perSecond}`);
});

test('under overload the slowest step is the limit, and tasks are full', () => {
  const { retired, tasks, busy } = simulate(FLOOD);
  const limit = 1e9 / COSTS.decodeDatagram;
  assert.ok(Math.abs(retired / FLOOD.seconds / limit - 1) < 0.1, `${retired} ${limit}`);
  assert.ok(busy.decode > 0.95);
  assert.ok(retired / tasks > 100);
  const wider = simulate({ ...FLOOD, workers: 2 });
  assert.ok(wider.retired > retired * 1.8);
});

test('the same setup gives the same prediction', () => {
  assert.deepEqual(simulate(FLOOD), simulate(FLOOD));
});
