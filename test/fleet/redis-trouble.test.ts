/** What happens to a Redis happens here, to a real one: the store says so, goes on trying, and is right afterwards. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { FleetKeys } from '../../src/fleet/fleet-keys.ts';
import { RedisStore, type RedisStoreOptions } from '../../src/fleet/redis-store.ts';
import { StoreError } from '../../src/templates/store.ts';
import { Recorder } from '../conformance/recorder.ts';
import { PATIENT, RedisServer } from '../support/redis-server.ts';
import { RespProxy } from '../support/resp-proxy.ts';
import { newItem } from '../support/stored-values.ts';
import { until } from '../support/until.ts';

const S = 'ipfix/192.0.2.1/0/7';
const T = 'template/256';
const KEYS = new FleetKeys('millrace', 'lab');
const TIMES = { ...PATIENT, retryFirstMs: 10, retryLongestMs: 200, checkMs: 100 };
/** For a Redis that hangs. */
const HASTY = { ...TIMES, connectMs: 1000, commandMs: 500 };

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function startServer(...args: Parameters<typeof RedisServer.start>): Promise<RedisServer> {
  const server = await RedisServer.start(...args);
  ends.push(() => server.stop());
  return server;
}
async function startProxy(target: number): Promise<RespProxy> {
  const proxy = await RespProxy.start(target);
  ends.push(() => proxy.stop());
  return proxy;
}
function newStore(uri: string, options: Partial<RedisStoreOptions> = {}): RedisStore {
  const store = new RedisStore(`${uri}?fleet=lab`, {
    writer: new Uint8Array(8).fill(ends.length),
    times: TIMES,
    ...options,
  });
  ends.push(() => store.close());
  return store;
}
async function watched(uri: string, times = TIMES): Promise<{ store: RedisStore; witness: Recorder }> {
  const store = newStore(uri, { times });
  const witness = new Recorder();
  await store.watch(witness);
  return { store, witness };
}
/** Puts in spite of deadlines that a busy machine misses now and then. */
const stored = (store: RedisStore, item: string): Promise<true> =>
  until('stored', () =>
    store.put(S, [newItem(S, item)]).then(
      () => true,
      () => false,
    ),
  );
const synced = (witness: Recorder): Promise<true> => until('synced', () => witness.last === 'synced');

test('LOG-7: a subscriber that was cut off gets the 50 entries of meanwhile, in order, without further traffic', async () => {
  const server = await startServer();
  const proxy = await startProxy(server.port);
  const { store, witness } = await watched(proxy.uri);
  const writer = newStore(server.uri);
  await writer.put(S, [newItem(S, T)]);
  await until('first', () => witness.index === 1);
  proxy.fate = () => 'cut-before';
  proxy.cutAll();
  for (let i = 0; i < 50; i++) await writer.put(S, [newItem(S, `template/${300 + i}`)]);
  await until('noticed', () => witness.last === 'degraded');
  proxy.fate = () => 'pass';
  await until('all', () => witness.index === 51);
  await synced(witness);
  assert.deepEqual(
    witness.changes.map(({ index }) => index),
    Array.from({ length: 51 }, (_, i) => i + 1),
  );
  assert.equal(store.status.index - store.status.appliedIndex, 0);
  assert.equal(witness.resets.length, 1);
  assert.ok(store.status.reconnects >= 1);
});

test('a dropped copy is a gap that the next one shows, and the check finds one that none follows', async () => {
  const server = await startServer();
  const proxy = await startProxy(server.port);
  const { store, witness } = await watched(proxy.uri);
  const writer = newStore(server.uri);
  let dropped = 0;
  proxy.fate = ({ name }) => {
    if (name !== 'message' || dropped > 0) return 'pass';
    dropped++;
    return 'drop';
  };
  await writer.put(S, [newItem(S, T)]);
  await writer.put(S, [newItem(S, 'template/257')]);
  await until('both', () => witness.index === 2);
  proxy.fate = ({ name }) => (name === 'message' ? 'drop' : 'pass');
  await writer.put(S, [newItem(S, 'template/258')]);
  await until('by the check', () => witness.index === 3);
  assert.deepEqual(
    witness.changes.map(({ index }) => index),
    [1, 2, 3],
  );
  assert.equal(dropped, 1);
  assert.equal(store.status.resets, 1);
});

test('Redis killed and restarted empty: the new log is not taken for the old one, and what is put goes there', async () => {
  const server = await startServer();
  const { witness } = await watched(server.uri);
  const other = await watched(server.uri);
  for (let i = 0; i < 20; i++) await other.store.put(S, [newItem(S, `template/${300 + i}`)]);
  await until('all', () => witness.index === 20);
  await server.stop();
  await until('both know', () => [witness, other.witness].every(({ last }) => last === 'degraded'));
  await assert.rejects(other.store.put(S, [newItem(S, T)]), (error: unknown) => {
    return error instanceof StoreError && !error.fatal;
  });
  await server.startAgain();
  await until('resets', () => [witness, other.witness].every((one) => one.resets.at(-1)?.lost === true));
  await Promise.all([synced(witness), synced(other.witness)]);
  assert.equal(witness.scopes.size, 0);
  for (let i = 0; i < 3; i++) await other.store.put(S, [newItem(S, `template/${300 + i}`)]);
  await until('entries of the new log', () => witness.scopes.get(S)?.size === 3);
});

test('LOG-15: FLUSHALL after many entries: the entries of the new log are applied', async () => {
  const server = await startServer();
  const { store, witness } = await watched(server.uri);
  const other = await watched(server.uri);
  for (let i = 0; i < 500; i++) await store.put(S, [newItem(S, T, { payload: `${i}`, sequence: i })]);
  await until('all', () => witness.index === 500 && other.witness.index === 500);
  await server.command('flushall');
  // A write before anybody has noticed makes the new incarnation by itself.
  const first = await store.put(S, [newItem(S, 'template/300')]);
  assert.deepEqual([first.outcome, first.index], ['stored', 1]);
  await until('both', () => [witness, other.witness].every((one) => one.resets.at(-1)?.lost === true));
  await store.put(S, [newItem(S, 'template/301')]);
  for (const one of [witness, other.witness])
    await until(
      'content',
      () => one.scopes.get(S)?.has('template/301') === true && one.scopes.get(S)?.size === 2,
    );
  assert.equal((await store.audit.verify()).content, 'equal');
});

test('a Redis that hangs is noticed by deadlines, and caught up with when it goes on', async () => {
  const server = await startServer();
  const { store, witness } = await watched(server.uri, HASTY);
  server.pause();
  await assert.rejects(store.put(S, [newItem(S, T)]), /no answer in time/);
  await until('noticed', () => witness.last === 'degraded');
  await assert.rejects(store.get(S, T), StoreError);
  await pause(2000);
  server.resume();
  await stored(store, 'template/300');
  await until('again', () => witness.scopes.get(S)?.has('template/300') === true);
  assert.equal((await store.audit.verify()).content, 'equal');
});

test('only the subscriber hangs: its own keep-alive finds out', async () => {
  const server = await startServer();
  const proxy = await startProxy(server.port);
  const { store, witness } = await watched(proxy.uri, HASTY);
  const connections = proxy.connections;
  proxy.fate = ({ connection }) => (connection === connections - 1 ? 'hang' : 'pass');
  await until('a new pair', () => proxy.connections >= connections + 2);
  await stored(store, T);
  await until('told', () => witness.index === 1);
});

test('LOG-17: two primaries wrote different entries at one index; afterwards both sides agree', async () => {
  const left = await startServer();
  const right = await startServer();
  const proxy = await startProxy(left.port);
  const stays = await watched(left.uri);
  const moves = await watched(proxy.uri);
  for (let i = 0; i < 100; i++) await stays.store.put(S, [newItem(S, `template/${300 + i}`)]);
  await until('common past', () => moves.witness.index === 100);
  const from = left.client();
  const to = right.client();
  for (const key of await from.keys('*')) {
    const dump = await from.dumpBuffer(key);
    if (dump !== null) await to.restore(key, 0, dump);
  }
  from.disconnect();
  to.disconnect();
  proxy.swapTo(right.port);
  await until(
    'on the other side',
    () => moves.store.status.reconnects > 0 && moves.witness.last === 'synced',
  );
  assert.equal(moves.witness.resets.length, 1);
  await moves.store.put(S, [newItem(S, 'template/900', { payload: 'right' })]);
  await stays.store.put(S, [newItem(S, 'template/901', { payload: 'left' })]);
  await until('index 101 on both', () => stays.witness.index === 101 && moves.witness.index === 101);
  proxy.swapTo(left.port);
  await until('reset', () => moves.witness.resets.at(-1)?.lost === true && moves.witness.last === 'synced');
  assert.deepEqual(moves.witness.lines(), stays.witness.lines());
  assert.deepEqual([moves.store.status.diverged, stays.store.status.diverged], [1, 0]);
});

test('failover to a replica that missed the last writes: regress is found, and the rest put again', async () => {
  const primary = await startServer();
  const replica = await startServer({ replicaof: `127.0.0.1 ${primary.port}` });
  const proxy = await startProxy(primary.port);
  const { store, witness } = await watched(proxy.uri);
  for (let i = 0; i < 10; i++) await store.put(S, [newItem(S, `template/${300 + i}`)]);
  const at = async (): Promise<string | null> => {
    const client = replica.client();
    try {
      return await client.hget(KEYS.meta, 'index');
    } finally {
      client.disconnect();
    }
  };
  await until('replicated', async () => (await at()) === '10');
  // Its link to the primary breaks.
  await replica.command('replicaof', '127.0.0.1', '1');
  for (let i = 10; i < 15; i++) await store.put(S, [newItem(S, `template/${300 + i}`)]);
  await until('applied', () => witness.index === 15);
  await primary.stop();
  proxy.swapTo(replica.port);
  await until('it says why', () => /replica/.test(witness.states.at(-1)?.reason ?? ''));
  assert.equal(witness.last, 'degraded');
  await assert.rejects(store.put(S, [newItem(S, T)]), StoreError);
  await replica.command('replicaof', 'no', 'one');
  await until('reset', () => witness.resets.at(-1)?.lost === true && witness.last === 'synced');
  assert.equal(store.status.regressed, 1);
  assert.equal(witness.scopes.get(S)?.size, 10);
  for (let i = 10; i < 15; i++)
    assert.equal((await store.put(S, [newItem(S, `template/${300 + i}`)])).outcome, 'stored');
  await until('again', () => witness.scopes.get(S)?.size === 15);
  assert.equal((await store.audit.verify()).content, 'equal');
});

test('maxmemory: reads go on, writes are refused and said, and taken again when there is room', async () => {
  const server = await startServer({ 'maxmemory-policy': 'noeviction' });
  const { store, witness } = await watched(server.uri);
  await store.put(S, [newItem(S, T)]);
  await server.command('config', 'set', 'maxmemory', '1');
  await assert.rejects(store.put(S, [newItem(S, 'template/300')]), /maxmemory is reached/);
  await until('said', () => witness.last === 'degraded');
  assert.match(witness.states.at(-1)?.reason ?? '', /maxmemory/);
  assert.equal((await store.getScope(S)).length, 1);
  await server.command('config', 'set', 'maxmemory', '0');
  await synced(witness);
  assert.equal((await store.put(S, [newItem(S, 'template/300')])).outcome, 'stored');
  assert.equal((await store.audit.verify()).content, 'equal');
});

test('a policy that evicts any key is warned of', async () => {
  const server = await startServer({ 'maxmemory-policy': 'allkeys-lru', maxmemory: '100mb' });
  const { witness } = await watched(server.uri);
  await until('warned', () => /allkeys-lru/.test(witness.states.at(-1)?.reason ?? ''));
  assert.equal(witness.last, 'synced');
});

test('a Redis that is loading, or a replica without its master, is waited for', async () => {
  const server = await startServer({ 'replica-serve-stale-data': 'no' });
  const { witness } = await watched(server.uri);
  await server.command('replicaof', '127.0.0.1', '1');
  await until(
    'said',
    () => witness.last === 'degraded' && /master|replica/.test(witness.states.at(-1)?.reason ?? ''),
  );
  await server.command('replicaof', 'no', 'one');
  await synced(witness);
});

test('a log trimmed past a collector: read anew, nothing lost', async () => {
  const server = await startServer();
  const proxy = await startProxy(server.port);
  const { store, witness } = await watched(proxy.uri);
  const writer = newStore(server.uri);
  await writer.put(S, [newItem(S, T)]);
  await until('first', () => witness.index === 1);
  proxy.fate = () => 'cut-before';
  proxy.cutAll();
  for (let i = 0; i < 20; i++) await writer.put(S, [newItem(S, `template/${300 + i}`)]);
  await server.command('xtrim', KEYS.log, 'MAXLEN', '5');
  proxy.fate = () => 'pass';
  await until('all', () => witness.scopes.get(S)?.size === 21);
  assert.deepEqual(
    witness.resets.map(({ lost }) => lost),
    [false, false],
  );
  assert.equal(store.status.resets, 2);
});

test('unreachable at first: said, not fatal, and found when it comes', async () => {
  const server = await startServer();
  await server.stop();
  const store = newStore(server.uri);
  const witness = new Recorder();
  await assert.rejects(store.watch(witness), (error: unknown) => {
    return error instanceof StoreError && !error.fatal && /connection refused/.test(error.message);
  });
  assert.equal(witness.last, 'connecting');
  await server.startAgain();
  await synced(witness);
});

test('wrong password, user, database, type of key, rights or kind of server: fatal at first, one line, no secret', async () => {
  const server = await startServer({ requirepass: 'the-secret' }, { password: 'the-secret' });
  const { port } = server;
  await server.command(
    'acl',
    'setuser',
    'reader',
    'on',
    '>reader-secret',
    '~*',
    '&*',
    '+@all',
    '-eval',
    '-evalsha',
  );
  await server.command('acl', 'setuser', 'deaf', 'on', '>deaf-secret', '~*', 'resetchannels', '+@all');
  await server.command('set', KEYS.meta, 'a string');
  const cases: readonly [uri: string, says: RegExp][] = [
    [`redis://127.0.0.1:${port}`, /a password is needed/],
    [`redis://:wrong-secret@127.0.0.1:${port}`, /user or password is wrong/],
    [`redis://nobody:wrong-secret@127.0.0.1:${port}`, /user or password is wrong/],
    [`redis://:the-secret@127.0.0.1:${port}/99`, /no such database/],
    [`redis://:the-secret@127.0.0.1:${port}`, /\{millrace:lab\}:meta is a string, not a hash/],
    [`redis://reader:reader-secret@127.0.0.1:${port}/1`, /the user may not do this.*eval/],
    [`redis://deaf:deaf-secret@127.0.0.1:${port}/1`, /the user may not do this.*channel/],
  ];
  for (const [uri, says] of cases) {
    const store = newStore(uri);
    await assert.rejects(store.watch(new Recorder()), (error: unknown) => {
      assert.ok(error instanceof StoreError, uri);
      assert.match(error.message, says, uri);
      assert.ok(error.fatal, uri);
      assert.ok(!/secret|\n/.test(error.message), error.message);
      return true;
    });
    await assert.rejects(store.get(S, T), StoreError);
    const single = newStore(uri);
    if (!uri.includes('deaf'))
      await assert.rejects(single.put(S, [newItem(S, T)]), (error: unknown) => (error as StoreError).fatal);
  }
  const right = newStore(`redis://:the-secret@127.0.0.1:${port}/2`);
  await right.watch(new Recorder());
});

test('the rights that docs/fleet.md names are enough', async () => {
  const server = await startServer();
  const rights = ['@hash', '@sortedset', '@stream', 'type', 'unlink', 'publish', 'time', 'info'];
  const connecting = ['hello', 'auth', 'select', 'eval', 'evalsha', 'subscribe', 'ping'];
  const allowed = [...connecting, ...rights].map((name) => `+${name}`);
  const places = ['~{millrace:lab}*', '&{millrace:lab}:log'];
  await server.command('acl', 'setuser', 'collector', 'on', '>secret', ...places, '-@all', ...allowed);
  const uri = `redis://collector:secret@127.0.0.1:${server.port}`;
  const [a, b] = [await watched(uri), await watched(uri)];
  assert.equal((await a.store.put(S, [newItem(S, T)])).outcome, 'stored');
  await a.store.touch(S, [T]);
  await until('told', () => b.witness.index === 1);
  assert.equal((await b.store.clearScope(S, 'all', 'operator')).removed, 1);
  await a.store.sweep();
  assert.equal((await a.store.audit.verify()).content, 'equal');
  assert.equal(await a.store.members.raiseLevel(1), true);
  await synced(a.witness);
  const denied = (await server.command('acl', 'log')) as string[][];
  assert.deepEqual(
    denied.map((entry) => entry[entry.indexOf('object') + 1]),
    denied.map(() => 'client|setname'),
  );
});

test('a store that was used before it is watched is watched over the same connection', async () => {
  const server = await startServer();
  const store = newStore(server.uri);
  await store.put(S, [newItem(S, T)]);
  const witness = new Recorder();
  await store.watch(witness);
  assert.equal(witness.scopes.get(S)?.size, 1);
  await store.put(S, [newItem(S, 'template/257')]);
  await until('told', () => witness.index === 2);
});

test('a password that is changed while the store is used is trouble that may pass', async () => {
  const server = await startServer();
  const { witness } = await watched(server.uri);
  await server.command('config', 'set', 'requirepass', 'new-secret');
  const client = server.client({ password: 'new-secret' });
  await client.call('client', 'kill', 'TYPE', 'normal', 'SKIPME', 'yes');
  await client.call('client', 'kill', 'TYPE', 'pubsub');
  await until('said', () => /password is needed/.test(witness.states.at(-1)?.reason ?? ''));
  assert.equal(witness.last, 'degraded');
  await client.config('SET', 'requirepass', '');
  client.disconnect();
  await synced(witness);
});

test('scripts that Redis has forgotten are sent again', async () => {
  const server = await startServer();
  const { store } = await watched(server.uri);
  await store.put(S, [newItem(S, T)]);
  await server.command('script', 'flush');
  assert.equal((await store.put(S, [newItem(S, 'template/300')])).outcome, 'stored');
  assert.equal((await store.getScope(S)).length, 2);
});

test('a store can be closed at any time, and is closed then', async () => {
  const server = await startServer();
  const { store } = await watched(server.uri);
  await store.close();
  await store.close();
  await assert.rejects(store.get(S, T), StoreError);
  const idle = newStore(server.uri);
  await idle.close();
  await server.stop();
  const trying = newStore(server.uri);
  await trying.watch(new Recorder()).catch(() => {});
  await trying.close();
});
