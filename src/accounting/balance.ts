import type { LedgerReport, OutputAccount } from './ledger.ts';

/** The equations of the ledger that do not hold, in words. Empty when nothing disappeared unseen. */
export function unbalanced({ counters: c, outputs }: LedgerReport & { outputs: OutputAccount[] }): string[] {
  const equations: [string, number, number][] = [
    [
      'received = decoded + filtered + quarantined + abandoned + refused',
      c.datagrams_received,
      c.datagrams_decoded +
        c.datagrams_filtered +
        c.datagrams_quarantined +
        c.datagrams_abandoned +
        c.datagrams_refused_oversize +
        c.datagrams_refused_malformed +
        c.datagrams_refused_unknown_version +
        c.datagrams_refused_not_admitted +
        c.datagrams_refused_over_rate +
        c.datagrams_refused_ring_full,
    ],
    [
      'data sets = bound + held + refused + empty',
      c.sets_data,
      c.sets_bound + c.sets_held + c.sets_refused_no_template + c.sets_empty,
    ],
    [
      'held = replayed + expired + overflowed + withdrawn + unresolved',
      c.sets_held,
      c.sets_replayed + c.sets_expired + c.sets_overflowed + c.sets_withdrawn + c.sets_unresolved,
    ],
    [
      'bound + replayed = decoded + quarantined + abandoned',
      c.sets_bound + c.sets_replayed,
      c.sets_decoded + c.sets_quarantined + c.sets_abandoned,
    ],
    ['decoded records = encoded + filtered', c.records_decoded, c.records_encoded + c.records_filtered],
    ...outputs.map(({ output, encoded, written, dropped_queue_full, dropped_failed }) => {
      return [
        `${output}: encoded = written + dropped`,
        encoded,
        written + dropped_queue_full + dropped_failed,
      ] as [string, number, number];
    }),
  ];
  return equations.filter(([, a, b]) => a !== b).map(([name, a, b]) => `${name}: ${a} is not ${b}`);
}
