import type { Allocations } from './allocations.ts';
import { loadWarning, type Measurement } from './harness.ts';
import { BATCH_SIZES } from './micro/dispatch.bench.ts';
import type { ProfileEntry } from './profile.ts';
import { cellText, type Report, type ReportPlot, type ReportTable } from './report.ts';

/** A bench in several processes: the one in the middle by CPU time, and the range of all. */
export interface BenchResult extends Measurement {
  cpuLowNs: number;
  cpuHighNs: number;
  allocations: Allocations;
  profile: ProfileEntry[];
}

/** The report of the micro benches. */
export function microReport(results: readonly BenchResult[], load: number, rounds: number): Report {
  const warning = loadWarning(load);
  return {
    topic: 'micro',
    title: 'Micro benches: what each part costs',
    question: 'What does one unit cost in each part of the way of the data, alone and warm?',
    method:
      `Each bench ran in ${rounds} processes of its own for a second after half a second of warming up; the CPU column is the ` +
      'process in the middle, with the range of all. Output was checked before and after against an independent reader. CPU ' +
      'is that of all threads by getrusage, garbage collection and compilation included; the calling thread alone is from ' +
      `the scheduler. The clock's smallest step is ${cellText(results[0].resolutionNs)} ns and a run takes far longer. ` +
      'Allocations were measured in a process that does not collect garbage. ' +
      `Load average before: ${load.toFixed(2)}${warning === null ? '' : ', with other work on the same cores'}.`,
    command: 'npm run bench',
    tables: [cpuTable(results), wallTable(results), profileTable(results)],
    plots: [dispatchPlot(results)],
    findings: [...(warning === null ? [] : [`Warning: ${warning}.`]), ...goals(results), ...ratios(results)],
    data: { load, rounds, results },
  };
}

function cpuTable(results: readonly BenchResult[]): ReportTable {
  return {
    title: 'CPU time per unit',
    columns: ['bench', 'unit', 'ns', 'lowest', 'highest', 'calling thread ns', 'goal ns', 'of goal'],
    rows: results.map((r) => [
      r.name,
      r.unit,
      r.cpuNs,
      r.cpuLowNs,
      r.cpuHighNs,
      r.threadCpuNs,
      r.targetNs ?? '',
      r.targetNs === undefined ? '' : `${Math.round((100 * r.cpuNs) / r.targetNs)} %`,
    ]),
  };
}

function wallTable(results: readonly BenchResult[]): ReportTable {
  return {
    title: 'Wall time, garbage and output',
    columns: [
      'bench',
      'median ns',
      'p75 ns',
      'p99 ns',
      '± % of mean',
      'runs',
      'GCs',
      'heap B/1000',
      'buffers B/1000',
      'output',
    ],
    rows: results.map((r) => [
      r.name,
      r.medianNs,
      r.p75Ns,
      r.p99Ns,
      r.rmePercent,
      r.runs,
      r.gcCount,
      Math.round(r.allocations.heapBytes),
      Math.round(r.allocations.bufferBytes),
      `\`${r.hash}\``,
    ]),
  };
}

function profileTable(results: readonly BenchResult[]): ReportTable {
  return {
    title: 'Where the time of the calling thread goes',
    columns: ['bench', 'functions on top of the stack, percent of samples'],
    rows: results.map(({ name, profile }) => [
      name,
      profile.map(({ where, percent }) => `${where} ${Math.round(percent)}`).join(', '),
    ]),
  };
}

/** Batch size against cost, from 16 up: a task for each datagram is off any scale. */
function dispatchPlot(results: readonly BenchResult[]): ReportPlot {
  const sizes = BATCH_SIZES.filter((size) => size > 1);
  const points = (value: (result: BenchResult) => number): [number, number][] =>
    sizes.flatMap((size) => {
      const result = results.find(({ name }) => name === `dispatch/${size}-per-task`);
      return result === undefined ? [] : [[size, value(result) / 1000] as [number, number]];
    });
  return {
    name: 'dispatch',
    title: 'Dispatch by batch size',
    xLabel: 'datagrams per task',
    yLabel: 'µs of CPU per datagram',
    series: [
      { name: 'all threads', points: points(({ cpuNs }) => cpuNs) },
      { name: 'main thread', points: points(({ threadCpuNs }) => threadCpuNs) },
    ],
  };
}

function goals(results: readonly BenchResult[]): string[] {
  return results.flatMap(({ name, unit, cpuNs, targetNs }) => {
    if (targetNs === undefined) return [];
    const verdict = cpuNs <= targetNs ? 'meets' : 'misses';
    return [`\`${name}\` ${verdict} its goal: ${cellText(cpuNs)} of ${targetNs} ns per ${unit}.`];
  });
}

/** Pairs that differ in one thing, and what it is. */
const PAIRS: readonly (readonly [bench: string, other: string, text: string])[] = [
  [
    'scan/1-set-items',
    'scan/1-set-items-recent',
    'where datagrams have left the caches, scan and bind of one set costs',
  ],
  [
    'scan/8-sets-items',
    'scan/8-sets-items-recent',
    'where datagrams have left the caches, scan and bind of eight sets costs',
  ],
  ['plan/v9-21-fields-interpreted', 'plan/v9-21-fields-compiled', 'interpreting a plan of 21 fields costs'],
  ['encode/ndjson-millrace-named', 'encode/ndjson-millrace', 'NDJSON with names from options data costs'],
  ['encode/msgpack-millrace-named', 'encode/msgpack-millrace', 'msgpack with names from options data costs'],
  ['columnar/read-objects', 'columnar/read-columns', 'reading columnar frames as objects costs'],
  ['dispatch/16-per-task', 'dispatch/128-per-task', 'tasks of 16 datagrams cost'],
];

function ratios(results: readonly BenchResult[]): string[] {
  const cpuOf = (wanted: string): number => results.find(({ name }) => name === wanted)?.cpuNs ?? Number.NaN;
  return PAIRS.flatMap(([bench, other, text]) => {
    const ratio = cpuOf(bench) / cpuOf(other);
    if (!Number.isFinite(ratio)) return [];
    return [
      `${text[0].toUpperCase()}${text.slice(1)} ${cellText(ratio)} times as much (\`${bench}\` over \`${other}\`).`,
    ];
  });
}
