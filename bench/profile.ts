import { type Profiler, Session } from 'node:inspector/promises';
import { basename } from 'node:path';
import type { Bench } from './harness.ts';

/** Where a bench spends its time: functions by the share of samples in which they were on top, largest first. */
export interface ProfileEntry {
  /** Function and file. */
  where: string;
  percent: number;
}

const SAMPLE_MICROS = 100;
const PROFILE_MS = 1000;
const WARMUP_MS = 500;
const ENTRIES = 6;

/** Samples the calling thread while the bench runs; what prepares and checks it is left out. */
export async function profile(bench: Bench): Promise<ProfileEntry[]> {
  const prepared = await bench.prepare('full');
  const session = new Session();
  session.connect();
  try {
    await runFor(prepared.run, WARMUP_MS);
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROS });
    await session.post('Profiler.start');
    await runFor(prepared.run, PROFILE_MS);
    const { profile: sampled } = await session.post('Profiler.stop');
    return entries(sampled);
  } finally {
    session.disconnect();
    await prepared.close?.();
  }
}

async function runFor(run: () => unknown, ms: number): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end; ) {
    const result = run();
    if (result instanceof Promise) await result;
  }
}

function entries({ nodes }: Profiler.Profile): ProfileEntry[] {
  const hits = new Map<string, number>();
  let all = 0;
  for (const { callFrame, hitCount = 0 } of nodes) {
    const { functionName, url } = callFrame;
    if (functionName === '(idle)') continue;
    const file = url === '' ? '' : ` (${basename(url)})`;
    const where = `${functionName || 'anonymous'}${file}`;
    hits.set(where, (hits.get(where) ?? 0) + hitCount);
    all += hitCount;
  }
  return [...hits]
    .sort(([, a], [, b]) => b - a)
    .slice(0, ENTRIES)
    .map(([where, count]) => ({ where, percent: (100 * count) / all }));
}
