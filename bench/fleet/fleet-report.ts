import { loadWarning } from '../harness.ts';
import { cellText, type Report } from '../report.ts';
import type { FleetBench, OperationCost } from './measure.ts';
import type { replicaMemory } from './replica-memory.ts';

export interface FleetMeasured {
  redis: string;
  load: number;
  operations: OperationCost[];
  restore: Awaited<ReturnType<FleetBench['restore']>>;
  apply: ReturnType<FleetBench['apply']>;
  fanOut: Awaited<ReturnType<FleetBench['fanOut']>>;
  refreshes: Awaited<ReturnType<FleetBench['refreshes']>>;
  memory: Awaited<ReturnType<FleetBench['memory']>>;
  replica: Awaited<ReturnType<typeof replicaMemory>>;
}

/** The report of the Redis store and the fleet log. */
export function fleetReport(measured: FleetMeasured): Report {
  const { redis, load, operations, restore, apply, fanOut, refreshes, memory, replica } = measured;
  const warning = loadWarning(load);
  const perTenThousand = 10_000 / memory.templates;
  return {
    topic: 'fleet',
    title: 'The fleet: templates in Redis, and the log',
    question:
      'What do sharing and restoring templates cost, here and in Redis, and how soon does a collector know what another learnt?',
    method:
      `${redis}, a process of its own on the same machine, without persistence, over loopback. Operations: one call at a time ` +
      'until the time is over; wall time is that of the calls, CPU that of the calling process with all its threads and that of ' +
      'Redis by INFO. Fan-out: A and B are two stores in one process, each with its own connections; from the call of put on A ' +
      'to the call that tells B, one at a time. Templates are those of the generator, 9 to 25 fields. Memory: used_memory ' +
      `before and after. Load average before: ${load.toFixed(2)}.`,
    command: 'npm run bench:fleet',
    tables: [
      {
        title: 'Operations',
        columns: ['operation', 'calls', 'median µs', 'p99 µs', 'CPU here µs', 'CPU of Redis µs'],
        rows: operations.map((o) => [o.name, o.calls, o.medianUs, o.p99Us, o.clientCpuUs, o.redisCpuUs]),
      },
      {
        title: 'The log',
        columns: ['what', 'value'],
        rows: [
          [`fan-out A → B, median µs (${fanOut.copies} puts)`, fanOut.p50Us],
          ['fan-out A → B, p99 µs', fanOut.p99Us],
          ['apply an entry, ns of CPU', apply.cpuNs],
          [`restore ${restore.scopes} scopes with ${restore.templates} templates, ms`, restore.ms],
          ['restore, ms of CPU here', restore.cpuMs],
          ['restore, commands', restore.commands],
        ],
      },
      {
        title: '1 000 announcements of known templates',
        columns: ['way', 'commands', 'entries', 'published'],
        rows: refreshes.map((r) => [r.way, r.commands, r.entries, r.published]),
      },
      {
        title: 'Memory per 10 000 templates',
        columns: ['part', 'MiB'],
        rows: [
          ['Redis, content', (memory.contentBytes * perTenThousand) / 2 ** 20],
          ['Redis, log, one entry for each', (memory.logBytes * perTenThousand) / 2 ** 20],
          ['each collector', (replica.bytes * 10_000) / replica.templates / 2 ** 20],
        ],
      },
    ],
    plots: [],
    findings: [
      ...(warning === null ? [] : [`Warning: ${warning}.`]),
      `A collector that starts has ${cellText(restore.templates)} templates of ${cellText(restore.scopes)} scopes after ${cellText(restore.ms)} ms (goal: under 2 s).`,
      `Half of the templates that A learns are known to B within ${cellText(fanOut.p50Us)} µs, 99 of 100 within ${cellText(fanOut.p99Us)} µs.`,
      `Announcing known templates makes ${refreshes.reduce((sum, { entries }) => sum + entries, 0)} entries.`,
    ],
    data: measured,
  };
}
