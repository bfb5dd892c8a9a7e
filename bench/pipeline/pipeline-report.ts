import type { Report, ReportPlot, ReportTable } from '../report.ts';
import type { MaxRate } from './find-max.ts';
import { CPU_METHOD, LATENCY_METHOD, LOAD_METHOD } from './method.ts';
import { formatOf, setupName } from './options.ts';
import { cpuPer, type RunResult, type SessionSetup } from './session.ts';

interface Maximum {
  setup: SessionSetup;
  max: MaxRate;
}

const THREADS = ['main', 'receive', 'decode', 'other'];

export function pipelineReport(runs: RunResult[], maxima: Maximum[], args: string[]): Report {
  const loads = [
    ...runs.map(({ loadAverage }) => loadAverage),
    ...maxima.map(({ max }) => max.at?.loadAverage ?? 0),
  ];
  const load = loads.length === 0 ? 'unknown' : `${Math.min(...loads)} to ${Math.max(...loads)}`;
  return {
    topic: maxima.length > 0 ? 'maximum' : 'pipeline',
    title: maxima.length > 0 ? 'The highest rate without loss' : 'The whole collector over loopback',
    question:
      'What does a flow cost in each thread, how long is it on its way, and what is the highest rate without loss?',
    method:
      `${LOAD_METHOD} ${CPU_METHOD} ${LATENCY_METHOD} Outputs are \`null:\`; format null has no output, so flows are ` +
      `decoded and not encoded. After every run datagrams sent = received + dropped by the kernel, and every equation of ` +
      `the ledger holds, or the bench fails. Load average meanwhile (this bench is about 2 of it): ${load}.`,
    command: ['npm run bench:pipeline --', ...args].join(' '),
    tables: [summary(runs), byThread(runs), memory(runs), maximaTable(maxima)].filter(
      ({ rows }) => rows.length > 0,
    ),
    plots: [overWorkers(maxima), overRate(runs)].filter(({ series }) => series.length > 0),
    findings: findings(runs, maxima),
    data: { runs, maxima },
  };
}

function summary(runs: RunResult[]): ReportTable {
  return {
    title: 'CPU time per flow and delay',
    columns: [
      'setup',
      'datagrams/s',
      'flows/s',
      'ns/flow user',
      'ns/flow system',
      'flows per CPU second',
      'p50 ms',
      'p99 ms',
      'p99.9 ms',
      'lost: kernel',
      'lost: ring',
      'load',
    ],
    rows: runs.map((run) => {
      const { user, system } = cpuPer(run.threads, decoded(run));
      return [
        setupName(run.setup),
        Math.round(run.rate),
        Math.round(run.rate * run.meanRecords),
        user,
        system,
        Math.round(1e9 / (user + system)),
        run.latency.p50,
        run.latency.p99,
        run.latency.p999,
        run.kernelDropped,
        run.ringDropped,
        run.loadAverage,
      ];
    }),
  };
}

/** Flows that arrived; what was lost cost nothing here. */
function decoded(run: RunResult): number {
  return run.sent.records * (1 - run.lost / run.sent.datagrams);
}

function byThread(runs: RunResult[]): ReportTable {
  return {
    title: 'CPU time per datagram by thread, ns (user + system)',
    columns: ['setup', 'datagrams/s', ...THREADS, 'all'],
    rows: runs.map((run) => {
      const datagrams = run.sent.datagrams - run.lost;
      const cell = (name?: string): string => {
        const { user, system } = cpuPer(run.threads, datagrams, name);
        return `${Math.round(user)} + ${Math.round(system)}`;
      };
      return [setupName(run.setup), Math.round(run.rate), ...THREADS.map(cell), cell()];
    }),
  };
}

function memory(runs: RunResult[]): ReportTable {
  return {
    title: 'Memory and garbage collection',
    columns: [
      'setup',
      'datagrams/s',
      'resident MiB',
      'peak MiB',
      'GC main ms/s',
      'GC main longest ms',
      'GC workers longest ms',
      'times a ring was full',
    ],
    rows: runs.map((run) => [
      setupName(run.setup),
      Math.round(run.rate),
      run.residentBytes / 2 ** 20,
      run.peakBytes / 2 ** 20,
      run.mainGc.totalMs / run.sent.seconds,
      run.mainGc.maxMs,
      run.gc[0]?.maxMs ?? 0,
      run.ringsFull,
    ]),
  };
}

function maximaTable(maxima: Maximum[]): ReportTable {
  return {
    title: 'Highest rate without loss, confirmed three times',
    columns: [
      'setup',
      'datagrams/s',
      'flows/s',
      'p99 ms there',
      'taken in under overload',
      'offered then',
      'load',
    ],
    rows: maxima.map(({ setup, max }) => [
      setupName(setup),
      Math.round(max.rate),
      max.at === null ? 0 : Math.round((max.rate * max.at.sent.records) / max.at.sent.datagrams),
      max.at?.latency.p99 ?? Number.NaN,
      Math.round(max.overload.received),
      Math.round(max.overload.offered),
      max.at?.loadAverage ?? Number.NaN,
    ]),
  };
}

function overWorkers(maxima: Maximum[]): ReportPlot {
  return {
    name: 'workers',
    title: 'Throughput over workers',
    xLabel: 'decode workers',
    yLabel: 'datagrams per second without loss',
    series: series(maxima, ({ setup, max }) => [
      `${setup.receive}×${setup.receivers} ${formatOf(setup)}`,
      [setup.workers, max.rate],
    ]),
  };
}

function overRate(runs: RunResult[]): ReportPlot {
  return {
    name: 'latency',
    title: 'Latency over rate',
    xLabel: 'datagrams per second',
    yLabel: 'p99, ms',
    series: series(runs, (run) => [setupName(run.setup), [run.rate, run.latency.p99]]),
  };
}

function series<T>(
  items: T[],
  place: (item: T) => [string, [number, number]],
): { name: string; points: [number, number][] }[] {
  const byName = new Map<string, [number, number][]>();
  for (const item of items) {
    const [name, point] = place(item);
    byName.set(name, [...(byName.get(name) ?? []), point]);
  }
  return [...byName].map(([name, points]) => ({ name, points: points.sort((a, b) => a[0] - b[0]) }));
}

function findings(runs: RunResult[], maxima: Maximum[]): string[] {
  const found: string[] = [];
  const byCost = [...runs].sort((a, b) => total(a) - total(b));
  if (byCost.length > 0) {
    found.push(`Cheapest: ${costText(byCost[0])}. Dearest: ${costText(byCost.at(-1)!)}.`);
  }
  const fastest = Math.max(0, ...runs.map(({ rate }) => rate));
  for (const run of runs.filter(({ rate, setup }) => rate > fastest * 0.9 && setup.workers === 1)) {
    const all = total(run);
    const shares = THREADS.map((name) => {
      const { user, system } = cpuPer(run.threads, decoded(run), name);
      return `${name} ${(((user + system) / all) * 100).toFixed(0)} %`;
    });
    found.push(
      `${setupName(run.setup)} at ${Math.round(run.rate)}/s, ${all.toFixed(0)} ns per flow: ${shares.join(', ')}.`,
    );
  }
  const best = maxima.reduce<Maximum | null>((a, b) => (a === null || b.max.rate > a.max.rate ? b : a), null);
  if (best !== null)
    found.push(
      `Highest rate of all without loss: ${Math.round(best.max.rate)} datagrams/s, ${setupName(best.setup)}.`,
    );
  const bySender = maxima.filter(({ max }) => max.overload.received > max.overload.offered * 0.95);
  if (bySender.length > 0) {
    found.push(
      `Under overload everything was taken in, so that the sender on the same cores was the limit: ${bySender.map(({ setup }) => setupName(setup)).join(', ')}.`,
    );
  }
  const lossy = runs.filter(({ lost }) => lost > 0);
  found.push(
    lossy.length === 0
      ? 'Nothing was lost at any of the fixed rates, and every datagram is in a counter.'
      : `Lost, and counted: ${lossy.map((run) => `${run.lost} of ${run.sent.datagrams} (${setupName(run.setup)} at ${Math.round(run.rate)}/s)`).join('; ')}.`,
  );
  return found;
}

function total(run: RunResult): number {
  const { user, system } = cpuPer(run.threads, decoded(run));
  return user + system;
}

function costText(run: RunResult): string {
  return `${total(run).toFixed(0)} ns per flow (${setupName(run.setup)} at ${Math.round(run.rate)}/s)`;
}
