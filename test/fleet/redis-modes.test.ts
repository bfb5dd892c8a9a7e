/** Sentinel, Cluster and TLS, with the real thing. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { RedisStore } from '../../src/fleet/redis-store.ts';
import { StoreError } from '../../src/templates/store.ts';
import { Recorder } from '../conformance/recorder.ts';
import { freePort, PATIENT, RedisServer } from '../support/redis-server.ts';
import { selfSigned } from '../support/self-signed.ts';
import { newItem } from '../support/stored-values.ts';
import { until } from '../support/until.ts';

const S = 'ipfix/192.0.2.1/0/7';
const TIMES = { ...PATIENT, retryFirstMs: 10, retryLongestMs: 300, checkMs: 200 };
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function startServer(...args: Parameters<typeof RedisServer.start>): Promise<RedisServer> {
  const server = await RedisServer.start(...args);
  ends.push(() => server.stop());
  return server;
}
function newStore(uri: string): RedisStore {
  const store = new RedisStore(uri, { writer: new Uint8Array(8).fill(ends.length), times: TIMES });
  ends.push(() => store.close());
  return store;
}
/** Two collectors that see each other's templates. */
async function exchange(uri: string): Promise<{ stores: RedisStore[]; witnesses: Recorder[] }> {
  const stores = [newStore(uri), newStore(uri)];
  const witnesses = [new Recorder(), new Recorder()];
  for (const [i, store] of stores.entries()) await store.watch(witnesses[i]);
  await stores[0].put(S, [newItem(S, 'template/256')]);
  await stores[1].put(S, [newItem(S, 'template/257')]);
  await stores[0].put('other', [newItem('other', 'template/256')]);
  await until('both', () => witnesses.every(({ index }) => index === 3));
  return { stores, witnesses };
}

test('Sentinel: the master is found, and the next one after a failover', async () => {
  const master = await startServer();
  const replica = await startServer({ replicaof: `127.0.0.1 ${master.port}` });
  const sentinel = await startServer({}, {}, 'sentinel');
  await sentinel.command('sentinel', 'monitor', 'main', '127.0.0.1', master.port, 1);
  await sentinel.command('sentinel', 'set', 'main', 'down-after-milliseconds', 300);
  await sentinel.command('sentinel', 'set', 'main', 'failover-timeout', 2000);
  const { stores, witnesses } = await exchange(`redis+sentinel://127.0.0.1:${sentinel.port}/main?fleet=lab`);
  await until('the sentinel knows the replica', async () => {
    return ((await sentinel.command('sentinel', 'replicas', 'main')) as unknown[]).length === 1;
  });
  await until('replicated', async () =>
    /slave0:.*offset=\d+,lag=[01]/.test(String(await master.command('info', 'replication'))),
  );
  await master.stop();
  await until(
    'failed over',
    async () => /role:master/.test(String(await replica.command('info', 'replication'))),
    60_000,
  );
  await until('synced again', () => witnesses.every(({ last }) => last === 'synced'), 60_000);
  await until('taken', () =>
    stores[0].put(S, [newItem(S, 'template/300')]).then(
      () => true,
      () => false,
    ),
  );
  await until('told', () => witnesses[1].scopes.get(S)?.has('template/300') === true);
});

test('Cluster: all keys of a fleet are in one slot, copies come through any node', async () => {
  const nodes = await Promise.all(
    [0, 1, 2].map(() => startServer({ 'cluster-enabled': 'yes', 'cluster-node-timeout': '1000' })),
  );
  for (const [i, node] of nodes.entries()) {
    await node.command(
      'cluster',
      'addslotsrange',
      Math.floor((16384 / 3) * i),
      Math.floor((16384 / 3) * (i + 1)) - 1,
    );
    await node.command('cluster', 'set-config-epoch', i + 1);
    await node.command('cluster', 'meet', '127.0.0.1', nodes[0].port);
  }
  for (const node of nodes)
    await until(
      'cluster',
      async () => /cluster_state:ok/.test(String(await node.command('cluster', 'info'))),
      60_000,
    );
  const hosts = nodes.map(({ port }) => `127.0.0.1:${port}`).join(',');
  for (const fleet of ['lab', 'north', 'south']) {
    const { stores, witnesses } = await exchange(`redis+cluster://${hosts}?fleet=${fleet}`);
    assert.equal((await stores[0].audit.verify()).content, 'equal');
    assert.equal(witnesses[1].scopes.size, 2);
  }
  const single = newStore(`redis://127.0.0.1:${nodes[0].port}?fleet=lab`);
  const other = newStore(`redis://127.0.0.1:${nodes[1].port}?fleet=lab`);
  const outcomes = await Promise.allSettled([single.get(S, 'template/256'), other.get(S, 'template/256')]);
  const moved = outcomes.find(({ status }) => status === 'rejected') as PromiseRejectedResult;
  assert.ok(moved.reason instanceof StoreError && moved.reason.fatal);
  assert.match(moved.reason.message, /this is a cluster: use redis\+cluster/);
});

test('a cluster that is none is a matter of configuration', async () => {
  const server = await startServer();
  await assert.rejects(
    newStore(`redis+cluster://127.0.0.1:${server.port}`).get(S, 'template/256'),
    (error: unknown) => {
      assert.ok(error instanceof StoreError);
      assert.match(error.message, /not a cluster/);
      return error.fatal;
    },
  );
});

test('TLS: with the right authority, with none, and unverified', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-tls-'));
  ends.push(async () => rmSync(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const made = selfSigned();
  writeFileSync(key, made.key);
  writeFileSync(cert, made.cert);
  const port = await freePort();
  await startServer({
    'tls-port': String(port),
    'tls-cert-file': cert,
    'tls-key-file': key,
    'tls-ca-cert-file': cert,
    'tls-auth-clients': 'no',
  });
  const ca = encodeURIComponent(cert);
  await exchange(`rediss://127.0.0.1:${port}?ca=${ca}&fleet=tls`);
  await exchange(`rediss://127.0.0.1:${port}?verify=no&fleet=open`);
  await assert.rejects(newStore(`rediss://127.0.0.1:${port}`).get(S, 'template/256'), /self-signed/i);
});
