/**
 * Cores and the threads that share them, much as Linux does it: of the threads that can run, those run that have had
 * least so far; one that wakes up takes the core of one that has had clearly more. Times in ns.
 */

const SLICE_NS = 3e6;
/** How far behind the others a thread is at most when it wakes up. */
const WAKE_CREDIT_NS = 3e6;
/** By how much a thread that wakes must be behind one that runs to take its core. */
const WAKE_MARGIN_NS = 1e6;
const DONE_NS = 1e-3;

/** A thread: at most one piece of work at a time, and what follows it. */
export class Thread {
  readonly name: string;
  left = 0;
  used = 0;
  /** Runtime by which it is compared with others. */
  virtual = 0;
  sliceEnd = 0;
  next: (() => void) | null = null;
  #doneAt = 0;

  constructor(name: string) {
    this.name = name;
  }

  get busy(): boolean {
    return this.next !== null;
  }

  /** How long it has had nothing to do. */
  slept(now: number): number {
    return now - this.#doneAt;
  }

  /** The work is done; what follows may be more. */
  finish(now: number): void {
    const next = this.next!;
    this.next = null;
    this.#doneAt = now;
    next();
  }

  start(work: number, next: () => void): void {
    this.left = Math.max(work, 1);
    this.used += this.left;
    this.next = next;
  }
}

export class Scheduler {
  now = 0;
  readonly #cores: number;
  readonly #threads: Thread[] = [];
  #running: Thread[] = [];
  #waiting: Thread[] = [];
  readonly #timers: { at: number; run: () => void }[] = [];

  constructor(cores: number) {
    this.#cores = cores;
  }

  thread(name: string): Thread {
    const thread = new Thread(name);
    this.#threads.push(thread);
    return thread;
  }

  at(time: number, run: () => void): void {
    this.#timers.push({ at: time, run });
  }

  /** wake: gives work to threads that have none; called after everything that happens. */
  run(until: number, wake: () => void): void {
    while (this.now < until) {
      wake();
      this.#place();
      let step = until - this.now;
      for (const { left, sliceEnd } of this.#running) {
        step = Math.min(step, left);
        if (this.#waiting.length > 0) step = Math.min(step, Math.max(0, sliceEnd - this.now));
      }
      for (const { at } of this.#timers) step = Math.min(step, Math.max(0, at - this.now));
      this.now += step;
      for (const thread of this.#running) {
        thread.left -= step;
        thread.virtual += step;
      }
      this.#finish();
    }
  }

  #finish(): void {
    for (const thread of [...this.#running]) {
      if (thread.left > DONE_NS) continue;
      thread.finish(this.now);
    }
    for (let i = this.#timers.length - 1; i >= 0; i--) {
      if (this.#timers[i].at > this.now) continue;
      const [{ run }] = this.#timers.splice(i, 1);
      run();
    }
  }

  #place(): void {
    this.#running = this.#running.filter(({ busy }) => busy);
    const known = new Set([...this.#running, ...this.#waiting]);
    const woken = this.#threads.filter((thread) => thread.busy && !known.has(thread));
    const least = Math.min(...[...known].map(({ virtual }) => virtual));
    for (const thread of woken) {
      if (Number.isFinite(least)) thread.virtual = Math.max(thread.virtual, least - WAKE_CREDIT_NS);
      this.#waiting.push(thread);
    }
    if (this.#waiting.length === 0) return;
    for (const thread of [...this.#running]) {
      if (this.now >= thread.sliceEnd && this.#running.length >= this.#cores) this.#stop(thread);
    }
    while (this.#waiting.length > 0 && this.#running.length < this.#cores) this.#runLeast();
    for (const thread of woken) {
      if (!this.#waiting.includes(thread)) continue;
      const victim = this.#running.reduce((a, b) => (b.virtual > a.virtual ? b : a));
      if (victim.virtual < thread.virtual + WAKE_MARGIN_NS) continue;
      this.#stop(victim);
      this.#runLeast();
    }
  }

  #stop(thread: Thread): void {
    this.#running.splice(this.#running.indexOf(thread), 1);
    this.#waiting.push(thread);
  }

  #runLeast(): void {
    const thread = this.#waiting.reduce((a, b) => (b.virtual < a.virtual ? b : a));
    this.#waiting.splice(this.#waiting.indexOf(thread), 1);
    thread.sliceEnd = this.now + SLICE_NS;
    this.#running.push(thread);
  }
}
