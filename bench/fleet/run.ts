/**
 * npm run bench:fleet [-- --smoke] [--out FOLDER]: starts a redis-server, measures the Redis store and the fleet log, and
 * writes a report. With --smoke it measures little, and only prints.
 */
import { execFileSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { RedisServer } from '../../test/support/redis-server.ts';
import { loadWarning } from '../harness.ts';
import { writeReport } from '../report.ts';
import { fleetReport } from './fleet-report.ts';
import { FleetBench, SIZES } from './measure.ts';
import { replicaMemory } from './replica-memory.ts';

const { values } = parseArgs({
  options: {
    smoke: { type: 'boolean', default: false },
    out: { type: 'string', default: 'perf-reports' },
  },
});
const load = loadavg()[0];
const warning = loadWarning(load);
if (warning !== null) console.error(`warning: ${warning}`);
// In front of everything else, whose garbage would count.
const replica = await replicaMemory(2_000);
const server = await RedisServer.start();
const size = values.smoke ? SIZES.smoke : SIZES.full;
const bench = new FleetBench(server, size);
try {
  const measured = {
    redis: execFileSync('redis-server', ['--version'], { encoding: 'utf8' }).trim().split(' sha')[0],
    load,
    operations: await bench.operations(),
    restore: await bench.restore(),
    apply: bench.apply(),
    fanOut: await bench.fanOut(),
    refreshes: await bench.refreshes(),
    memory: await bench.memory(),
    replica,
  };
  console.log(JSON.stringify(measured, null, 1));
  if (!values.smoke) console.error(`wrote ${writeReport(fleetReport(measured), values.out)}`);
} finally {
  await bench.close();
  await server.stop();
}
