import { readdirSync, readFileSync } from 'node:fs';

/** CPU time of the threads of one kind, since they started. */
interface Reading {
  threads: number;
  /** Since some moment, of all of them together. */
  aliveNs: number;
  /** Exact. */
  ranNs: number;
  /** In ticks: how it divides. */
  user: number;
  system: number;
  waitedNs: number;
  sleeps: number;
}

const NOTHING: Readonly<Reading> = {
  threads: 0,
  aliveNs: 0,
  ranNs: 0,
  user: 0,
  system: 0,
  waitedNs: 0,
  sleeps: 0,
};

/** CPU time of the threads of one kind between two readings. */
export interface ThreadUsage {
  name: string;
  threads: number;
  userNs: number;
  systemNs: number;
  /** Time in which they could have run and had no core. */
  waitedNs: number;
  /** Times they had nothing to do and went to sleep, and for how long together. */
  sleeps: number;
  sleptNs: number;
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
};

/**
 * CPU time of a process by kind of thread, from outside of it. The sum comes from the scheduler and is exact; how it
 * divides into user and system is sampled by the kernel at each tick. `main` is the process's first thread; threads
 * whose name is not in `kinds` are `other`.
 */
export function readThreads(pid: number, kinds: readonly string[]): Map<string, Reading> {
  const readings = new Map<string, Reading>();
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${task}`;
    const stat = read(`${folder}/stat`);
    // The name is in parentheses and may hold anything.
    const columns = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [ranNs, waitedNs] = read(`${folder}/schedstat`).split(' ').map(Number);
    if (!(ranNs >= 0)) continue;
    const comm = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const name = Number(task) === pid ? 'main' : comm !== 'main' && kinds.includes(comm) ? comm : 'other';
    const sum = readings.get(name) ?? { ...NOTHING };
    sum.threads++;
    sum.aliveNs += performance.now() * 1e6;
    sum.ranNs += ranNs;
    sum.user += Number(columns[11]);
    sum.system += Number(columns[12]);
    sum.waitedNs += waitedNs;
    sum.sleeps += Number(/\nvoluntary_ctxt_switches:\s+(\d+)/.exec(read(`${folder}/status`))?.[1] ?? 0);
    readings.set(name, sum);
  }
  return readings;
}

/** What was used from one reading to the next. Threads that ended in between are lost from it. */
export function usageBetween(before: Map<string, Reading>, after: Map<string, Reading>): ThreadUsage[] {
  return [...after].map(([name, now]) => {
    const then = before.get(name) ?? NOTHING;
    const ranNs = now.ranNs - then.ranNs;
    const user = Math.max(0, now.user - then.user);
    const system = Math.max(0, now.system - then.system);
    const userNs = user + system > 0 ? (ranNs * user) / (user + system) : ranNs;
    const waitedNs = now.waitedNs - then.waitedNs;
    const sleeps = now.sleeps - then.sleeps;
    const sleptNs = Math.max(0, now.aliveNs - then.aliveNs - ranNs - waitedNs);
    return { name, threads: now.threads, userNs, systemNs: ranNs - userNs, waitedNs, sleeps, sleptNs };
  });
}

/** The process and everything that descends from it. */
export function processTree(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).trim();
  return [
    pid,
    ...(children === '' ? [] : children.split(' ').flatMap((child) => processTree(Number(child)))),
  ];
}

/** Resident memory in bytes, now and at most so far. */
export function residentBytes(pid: number): { now: number; peak: number } {
  const status = read(`/proc/${pid}/status`);
  const value = (key: string): number =>
    Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024;
  return { now: value('VmRSS'), peak: value('VmHWM') };
}

/** CPU time of everything on the machine, what its host took away included, in steps of 10 ms. */
export function machineCpuNs(): number {
  const [user, nice, system, , , irq, softirq, steal] = read('/proc/stat')
    .slice(4)
    .trim()
    .split(/\s+/)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) * 1e7;
}

/** Load of the machine over the last minute. */
export function loadAverage(): number {
  return Number(read('/proc/loadavg').split(' ')[0]);
}

export interface ProcessSum {
  ranNs: number;
  /** In ticks. */
  user: number;
  system: number;
  peakBytes: number;
}

/**
 * CPU time and memory of a process and all that descends from it, also of those that have ended: to be read often
 * enough that little is missed of them.
 */
export class ProcessUsage {
  readonly #pid: number;
  readonly #seen = new Map<number, { ranNs: number; user: number; system: number }>();
  #peakBytes = 0;

  constructor(pid: number) {
    this.#pid = pid;
  }

  read(): ProcessSum {
    let bytes = 0;
    for (const pid of processTree(this.#pid)) {
      const known = this.#seen.get(pid);
      const sum = { ranNs: 0, user: 0, system: 0 };
      let threads: Map<string, Reading>;
      try {
        threads = readThreads(pid, []);
      } catch {
        continue;
      }
      for (const { ranNs, user, system } of threads.values()) {
        sum.ranNs += ranNs;
        sum.user += user;
        sum.system += system;
      }
      // A process that is ending has fewer and fewer threads.
      if (known === undefined || sum.ranNs > known.ranNs) this.#seen.set(pid, sum);
      bytes += residentBytes(pid).now;
    }
    this.#peakBytes = Math.max(this.#peakBytes, bytes);
    return this.last;
  }

  get last(): ProcessSum {
    const sum = { ranNs: 0, user: 0, system: 0, peakBytes: this.#peakBytes };
    for (const { ranNs, user, system } of this.#seen.values()) {
      sum.ranNs += ranNs;
      sum.user += user;
      sum.system += system;
    }
    return sum;
  }
}
