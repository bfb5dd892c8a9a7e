/**
 * npm run bench [-- --only NAME] [--smoke] [--json] [--rounds N]: measures the micro benches, each in processes of its own,
 * and writes a report. With --only or --smoke it only prints.
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { loadWarning, type Measurement, smoke } from './harness.ts';
import { median } from './intervals.ts';
import { benchesNamed } from './micro/index.ts';
import { type BenchResult, microReport } from './micro-report.ts';
import { cellText, writeReport } from './report.ts';
import { allocationsApart, measureApart, profileApart } from './spawn.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    smoke: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
  },
});
const rounds = Math.max(1, Number.parseInt(values.rounds, 10) || 1);
const benches = benchesNamed(values.only);
if (benches.length === 0) throw new Error(`no bench has ${values.only} in its name`);

if (values.smoke) {
  const hashes: Record<string, string> = {};
  for (const bench of benches) {
    hashes[bench.name] = await smoke(bench);
    if (!values.json) console.log(`${hashes[bench.name]}  ${bench.name}`);
  }
  if (values.json) console.log(JSON.stringify(hashes, null, 1));
} else {
  await full();
}

async function full(): Promise<void> {
  const load = loadavg()[0];
  const warning = loadWarning(load);
  if (warning !== null) console.error(`warning: ${warning}`);
  if (!values.json)
    printRow(['bench', 'unit', 'CPU ns', 'from', 'to', 'goal', 'wall ns', 'p99', '± %', 'GC']);
  const results: BenchResult[] = [];
  for (const { name } of benches) {
    const result = await measureRounds(name);
    results.push(result);
    const { unit, cpuNs, cpuLowNs, cpuHighNs, targetNs, medianNs, p99Ns, rmePercent, gcCount } = result;
    const goal = targetNs === undefined ? '' : `${cpuNs <= targetNs ? '≤' : 'OVER'} ${targetNs}`;
    if (!values.json)
      printRow([name, unit, cpuNs, cpuLowNs, cpuHighNs, goal, medianNs, p99Ns, rmePercent, gcCount]);
  }
  if (values.json) console.log(JSON.stringify({ load, results }, null, 1));
  if (values.only === undefined) console.error(`wrote ${writeReport(microReport(results, load, rounds))}`);
}

async function measureRounds(name: string): Promise<BenchResult> {
  const measured: Measurement[] = [];
  for (let i = 0; i < rounds; i++) measured.push(await measureApart(name));
  const hashes = new Set(measured.map(({ hash }) => hash));
  if (hashes.size > 1) throw new Error(`${name}: the output differs from process to process`);
  const cpus = measured.map(({ cpuNs }) => cpuNs);
  const middle = median(cpus);
  const nearest = measured.reduce((a, b) =>
    Math.abs(b.cpuNs - middle) < Math.abs(a.cpuNs - middle) ? b : a,
  );
  return {
    ...nearest,
    cpuLowNs: Math.min(...cpus),
    cpuHighNs: Math.max(...cpus),
    allocations: await allocationsApart(name),
    profile: await profileApart(name),
  };
}

function printRow(cells: (string | number)[]): void {
  console.log(
    cells.map((cell, i) => (i === 0 ? String(cell).padEnd(32) : cellText(cell).padStart(9))).join(' '),
  );
}
