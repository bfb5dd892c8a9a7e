import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

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
  const heap = getHeapStatistics();
  const { active, idle } = performance.eventLoopUtilization();
  return {
    userSeconds: user / 1e6,
    systemSeconds: system / 1e6,
    residentBytes: residentBytes(),
    heapUsedBytes: heap.used_heap_size,
    externalBytes: heap.external_memory,
    mainActiveSeconds: active / 1000,
    mainIdleSeconds: idle / 1000,
    uptimeSeconds: process.uptime(),
  };
}

let lastResidentBytes = 0;

/** Asking opens a file of /proc, for which there may be no descriptor left: then what it last was. */
function residentBytes(): number {
  try {
    lastResidentBytes = process.memoryUsage.rss();
  } catch {
    // Not worth the collector.
  }
  return lastResidentBytes;
}
