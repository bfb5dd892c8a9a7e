/** The only reader of the system clocks; everything else is given a Clock, so that tests can own time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  wallMs(): number;
  /** Milliseconds on a clock that never goes back. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** Microseconds of CLOCK_MONOTONIC, as other processes of the machine see it. */
export function machineMicros(): bigint {
  return process.hrtime.bigint() / 1000n;
}
