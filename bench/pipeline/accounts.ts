import type { CollectorReport } from '../../src/collector.ts';

/** What was sent and is in no counter; 0 when all is well. */
export function unaccounted({ counters: c }: CollectorReport, sentDatagrams: number): number {
  return sentDatagrams - c.datagrams_received - c.datagrams_kernel_dropped;
}
