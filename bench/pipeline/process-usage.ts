import { readdirSync, readFileSync } from 'node:fs';

/** CPU time of the threads of one kind. */
export interface ThreadUsage {
  name: string;
  threads: number;
  userNs: number;
  systemNs: number;
  /** Time in which they could have run and had no core. */
  waitedNs: number;
}

/** The kernel counts these in hundredths of a second, in whatever unit it ticks. */
const TICK_NS = 1e7;

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
export function threadUsage(pid: number, kinds: readonly string[]): Map<string, ThreadUsage> {
  const usage = new Map<string, ThreadUsage>();
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${task}`;
    const stat = read(`${folder}/stat`);
    // The name is in parentheses and may hold anything.
    const columns = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [ranNs, waitedNs] = read(`${folder}/schedstat`).split(' ').map(Number);
    if (!(ranNs >= 0)) continue;
    const comm = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const name = Number(task) === pid ? 'main' : comm !== 'main' && kinds.includes(comm) ? comm : 'other';
    const user = Number(columns[11]) * TICK_NS;
    const system = Number(columns[12]) * TICK_NS;
    const userNs = user + system > 0 ? (ranNs * user) / (user + system) : ranNs;
    const sum = usage.get(name) ?? { name, threads: 0, userNs: 0, systemNs: 0, waitedNs: 0 };
    sum.threads++;
    sum.userNs += userNs;
    sum.systemNs += ranNs - userNs;
    sum.waitedNs += waitedNs;
    usage.set(name, sum);
  }
  return usage;
}

/** What was used from one reading to the next. Threads that ended in between are lost from it. */
export function usageBetween(
  before: Map<string, ThreadUsage>,
  after: Map<string, ThreadUsage>,
): ThreadUsage[] {
  return [...after.values()].map((now) => {
    const then = before.get(now.name);
    return {
      name: now.name,
      threads: now.threads,
      userNs: now.userNs - (then?.userNs ?? 0),
      systemNs: now.systemNs - (then?.systemNs ?? 0),
      waitedNs: now.waitedNs - (then?.waitedNs ?? 0),
    };
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

/** Load of the machine over the last minute. */
export function loadAverage(): number {
  return Number(read('/proc/loadavg').split(' ')[0]);
}
