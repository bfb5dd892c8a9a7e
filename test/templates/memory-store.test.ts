import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore, SWEEP_INTERVAL_MS } from '../../src/templates/memory-store.ts';
import { REORDER_WINDOW_MS, STORE_LIMITS, StoreError } from '../../src/templates/store.ts';
import { Recorder } from '../conformance/recorder.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { templateItemOf } from '../support/store-items.ts';

const SCOPE = 'ipfix/192.0.2.1/0/7';
const OTHER = 'ipfix/192.0.2.2/0/7';
const DAY_MS = 86_400_000;

test('a scope that nobody announces anything of goes after a week, and everybody is told', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const watcher = new Recorder();
  await store.watch(watcher);
  await store.put(SCOPE, [templateItemOf(SCOPE, 256, 'a'), templateItemOf(SCOPE, 257, 'b')]);
  await store.put(OTHER, [templateItemOf(OTHER, 256, 'a')]);
  clock.advance(STORE_LIMITS.maxIdleMs);
  await store.touch(OTHER, ['template/256']);
  assert.equal((await store.getScope(SCOPE)).length, 2, 'exactly as old as is allowed');
  clock.advance(SWEEP_INTERVAL_MS);
  assert.deepEqual(await store.getScope(SCOPE), []);
  assert.equal((await store.getScope(OTHER)).length, 1);
  assert.deepEqual(watcher.changes.at(-1)?.change, {
    type: 'clear',
    scope: SCOPE,
    what: 'all',
    reason: 'evicted',
  });
});

test('one announcement keeps a whole scope', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  await store.put(SCOPE, [templateItemOf(SCOPE, 256, 'a'), templateItemOf(SCOPE, 257, 'b')]);
  for (let day = 0; day < 20; day += 5) {
    clock.advance(5 * DAY_MS);
    await store.touch(SCOPE, ['template/256']);
  }
  const [a, b] = await store.getScope(SCOPE);
  assert.equal(a.idleMs, 0);
  assert.equal(b.idleMs, 20 * DAY_MS);
});

test('the edge of the reorder window, by the clock', async () => {
  for (const [waitMs, outcome] of [
    [REORDER_WINDOW_MS, 'older'],
    [REORDER_WINDOW_MS + 1, 'stored'],
  ] as const) {
    const clock = new ManualClock();
    const store = new MemoryStore(clock);
    await store.put(SCOPE, [templateItemOf(SCOPE, 256, 'a')]);
    clock.advance(waitMs);
    const earlier = templateItemOf(SCOPE, 256, 'b', { exportTimeMs: 5_000 });
    assert.equal((await store.put(SCOPE, [earlier])).outcome, outcome, String(waitMs));
  }
});

test('announcements do not move the time at which a definition arrived', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  await store.put(SCOPE, [templateItemOf(SCOPE, 256, 'a')]);
  clock.advance(REORDER_WINDOW_MS + 1);
  await store.touch(SCOPE, ['template/256']);
  await store.put(SCOPE, [templateItemOf(SCOPE, 256, 'a', { sequence: 9 })]);
  const restarted = templateItemOf(SCOPE, 256, 'b', { exportTimeMs: 5_000, sequence: 0 });
  assert.equal((await store.put(SCOPE, [restarted])).outcome, 'stored');
});

test('the clock of the store does not follow a wall clock that is set', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  await store.put(SCOPE, [templateItemOf(SCOPE, 256, 'a')]);
  clock.advance(1_000);
  clock.setWall(0);
  assert.equal((await store.get(SCOPE, 'template/256'))?.idleMs, 1_000);
});

test('a full scope evicts what was announced longest ago', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const ids = Array.from({ length: STORE_LIMITS.maxItemsPerScope }, (_, i) => 256 + i);
  for (let at = 0; at < ids.length; at += STORE_LIMITS.maxItemsPerPut) {
    const some = ids.slice(at, at + STORE_LIMITS.maxItemsPerPut);
    await store.put(
      SCOPE,
      some.map((id) => templateItemOf(SCOPE, id, 'a')),
    );
  }
  clock.advance(1_000);
  const touched = ids.slice(0, -300).map((id) => `template/${id}`);
  await store.touch(SCOPE, touched);
  const watcher = new Recorder();
  await store.watch(watcher);
  assert.equal((await store.put(SCOPE, [templateItemOf(SCOPE, 60_000, 'new')])).outcome, 'stored');
  const { change } = watcher.changes[0];
  assert.ok(change.type === 'remove' && change.reason === 'evicted');
  assert.equal(change.items.length, 256);
  assert.ok(change.items.every((item) => !touched.includes(item)));
});

test('a full store evicts the scope that was announced longest ago', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const scopeOf = (i: number): string => `ipfix/192.0.2.1/0/${i}`;
  for (let i = 0; i < STORE_LIMITS.maxScopes; i++)
    await store.put(scopeOf(i), [templateItemOf(scopeOf(i), 256, 'a')]);
  clock.advance(1_000);
  for (let i = 0; i < STORE_LIMITS.maxScopes; i++)
    if (i !== 77) await store.touch(scopeOf(i), ['template/256']);
  assert.equal((await store.put(OTHER, [templateItemOf(OTHER, 256, 'new')])).outcome, 'stored');
  assert.deepEqual(await store.getScope(scopeOf(77)), []);
  assert.equal((await store.getScope(scopeOf(78))).length, 1);
});

test('changes that a watcher makes are told after the one it is being told', async () => {
  const store = new MemoryStore();
  const told: string[] = [];
  let depth = 0;
  await store.put(SCOPE, [templateItemOf(SCOPE, 256, 'a')]);
  await store.watch({
    resetBegin: () => {},
    resetScope: () => void store.put(OTHER, [templateItemOf(OTHER, 256, 'during reset')]),
    resetEnd: (index) => void told.push(`reset ${index}`),
    changed: ({ type, scope }, index) => {
      assert.equal(depth++, 0);
      if (type === 'put') void store.clearScope(scope, 'all', 'operator');
      told.push(`${index} ${type}`);
      depth--;
    },
    state: () => {},
  });
  assert.deepEqual(told, ['reset 1', '2 put', '3 clear']);
});

test('what is no value, no name or a second watcher is refused', async () => {
  const store = new MemoryStore();
  const { value } = templateItemOf(SCOPE, 256, 'a');
  for (const put of [
    store.put(SCOPE, [{ item: 'template/256', value: new Uint8Array(5), ageMs: 0 }]),
    store.put(SCOPE, [{ item: 'template 256', value, ageMs: 0 }]),
    store.put('', [{ item: 'template/256', value, ageMs: 0 }]),
    store.put('a\u0007', [{ item: 'template/256', value, ageMs: 0 }]),
  ]) {
    await assert.rejects(put, StoreError);
  }
  await store.watch(new Recorder());
  await assert.rejects(store.watch(new Recorder()), StoreError);
});
