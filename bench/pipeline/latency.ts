import { systemClock } from '../../src/base/clock.ts';
import { RecordOffset } from '../../src/memory/layout.ts';
import { Ring } from '../../src/memory/ring.ts';
import type { SharedMemory } from '../../src/memory/shared-memory.ts';
import { OutputQueue } from '../../src/output/output-queue.ts';

/** Delays in milliseconds, from the arrival of a datagram to the write of its flows. Whole ms: the arrival is no finer. */
export interface LatencySummary {
  samples: number;
  p50: number;
  p99: number;
  p999: number;
  max: number;
}

const BUCKETS = 10_000;
/** One datagram in so many is looked at. */
const SAMPLE = 8;

class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #samples = 0;
  #max = 0;

  add(ms: number): void {
    this.#counts[Math.max(0, Math.min(BUCKETS - 1, Math.floor(ms)))]++;
    this.#samples++;
    if (ms > this.#max) this.#max = ms;
  }

  reset(): void {
    this.#counts.fill(0);
    this.#samples = 0;
    this.#max = 0;
  }

  summary(): LatencySummary {
    const [p50, p99, p999] = [0.5, 0.99, 0.999].map((p) => this.#percentile(p));
    return { samples: this.#samples, p50, p99, p999, max: this.#max };
  }

  #percentile(p: number): number {
    let left = Math.ceil(this.#samples * p);
    for (let ms = 0; ms < BUCKETS; ms++) if ((left -= this.#counts[ms]) <= 0) return ms;
    return BUCKETS;
  }
}

/**
 * Measures inside the collector's main thread, without changing it. When slots are released their datagrams were handed
 * to the outputs in the same turn, so the release of a slot is the moment of the write for an output that keeps
 * nothing. For outputs with a queue it is the moment at which the queue says that the kernel has the bytes.
 */
export function watchLatency(memory: SharedMemory): Histogram & { tasks: number } {
  const histogram = Object.assign(new Histogram(), { tasks: 0 });
  const released = new WeakMap<Ring, number>();
  const queues = new WeakMap<object, Float64Array[]>();
  /** Queues that were given something in this turn, whose arrival times follow with the release. */
  let filled: Float64Array[][] = [];

  const release = Ring.prototype.release;
  Ring.prototype.release = function (this: Ring, count: number): void {
    histogram.tasks++;
    const first = released.get(this) ?? 0;
    const nowMs = systemClock.wallMs();
    const arrivals: number[] = [];
    for (let i = first; i < first + count; i += SAMPLE) {
      const slot = this.slotAt(i & (memory.size.slots - 1));
      arrivals.push(memory.view.getFloat64(slot + RecordOffset.receivedAtMs, true));
    }
    released.set(this, first + count);
    if (filled.length === 0) for (const at of arrivals) histogram.add(nowMs - at);
    for (const waiting of filled) waiting.push(Float64Array.from(arrivals));
    filled = [];
    release.call(this, count);
  };
  const push = OutputQueue.prototype.push;
  OutputQueue.prototype.push = function (this: OutputQueue<unknown>, bytes, records, tag, given): void {
    const before = this.length;
    push.call(this, bytes, records, tag, given);
    if (this.length === before) return;
    const waiting = queues.get(this) ?? [];
    queues.set(this, waiting);
    filled.push(waiting);
  };
  const written = OutputQueue.prototype.written;
  OutputQueue.prototype.written = function (this: OutputQueue<unknown>, chunks: number): void {
    const nowMs = systemClock.wallMs();
    for (const arrivals of queues.get(this)?.splice(0, chunks) ?? []) {
      for (const at of arrivals) histogram.add(nowMs - at);
    }
    written.call(this, chunks);
  };
  return histogram;
}
