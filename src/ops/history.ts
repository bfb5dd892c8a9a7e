import type { CollectorReport } from '../collector.ts';
import type { CollectorParts } from '../collector-parts.ts';
import type { ProcessNumbers } from './process-numbers.ts';

export const HISTORY = Object.freeze({ intervalMs: 2_000, samples: 151 });

/** What charts are drawn of. Counts from the start, but for ringUsed; the difference of two samples makes a rate. */
export interface Sample {
  atMs: number;
  records: number;
  datagrams: number;
  /** Units that sequence numbers say were sent and did not arrive: datagrams of v9, records of others. */
  lostOnTheWay: number;
  kernelDropped: number;
  refused: number;
  workerBusySeconds: number;
  mainActiveSeconds: number;
  /** Part of the fullest ring that is in use, from 0 to 1. */
  ringUsed: number;
}

export function takeSample(
  atMs: number,
  { counters: c }: CollectorReport,
  { receivers, workers }: CollectorParts,
  { mainActiveSeconds }: ProcessNumbers,
): Sample {
  return {
    atMs,
    records: c.records_decoded,
    datagrams: c.datagrams_received,
    lostOnTheWay: c.sequence_lost_datagrams + c.sequence_lost_records,
    kernelDropped: c.datagrams_kernel_dropped,
    refused:
      c.datagrams_refused_oversize +
      c.datagrams_refused_malformed +
      c.datagrams_refused_unknown_version +
      c.datagrams_refused_not_admitted +
      c.datagrams_refused_over_rate +
      c.datagrams_refused_ring_full +
      c.datagrams_quarantined,
    workerBusySeconds: workers.busySeconds,
    mainActiveSeconds,
    ringUsed: Math.max(0, ...receivers.map(({ slotsUsed, slots }) => slotsUsed / slots)),
  };
}

export interface HistoryDocument {
  intervalSeconds: number;
  /** Oldest first. */
  samples: Sample[];
}

/** Samples of the last five minutes, so that a page that is opened now has something to show. */
export class History {
  readonly #take: () => Sample;
  #samples: Sample[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(take: () => Sample) {
    this.#take = take;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#samples.push(this.#take());
      if (this.#samples.length > HISTORY.samples) this.#samples.shift();
    }, HISTORY.intervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  toJSON(): HistoryDocument {
    return { intervalSeconds: HISTORY.intervalMs / 1000, samples: this.#samples };
  }
}
