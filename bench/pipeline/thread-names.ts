import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/**
 * Loaded before everything else in every thread of a measured process (`--import`): gives each thread a name that
 * process-usage.ts finds in /proc. Threads that Node makes for itself before keep its name.
 */
function nameOf(entry: string): string {
  if (isMainThread) return 'main';
  if (entry.endsWith('receive.js')) return 'receive';
  if (entry.endsWith('compress.js')) return 'compress';
  return 'decode';
}

writeFileSync('/proc/thread-self/comm', nameOf(process.argv[1] ?? ''));
