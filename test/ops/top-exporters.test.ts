import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Activity } from '../../src/accounting/activity.ts';
import { SequenceTracker } from '../../src/accounting/sequence.ts';
import { writeMapped } from '../../src/base/ip.ts';
import type { Companion } from '../../src/dispatch/binder.ts';
import { MAX_NAMED_EXPORTERS, NAMED_FOR_MS, OTHER, TopExporters } from '../../src/ops/top-exporters.ts';
import { Scope } from '../../src/templates/scope.ts';

function scopeOf(host: number, domain = 0, version = 9): Scope<Companion> {
  const address = new Uint8Array(16);
  writeMapped(address, 0, 0x0a000000 + host);
  const companion = {
    sequence: new SequenceTracker(version === 9 ? 'datagrams' : 'records'),
    activity: new Activity(),
    state: null,
    directory: 0,
    directoryRevision: -1,
    shared: null,
    nextMissMs: 0,
  };
  const scope = new Scope<Companion>(version, address, 0, domain, 0, 0, companion);
  scope.established = true;
  return scope;
}

/** So many more octets, and as much per second. */
function send({ companion: { activity } }: Scope<Companion>, octets: number): void {
  activity.octets += octets;
  activity.messages++;
  activity.sample(1);
}

const octetsOf = (top: TopExporters, name: string): number | undefined => top.series.get(name)?.counts.octets;
const total = (top: TopExporters): number =>
  [...top.series.values()].reduce((sum, { counts }) => sum + counts.octets, 0);

test('domains and versions of an exporter are one series; who is not established is other', () => {
  const top = new TopExporters();
  const scopes = [scopeOf(1, 1), scopeOf(1, 2, 10), scopeOf(2)];
  scopes[2].established = false;
  for (const scope of scopes) send(scope, 100);
  scopes[0].companion.sequence.totals.lost = 4;
  scopes[1].companion.sequence.totals.lost = 5;
  scopes[1].companion.activity.clockSkewMs = -2000;
  top.update(scopes, 0);
  assert.deepEqual([...top.series.keys()].sort(), ['10.0.0.1', OTHER]);
  const { counts, clockSkewSeconds } = top.series.get('10.0.0.1')!;
  assert.deepEqual(
    [counts.octets, counts.lostDatagrams, counts.lostRecords, clockSkewSeconds],
    [200, 4, 5, -2],
  );
  assert.equal(octetsOf(top, OTHER), 100);
});

test('loss that is made good is taken off the next loss, and no series falls', () => {
  const top = new TopExporters();
  const scope = scopeOf(1);
  const { totals } = scope.companion.sequence;
  const seen: number[] = [];
  for (const lost of [5, 3, 4, 7]) {
    totals.lost = lost;
    top.update([scope], 0);
    seen.push(top.series.get('10.0.0.1')!.counts.lostDatagrams);
  }
  assert.deepEqual(seen, [5, 5, 5, 7]);
});

test('the largest have names, and give them up after an hour only, and only to larger ones', () => {
  const top = new TopExporters();
  const scopes = Array.from({ length: MAX_NAMED_EXPORTERS + 2 }, (_, i) => scopeOf(i + 1));
  for (const [i, scope] of scopes.entries()) send(scope, (i + 1) * 100);
  top.update(scopes, 0);
  assert.equal(top.series.size, MAX_NAMED_EXPORTERS + 1);
  assert.ok(!top.series.has('10.0.0.1') && !top.series.has('10.0.0.2') && top.series.has('10.0.0.3'));
  assert.equal(octetsOf(top, OTHER), 300);

  for (const [i, scope] of scopes.entries()) send(scope, i === 0 ? 1_000_000 : 100);
  top.update(scopes, NAMED_FOR_MS - 1);
  assert.ok(!top.series.has('10.0.0.1'), 'not before the hour is over');
  const before = total(top);
  const otherBefore = octetsOf(top, OTHER)!;
  for (const [i, scope] of scopes.entries()) send(scope, i === 0 ? 1_000_000 : 100);
  top.update(scopes, NAMED_FOR_MS);
  assert.equal(top.series.size, MAX_NAMED_EXPORTERS + 1);
  assert.equal(octetsOf(top, '10.0.0.1'), 1_000_000, 'counts from the moment it has a name');
  assert.ok(octetsOf(top, OTHER)! >= otherBefore);
  assert.ok(total(top) <= before + 1_000_000 + 100 * (scopes.length - 1));
});

test('a forgotten exporter makes room at once', () => {
  const top = new TopExporters();
  const scopes = Array.from({ length: MAX_NAMED_EXPORTERS + 1 }, (_, i) => scopeOf(i + 1));
  for (const scope of scopes) send(scope, 100);
  top.update(scopes, 0);
  const named = [...top.series.keys()].filter((name) => name !== OTHER);
  const gone = scopes.findIndex((_, i) => named.includes(`10.0.0.${i + 1}`));
  scopes.splice(gone, 1);
  top.update(scopes, 1);
  assert.equal(top.series.size, MAX_NAMED_EXPORTERS + 1);
  assert.ok(!top.series.has(`10.0.0.${gone + 1}`));
});
