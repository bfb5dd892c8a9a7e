import { setTimeout as sleep } from 'node:timers/promises';
import { unbalanced } from '../../src/accounting/balance.ts';
import type { CollectorReport } from '../../src/collector.ts';
import { unaccounted } from './accounts.ts';
import type { Sent } from './batch-sender.ts';
import { Child } from './child.ts';
import type {
  CollectorOrder,
  CollectorReply,
  CollectorSample,
  CollectorSetup,
  GcSummary,
} from './collector-process.ts';
import type { PoolOptions } from './datagram-pool.ts';
import { GcTrace } from './gc-trace.ts';
import { loadAverage, readThreads, residentBytes, type ThreadUsage, usageBetween } from './process-usage.ts';
import type { SenderOrder, SenderReply } from './sender.ts';

export interface SessionSetup extends CollectorSetup {
  load: PoolOptions;
}

/** What happened from the begin of a burst of load until everything of it had arrived. */
export interface Burst {
  sent: Sent;
  /** Datagrams per second while they were sent. */
  rate: number;
  /** Datagrams that the kernel dropped or that found no slot. */
  lost: number;
  kernelDropped: number;
  ringDropped: number;
  /** How long after the last datagram was sent the last one was taken from the ring. */
  drainedMs: number;
  threads: ThreadUsage[];
  tasks: number;
  latency: CollectorSample['latency'];
  mainGc: GcSummary;
  residentBytes: number;
  /** Times a receive thread waited for a free slot. */
  ringsFull: number;
  loadAverage: number;
}

/** What is known when the collector has stopped. */
export interface Ending {
  report: CollectorReport;
  peakBytes: number;
  /** Of every thread that collected garbage, from its start on. */
  gc: GcSummary[];
  /** Datagrams sent that are in no counter, and equations of the ledger that do not hold. */
  unaccounted: number;
  unbalanced: string[];
}

export interface MemorySample {
  atSeconds: number;
  residentBytes: number;
}

const THREAD_KINDS = ['main', 'receive', 'decode', 'compress'];
const NAMES = new URL('./thread-names.js', import.meta.url).href;
const POLL_MS = 10;
/** A collector that used less CPU in so long has nothing left to do. */
const SETTLE_MS = 50;
const SETTLED_NS = 1e6;
/** After so long without anything new, what is missing will not come any more. */
const QUIET_MS = 1_500;
const SAMPLE_MS = 500;
/** More than the sender reaches: bounds what is sent when no rate is given. */
const MAX_RATE = 200_000;

/** A collector and a sender, each in a process of its own. */
export class Session {
  readonly setup: SessionSetup;
  receiving = '';
  meanBytes = 0;
  meanRecords = 0;
  readonly #collector: Child<CollectorOrder, CollectorReply>;
  #sender: Child<SenderOrder, SenderReply> | null = null;
  readonly #gc = new GcTrace();
  #sent = 0;

  private constructor(setup: SessionSetup) {
    this.setup = setup;
    const { load: _, ...collectorSetup } = setup;
    const flags = ['--import', NAMES, '--trace-gc'];
    this.#collector = new Child('./collector-process.js', collectorSetup, flags);
    this.#collector.process.stdout!.setEncoding('latin1').on('data', (text: string) => this.#gc.add(text));
  }

  static async open(setup: SessionSetup): Promise<Session> {
    const session = new Session(setup);
    try {
      const { port, receiving } = await session.#collector.next('ready');
      session.receiving = receiving;
      session.#sender = new Child('./sender.js', { ...setup.load, port });
      session.#sender.process.stdout!.resume();
      const { meanBytes, meanRecords } = await session.#sender.next('ready');
      session.meanBytes = meanBytes;
      session.meanRecords = meanRecords;
    } catch (error) {
      session.kill();
      throw error;
    }
    return session;
  }

  /** Sends at this many datagrams per second for so long; 0: as fast as the sender can. */
  burst(rate: number, seconds: number, onSample?: (sample: MemorySample) => void): Promise<Burst> {
    return this.#load(Math.max(1, Math.round((rate || MAX_RATE) * seconds)), rate, onSample);
  }

  /** Sends so many while the collector stands still, so that it finds all of them at once: as full as batches can be. */
  async heap(datagrams: number): Promise<Burst> {
    return this.#load(datagrams, 0, undefined, true);
  }

  async #load(
    datagrams: number,
    rate: number,
    onSample?: (sample: MemorySample) => void,
    stopped = false,
  ): Promise<Burst> {
    const { pid } = this.#collector;
    const before = await this.#collector.order('begin', 'status');
    const usedBefore = readThreads(pid, THREAD_KINDS);
    const startMs = performance.now();
    const sampler = setInterval(() => {
      const atSeconds = (performance.now() - startMs) / 1000;
      onSample?.({ atSeconds, residentBytes: residentBytes(pid).now });
    }, SAMPLE_MS);
    if (stopped) this.#collector.process.kill('SIGSTOP');
    const { kind: _, ...sent } = await this.#sender!.order({ datagrams, rate }, 'sent');
    if (stopped) this.#collector.process.kill('SIGCONT');
    clearInterval(sampler);
    const sentMs = performance.now();
    this.#sent += sent.datagrams;
    const settled = stopped ? await this.#settled() : null;
    const { sample, atMs } = await this.#arrival(before, sent.datagrams);
    const kernelDropped = sample.kernelDropped - before.kernelDropped;
    const ringDropped = sample.ringDropped - before.ringDropped;
    return {
      sent,
      rate: sent.datagrams / sent.seconds,
      lost: kernelDropped + ringDropped,
      kernelDropped,
      ringDropped,
      drainedMs: Math.max(0, atMs - sentMs),
      threads: usageBetween(usedBefore, settled ?? readThreads(pid, THREAD_KINDS)),
      tasks: sample.tasks - before.tasks,
      latency: sample.latency,
      mainGc: sample.gc,
      residentBytes: residentBytes(pid).now,
      ringsFull: sample.ringsFull - before.ringsFull,
      loadAverage: loadAverage(),
    };
  }

  async close(): Promise<Ending> {
    const peakBytes = residentBytes(this.#collector.pid).peak;
    const ended = new Promise((resolve) => this.#collector.process.once('close', resolve));
    const { report } = await this.#collector.order('stop', 'stopped');
    await ended;
    this.kill();
    return {
      report,
      peakBytes,
      gc: this.#gc.threads,
      unaccounted: unaccounted(report, this.#sent),
      unbalanced: unbalanced(report),
    };
  }

  kill(): void {
    this.#sender?.kill();
    this.#collector.kill();
  }

  /** The usage of its threads when the collector has become idle; unasked, because an answer costs as much as hundreds of datagrams. */
  async #settled(): Promise<ReturnType<typeof readThreads>> {
    let ranNs = 0;
    for (;;) {
      await sleep(SETTLE_MS);
      const readings = readThreads(this.#collector.pid, THREAD_KINDS);
      const before = ranNs;
      ranNs = [...readings.values()].reduce((sum, reading) => sum + reading.ranNs, 0);
      if (ranNs - before < SETTLED_NS) return readings;
    }
  }

  /** Waits until all that was sent has arrived and been decoded, or nothing happens any more. */
  async #arrival(before: CollectorSample, sent: number): Promise<{ sample: CollectorSample; atMs: number }> {
    let last = -1;
    let decoded = -1;
    let atMs = performance.now();
    let changedMs = atMs;
    for (;;) {
      const sample = await this.#collector.order('status', 'status');
      const nowMs = performance.now();
      const accounted = sample.received - before.received + sample.kernelDropped - before.kernelDropped;
      if (accounted !== last) atMs = nowMs;
      if (accounted !== last || sample.decoded !== decoded) changedMs = nowMs;
      else if (accounted >= sent || nowMs - changedMs > QUIET_MS) return { sample, atMs };
      last = accounted;
      decoded = sample.decoded;
      await sleep(POLL_MS);
    }
  }
}

export interface RunResult extends Burst, Ending {
  setup: SessionSetup;
  receiving: string;
  meanBytes: number;
  /** Records of a datagram, in the mean. */
  meanRecords: number;
}

/** One measurement in new processes. Load of the same rate goes before it, for compilers and caches. */
export async function measure(
  setup: SessionSetup,
  rate: number,
  seconds: number,
  warmupSeconds: number,
  onSample?: (sample: MemorySample) => void,
): Promise<RunResult> {
  const session = await Session.open(setup);
  try {
    await session.burst(rate, warmupSeconds);
    const burst = await session.burst(rate, seconds, onSample);
    const { receiving, meanBytes, meanRecords } = session;
    return { ...burst, ...(await session.close()), setup, receiving, meanBytes, meanRecords };
  } catch (error) {
    session.kill();
    throw error;
  }
}

/** CPU time of a thread, or of all, in ns per unit. */
export function cpuPer(
  threads: readonly ThreadUsage[],
  units: number,
  name?: string,
): { user: number; system: number } {
  const chosen = threads.filter((thread) => name === undefined || thread.name === name);
  return {
    user: chosen.reduce((sum, { userNs }) => sum + userNs, 0) / units,
    system: chosen.reduce((sum, { systemNs }) => sum + systemNs, 0) / units,
  };
}
