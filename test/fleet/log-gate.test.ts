import assert from 'node:assert/strict';
import { test } from 'node:test';
import { registerAppliers } from '../../src/fleet/appliers.ts';
import { type Entry, EntryKind, encodeEntry } from '../../src/fleet/entries.ts';
import { encodeEnvelope } from '../../src/fleet/envelope.ts';
import { chainAfter, firstChain, type LogEntry, LogGate } from '../../src/fleet/log-gate.ts';
import { newStoreStatus, type StoreStatus } from '../../src/fleet/store-status.ts';
import { STORE_LIMITS, type StoreChange } from '../../src/templates/store.ts';

const INCARNATION = 'a'.repeat(32);
const head = { by: '00', atMs: 0 };
const put = (item: string, octet = 1, scope = 's'): Uint8Array =>
  encodeEntry({
    kind: EntryKind.put,
    ...head,
    scope,
    items: [{ item, value: Buffer.from([octet]), ageMs: 0 }],
  });
const remove = (...items: string[]): Uint8Array =>
  encodeEntry({ kind: EntryKind.remove, ...head, scope: 's', items, reason: 'withdrawn' });
const batch = (...entries: Uint8Array[]): Uint8Array =>
  encodeEntry({ kind: EntryKind.batch, ...head, entries });
const unknown = (critical: boolean): Uint8Array => encodeEnvelope(900, critical, Buffer.from('later'));

/** A gate with an effect that writes down what it did and which watermark was to be seen then. */
class Fixture {
  readonly status: StoreStatus = newStoreStatus();
  readonly gate = new LogGate(this.status);
  readonly done: { change: StoreChange; index: number; watermark: number }[] = [];
  readonly log: LogEntry[] = [];

  constructor() {
    this.gate.reset({ incarnation: INCARNATION, index: 0, chain: firstChain(INCARNATION) });
    registerAppliers(this.gate, (change, index) =>
      this.done.push({ change, index, watermark: this.gate.position.index }),
    );
  }

  write(...envelopes: Uint8Array[]): LogEntry[] {
    const added = envelopes.map((envelope) => {
      const last = this.log.at(-1);
      const chain = chainAfter(last?.chain ?? firstChain(INCARNATION), envelope);
      const entry = { incarnation: INCARNATION, index: (last?.index ?? 0) + 1, chain, envelope, ageMs: 0 };
      this.log.push(entry);
      return entry;
    });
    return added;
  }

  get types(): string[] {
    return this.done.map(({ change }) => change.type);
  }
}

test('LOG-1: entries 1 to 100 are applied in order, the watermark moves after the effects', () => {
  const f = new Fixture();
  for (const entry of f.write(...Array.from({ length: 100 }, (_, i) => put(`template/${256 + i}`))))
    assert.equal(f.gate.offer(entry), 'applied');
  assert.equal(f.gate.position.index, 100);
  assert.equal(f.status.appliedIndex, 100);
  assert.deepEqual(
    f.done.map(({ index }) => index),
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
  for (const { index, watermark } of f.done) assert.equal(watermark, index - 1);
});

test('LOG-3: an entry that comes again has no effect, wherever it is in the past', () => {
  const f = new Fixture();
  const entries = f.write(...Array.from({ length: 100 }, (_, i) => put(`template/${256 + i}`)));
  for (const entry of entries) f.gate.offer(entry);
  for (const again of [37, 1, 100]) assert.equal(f.gate.offer(entries[again - 1]), 'duplicate');
  assert.equal(f.done.length, 100);
  assert.equal(f.gate.position.index, 100);
  assert.equal(f.status.duplicates, 3);
});

test('LOG-5: a batch has each of its effects once, at one index', () => {
  const f = new Fixture();
  for (const entry of f.write(...Array.from({ length: 9 }, () => put('template/300')))) f.gate.offer(entry);
  const [ten] = f.write(batch(put('template/256'), remove('template/300'), put('b')));
  assert.equal(f.gate.offer(ten), 'applied');
  assert.deepEqual(f.types.slice(9), ['put', 'remove', 'put']);
  for (const { index, watermark } of f.done.slice(9)) assert.deepEqual([index, watermark], [10, 9]);
  assert.equal(f.gate.position.index, 10);
  assert.equal(f.gate.offer(ten), 'duplicate');
  assert.equal(f.done.length, 12);
});

test('LOG-5: a batch that is not understood as a whole has no effect at all', () => {
  const f = new Fixture();
  const broken = encodeEnvelope(EntryKind.put, true, Buffer.from('none'));
  for (const bad of [unknown(true), broken, Buffer.from('no envelope'), batch(put('x'))]) {
    const g = new Fixture();
    const [entry] = g.write(batch(put('a'), bad, put('b')));
    assert.equal(g.gate.offer(entry), 'blocked');
    assert.equal(g.done.length, 0);
    assert.equal(g.gate.position.index, 0);
  }
  const [entry] = f.write(batch(put('a'), unknown(false), put('b')));
  assert.equal(f.gate.offer(entry), 'applied');
  assert.equal(f.done.length, 2);
  assert.equal(f.status.skippedUnknown, 1);
});

test('LOG-19: an unknown critical entry stops applying in front of it; once it is known applying goes on from there', () => {
  const f = new Fixture();
  const entries = f.write(put('a'), unknown(true), put('b'));
  assert.equal(f.gate.offer(entries[0]), 'applied');
  assert.equal(f.gate.offer(entries[1]), 'blocked');
  assert.equal(f.gate.offer(entries[1]), 'blocked');
  assert.equal(f.status.blocked, 1);
  assert.match(f.gate.obstacle ?? '', /entry 2 .*kind 900/);
  assert.equal(f.gate.offer(entries[2]), 'gap');
  assert.equal(f.gate.position.index, 1);
  const learnt: string[] = [];
  f.gate.register<string>(900, {
    decode: (body) => Buffer.from(body).toString(),
    apply: (text) => learnt.push(text),
  });
  assert.equal(f.gate.offer(entries[1]), 'applied');
  assert.equal(f.gate.offer(entries[2]), 'applied');
  assert.deepEqual(learnt, ['later']);
  assert.equal(f.gate.obstacle, null);
  assert.equal(f.gate.position.index, 3);
});

test('an unknown entry that is not critical is passed over and counted, once', () => {
  const f = new Fixture();
  const [entry] = f.write(unknown(false));
  assert.equal(f.gate.offer(entry), 'applied');
  assert.equal(f.gate.offer(entry), 'duplicate');
  assert.equal(f.status.skippedUnknown, 1);
  assert.equal(f.gate.position.index, 1);
});

test('a damaged entry stops applying; the same entry, whole, is applied', () => {
  const f = new Fixture();
  const [entry] = f.write(put('a'));
  const damaged = Buffer.from(entry.envelope);
  damaged[20] ^= 1;
  assert.equal(f.gate.offer({ ...entry, envelope: damaged }), 'blocked');
  assert.match(f.gate.obstacle ?? '', /checksum-wrong/);
  assert.equal(f.gate.offer(entry), 'applied');
});

test('a gap, another history and another incarnation have no effect', () => {
  const f = new Fixture();
  const [one, two, three] = f.write(put('a'), put('b'), put('c'));
  assert.equal(f.gate.offer(two), 'gap');
  assert.equal(f.gate.offer(one), 'applied');
  assert.equal(f.gate.offer({ ...two, chain: chainAfter(three.chain, two.envelope) }), 'diverged');
  assert.equal(f.gate.offer({ ...two, incarnation: 'b'.repeat(32) }), 'other-incarnation');
  assert.equal(f.done.length, 1);
  assert.equal(f.gate.position.index, 1);
});

test('LOG-37: an empty batch and batches without effect move the watermark on, never back', () => {
  const f = new Fixture();
  const rejected = encodeEnvelope(EntryKind.put, false, Buffer.from('none'));
  const entries = f.write(put('a'), batch(), batch(unknown(false)), batch(rejected, rejected), put('b'));
  const marks: number[] = [];
  for (const entry of entries)
    for (const again of [entry, entries[0], entry]) {
      f.gate.offer(again);
      marks.push(f.gate.position.index);
    }
  assert.deepEqual(marks, [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5]);
  assert.equal(f.done.length, 2);
  assert.equal(f.status.skippedInvalid, 2);
});

test('a feature level beyond that of this release is an obstacle', () => {
  const f = new Fixture();
  const level = (n: number): Uint8Array => encodeEntry({ kind: EntryKind.level, ...head, level: n } as Entry);
  const entries = f.write(level(1), level(2));
  assert.equal(f.gate.offer(entries[0]), 'applied');
  assert.equal(f.gate.offer(entries[1]), 'blocked');
});

test('a value at the limit passes the gate', () => {
  const f = new Fixture();
  const value = new Uint8Array(STORE_LIMITS.maxValueBytes);
  const items = [{ item: 'template/256', value, ageMs: 3 }];
  const [entry] = f.write(encodeEntry({ kind: EntryKind.put, ...head, scope: 's', items }));
  assert.equal(f.gate.offer({ ...entry, ageMs: 4 }), 'applied');
  const [{ change }] = f.done;
  assert.ok(change.type === 'put' && change.items[0].idleMs === 7);
});
