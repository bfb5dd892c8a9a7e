import { PerformanceObserver } from 'node:perf_hooks';
import { Count } from '../../src/accounting/ledger.ts';
import { Collector, type CollectorReport } from '../../src/collector.ts';
import type { MemorySize } from '../../src/memory/layout.ts';
import { parseOutputUri } from '../../src/output/output-uri.ts';
import type { ReceiveMode } from '../../src/receive/receive-mode.ts';
import { type LatencySummary, watchLatency } from './latency.ts';

/** A collector in a process of its own, told what to do over IPC. */
export interface CollectorSetup {
  workers: number;
  receivers: number;
  receive: ReceiveMode;
  /** Output URIs; none: decoded and not encoded. */
  outputs: string[];
  memory?: Partial<Omit<MemorySize, 'rings'>>;
}
/** begin: forget what was measured so far. status: tell it. stop: end. */
export type CollectorOrder = 'begin' | 'status' | 'stop';

export interface GcSummary {
  count: number;
  totalMs: number;
  maxMs: number;
}
export interface CollectorSample {
  received: number;
  /** By the kernel, and for want of a free slot. */
  kernelDropped: number;
  ringDropped: number;
  /** Records. */
  decoded: number;
  /** Ranges of datagrams that were retired; with several rings, once for each that had a part in it. */
  tasks: number;
  latency: LatencySummary;
  /** Of the main thread. */
  gc: GcSummary;
  /** How often receive threads waited for a free slot. */
  ringsFull: number;
}
export type CollectorReply =
  | { kind: 'ready'; port: number; receiving: string; sharedBytes: number }
  | ({ kind: 'status' } & CollectorSample)
  | { kind: 'stopped'; report: CollectorReport };

const setup = JSON.parse(process.argv[2]) as CollectorSetup;
const reply = (message: CollectorReply): void => void process.send?.(message);
const collector = new Collector({
  source: { listen: [{ host: '127.0.0.1', port: 0 }] },
  outputs: setup.outputs.map((uri) => parseOutputUri(uri, { format: 'ndjson', schema: 'millrace' })),
  workers: setup.workers,
  receive: setup.receive,
  receivers: setup.receivers,
  memory: setup.memory,
  log: { info: () => {}, warn: (text) => process.stderr.write(`${text}\n`) },
});
const latency = watchLatency(collector.memory);
const gc: GcSummary = { count: 0, totalMs: 0, maxMs: 0 };
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) {
    gc.count++;
    gc.totalMs += duration;
    gc.maxMs = Math.max(gc.maxMs, duration);
  }
}).observe({ entryTypes: ['gc'] });

async function sample(): Promise<CollectorSample> {
  // From the system's table: sockets tell only with the next datagram, and node:dgram never.
  await collector.countKernelDrops();
  const { datagrams } = collector.status();
  let ringsFull = 0;
  for (let ring = 0; ring < collector.memory.size.rings; ring++)
    ringsFull += collector.memory.ring(ring).timesFull;
  return {
    received: datagrams,
    kernelDropped: collector.ledger.get(Count.datagrams_kernel_dropped),
    ringDropped: collector.ledger.get(Count.datagrams_refused_ring_full),
    decoded: collector.ledger.get(Count.records_decoded),
    tasks: latency.tasks,
    latency: latency.summary(),
    gc: { ...gc },
    ringsFull,
  };
}

process.on('message', async (order: CollectorOrder) => {
  if (order === 'begin') {
    latency.reset();
    Object.assign(gc, { count: 0, totalMs: 0, maxMs: 0 });
  }
  if (order !== 'stop') {
    reply({ kind: 'status', ...(await sample()) });
    return;
  }
  reply({ kind: 'stopped', report: await collector.stop() });
  process.disconnect();
});
process.on('SIGINT', () => {});

await collector.start();
const [receiver] = collector.ports;
reply({
  kind: 'ready',
  port: receiver,
  receiving: collector.receiving,
  sharedBytes: collector.memory.buffer.byteLength,
});
