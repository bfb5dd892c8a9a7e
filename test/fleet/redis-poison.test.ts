/** A store that somebody has filled with rubbish: refused, counted, never loaded, and repaired by the next announcement. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STORE_LIMITS, StoreError } from '../../src/templates/store.ts';
import { Recorder } from '../conformance/recorder.ts';
import { type Place, RedisFleets } from '../support/redis-fleets.ts';
import { newItem, value } from '../support/stored-values.ts';
import { until } from '../support/until.ts';

const fleets = new RedisFleets();
const place = (): Place => fleets.place({ times: { checkMs: 50 } });
const S = 'ipfix/192.0.2.1/0/7';
const T = 'template/256';
const U = 'template/257';

test('values of 10 MB and names of 10 kB are counted and not loaded', async () => {
  const { store, keys, another } = place();
  await store.put(S, [newItem(S, T), newItem(S, U)]);
  await fleets.raw.hset(keys.ofScope(S)[0], T, Buffer.alloc(10_000_000, 1));
  await fleets.raw.hset(keys.ofScope(S)[0], 'n'.repeat(10_000), 'x');
  const before_ = Number(/total_net_output_bytes:(\d+)/.exec(await fleets.raw.info('stats'))?.[1]);
  assert.equal(await store.get(S, T), null);
  assert.deepEqual(
    (await store.getScope(S)).map(({ item }) => item),
    [U],
  );
  const witness = new Recorder();
  await another().watch(witness);
  assert.deepEqual([...(witness.scopes.get(S)?.keys() ?? [])], [U]);
  const sent = Number(/total_net_output_bytes:(\d+)/.exec(await fleets.raw.info('stats'))?.[1]) - before_;
  assert.ok(sent < 1_000_000, `${sent} octets`);
  assert.equal(store.status.poisoned['value-too-large'], 2);
  assert.equal(store.status.poisoned['name-invalid'], 1);
  assert.equal((await store.put(S, [newItem(S, T)])).outcome, 'stored');
  assert.deepEqual((await store.get(S, T))?.value, value(S, T));
});

test('keys of another type are counted, and put right by the next announcement', async () => {
  for (const part of [0, 1, 2] as const) {
    const { store, keys, another } = place();
    await store.put(S, [newItem(S, T)]);
    await fleets.raw.del(keys.ofScope(S)[part]);
    await fleets.raw.set(keys.ofScope(S)[part], 'no hash');
    assert.equal((await store.getScope(S)).length, part === 0 ? 0 : 1);
    const witness = new Recorder();
    await another().watch(witness);
    assert.ok(store.status.poisoned['wrong-type'] > 0);
    const { outcome } = await store.put(S, [newItem(S, T), newItem(S, U)]);
    assert.equal(outcome, 'stored');
    assert.equal((await store.getScope(S)).length, 2);
    await until('told', () => witness.scopes.get(S)?.size === 2);
    assert.equal(await fleets.raw.type(keys.ofScope(S)[2]), 'hash');
  }
});

test('a hash with far too many items is refused as a whole, and replaced', async () => {
  const { store, keys } = place();
  const pipeline = fleets.raw.pipeline();
  for (let part = 0; part <= STORE_LIMITS.maxItemsPerScope * 4; part += 1000)
    pipeline.hset(
      keys.ofScope(S)[0],
      Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`${part + i}`, 'x'])),
    );
  await pipeline.exec();
  assert.deepEqual(await store.getScope(S), []);
  assert.equal(store.status.poisoned['too-many-items'], 1);
  assert.equal((await store.put(S, [newItem(S, T)])).outcome, 'stored');
  assert.equal((await store.getScope(S)).length, 1);
});

test('random octets come as they are, for whoever reads values', async () => {
  const { store, keys } = place();
  const rubbish = Buffer.from([0, 255, 10, 13, 0x4d, 0x52, 0x54]);
  await store.put(S, [newItem(S, U)]);
  await fleets.raw.hset(keys.ofScope(S)[0], T, rubbish);
  const witness = new Recorder();
  await store.watch(witness);
  assert.deepEqual(witness.scopes.get(S)?.get(T)?.value, rubbish);
  assert.deepEqual((await store.get(S, T))?.value, rubbish);
  assert.equal((await store.put(S, [newItem(S, T)], rubbish)).outcome, 'stored');
});

test('items whose names are none do not push out others', async () => {
  const { keys, another } = place();
  const tight = another({ limits: { maxItemsPerScope: 3 } });
  await tight.put(S, [newItem(S, T), newItem(S, U)]);
  await fleets.raw.hset(keys.ofScope(S)[0], 'n'.repeat(200), 'x');
  await fleets.raw.hset(keys.ofScope(S)[1], Buffer.from([0xff, 0x0a]), 'x');
  assert.equal((await tight.put(S, [newItem(S, 'template/300')])).outcome, 'stored');
  assert.deepEqual(
    (await tight.getScope(S)).map(({ item }) => item),
    [T, U, 'template/300'],
  );
  assert.equal(tight.status.evicted, 0);
});

test('names of scopes that are none are left out', async () => {
  const { store, keys, another } = place();
  await store.put(S, [newItem(S, T)]);
  await fleets.raw.zadd(keys.scopes, 1, 's'.repeat(200), 2, Buffer.from([0xff, 0xfe]), 3, 'not there');
  const witness = new Recorder();
  await store.watch(witness);
  assert.deepEqual([...witness.scopes.keys()], [S]);
  assert.equal(store.status.poisoned['name-invalid'], 3);
  // Room for a scope is not taken by names that are none, nor are they kept when idle scopes go.
  const tight = another({ limits: { maxScopes: 2 } });
  assert.equal((await tight.put('second', [newItem('second', T)])).outcome, 'stored');
  assert.equal((await tight.put('third', [newItem('third', T)])).outcome, 'stored');
  assert.equal(tight.status.evicted, 1);
  await fleets.raw.zadd(keys.scopes, 1, Buffer.from([0xff, 0xfe]));
  await fleets.raw.zadd(keys.scopes, 2, 's'.repeat(200));
  await tight.sweep();
  assert.deepEqual((await fleets.raw.zrange(keys.scopes, '0', '-1')).sort(), ['second', 'third']);
});

test('an entry in the log that is rubbish blocks, loudly; a new log ends that', async () => {
  const { store, keys } = place();
  const witness = new Recorder();
  await store.watch(witness);
  await store.put(S, [newItem(S, T)]);
  await until('applied', () => witness.index === 1);
  const [incarnation, chain] = await fleets.raw.hmget(keys.meta, 'incarnation', 'chain');
  await fleets.raw.xadd(keys.log, '2-0', 'e', 'rubbish', 'c', String(chain), 't', '1');
  await fleets.raw.hset(keys.meta, 'index', '2');
  await fleets.raw.publish(keys.log, `${incarnation} 2 ${chain} rubbish`);
  await until('blocked', () => witness.last === 'blocked');
  assert.match(witness.states.at(-1)?.reason ?? '', /entry 2 .*truncated/);
  assert.equal(store.status.blocked, 1);
  assert.equal(store.status.appliedIndex, 1);
  await fleets.raw.publish(keys.log, 'anything else');
  await fleets.raw.publish(keys.log, Buffer.alloc(1000, 0xff));
  await fleets.raw.del(keys.meta);
  await until('begun anew', () => witness.last === 'synced' && witness.resets.length === 2);
  assert.equal(witness.resets[1].lost, true);
  assert.equal((await store.put(S, [newItem(S, T, { payload: 'again', sequence: 7 })])).outcome, 'stored');
});

test('a foreign entry in the stream begins a new log at the next check: what is known here is put again', async () => {
  const { store, keys } = place();
  const witness = new Recorder();
  await store.watch(witness);
  await store.put(S, [newItem(S, T)]);
  await fleets.raw.xadd(keys.log, '*', 'field', 'of somebody else');
  await until('reset', () => witness.resets.length === 2 && witness.last === 'synced');
  assert.deepEqual(witness.resets[1], { lost: true, index: 0 });
});

test('a foreign entry in the stream, or a foreign index, begins a new log at the next put', async () => {
  const { store, keys } = place();
  const witness = new Recorder();
  await store.watch(witness);
  await store.put(S, [newItem(S, T)]);
  await fleets.raw.xadd(keys.log, '*', 'field', 'of somebody else');
  const result = await store.put(S, [newItem(S, U)]);
  assert.deepEqual([result.outcome, result.index], ['stored', 1]);
  await until('reset', () => witness.resets.at(-1)?.lost === true && witness.last === 'synced');
  await until('content', () => witness.scopes.get(S)?.size === 2);
  await fleets.raw.hset(keys.meta, 'index', '99999999999999999999');
  await store
    .put(S, [newItem(S, 'template/300')])
    .catch((error: unknown) => assert.ok(error instanceof StoreError));
  await until('whole again', async () => (await fleets.raw.hget(keys.meta, 'index'))?.length === 1);
  await until('synced again', () => witness.last === 'synced');
  assert.equal((await store.put(S, [newItem(S, 'template/301')])).outcome, 'stored');
  await until('content again', () => witness.scopes.get(S)?.has('template/301') === true);
});
