import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unbalanced } from '../../src/accounting/balance.ts';
import { Count, Ledger } from '../../src/accounting/ledger.ts';

test('a ledger balances, and every equation notices one that is missing', () => {
  const output = { output: 'null:', encoded: 3, written: 1, dropped_queue_full: 1, dropped_failed: 1 };
  const ledger = new Ledger();
  for (const counter of [Count.datagrams_received, Count.datagrams_decoded]) ledger.add(counter, 2);
  for (const counter of [Count.sets_data, Count.sets_bound, Count.sets_decoded]) ledger.add(counter, 2);
  const report = () => ({ ...ledger.toJSON(), outputs: [output] });
  assert.deepEqual(unbalanced(report()), []);
  for (const counter of [
    Count.datagrams_received,
    Count.sets_data,
    Count.sets_held,
    Count.sets_decoded,
    Count.records_filtered,
  ]) {
    ledger.add(counter);
    assert.ok(unbalanced(report()).length > 0);
    ledger.add(counter, -1);
  }
  assert.deepEqual(unbalanced({ ...ledger.toJSON(), outputs: [{ ...output, written: 0 }] }), [
    'null:: encoded = written + dropped: 3 is not 2',
  ]);
});
