/** Copies, readings and entries nobody knows yet, on a real Redis. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Redis } from 'ioredis';
import { encodeEnvelope } from '../../src/fleet/envelope.ts';
import { FleetKeys } from '../../src/fleet/fleet-keys.ts';
import { chainAfter } from '../../src/fleet/log-gate.ts';
import { LogSync, parseCopy, relate } from '../../src/fleet/log-sync.ts';
import { openRedis, type RedisConnection } from '../../src/fleet/redis-client.ts';
import { type LogPage, RedisReader } from '../../src/fleet/redis-reader.ts';
import { RedisStore } from '../../src/fleet/redis-store.ts';
import { parseRedisUri } from '../../src/fleet/redis-uri.ts';
import { newStoreStatus } from '../../src/fleet/store-status.ts';
import { STORE_LIMITS } from '../../src/templates/store.ts';
import { Recorder } from '../conformance/recorder.ts';
import { RedisServer } from '../support/redis-server.ts';
import { newItem } from '../support/stored-values.ts';
import { until } from '../support/until.ts';

const S = 'ipfix/192.0.2.1/0/7';
let server: RedisServer;
let raw: Redis;
let connection: RedisConnection;
before(async () => {
  server = await RedisServer.start();
  raw = server.client();
  connection = await openRedis(
    parseRedisUri(server.uri),
    { connectMs: 5000, commandMs: 5000 },
    new AbortController().signal,
  );
});
after(async () => {
  raw.disconnect();
  connection.close();
  await server.stop();
});

function fixture(fleet: string) {
  const keys = new FleetKeys('millrace', fleet);
  const status = newStoreStatus();
  const witness = new Recorder();
  const sync = new LogSync(
    witness,
    status,
    () => 'c'.repeat(32),
    () => 1,
  );
  const store = new RedisStore(`${server.uri}?fleet=${fleet}`, { writer: new Uint8Array(8) });
  return {
    keys,
    status,
    witness,
    sync,
    store,
    reader: new RedisReader(connection, keys, STORE_LIMITS, status),
  };
}

test('LOG-19: in front of an entry that this release must know, applying waits, says so, and goes on from there', async () => {
  const { keys, status, witness, sync, store, reader } = fixture('upgrade');
  await sync.read(reader);
  await store.put(S, [newItem(S, 'template/256')]);
  const envelope = encodeEnvelope(900, true, Buffer.from('of tomorrow'));
  const chain = chainAfter(String(await raw.hget(keys.meta, 'chain')), envelope);
  await raw.xadd(keys.log, '2-0', 'e', Buffer.from(envelope), 'c', chain, 't', '1');
  await raw.hset(keys.meta, 'index', '2', 'chain', chain);
  await store.put(S, [newItem(S, 'template/257')]);
  for (let i = 0; i < 3; i++) await sync.read(reader);
  assert.equal(witness.last, 'blocked');
  assert.match(witness.states.at(-1)?.reason ?? '', /entry 2 .*kind 900/);
  assert.deepEqual([status.appliedIndex, status.index, status.blocked], [1, 3, 1]);
  assert.deepEqual([...(witness.scopes.get(S)?.keys() ?? [])], ['template/256']);
  const learnt: string[] = [];
  sync.gate.register<string>(900, {
    decode: (body) => Buffer.from(body).toString(),
    apply: (body) => learnt.push(body),
  });
  await sync.read(reader);
  assert.equal(witness.last, 'synced');
  assert.deepEqual(learnt, ['of tomorrow']);
  assert.equal(witness.scopes.get(S)?.size, 2);
  assert.equal(witness.resets.length, 1);
  await store.close();
});

test('LOG-37: copies that come during a reading never move the watermark back, nor do readings at the same time', async () => {
  const { keys, status, witness, sync, store, reader } = fixture('race');
  const listener = server.client();
  const copies: Buffer[] = [];
  listener.on('messageBuffer', (_: Buffer, octets: Buffer) => copies.push(octets));
  await listener.subscribe(keys.log);
  await sync.read(reader);
  let mark = 0;
  const look = (): void => {
    const { index } = sync.gate.position;
    assert.ok(index >= mark, `${index} after ${mark}`);
    mark = index;
  };
  for (let round = 0; round < 100; round++) {
    await store.put(S, [newItem(S, `template/${256 + round}`)]);
    const readings = [sync.read(reader), sync.read(reader)];
    for (const octets of copies.slice(-5)) {
      sync.copy(octets);
      look();
    }
    await Promise.all(readings);
    look();
    for (const octets of copies.slice(-3).reverse()) sync.copy(octets);
    look();
  }
  await sync.read(reader);
  assert.equal(mark, 100);
  assert.deepEqual(
    witness.changes.map(({ index }) => index),
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
  assert.ok(status.duplicates > 0);
  assert.equal(status.resets, 1);
  listener.disconnect();
  await store.close();
});

test('a copy that is damaged or none wakes the reading and is not believed', async () => {
  const { keys, witness, sync, store, reader } = fixture('copies');
  await sync.read(reader);
  const listener = server.client();
  const copies: Buffer[] = [];
  listener.on('messageBuffer', (_: Buffer, octets: Buffer) => copies.push(octets));
  await listener.subscribe(keys.log);
  await store.put(S, [newItem(S, 'template/256')]);
  await until('copy', () => copies.length === 1);
  const [copy] = copies;
  for (let at = 0; at < copy.length; at++) {
    const damaged = Buffer.from(copy);
    damaged[at] ^= 0x10;
    const parsed = parseCopy(damaged);
    if (parsed === null || parsed.index === 1) assert.equal(sync.copy(damaged), true, `octet ${at}`);
    assert.equal(witness.changes.length, 0);
  }
  assert.equal(sync.copy(Buffer.alloc(0)), true);
  assert.equal(sync.copy(copy), false);
  assert.equal(witness.index, 1);
  assert.equal(sync.copy(copy), false);
  assert.equal(witness.changes.length, 1);
  listener.disconnect();
  await store.close();
});

test('how a log belongs to what was applied', () => {
  const here = { incarnation: 'a', index: 5, chain: 'five' };
  const page = (over: Partial<LogPage>): LogPage => ({
    incarnation: 'a',
    index: 5,
    chain: 'five',
    level: 0,
    chainHere: 'five',
    entries: [],
    ...over,
  });
  const six = { index: 6, chain: 'six', envelope: new Uint8Array(), writtenAtMs: 0, ageMs: 0 };
  assert.equal(relate(here, page({})), 'follows');
  assert.equal(relate(here, page({ chainHere: '' })), 'follows');
  assert.equal(relate(here, page({ index: 6, chain: 'six', entries: [six] })), 'follows');
  assert.equal(relate(here, page({ index: 6, chain: 'six', chainHere: '', entries: [six] })), 'follows');
  assert.equal(relate(here, page({ incarnation: 'b' })), 'other-incarnation');
  assert.equal(relate(here, page({ incarnation: '', index: 0 })), 'other-incarnation');
  assert.equal(relate(here, page({ index: 4 })), 'regressed');
  assert.equal(relate(here, page({ chain: 'other' })), 'diverged');
  assert.equal(relate(here, page({ index: 6, chainHere: 'other', entries: [six] })), 'diverged');
  assert.equal(relate(here, page({ index: 9, chainHere: '', entries: [{ ...six, index: 8 }] })), 'trimmed');
  assert.equal(relate(here, page({ index: 9, chainHere: '' })), 'trimmed');
});
