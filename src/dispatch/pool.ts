import { Piscina } from 'piscina';
import { backoffMs } from '../base/backoff.ts';
import { describeError, MillraceError } from '../base/errors.ts';
import { NO_SLAB } from '../memory/slabs.ts';
import type { DecodeTask, DecodeTaskResult, WorkerSetup } from './task.ts';

/** Memory of a decode thread's own heap, beyond which it is ended and replaced. */
const WORKER_HEAP_MB = 512;
/** Tasks given to a worker at a time: one in work and one waiting, so that it never has to wait for the main thread. */
export const TASKS_PER_WORKER = 2;

/** First and longest pause before the pool is asked to replace a thread that has ended. */
const REPLACE_MS = 100;
const MAX_REPLACE_MS = 5_000;

const DECODE_ENTRY = new URL('../../workers/decode.js', import.meta.url);

/** The decode threads. The only file on the main thread that knows Piscina. */
export class DecodePool {
  readonly #pool: Piscina<DecodeTask, DecodeTaskResult>;
  readonly workers: number;

  /** Threads that ended although nobody asked them to. */
  lost = 0;
  /** Those that ended since a task was done. */
  #ended = 0;
  readonly #pauses = new Set<NodeJS.Timeout>();
  #closing = false;
  readonly #nothing: DecodeTask;

  /** entry: module that exports `decode` (workers/decode.ts). */
  constructor(workers: number, setup: WorkerSetup, entry = DECODE_ENTRY) {
    this.workers = workers;
    this.#nothing = { firstItem: 0, items: 0, careful: false, slabs: setup.encodings.map(() => NO_SLAB) };
    this.#pool = new Piscina({
      filename: entry.href,
      name: 'decode',
      minThreads: workers,
      maxThreads: workers,
      concurrentTasksPerWorker: TASKS_PER_WORKER,
      idleTimeout: Number.POSITIVE_INFINITY,
      workerData: setup,
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB },
      recordTiming: false,
      workerHistogram: false,
    });
    this.#pool.on('workerDestroy', () => {
      if (this.#closing) return;
      this.lost++;
      const pauseMs = backoffMs(this.#ended++, REPLACE_MS, MAX_REPLACE_MS);
      // A thread that ends before it has loaded is replaced with the next task only, and tasks may be waiting already.
      const pause = setTimeout(() => {
        this.#pauses.delete(pause);
        this.run(this.#nothing).catch(() => {});
      }, pauseMs);
      this.#pauses.add(pause);
    });
    // A worker that dies between tasks is replaced by the pool; nothing was lost with it.
    this.#pool.on('error', () => {});
  }

  /** Resolves when every worker has loaded; MillraceError WORKER_FAILED when one cannot. */
  async ready(): Promise<void> {
    const failed = new Promise<never>((_, reject) => {
      this.#pool.once('error', reject);
    });
    try {
      await Promise.race([
        failed,
        Promise.all(Array.from({ length: this.workers }, () => this.run(this.#nothing))),
      ]);
    } catch (error) {
      throw new MillraceError('WORKER_FAILED', `decode workers cannot start: ${describeError(error)}`, {
        cause: error,
      });
    }
  }

  /** Tasks that can be given out without waiting in the pool. */
  get capacity(): number {
    return this.workers * TASKS_PER_WORKER;
  }

  /** Rejects when the worker dies or the task throws. */
  async run(task: DecodeTask): Promise<DecodeTaskResult> {
    const result = await this.#pool.run(task);
    this.#ended = 0;
    return result;
  }

  /** Threads that can work. Those that came in place of others may be loading, or end before they have loaded. */
  get alive(): number {
    return Math.max(0, this.#pool.threads.length - this.#ended);
  }

  /** Ids of the threads that are alive. */
  get threadIds(): number[] {
    return this.#pool.threads.map((thread) => thread.threadId);
  }

  /** Ends a worker in whatever it does; the pool starts another. */
  async terminate(threadId: number): Promise<void> {
    await this.#pool.threads.find((thread) => thread.threadId === threadId)?.terminate();
  }

  async close(): Promise<void> {
    this.#closing = true;
    for (const pause of this.#pauses) clearTimeout(pause);
    await this.#pool.destroy();
  }
}
