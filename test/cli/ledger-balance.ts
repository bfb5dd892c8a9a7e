import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { CollectorReport } from '../../src/collector.ts';

/** Reads a ledger file and checks that nothing is missing in it. */
export function readBalanced(path: string): CollectorReport {
  const report = JSON.parse(readFileSync(path, 'utf8')) as CollectorReport;
  const n = report.counters;
  const refused =
    n.datagrams_refused_oversize +
    n.datagrams_refused_malformed +
    n.datagrams_refused_unknown_version +
    n.datagrams_refused_not_admitted +
    n.datagrams_refused_ring_full;
  assert.equal(
    n.datagrams_received,
    n.datagrams_decoded + n.datagrams_filtered + n.datagrams_quarantined + refused,
  );
  assert.equal(n.sets_data, n.sets_bound + n.sets_held + n.sets_refused_no_template + n.sets_empty);
  assert.equal(n.sets_held, n.sets_replayed + n.sets_expired + n.sets_overflowed + n.sets_unresolved);
  assert.equal(n.sets_bound + n.sets_replayed, n.sets_decoded + n.sets_quarantined + n.sets_abandoned);
  for (const output of report.outputs) {
    assert.equal(
      output.encoded,
      output.written + output.dropped_queue_full + output.dropped_failed,
      output.output,
    );
  }
  return report;
}
