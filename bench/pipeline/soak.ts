import { writeReport } from '../report.ts';
import { findMax } from './find-max.ts';
import { LATENCY_METHOD, LOAD_METHOD } from './method.ts';
import { type BenchOptions, combinations, formatOf } from './options.ts';
import { cpuPer, type MemorySample, measure } from './session.ts';

const SETTLED_SECONDS = 60;
const MAX_GROWTH = 0.05;
const MAX_P99_MS = 50;

/** One long run: memory, loss and delay over time. Returns the path of its report. */
export async function soak(options: BenchOptions): Promise<string> {
  const [setup] = combinations(options);
  let [rate] = options.rates;
  let basis = 'a rate that was given';
  if (options.soakShare > 0) {
    const max = await findMax(setup, Math.min(3, options.seconds));
    rate = Math.round(max.rate * options.soakShare);
    basis = `${options.soakShare * 100} % of ${Math.round(max.rate)}, the highest rate without loss just before`;
  }
  const memory: MemorySample[] = [];
  const run = await measure(setup, rate, options.soakSeconds, options.warmupSeconds, (sample) =>
    memory.push(sample),
  );
  const settled = Math.min(SETTLED_SECONDS, options.soakSeconds / 10);
  const mib = (samples: MemorySample[]): number =>
    samples.reduce((sum, { residentBytes }) => sum + residentBytes, 0) / samples.length / 2 ** 20;
  const from = memory.filter(({ atSeconds }) => atSeconds >= settled);
  const first = mib(from.filter(({ atSeconds }) => atSeconds < 2 * settled));
  const last = mib(from.filter(({ atSeconds }) => atSeconds >= options.soakSeconds - settled));
  const growth = last / first - 1;
  const { p50, p99, p999, max } = run.latency;
  const checks: [string, string, boolean][] = [
    [`memory grows by at most ${MAX_GROWTH * 100} %`, `${(growth * 100).toFixed(1)} %`, growth <= MAX_GROWTH],
    ['no loss', `${run.lost} datagrams`, run.lost === 0],
    [`p99 below ${MAX_P99_MS} ms`, `${p99} ms`, p99 < MAX_P99_MS],
    ['everything is accounted for', `${run.unaccounted} missing`, run.unaccounted === 0],
    ['the ledger balances', run.unbalanced.join('; ') || 'yes', run.unbalanced.length === 0],
  ];
  const { user, system } = cpuPer(run.threads, run.sent.records);
  return writeReport(
    {
      topic: 'soak',
      title: `Soak: ${options.soakSeconds / 60} minutes at ${Math.round(run.rate)} datagrams per second`,
      question: 'Does memory stay flat, is nothing lost and does the delay stay small over a long time?',
      method:
        `${setup.receive}, ${setup.receivers} receiver(s), ${setup.workers} decode worker(s), format ${formatOf(setup)}; ` +
        `${basis}. ${LOAD_METHOD} ${LATENCY_METHOD} Resident memory every 0.5 s; the mean of the last minute is ` +
        `compared with the mean of the second.`,
      command: `npm run bench:pipeline -- --soak ${options.soakSeconds}s --rate ${rate} --workers ${setup.workers} --format ${formatOf(setup)}`,
      tables: [
        {
          title: 'Checks',
          columns: ['check', 'measured', 'holds'],
          rows: checks.map(([name, value, holds]) => [name, value, holds ? 'yes' : 'NO']),
        },
        {
          title: 'Run',
          columns: ['what', 'value'],
          rows: [
            ['datagrams sent', run.sent.datagrams],
            ['flows decoded', run.report.counters.records_decoded],
            ['CPU ns per flow, user', user],
            ['CPU ns per flow, system', system],
            ['latency ms: p50', p50],
            ['latency ms: p99', p99],
            ['latency ms: p99.9', p999],
            ['latency ms: longest', max],
            ['resident MiB, second minute', first],
            ['resident MiB, last minute', last],
            ['resident MiB, peak', run.peakBytes / 2 ** 20],
            ['GC of the main thread: ms in all', run.mainGc.totalMs],
            ['GC of the main thread: longest ms', run.mainGc.maxMs],
            ['GC of any other thread: longest ms', run.gc[0]?.maxMs ?? 0],
            ['load average at the end', run.loadAverage],
          ],
        },
      ],
      plots: [
        {
          name: 'memory',
          title: 'Resident memory over time',
          xLabel: 'seconds',
          yLabel: 'MiB',
          series: [
            {
              name: 'collector',
              points: memory
                .filter((_, i) => i % Math.ceil(memory.length / 300) === 0)
                .map(({ atSeconds, residentBytes }) => [atSeconds, residentBytes / 2 ** 20]),
            },
          ],
        },
      ],
      findings: checks.map(
        ([name, value, holds]) => `${holds ? 'Holds' : 'Does not hold'}: ${name} (${value}).`,
      ),
      data: { run, memory },
    },
    options.folder,
  );
}
