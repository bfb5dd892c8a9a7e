import { strict as assert } from 'node:assert';
import { loadavg } from 'node:os';
import { Bench as Tinybench } from 'tinybench';
import { clockStepNs, Meter, type Spent } from './meter.ts';

/** `smoke`: small input, a handful of runs, as a test. `full`: as large as in production, for numbers. */
export type Size = 'smoke' | 'full';
export type Unit = 'record' | 'datagram' | 'task' | 'lookup' | 'template';

/** One thing that is measured. The name is `part/variant`. */
export interface Bench {
  readonly name: string;
  readonly unit: Unit;
  /** What the CPU time of a unit should not exceed; only where there is such a goal. */
  readonly targetNs?: number;
  prepare(size: Size): Prepared | Promise<Prepared>;
}

export interface Prepared {
  /** Units that one run works off: always the same. */
  readonly unitsPerRun: number;
  /** The measured work, a promise where it is done by other threads. What it returns is kept, so that nothing is optimised away. */
  run(): unknown;
  /** Throws unless the output of the last run is right, by an expectation that does not come from the code under test. */
  check(): void;
  /** Digest of the output: equal input, equal digest, on every machine. */
  hash(): string;
  close?(): void | Promise<void>;
}

/** Times are nanoseconds per unit. */
export interface Measurement {
  name: string;
  unit: Unit;
  targetNs?: number;
  unitsPerRun: number;
  runs: number;
  /** CPU of all threads, and of the thread that calls run. */
  cpuNs: number;
  threadCpuNs: number;
  /** Wall time. */
  medianNs: number;
  p75Ns: number;
  p99Ns: number;
  /** Relative margin of error of the mean wall time, percent, 95 %. */
  rmePercent: number;
  gcCount: number;
  gcMs: number;
  /** Smallest step of the clock. */
  resolutionNs: number;
  /** 1-minute load average before. */
  load: number;
  hash: string;
}

export interface MeasureOptions {
  timeMs: number;
  warmupMs: number;
}

export const MEASURE_OPTIONS: Readonly<MeasureOptions> = { timeMs: 1000, warmupMs: 500 };
const SMOKE_RUNS = 3;
const WARN_LOAD = 1;

/** Runs a bench a few times in its small size, checks the output and returns its digest. */
export async function smoke(bench: Bench): Promise<string> {
  const prepared = await bench.prepare('smoke');
  try {
    for (let i = 0; i < SMOKE_RUNS; i++) keep(await prepared.run());
    prepared.check();
    return prepared.hash();
  } finally {
    await prepared.close?.();
  }
}

/** Measures a bench in its full size; the output is checked before and after. */
export async function measure(bench: Bench, options: MeasureOptions = MEASURE_OPTIONS): Promise<Measurement> {
  const load = loadavg()[0];
  const prepared = await bench.prepare('full');
  try {
    const first = prepared.run();
    const async = first instanceof Promise;
    keep(await first);
    prepared.check();
    const hash = prepared.hash();
    globalThis.gc?.();
    const meter = new Meter();
    const tinybench = new Tinybench({
      time: options.timeMs,
      warmupTime: options.warmupMs,
      throws: true,
      setup: (_task, mode) => {
        if (mode === 'run') meter.start();
      },
      teardown: (_task, mode) => {
        if (mode === 'run') meter.stop();
      },
    });
    tinybench.add(bench.name, () => keep(prepared.run()), { async });
    const [task] = async ? await tinybench.run() : tinybench.runSync();
    const spent = await meter.spent();
    keep(await prepared.run());
    prepared.check();
    assert.equal(prepared.hash(), hash, `${bench.name}: the output changed while it was measured`);
    return measurement(bench, prepared.unitsPerRun, task, spent, load, hash);
  } finally {
    await prepared.close?.();
  }
}

type Task = ReturnType<Tinybench['runSync']>[number];

function measurement(
  bench: Bench,
  unitsPerRun: number,
  { result }: Task,
  spent: Spent,
  load: number,
  hash: string,
): Measurement {
  if (result.state !== 'completed') throw new Error(`${bench.name} did not complete: ${result.state}`);
  const { latency } = result;
  const units = latency.samplesCount * unitsPerRun;
  const perUnit = (runMs: number): number => (runMs * 1e6) / unitsPerRun;
  return {
    name: bench.name,
    unit: bench.unit,
    targetNs: bench.targetNs,
    unitsPerRun,
    runs: latency.samplesCount,
    cpuNs: spent.cpuNs / units,
    threadCpuNs: spent.threadCpuNs / units,
    medianNs: perUnit(latency.p50),
    p75Ns: perUnit(latency.p75),
    p99Ns: perUnit(latency.p99),
    rmePercent: latency.rme,
    gcCount: spent.gcCount,
    gcMs: spent.gcMs,
    resolutionNs: clockStepNs(),
    load,
    hash,
  };
}

export function loadWarning(load: number): string | null {
  if (load <= WARN_LOAD) return null;
  return `load average ${load.toFixed(2)} before the run: wall times are not to be trusted, CPU times less than usual`;
}

let kept: unknown;
/** Lets a result escape from the optimiser. */
function keep<T>(value: T): T {
  kept = value;
  return value;
}
export const lastKept = (): unknown => kept;
