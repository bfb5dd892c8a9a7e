import { type Burst, Session, type SessionSetup } from './session.ts';

export interface MaxRate {
  /** Highest rate, in datagrams per second, that was carried without loss as often as it had to be; 0: none. */
  rate: number;
  confirmations: number;
  /** What was tried, in order. */
  probes: { asked: number; rate: number; lost: number; drainedMs: number; carried: boolean }[];
  /** The last confirmation. */
  at: Burst | null;
  /** What the collector took in when the sender did not hold back. */
  overload: { offered: number; received: number };
}

const CONFIRMATIONS = 3;
/** Neighbours on the machine only ever make a rate fail, so it gets this many attempts. */
const SEARCH_ATTEMPTS = 2;
const CONFIRM_ATTEMPTS = 6;
/** The search ends when the bounds are this close. */
const RESOLUTION = 0.04;
/** A rate that could not be confirmed is lowered by so much. */
const STEP_DOWN = 0.93;
/**
 * Buffers hide what is too much for a while: a rate counts as carried only if what was left in them at the end, a few
 * per cent of a probe at most, was taken out in this time.
 */
const DRAIN_MS = 150;
/** The sender must have reached the rate it was asked for. */
const REACHED = 0.97;

/** Searches the highest rate without loss: bounds from an overload, halving, then confirmations, all in one session. */
export async function findMax(setup: SessionSetup, seconds: number): Promise<MaxRate> {
  const session = await Session.open(setup);
  const probes: MaxRate['probes'] = [];
  let confirmed: Burst | null = null;
  const carries = async (asked: number, attempts: number, needed: number): Promise<number> => {
    let count = 0;
    for (let i = 0; i < attempts && count < needed; i++) {
      const burst = await session.burst(asked, seconds);
      const { rate, lost, drainedMs } = burst;
      const carried = lost === 0 && drainedMs <= DRAIN_MS && rate >= asked * REACHED;
      probes.push({ asked, rate, lost, drainedMs, carried });
      if (carried) {
        count++;
        confirmed = burst;
      }
      if (count + attempts - i - 1 < needed) break;
    }
    return count;
  };
  try {
    await session.burst(5_000, 1);
    const flood = await session.burst(0, Math.min(1, seconds));
    const offered = flood.rate;
    const received = (flood.sent.datagrams - flood.lost) / (flood.sent.seconds + flood.drainedMs / 1000);
    let low = 0;
    let high = Math.min(offered, received * 1.6);
    let asked = received;
    while (high - low > high * RESOLUTION) {
      if ((await carries(asked, SEARCH_ATTEMPTS, 1)) > 0) low = asked;
      else high = asked;
      asked = low === 0 ? high * 0.7 : (low + high) / 2;
    }
    let rate = low;
    let confirmations = 0;
    while (rate > 100) {
      confirmations = await carries(rate, CONFIRM_ATTEMPTS, CONFIRMATIONS);
      if (confirmations === CONFIRMATIONS) break;
      rate *= STEP_DOWN;
    }
    const { unaccounted, unbalanced } = await session.close();
    if (unaccounted !== 0 || unbalanced.length > 0)
      throw new Error(`the ledger does not balance: ${unaccounted} unaccounted; ${unbalanced.join('; ')}`);
    return { rate, confirmations, probes, at: confirmed, overload: { offered, received } };
  } finally {
    session.kill();
  }
}
