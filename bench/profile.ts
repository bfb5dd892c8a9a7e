import { type Profiler, Session } from 'node:inspector/promises';
import { basename } from 'node:path';
import type { Bench } from './harness.ts';

/** Where a bench spends its time: functions by the share of samples in which they were on top, largest first. */
export interface ProfileEntry {
  /** Function and file. */
  where: string;
  percent: number;
  /** Lines of compiled files on which most samples fell; of what was inlined, the line in its own file. */
  lines: { line: number; percent: number }[];
}

const SAMPLE_MICROS = 100;
const PROFILE_MS = 1000;
const WARMUP_MS = 500;
const ENTRIES = 6;
const LINES = 8;

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

/** Samples of a function, and of its lines. */
interface Hits {
  count: number;
  lines: Map<number, number>;
}

function entries({ nodes }: Profiler.Profile): ProfileEntry[] {
  const hits = new Map<string, Hits>();
  let all = 0;
  for (const { callFrame, hitCount = 0, positionTicks = [] } of nodes) {
    const { functionName, url } = callFrame;
    if (functionName === '(idle)' || url === import.meta.url) continue;
    const file = url === '' ? '' : ` (${basename(url)})`;
    const where = `${functionName || 'anonymous'}${file}`;
    const known = hits.get(where) ?? { count: 0, lines: new Map<number, number>() };
    known.count += hitCount;
    for (const { line, ticks } of positionTicks) known.lines.set(line, (known.lines.get(line) ?? 0) + ticks);
    hits.set(where, known);
    all += hitCount;
  }
  const percent = (count: number): number => (100 * count) / all;
  return largest([...hits], ([, { count }]) => count, ENTRIES)
    .filter(([, { count }]) => percent(count) >= 1)
    .map(([where, { count, lines }]) => ({
      where,
      percent: percent(count),
      lines: largest([...lines], ([, ticks]) => ticks, LINES).map(([line, ticks]) => ({
        line,
        percent: percent(ticks),
      })),
    }));
}

function largest<T>(items: readonly T[], value: (item: T) => number, count: number): T[] {
  return [...items].sort((a, b) => value(b) - value(a)).slice(0, count);
}
