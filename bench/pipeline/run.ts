import { writeReport } from '../report.ts';
import { findMax, type MaxRate } from './find-max.ts';
import { combinations, formatOf, readOptions, setupName, USAGE } from './options.ts';
import { pipelineReport } from './pipeline-report.ts';
import { cpuPer, measure, type RunResult, type SessionSetup } from './session.ts';
import { soak } from './soak.ts';

/** `npm run bench:pipeline`: whole collectors under load over loopback. Linux only. */
async function run(args: string[]): Promise<void> {
  if (process.platform !== 'linux') throw new Error('CPU times are read from /proc: Linux only');
  const options = readOptions(args);
  if (options.soakSeconds > 0) {
    console.log(await soak(options));
    return;
  }
  const runs: RunResult[] = [];
  const maxima: { setup: SessionSetup; max: MaxRate }[] = [];
  for (const setup of combinations(options)) {
    for (const rate of options.rates) {
      const result = await measure(setup, rate, options.seconds, options.warmupSeconds);
      runs.push(result);
      const { user, system } = cpuPer(result.threads, result.sent.records);
      console.log(
        `${setupName(setup)} at ${Math.round(result.rate)}/s: ${user.toFixed(0)} + ${system.toFixed(0)} ns/flow, ` +
          `p99 ${result.latency.p99} ms, lost ${result.lost}, load ${result.loadAverage}`,
      );
      if (result.unaccounted !== 0 || result.unbalanced.length > 0) {
        throw new Error(
          `${setupName(setup)}: ${result.unaccounted} datagrams in no counter; ${result.unbalanced.join('; ')}`,
        );
      }
    }
    if (!options.findMax) continue;
    const max = await findMax(setup, Math.min(2, options.seconds));
    maxima.push({ setup, max });
    console.log(`${setupName(setup)} carries ${Math.round(max.rate)}/s (${formatOf(setup)})`);
  }
  console.log(writeReport(pipelineReport(runs, maxima, args), options.folder));
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  console.error(
    error instanceof RangeError || error instanceof TypeError ? `${error.message}\n\n${USAGE}` : error,
  );
  process.exitCode = 1;
}
