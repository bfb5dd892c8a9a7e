import { availableParallelism } from 'node:os';
import { machineCpuNs } from '../pipeline/process-usage.ts';
import { type Burst, cpuPer, Session, type SessionSetup } from '../pipeline/session.ts';
import { type Costs, type Prediction, simulate } from './simulate.ts';

/** A measured burst, in the quantities that the simulation predicts. */
export interface Observation {
  rate: number;
  /** Taken in per second, also when more was offered. */
  received: number;
  lost: number;
  tasksPerDatagram: number;
  /** CPU ns per datagram. */
  main: number;
  receive: number;
  decode: number;
  other: number;
  send: number;
  /** Times the thread went to sleep, per datagram. */
  mainSleeps: number;
  receiveSleeps: number;
  /** Cores that collector and sender had between them. */
  coresUsed: number;
  /** Cores that everything else on the machine had. */
  background: number;
  loadAverage: number;
}

export interface Calibration {
  costs: Costs;
  /** Bursts the costs come from, and bursts that are only predicted. */
  fitted: Observation[];
  held: Observation[];
  /** Found all at once: full batches. */
  full: Observation;
  /** With nothing held back; only predicted. */
  flood: Observation;
}

/** Of the sender, when it has nothing to send for a while. */
const PAUSES_PER_SECOND = 1000;
/** Fits the smallest receive buffer that systems allow. */
const FULL_DATAGRAMS = 3_000;
const FULL_REPEATS = 15;
export const DEFAULT_SLOTS = 8_192;
/** For compilers: code that runs a hundred times per second takes seconds to be compiled. */
const WARMUP_RATE = 10_000;
const WARMUP_SECONDS = 8;

/** Measures one setup at several rates in one session, and derives what each step costs. */
export async function calibrate(
  setup: SessionSetup,
  fitRates: readonly number[],
  heldRates: readonly number[],
  seconds: number,
): Promise<Calibration> {
  const session = await Session.open(setup);
  try {
    await session.burst(WARMUP_RATE, WARMUP_SECONDS);
    const at = async (rate: number): Promise<Observation> => {
      const before = machineCpuNs();
      const startMs = performance.now();
      const burst = await session.burst(rate, seconds);
      return observe(burst, (machineCpuNs() - before) / ((performance.now() - startMs) * 1e6));
    };
    const fitted: Observation[] = [];
    const held: Observation[] = [];
    // In turn, so that what changes over time changes both.
    for (let i = 0; i < Math.max(fitRates.length, heldRates.length); i++) {
      if (i < fitRates.length) fitted.push(await at(fitRates[i]));
      if (i < heldRates.length) held.push(await at(heldRates[i]));
    }
    const full: Observation[] = [];
    for (let i = 0; i < FULL_REPEATS; i++) full.push(observe(await session.heap(FULL_DATAGRAMS), 0));
    const flood = await at(0);
    const { unaccounted, unbalanced } = await session.close();
    if (unaccounted !== 0 || unbalanced.length > 0) throw new Error('the ledger does not balance');
    const median = medianOf(full);
    const costs = fitMargin(fit(fitted, median), fitted, setup);
    return { costs, fitted, held, full: median, flood };
  } finally {
    session.kill();
  }
}

function observe(burst: Burst, coresBusy: number): Observation {
  const datagrams = burst.sent.datagrams - burst.lost;
  const cpu = (name?: string): number => {
    const { user, system } = cpuPer(burst.threads, datagrams, name);
    return user + system;
  };
  const sleeps = (name: string): number =>
    (burst.threads.find((thread) => thread.name === name)?.sleeps ?? 0) / datagrams;
  const seconds = burst.sent.seconds + burst.drainedMs / 1000;
  const coresUsed = (cpu() * datagrams + burst.sent.cpuNs) / (seconds * 1e9);
  return {
    rate: burst.rate,
    received: datagrams / seconds,
    lost: burst.lost,
    tasksPerDatagram: burst.tasks / datagrams,
    main: cpu('main'),
    receive: cpu('receive'),
    decode: cpu('decode'),
    other: cpu('other'),
    send: burst.sent.cpuNs / burst.sent.datagrams,
    mainSleeps: sleeps('main'),
    receiveSleeps: sleeps('receive'),
    coresUsed,
    background: Math.max(0, coresBusy - coresUsed),
    loadAverage: burst.loadAverage,
  };
}

/** Each thread’s time is so much per datagram and so much per event; the two come from bursts with different shares. */
function fit(paced: readonly Observation[], full: Observation): Costs {
  const observations = [...paced, full];
  const main = line(observations.map((o) => [o.mainSleeps + o.tasksPerDatagram, o.main]));
  const receive = line(observations.map((o) => [o.receiveSleeps, o.receive]));
  const decode = line(observations.map((o) => [o.tasksPerDatagram, o.decode]));
  const send = line(observations.map((o) => [Math.min(1, PAUSES_PER_SECOND / o.rate), o.send]));
  const fastest = paced.reduce((a, b) => (b.rate > a.rate ? b : a));
  return {
    mainDatagram: main.base,
    mainEvent: main.slope,
    receiveDatagram: receive.base,
    receiveWake: receive.slope,
    decodeDatagram: decode.base,
    decodeTask: decode.slope,
    otherDatagram: fastest.other,
    wakeMarginNs: 0,
    sendDatagram: send.base,
    sendWake: send.slope,
  };
}

const MARGINS_NS = [1e6, 2e6, 3e6, 3.5e6, 4e6, 5e6, 6e6, 1e9];

/** The one number that is not measured: taken such that tasks are as large as they were. */
function fitMargin(costs: Costs, observations: readonly Observation[], setup: SessionSetup): Costs {
  let best = costs;
  let least = Number.POSITIVE_INFINITY;
  for (const wakeMarginNs of MARGINS_NS) {
    const candidate = { ...costs, wakeMarginNs };
    const error = observations.reduce((sum, observed) => {
      const { tasks, retired } = predict(candidate, observed, setup);
      return sum + Math.log(tasks / retired / observed.tasksPerDatagram) ** 2;
    }, 0);
    if (error < least) [least, best] = [error, candidate];
  }
  return best;
}

/** The measured machine, simulated: the same cores, the sender on them, and the work of others. */
export function predict(
  costs: Costs,
  observed: Observation,
  setup: SessionSetup,
  rate = observed.rate,
): Prediction {
  return simulate({
    costs,
    cores: availableParallelism(),
    workers: setup.workers,
    receivers: setup.receivers,
    rate,
    seconds: 1,
    slots: setup.memory?.slots ?? DEFAULT_SLOTS,
    background: observed.background,
  });
}

function medianOf(observations: readonly Observation[]): Observation {
  const keys = Object.keys(observations[0]) as (keyof Observation)[];
  const middle = (key: keyof Observation): number =>
    observations.map((o) => o[key]).sort((a, b) => a - b)[observations.length >> 1];
  return Object.fromEntries(keys.map((key) => [key, middle(key)])) as unknown as Observation;
}

/** y = base + slope x, by least squares of the relative error; neither below 0. */
export function line(points: readonly (readonly [number, number])[]): { base: number; slope: number } {
  let [w, wx, wxx, wy, wxy] = [0, 0, 0, 0, 0];
  for (const [x, y] of points) {
    const weight = 1 / (y * y);
    w += weight;
    wx += weight * x;
    wxx += weight * x * x;
    wy += weight * y;
    wxy += weight * x * y;
  }
  const determinant = w * wxx - wx * wx;
  const slope = determinant > 0 ? (w * wxy - wx * wy) / determinant : 0;
  if (slope < 0) return { base: wy / w, slope: 0 };
  const base = (wy - slope * wx) / w;
  return base < 0 ? { base: 0, slope: wxy / wxx } : { base, slope };
}
