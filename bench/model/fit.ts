import type { SessionSetup } from '../pipeline/session.ts';
import { type Measured, type Observation, predict } from './measure.ts';
import { type Costs, coldness } from './simulate.ts';

/** Of the sender, when it has nothing to send for a while. */
const PAUSES_PER_SECOND = 1000;
/** Lengths of sleep that are tried as the one that leaves nothing in the caches. */
const COLD_NS = [1, 2, 4, 6, 8, 12, 16, 24, 32].map((ms) => ms * 1e6);

/**
 * The costs of each setup, from the bursts that are not held back. How long a sleep is cold is one number for all setups:
 * the one with which the simulation comes closest to the same bursts.
 */
export function fitCosts(models: readonly { setup: SessionSetup; measured: Measured }[]): Costs[] {
  const candidates = COLD_NS.map((coldNs) => {
    const costs = models.map(({ measured }) => fitSetup(measured, coldNs));
    const errors = models.flatMap(({ measured, setup }, i) =>
      measured.paced.flatMap((observed) => {
        const { main, decode } = predict(costs[i], observed, setup);
        return [Math.log(main / observed.main) ** 2, Math.log(decode / observed.decode) ** 2];
      }),
    );
    return { costs, error: errors.reduce((sum, error) => sum + error, 0) };
  });
  return candidates.reduce((a, b) => (b.error < a.error ? b : a)).costs;
}

/** Full batches tell the cost per datagram. What paced bursts cost more than that is the price of sleeping. */
function fitSetup({ paced, full }: Measured, coldNs: number): Costs {
  const extra = (key: 'main' | 'receive' | 'send', x: (o: Observation) => number): number =>
    line(paced.map((o) => ({ x: x(o), base: 0, y: o[key] - full[key], scale: o[key] }))).slope;
  // While the slowest thread works on what was found at once, the main thread sleeps now and then, too.
  const mainSlept = Math.max(0, full.decode - full.main) / coldNs;
  const mainCold = extra('main', (o) => o.mainSleeps * coldness(o.mainSleepNs, coldNs) - mainSlept);
  const decode = line(
    paced.map((o) => {
      const cold = coldness(o.decodeSleepNs, coldNs);
      return { x: cold * o.tasksPerDatagram, base: cold, y: o.decode - full.decode, scale: o.decode };
    }),
  );
  const fastest = paced.reduce((a, b) => (b.rate > a.rate ? b : a));
  return {
    receiveDatagram: full.receive,
    mainDatagram: Math.max(0, full.main - mainCold * mainSlept),
    decodeDatagram: full.decode,
    otherDatagram: fastest.other,
    sendDatagram: full.send,
    receiveWake: extra('receive', (o) => o.receiveSleeps),
    sendWake: extra('send', (o) => Math.min(1, PAUSES_PER_SECOND / o.rate)),
    mainCold,
    decodeColdTask: decode.slope,
    decodeColdDatagram: decode.base,
    coldNs,
  };
}

export interface Point {
  x: number;
  base: number;
  y: number;
  /** What y is part of: errors count relative to it. */
  scale: number;
}

/** y = base × b + slope × x, by least squares of the relative error; neither below 0. */
export function line(points: readonly Point[]): { base: number; slope: number } {
  let [xx, xb, bb, xy, by] = [0, 0, 0, 0, 0];
  for (const { x, base, y, scale } of points) {
    const weight = 1 / (scale * scale);
    xx += weight * x * x;
    xb += weight * x * base;
    bb += weight * base * base;
    xy += weight * x * y;
    by += weight * base * y;
  }
  const determinant = xx * bb - xb * xb;
  const both = { slope: (xy * bb - by * xb) / determinant, base: (by * xx - xy * xb) / determinant };
  const candidates = [
    { slope: Math.max(0, xy / xx), base: 0 },
    { slope: 0, base: bb > 0 ? Math.max(0, by / bb) : 0 },
  ];
  if (determinant > 1e-9 * xx * bb && both.slope >= 0 && both.base >= 0) candidates.push(both);
  const error = ({ slope, base }: { slope: number; base: number }): number =>
    points.reduce((sum, p) => sum + ((p.y - slope * p.x - base * p.base) / p.scale) ** 2, 0);
  return candidates.reduce((a, b) => (error(b) < error(a) ? b : a));
}
