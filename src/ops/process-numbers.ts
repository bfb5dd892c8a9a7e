import { performance } from 'node:perf_hooks';

/** What the process has used since it started. Cheap to ask for. */
export interface ProcessNumbers {
  userSeconds: number;
  systemSeconds: number;
  residentBytes: number;
  heapUsedBytes: number;
  externalBytes: number;
  /** Time that the event loop of the main thread was at work, and waited. */
  mainActiveSeconds: number;
  mainIdleSeconds: number;
  uptimeSeconds: number;
}

export function processNumbers(): ProcessNumbers {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { active, idle } = performance.eventLoopUtilization();
  return {
    userSeconds: user / 1e6,
    systemSeconds: system / 1e6,
    residentBytes: rss,
    heapUsedBytes: heapUsed,
    externalBytes: external,
    mainActiveSeconds: active / 1000,
    mainIdleSeconds: idle / 1000,
    uptimeSeconds: process.uptime(),
  };
}
