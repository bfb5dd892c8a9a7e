/** Delays for the sinks. Everything in this folder that waits is given a Timers, so that tests own time. */
export interface Timers {
  /**
   * Runs `run` once after delayMs, unless the returned function cancels it first. An `idle` timer does not keep the
   * process alive.
   */
  after(delayMs: number, run: () => void, idle?: boolean): () => void;
}

export const systemTimers: Timers = {
  after(delayMs, run, idle = false) {
    const timer = setTimeout(run, delayMs);
    if (idle) timer.unref();
    return () => clearTimeout(timer);
  },
};
