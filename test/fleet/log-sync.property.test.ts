/** Random histories on a real Redis, with every kind of loss in between, end in the fold of the log. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Redis } from 'ioredis';
import { FleetKeys } from '../../src/fleet/fleet-keys.ts';
import { LogSync } from '../../src/fleet/log-sync.ts';
import { openRedis, type RedisConnection } from '../../src/fleet/redis-client.ts';
import { RedisReader } from '../../src/fleet/redis-reader.ts';
import { RedisStore } from '../../src/fleet/redis-store.ts';
import { parseRedisUri } from '../../src/fleet/redis-uri.ts';
import { newStoreStatus } from '../../src/fleet/store-status.ts';
import { STORE_LIMITS } from '../../src/templates/store.ts';
import { ValueKind } from '../../src/templates/stored-value.ts';
import { Recorder } from '../conformance/recorder.ts';
import fc from '../support/fast-check.ts';
import { RedisServer } from '../support/redis-server.ts';
import { newItem } from '../support/stored-values.ts';

let server: RedisServer;
let raw: Redis;
let listener: Redis;
let connection: RedisConnection;
let counter = 0;

before(async () => {
  server = await RedisServer.start();
  raw = server.client();
  listener = server.client();
  connection = await openRedis(
    parseRedisUri(server.uri),
    { connectMs: 5000, commandMs: 5000 },
    new AbortController().signal,
  );
});
after(async () => {
  raw.disconnect();
  listener.disconnect();
  connection.close();
  await server.stop();
});

const SCOPES = ['v9/192.0.2.1/0/1', 'ipfix/192.0.2.2/0/2'];
const ITEMS = ['template/256', 'template/257', 'template/300', 'state/systemRate'];

type Op =
  | { op: 'put'; by: number; scope: number; items: number[]; octet: number; options: boolean }
  | { op: 'remove'; by: number; scope: number; items: number[] }
  | { op: 'clear'; by: number; scope: number; what: 'all' | 'data' | 'options' }
  | { op: 'copy'; at: number; keep: boolean }
  | { op: 'lose' }
  | { op: 'read' }
  | { op: 'trim'; keep: number }
  | { op: 'wipe' }
  | { op: 'backup' }
  | { op: 'failover' };

const by = fc.integer({ min: 0, max: 1 });
const scope = fc.integer({ min: 0, max: SCOPES.length - 1 });
const items = fc.uniqueArray(fc.integer({ min: 0, max: ITEMS.length - 1 }), { minLength: 1, maxLength: 3 });
const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      op: fc.constant('put' as const),
      by,
      scope,
      items,
      octet: fc.integer({ min: 0, max: 5 }),
      options: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('remove' as const), by, scope, items }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('clear' as const),
      by,
      scope,
      what: fc.constantFrom('all' as const, 'data' as const, 'options' as const),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ op: fc.constant('copy' as const), at: fc.nat(20), keep: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('lose' as const) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('read' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('trim' as const), keep: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('wipe' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('backup' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('failover' as const) }) },
);

test('LOG-13: duplicates, losses, reordering, reconnects, trims, wipes and failovers end in the fold of the log', async () => {
  const seed = randomInt(2 ** 31);
  console.log(`seed ${seed}`);
  await fc.assert(fc.asyncProperty(fc.array(op, { minLength: 5, maxLength: 60 }), history), {
    numRuns: 150,
    seed,
    endOnFailure: false,
  });
});

async function history(ops: readonly Op[]): Promise<void> {
  await raw.flushall();
  const fleet = `f${counter++}`;
  const keys = new FleetKeys('millrace', fleet);
  const status = newStoreStatus();
  const witness = new Recorder();
  const sync = new LogSync(
    witness,
    status,
    () => (++counter).toString(16).padStart(32, '0'),
    () => 0,
  );
  const reader = new RedisReader(connection, keys, STORE_LIMITS, status);
  const copies: Buffer[] = [];
  const keep = (_: Buffer, octets: Buffer): void => {
    copies.push(octets);
  };
  listener.on('messageBuffer', keep);
  await listener.subscribe(keys.log);
  const writers = [1, 2].map(
    (octet) => new RedisStore(`${server.uri}?fleet=${fleet}`, { writer: new Uint8Array(8).fill(octet) }),
  );
  let backup: { key: string; dump: Buffer }[] = [];
  let trimmed = false;
  // How many resets have to have been told as lost.
  let owed = 0;
  const lostResets = (): number => witness.resets.filter(({ lost }) => lost).length;
  let mark = { incarnation: '', index: 0, resets: 0 };
  try {
    for (const one of ops) {
      switch (one.op) {
        case 'put':
          await writers[one.by].put(
            SCOPES[one.scope],
            one.items.map((i) =>
              newItem(SCOPES[one.scope], ITEMS[i], {
                kind: i === 3 ? ValueKind.state : one.options ? ValueKind.options : ValueKind.data,
                payload: Buffer.from([one.octet]),
                sequence: counter++,
              }),
            ),
          );
          break;
        case 'remove':
          await writers[one.by].remove(
            SCOPES[one.scope],
            one.items.map((i) => ITEMS[i]),
            'withdrawn',
          );
          break;
        case 'clear':
          await writers[one.by].clearScope(SCOPES[one.scope], one.what, 'operator');
          break;
        case 'copy': {
          if (copies.length === 0) break;
          const at = one.at % copies.length;
          const [octets] = one.keep ? [copies[at]] : copies.splice(at, 1);
          if (sync.copy(octets)) await sync.read(reader);
          break;
        }
        case 'lose':
          copies.length = 0;
          break;
        case 'read':
          await sync.read(reader);
          if (trimmed) owed = Math.min(owed, lostResets());
          trimmed = false;
          break;
        case 'trim':
          trimmed = true;
          await raw.xtrim(keys.log, 'MAXLEN', one.keep);
          break;
        case 'wipe':
          if (sync.loaded) owed = lostResets() + 1;
          await raw.flushall();
          break;
        case 'backup':
          backup = [];
          for (const key of await raw.keys('*')) {
            const dump = await raw.dumpBuffer(key);
            if (dump !== null) backup.push({ key, dump });
          }
          break;
        case 'failover':
          await raw.flushall();
          for (const { key, dump } of backup) await raw.restore(key, 0, dump);
          // What comes back just as it was makes good a wipe that nobody has noticed.
          if (sync.loaded)
            owed = (await isOver(keys, sync)) ? lostResets() + 1 : Math.min(owed, lostResets());
      }
      const { incarnation, index } = sync.gate.position;
      if (status.resets === mark.resets) assert.ok(index >= mark.index && incarnation === mark.incarnation);
      mark = { incarnation, index, resets: status.resets };
    }
    await sync.read(reader);
    assert.equal(witness.last, 'synced');
    assert.deepEqual(witness.lines(), await contentOfRedis(keys));
    assert.equal(sync.gate.position.index, Number((await raw.hget(keys.meta, 'index')) ?? 0));
    // A log that was trimmed past a collector cannot tell a rewritten history from a long one.
    if (!trimmed) assert.ok(lostResets() >= owed, `${lostResets()} of ${owed}`);
    if (!ops.some(({ op }) => op === 'wipe' || op === 'failover')) assert.equal(lostResets(), 0);
    const verdict = await writers[0].audit.verify();
    assert.deepEqual(verdict.broken, []);
    if (verdict.complete && verdict.first === 1 && !ops.some(({ op }) => op === 'wipe' || op === 'failover'))
      assert.equal(verdict.content, 'equal');
  } finally {
    await listener.unsubscribe(keys.log);
    listener.off('messageBuffer', keep);
    for (const writer of writers) await writer.close();
  }
}

/** Whether what was applied is not part of what Redis has now. */
async function isOver(keys: FleetKeys, sync: LogSync): Promise<boolean> {
  const [incarnation, index] = await raw.hmget(keys.meta, 'incarnation', 'index');
  return incarnation !== sync.gate.position.incarnation || Number(index) < sync.gate.position.index;
}

async function contentOfRedis(keys: FleetKeys): Promise<string[]> {
  const lines: string[] = [];
  for (const scope of SCOPES)
    for (const key of keys.ofScope(scope).slice(0, 2))
      for (const [item, value] of Object.entries(await raw.hgetallBuffer(key)))
        lines.push(`${scope}\t${item}\t${value.toString('hex')}`);
  return lines.sort();
}

test('LOG-13: the content at an index and the tail after it are the full log, for every index', async () => {
  await raw.flushall();
  const store = new RedisStore(`${server.uri}?fleet=points`, { writer: new Uint8Array(8) });
  const keys = new FleetKeys('millrace', 'points');
  const points: { witness: Recorder; sync: LogSync }[] = [];
  const reader = new RedisReader(connection, keys, STORE_LIMITS, newStoreStatus());
  for (let k = 0; k < 50; k++) {
    const witness = new Recorder();
    const sync = new LogSync(
      witness,
      newStoreStatus(),
      () => 'c'.repeat(32),
      () => 0,
    );
    await sync.read(reader);
    points.push({ witness, sync });
    const item = ITEMS[k % 3];
    if (k % 7 === 6) await store.clearScope(SCOPES[0], 'data', 'operator');
    else if (k % 5 === 4) await store.remove(SCOPES[k % 2], [item], 'withdrawn');
    else await store.put(SCOPES[k % 2], [newItem(SCOPES[k % 2], item, { payload: `${k}`, sequence: k })]);
  }
  const expected = await contentOfRedis(keys);
  assert.ok(expected.length > 0);
  for (const { witness, sync } of points) {
    await sync.read(reader);
    assert.deepEqual(witness.lines(), expected);
    assert.equal(witness.resets.length, 1);
  }
  assert.equal((await store.audit.verify()).content, 'equal');
  await store.close();
});
