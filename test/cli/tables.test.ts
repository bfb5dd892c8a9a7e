import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Count, Ledger } from '../../src/accounting/ledger.ts';
import { countText } from '../../src/base/count-text.ts';
import { decodeSummary } from '../../src/cli/decode-summary.ts';
import { ledgerTable } from '../../src/cli/ledger-table.ts';
import { StatusLine } from '../../src/cli/status-line.ts';
import { byteText } from '../../src/cli/text.ts';
import { newStats } from '../../src/receive/capture/contract.ts';
import { Fault } from '../../src/wire/fault.ts';

test('the ledger table has what is not zero, in order, with its meaning', () => {
  const ledger = new Ledger();
  ledger.add(Count.records_decoded, 1200);
  ledger.add(Count.datagrams_received, 100);
  ledger.addFault(Fault['unknown-version']);
  ledger.addRefusal('no-fields');
  const outputs = [
    { output: 'null:', encoded: 1200, written: 1190, dropped_queue_full: 7, dropped_failed: 3 },
    { output: 'stdout:', encoded: 0, written: 0, dropped_queue_full: 0, dropped_failed: 0 },
  ];
  assert.deepEqual(ledgerTable({ ...ledger.toJSON(), outputs }).split('\n'), [
    'ledger',
    '  datagrams_received            100  datagrams taken from the socket or file',
    '  templates_refused               1  templates refused',
    '  records_decoded              1200  data records decoded',
    '  fault unknown-version           1',
    '  template refused: no-fields     1',
    'output null:',
    '  records: 1200 encoded, 1190 written, 7 dropped, queue full, 3 dropped, output failed',
    'output stdout:',
    '  records: 0 encoded, 0 written',
  ]);
});

test('a ledger without anything says so', () => {
  assert.equal(ledgerTable({ ...new Ledger().toJSON(), outputs: [] }), 'ledger\n  nothing was received');
});

test('status lines have rates since the last one and counts of now', () => {
  const line = new StatusLine(1_000);
  const status = {
    datagrams: 100,
    flows: 2_300,
    exporters: 5,
    templates: 12,
    held: 1,
    heapBytes: 4_096,
    lost: 0,
    store: null,
    troubles: [] as string[],
  };
  assert.equal(
    line.next(status, 3_000).text,
    '50 datagrams/s, 1150 flows/s, 5 exporters, 12 templates, 1 held, 0 lost',
  );
  const next = line.next(
    { ...status, datagrams: 110, exporters: 1, templates: 1, lost: 4, troubles: ['stdout: slow', 'x: full'] },
    13_000,
  );
  assert.equal(
    next.text,
    '1 datagram/s, 0 flows/s, 1 exporter, 1 template, 1 held, 4 lost; stdout: slow; x: full',
  );
  assert.equal(next.fields.datagramsPerSecond, 1);
  const state = { state: 'degraded' as const, reason: 'a password is needed', queued: 1, counters: {} };
  const store = { ...state, index: 0, applied: 0, scopes: 0, place: 'redis://127.0.0.1:6379/0' };
  assert.match(
    line.next({ ...status, store }, 14_000).text,
    / lost; template store degraded \(a password is needed\), 1 write waiting$/,
  );
  assert.deepEqual(next.fields.troubles, ['stdout: slow', 'x: full']);
});

test('the summary of a decoding run names what did not go the usual way', () => {
  const ledger = new Ledger();
  ledger.set(Count.datagrams_received, 1);
  ledger.set(Count.records_decoded, 30);
  assert.equal(decodeSummary(ledger.toJSON(), [newStats()]), '1 datagram, 30 flows, 0 options records');
  ledger.set(Count.datagrams_refused_unknown_version, 3);
  ledger.set(Count.sets_unresolved, 2);
  ledger.set(Count.sets_overflowed, 1);
  assert.equal(
    decodeSummary(ledger.toJSON(), [
      { ...newStats(), notUdp: 4, truncated: 1 },
      { ...newStats(), notUdp: 1 },
    ]),
    '1 datagram, 30 flows, 0 options records; 3 no flow export, 2 sets without a template, 1 held set pushed out, ' +
      '5 frames not UDP, 1 frame cut short',
  );
});

test('numbers for a person', () => {
  assert.equal(countText(0, 'flow'), '0 flows');
  assert.equal(countText(1, 'flow'), '1 flow');
  assert.equal(countText(1, 'set', ' held'), '1 set held');
  assert.equal(byteText(1023), '1023 B');
  assert.equal(byteText(1024), '1.0 KiB');
  assert.equal(byteText(1.5 * 1024 ** 4), '1.5 TiB');
  assert.equal(byteText(2048 * 1024 ** 4), '2048.0 TiB');
});
