import type { CounterName, LedgerReport } from '../accounting/ledger.ts';
import { countText } from '../base/count-text.ts';
import type { CaptureStats } from '../receive/capture/capture.ts';

/** What did not go the usual way, in the order in which it is told: words that stand behind any number, or a noun and the rest. */
const ODDITIES: readonly (readonly [CounterName, text: string, behind?: string])[] = [
  ['datagrams_refused_unknown_version', 'no flow export'],
  ['datagrams_refused_malformed', 'malformed'],
  ['datagrams_refused_oversize', 'oversize'],
  ['datagrams_filtered', 'filtered'],
  ['datagrams_quarantined', 'quarantined'],
  ['sets_faulty', 'faulty set', ''],
  ['sets_unresolved', 'set', ' without a template'],
  ['sets_refused_no_template', 'set', ' without a template that could not be held'],
  ['sets_overflowed', 'held set', ' pushed out'],
  ['sets_abandoned', 'set', ' abandoned'],
  ['sets_quarantined', 'set', ' quarantined'],
  ['sets_heap_full', 'set', ' decoded with earlier exporter state'],
  ['templates_refused', 'template', ' refused'],
  ['records_filtered', 'flow', ' left out by the filter'],
  ['lists_malformed', 'malformed list', ''],
  ['sequence_lost_datagrams', 'v9 datagram', ' missing by sequence number'],
  ['sequence_lost_records', 'flow', ' missing by sequence number'],
];

/** One line about a decoding run. */
export function decodeSummary(report: LedgerReport, inputs: readonly CaptureStats[]): string {
  const { counters } = report;
  const parts = [
    countText(counters.datagrams_received, 'datagram'),
    countText(counters.records_decoded, 'flow'),
    countText(counters.records_options_decoded, 'options record'),
  ];
  const odd = ODDITIES.filter(([name]) => counters[name] > 0).map(([name, text, behind]) =>
    behind === undefined ? `${counters[name]} ${text}` : countText(counters[name], text, behind),
  );
  const sum = (pick: (stats: CaptureStats) => number): number =>
    inputs.reduce((n, stats) => n + pick(stats), 0);
  const notUdp = sum((stats) => stats.notUdp);
  if (notUdp > 0) odd.push(countText(notUdp, 'frame', ' not UDP'));
  const unread = sum((stats) => stats.unsupported + stats.malformed + stats.fragmentsDropped);
  if (unread > 0) odd.push(countText(unread, 'frame', ' not understood'));
  const truncated = sum((stats) => stats.truncated);
  if (truncated > 0) odd.push(countText(truncated, 'frame', ' cut short'));
  return parts.join(', ') + (odd.length === 0 ? '' : `; ${odd.join(', ')}`);
}
