import { countText } from '../base/count-text.ts';
import type { LedgerReport, OutputAccount } from './ledger.ts';

type Report = LedgerReport & { outputs: OutputAccount[] };

/**
 * The account of a collector that ends before it has finished: everything that was taken in and has no counter yet is booked
 * as abandoned, so that the equations of the ledger hold. Returns the report and what was abandoned, in words.
 * waiting: datagrams that no thread has looked at yet.
 */
export function abandon<R extends Report>(report: R, waiting: number): { report: R; abandoned: string[] } {
  const counters = { ...report.counters };
  const c = counters;
  c.datagrams_received += waiting;
  const ended =
    c.datagrams_decoded +
    c.datagrams_filtered +
    c.datagrams_quarantined +
    c.datagrams_refused_oversize +
    c.datagrams_refused_malformed +
    c.datagrams_refused_unknown_version +
    c.datagrams_refused_not_admitted +
    c.datagrams_refused_over_rate +
    c.datagrams_refused_ring_full;
  c.datagrams_abandoned = c.datagrams_received - ended;
  const sets = c.sets_bound + c.sets_replayed - c.sets_decoded - c.sets_quarantined - c.sets_abandoned;
  c.sets_abandoned += sets;
  const outputs = report.outputs.map((account) => {
    const { output, encoded, written, dropped_queue_full, dropped_failed } = account;
    const left = encoded - written - dropped_queue_full - dropped_failed;
    return { account: { ...account, dropped_failed: dropped_failed + left }, left, output };
  });
  const words = [
    some(c.datagrams_abandoned, 'received datagram'),
    some(sets, 'data set'),
    ...outputs.map(({ left, output }) => some(left, 'record', ` for ${output}`)),
  ];
  return {
    report: { ...report, counters, outputs: outputs.map(({ account }) => account) },
    abandoned: words.filter((text) => text !== ''),
  };
}

function some(count: number, noun: string, rest?: string): string {
  return count === 0 ? '' : countText(count, noun, rest);
}
