import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { LIVE_MEMORY } from '../../src/collector.ts';
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
  /** Times the thread went to sleep, per datagram, and for how many ns each time. */
  mainSleeps: number;
  mainSleepNs: number;
  receiveSleeps: number;
  decodeSleepNs: number;
  /** Cores that collector and sender had between them. */
  coresUsed: number;
  /** Cores that everything else on the machine had. */
  background: number;
  loadAverage: number;
  /** CPU ms of a piece of work that is always the same, done right after the burst. */
  referenceMs: number;
}

/** Medians over the rounds. */
export interface Measured {
  /** Bursts the costs come from, paced and found all at once. */
  paced: Observation[];
  full: Observation;
  /** Bursts that are only predicted; the last with nothing held back. */
  held: Observation[];
  flood: Observation;
}

/** Everything is measured in each round, so that what changes over time changes all of it. */
const ROUNDS = 3;
/** The default receive buffer holds more; where the system allows less, less arrives. */
const FULL_DATAGRAMS = 10_000;
const FULL_REPEATS = 8;
/** For compilers: code that runs a hundred times per second takes seconds to be compiled. */
const WARMUP_RATE = 20_000;
const WARMUP_SECONDS = 6;

/** Measures one setup at several rates in one session. seconds: at each rate, all rounds together. */
export async function measureSetup(
  setup: SessionSetup,
  fitRates: readonly number[],
  heldRates: readonly number[],
  seconds: number,
): Promise<Measured> {
  const session = await Session.open(setup);
  try {
    const at = (rate: number): Promise<Observation> => observe(() => session.burst(rate, seconds / ROUNDS));
    await session.burst(WARMUP_RATE, WARMUP_SECONDS);
    await at(0);
    const bursts = new Map<number, Observation[]>();
    const full: Observation[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (const rate of [...fitRates, ...heldRates, 0].sort((a, b) => a - b)) {
        bursts.set(rate, [...(bursts.get(rate) ?? []), await at(rate)]);
      }
      const release = keepAwake();
      for (let i = 0; i < FULL_REPEATS; i++) full.push(await observe(() => session.heap(FULL_DATAGRAMS)));
      await release();
    }
    const { unaccounted, unbalanced } = await session.close();
    if (unaccounted !== 0 || unbalanced.length > 0) throw new Error('the ledger does not balance');
    const median = (rate: number): Observation => medianOf(bursts.get(rate)!);
    return {
      paced: fitRates.map(median),
      full: medianOf(full),
      held: heldRates.map(median),
      flood: median(0),
    };
  } finally {
    session.kill();
  }
}

/**
 * Keeps every core from idling, with work of the lowest priority: a machine that idles between heaps is slower for longer
 * than a heap takes, and full batches are found on machines that do not.
 */
function keepAwake(): () => Promise<unknown> {
  const idle = "require('node:os').setPriority(0, 19); for (;;);";
  const workers = Array.from({ length: availableParallelism() }, () => new Worker(idle, { eval: true }));
  return () => Promise.all(workers.map((worker) => worker.terminate()));
}

async function observe(load: () => Promise<Burst>): Promise<Observation> {
  const before = machineCpuNs();
  const startMs = performance.now();
  const burst = await load();
  const coresBusy = (machineCpuNs() - before) / ((performance.now() - startMs) * 1e6);
  const datagrams = burst.sent.datagrams - burst.lost;
  const cpu = (name?: string): number => {
    const { user, system } = cpuPer(burst.threads, datagrams, name);
    return user + system;
  };
  const thread = (name: string): { sleeps: number; sleptNs: number } =>
    burst.threads.find((one) => one.name === name) ?? { sleeps: 0, sleptNs: 0 };
  const sleepNs = (name: string): number => thread(name).sleptNs / Math.max(1, thread(name).sleeps);
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
    mainSleeps: thread('main').sleeps / datagrams,
    mainSleepNs: sleepNs('main'),
    receiveSleeps: thread('receive').sleeps / datagrams,
    decodeSleepNs: sleepNs('decode'),
    coresUsed,
    background: Math.max(0, coresBusy - coresUsed),
    loadAverage: burst.loadAverage,
    referenceMs: reference(),
  };
}

const REFERENCE = new Int32Array(32 * 1024).fill(1);
const REFERENCE_TURNS = 300;

/** Arithmetic on an array that stays in the cache of a core. */
function reference(): number {
  const before = process.cpuUsage();
  let sum = 0;
  for (let turn = 0; turn < REFERENCE_TURNS; turn++) {
    for (let i = 0; i < REFERENCE.length; i++) sum = (Math.imul(sum, 31) + REFERENCE[i]) | 0;
  }
  REFERENCE[0] = sum | 1;
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
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
    slots: setup.memory?.slots ?? LIVE_MEMORY.slots,
    background: observed.background,
  });
}

function medianOf(observations: readonly Observation[]): Observation {
  const keys = Object.keys(observations[0]) as (keyof Observation)[];
  const middle = (key: keyof Observation): number =>
    observations.map((o) => o[key]).sort((a, b) => a - b)[observations.length >> 1];
  return Object.fromEntries(keys.map((key) => [key, middle(key)])) as unknown as Observation;
}
