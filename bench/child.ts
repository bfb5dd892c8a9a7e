/**
 * Measures one bench in a process of its own, so that the benches do not spoil each other's optimised code, and prints the
 * result as JSON. Arguments: measure, allocations, profile or names; then the name of the bench.
 */
import { allocations } from './allocations.ts';
import { MEASURE_OPTIONS, measure } from './harness.ts';
import { MICRO_BENCHES } from './micro/index.ts';
import { profile } from './profile.ts';

const [job, name, timeMs] = process.argv.slice(2);
if (job === 'names') {
  console.log(JSON.stringify(MICRO_BENCHES.map((bench) => bench.name)));
} else {
  const bench = MICRO_BENCHES.find((candidate) => candidate.name === name);
  if (bench === undefined) throw new Error(`there is no bench ${name}`);
  const options = { ...MEASURE_OPTIONS, ...(timeMs !== undefined && { timeMs: Number(timeMs) }) };
  const jobs = {
    measure: () => measure(bench, options),
    allocations: () => allocations(bench),
    profile: () => profile(bench),
  };
  console.log(JSON.stringify(await jobs[job as keyof typeof jobs]()));
}
