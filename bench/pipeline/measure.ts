import { setTimeout as sleep } from 'node:timers/promises';
import type { CollectorReport } from '../../src/collector.ts';
import { unaccounted, unbalanced } from './accounts.ts';
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
import { loadAverage, residentBytes, type ThreadUsage, threadUsage, usageBetween } from './process-usage.ts';
import type { SenderOrder, SenderReply } from './sender.ts';

/** One measurement: a collector, a load, and how long. */
export interface RunSetup extends CollectorSetup {
  load: PoolOptions;
  /** Datagrams per second; 0: as fast as the sender can. */
  rate: number;
  seconds: number;
  /** Load of the same rate before the measurement starts, for compilers and caches. */
  warmupSeconds: number;
  /** Called every now and then while the load runs. */
  onSample?: (sample: { atSeconds: number; residentBytes: number }) => void;
}

export interface RunResult {
  setup: RunSetup;
  receiving: string;
  sent: Sent;
  meanBytes: number;
  /** Per second of the time in which the load was sent. */
  rate: number;
  /** Datagrams of the measured load that the kernel dropped or that found no slot. */
  lost: number;
  /** How long after the last datagram was sent the last one was received. */
  drainedMs: number;
  threads: ThreadUsage[];
  latency: CollectorSample['latency'];
  mainGc: GcSummary;
  /** Of every thread, since it started. */
  gc: GcSummary[];
  residentBytes: number;
  peakBytes: number;
  ringsFull: number;
  loadAverage: number;
  report: CollectorReport;
  /** Sent and in no counter, over the whole run; equations of the ledger that do not hold. */
  unaccounted: number;
  unbalanced: string[];
}

const THREAD_KINDS = ['main', 'receive', 'decode', 'compress'];
const NAMES = new URL('./thread-names.js', import.meta.url).href;
const POLL_MS = 10;
/** After so long without anything new, what is missing will not come any more. */
const QUIET_MS = 1_500;
const SAMPLE_MS = 500;

type CollectorChild = Child<CollectorOrder, CollectorReply>;

/** Runs one measurement in two new processes. */
export async function measure(setup: RunSetup): Promise<RunResult> {
  const { onSample, load, rate, seconds, warmupSeconds, ...collectorSetup } = setup;
  const collector: CollectorChild = new Child('./collector-process.js', collectorSetup, [
    '--import',
    NAMES,
    '--trace-gc',
  ]);
  let sender: Child<SenderOrder, SenderReply> | null = null;
  const trace = new GcTrace();
  collector.process.stdout!.setEncoding('latin1').on('data', (text: string) => trace.add(text));
  try {
    const { port, receiving } = await collector.next('ready');
    sender = new Child('./sender.js', { ...load, port });
    sender.process.stdout!.resume();
    const { meanBytes } = await sender.next('ready');
    const order = (duringSeconds: number): SenderOrder => ({
      datagrams: Math.max(1, Math.round((rate || MAX_RATE) * duringSeconds)),
      rate,
    });
    const warmup = await sender.order(order(warmupSeconds), 'sent');
    await allReceived(collector, warmup.datagrams);
    const before = await collector.order('begin', 'status');
    const usedBefore = threadUsage(collector.pid, THREAD_KINDS);
    const startMs = performance.now();
    const sampler = setInterval(() => {
      const atSeconds = (performance.now() - startMs) / 1000;
      onSample?.({ atSeconds, residentBytes: residentBytes(collector.pid).now });
    }, SAMPLE_MS);
    const { kind: _, ...sent } = await sender.order(order(seconds), 'sent');
    clearInterval(sampler);
    const sentMs = performance.now();
    const { sample, atMs } = await allReceived(collector, warmup.datagrams + sent.datagrams);
    const threads = usageBetween(usedBefore, threadUsage(collector.pid, THREAD_KINDS));
    const memory = residentBytes(collector.pid);
    const { report } = await collector.order('stop', 'stopped');
    const { counters } = report;
    const ended = new Promise((resolve) => collector.process.once('close', resolve));
    if (collector.process.exitCode === null) await ended;
    return {
      setup,
      receiving,
      sent,
      meanBytes,
      rate: sent.datagrams / sent.seconds,
      lost:
        counters.datagrams_kernel_dropped -
        before.kernelDropped +
        counters.datagrams_refused_ring_full,
      drainedMs: Math.max(0, atMs - sentMs),
      threads,
      latency: sample.latency,
      mainGc: sample.gc,
      gc: trace.threads,
      residentBytes: memory.now,
      peakBytes: memory.peak,
      ringsFull: sample.ringsFull,
      loadAverage: loadAverage(),
      report,
      unaccounted: unaccounted(report, warmup.datagrams + sent.datagrams),
      unbalanced: unbalanced(report),
    };
  } finally {
    sender?.kill();
    collector.kill();
  }
}

/** More than any sender reaches: bounds what an order without a rate sends. */
const MAX_RATE = 200_000;

/** Waits until everything has arrived, or nothing does any more. */
async function allReceived(
  collector: CollectorChild,
  sent: number,
): Promise<{ sample: CollectorSample; atMs: number }> {
  let last = -1;
  let atMs = performance.now();
  for (;;) {
    const sample = await collector.order('status', 'status');
    const nowMs = performance.now();
    const accounted = sample.received + sample.kernelDropped;
    if (accounted !== last) {
      last = accounted;
      atMs = nowMs;
    }
    if (accounted >= sent || nowMs - atMs > QUIET_MS) return { sample, atMs };
    await sleep(POLL_MS);
  }
}

/** Sums over threads, in ns per unit. */
export function cpuPer(threads: readonly ThreadUsage[], units: number): { user: number; system: number } {
  const sum = (pick: (t: ThreadUsage) => number): number => threads.reduce((n, t) => n + pick(t), 0) / units;
  return { user: sum((t) => t.userNs), system: sum((t) => t.systemNs) };
}
