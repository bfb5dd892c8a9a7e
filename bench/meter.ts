import { readFileSync } from 'node:fs';
import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';

/** What the system says was spent between start and stop; wall time is left to whoever measures it. */
export interface Spent {
  /** CPU of all threads: user and system, garbage collection and compilation included. */
  cpuNs: number;
  /** CPU of the calling thread alone; NaN where the system does not tell. */
  threadCpuNs: number;
  gcCount: number;
  gcMs: number;
}

/** Meters CPU time and garbage collection of this process. One at a time. */
export class Meter {
  #cpu: NodeJS.CpuUsage = { user: 0, system: 0 };
  #threadCpuNs = 0;
  #startMs = 0;
  #endMs = 0;
  #spent: Spent = { cpuNs: 0, threadCpuNs: 0, gcCount: 0, gcMs: 0 };
  readonly #observer = new PerformanceObserver((list) => this.#count(list.getEntries()));

  start(): void {
    this.#observer.observe({ entryTypes: ['gc'] });
    this.#spent = { cpuNs: 0, threadCpuNs: 0, gcCount: 0, gcMs: 0 };
    this.#endMs = Number.POSITIVE_INFINITY;
    this.#startMs = performance.now();
    this.#threadCpuNs = threadCpuNs();
    this.#cpu = process.cpuUsage();
  }

  stop(): void {
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#spent.cpuNs = (user + system) * 1000;
    this.#spent.threadCpuNs = threadCpuNs() - this.#threadCpuNs;
    this.#endMs = performance.now();
  }

  /** Collections are told of a little later, so this waits for the next turn of the event loop. */
  async spent(): Promise<Spent> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#count(this.#observer.takeRecords());
    this.#observer.disconnect();
    return this.#spent;
  }

  #count(entries: readonly PerformanceEntry[]): void {
    for (const { startTime, duration } of entries) {
      if (startTime < this.#startMs || startTime > this.#endMs) continue;
      this.#spent.gcCount++;
      this.#spent.gcMs += duration;
    }
  }
}

/** Smallest step that the clock behind performance.now makes, ns. */
export function clockStepNs(): number {
  let step = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 10_000; i++) {
    const from = performance.now();
    let to = from;
    while (to === from) to = performance.now();
    step = Math.min(step, to - from);
  }
  return step * 1e6;
}

/** Time this thread has spent on a CPU, as Linux keeps it. */
function threadCpuNs(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]);
  } catch {
    return Number.NaN;
  }
}
