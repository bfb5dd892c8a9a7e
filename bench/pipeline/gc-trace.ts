import type { GcSummary } from './collector-process.ts';

/**
 * Pauses of all threads of a process from what V8 prints with `--trace-gc`: decode threads wait in a way that keeps
 * observers of their own from running. One entry per thread that collected anything, the one that paused longest first.
 */
export class GcTrace {
  readonly #isolates = new Map<string, GcSummary>();
  #rest = '';

  add(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) {
      const match = /^\[\d+:(0x[0-9a-f]+)\].*? MB, (?:pooled: \d+ MB, )?([\d.]+) \//.exec(line);
      if (match === null) continue;
      const gc = this.#isolates.get(match[1]) ?? { count: 0, totalMs: 0, maxMs: 0 };
      const ms = Number(match[2]);
      gc.count++;
      gc.totalMs += ms;
      gc.maxMs = Math.max(gc.maxMs, ms);
      this.#isolates.set(match[1], gc);
    }
  }

  get threads(): GcSummary[] {
    return [...this.#isolates.values()].sort((a, b) => b.maxMs - a.maxMs);
  }
}
