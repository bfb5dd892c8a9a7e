import { machineCpuNs } from '../pipeline/process-usage.ts';
import { type Burst, cpuPer, Session, type SessionSetup } from '../pipeline/session.ts';
import type { Costs } from './simulate.ts';

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
  /** With nothing held back. */
  flood: Observation;
}

/** Of the sender, when it has nothing to send for a while. */
const PAUSES_PER_SECOND = 1000;
const WARMUP_RATE = 10_000;
const WARMUP_SECONDS = 3;

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
    const flood = await at(0);
    const { unaccounted, unbalanced } = await session.close();
    if (unaccounted !== 0 || unbalanced.length > 0) throw new Error('the ledger does not balance');
    return { costs: fit([...fitted, flood]), fitted, held, flood };
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
function fit(observations: readonly Observation[]): Costs {
  const main = line(observations.map((o) => [o.mainSleeps + o.tasksPerDatagram, o.main]));
  const receive = line(observations.map((o) => [o.receiveSleeps, o.receive]));
  const decode = line(observations.map((o) => [o.tasksPerDatagram, o.decode]));
  const send = line(observations.map((o) => [Math.min(1, PAUSES_PER_SECOND / o.rate), o.send]));
  const fastest = observations.reduce((a, b) => (b.rate > a.rate ? b : a));
  return {
    mainDatagram: main.base,
    mainEvent: main.slope,
    receiveDatagram: receive.base,
    receiveWake: receive.slope,
    decodeDatagram: decode.base,
    decodeTask: decode.slope,
    otherDatagram: fastest.other,
    sendDatagram: send.base,
    sendWake: send.slope,
  };
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
