/** What the end of the template-sync thread waits for: nothing but writes that can still succeed. Times are hours: a wait hangs. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import type { ToStore } from '../../src/fleet/messages.ts';
import { RedisStore } from '../../src/fleet/redis-store.ts';
import { StoreThread } from '../../src/fleet/store-thread.ts';
import { encodeValue, ValueKind } from '../../src/templates/stored-value.ts';
import { freePort, RedisServer } from '../support/redis-server.ts';
import { until } from '../support/until.ts';

const HOUR_MS = 3_600_000;
const WRITER = '0123456789abcdef';
const SCOPE = 'ipfix/192.0.2.1/0/7';
const HANGS = { timeout: 60_000 };

const PUT: ToStore = {
  type: 'put',
  scope: SCOPE,
  item: 'template/256',
  value: encodeValue(SCOPE, 'template/256', {
    kind: ValueKind.data,
    learnedAtMs: 0,
    exportTimeMs: 0,
    sequence: 0,
    writer: Buffer.from(WRITER, 'hex'),
    payload: Uint8Array.of(1),
  }),
  arrivedAtMs: systemClock.wallMs(),
};

const OWNER = { changes: () => {}, status: () => {}, notice: () => {}, lost: () => {} };

function threadOf(uri: string, optional = false): StoreThread {
  return new StoreThread({ uri, writer: WRITER, deadlineMs: HOUR_MS, optional }, OWNER);
}

const uriOf = (port: number): string => `redis://127.0.0.1:${port}/0?fleet=end`;

function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-end-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function redis(t: TestContext): Promise<RedisServer> {
  const server = await RedisServer.start();
  t.after(() => server.stop());
  return server;
}

test('the start ends although Redis cannot be reached', HANGS, async () => {
  const thread = threadOf(uriOf(await freePort()));
  const started = thread.start();
  assert.equal(await thread.close(HOUR_MS), null);
  await assert.rejects(started);
});

test('a Redis that was never reached is not waited for, with a write or without', HANGS, async () => {
  for (const requests of [[], [PUT]]) {
    const thread = threadOf(uriOf(await freePort()), true);
    await thread.start();
    thread.post(requests);
    await thread.close(HOUR_MS);
    assert.equal(thread.status.state, 'connecting');
    assert.equal(thread.status.queued, requests.length);
  }
});

test('a Redis that went away is not waited for', HANGS, async (t) => {
  const server = await redis(t);
  const thread = threadOf(uriOf(server.port));
  await thread.start();
  await server.stop();
  await until('it is noticed', () => thread.status.state === 'degraded');
  thread.post([PUT]);
  await thread.close(HOUR_MS);
  assert.equal(thread.status.queued, 1);
});

test('a write is waited for while there is a connection', HANGS, async (t) => {
  const server = await redis(t);
  const thread = threadOf(uriOf(server.port));
  await thread.start();
  server.pause();
  thread.post([PUT]);
  const closed = thread.close(HOUR_MS);
  server.resume();
  await closed;
  assert.equal(thread.status.queued, 0);
  assert.equal(await server.command('HEXISTS', `{millrace:end}:t:${SCOPE}`, 'template/256'), 1);
});

test('a write that Redis refuses at the end is not tried again', HANGS, async (t) => {
  const server = await redis(t);
  const thread = threadOf(uriOf(server.port));
  await thread.start();
  await server.command('CONFIG', 'SET', 'maxmemory', '1');
  thread.post([PUT]);
  await thread.close(HOUR_MS);
  assert.equal(thread.status.queued, 1);
  assert.equal(thread.status.counters['writes_failed'], 1);
});

test('close ends an attempt that gets no answer', HANGS, async (t) => {
  const server = await redis(t);
  server.pause();
  const times = { connectMs: HOUR_MS, commandMs: HOUR_MS };
  const store = new RedisStore(uriOf(server.port), { writer: Buffer.from(WRITER, 'hex'), times });
  const states: string[] = [];
  const watched = store.watch({
    resetBegin: () => {},
    resetScope: () => {},
    resetEnd: () => {},
    changed: () => {},
    state: (state) => states.push(state),
  });
  await store.close();
  await assert.rejects(watched);
  assert.deepEqual(states, ['connecting']);
});

test('a file that cannot be written at the end is told of', HANGS, async (t) => {
  const directory = temporaryDirectory(t);
  const thread = threadOf(`file://${directory}/t.mrt`);
  await thread.start();
  thread.post([PUT]);
  rmSync(directory, { recursive: true });
  assert.match(
    (await thread.close(HOUR_MS)) ?? '',
    /^cannot write template store .*: no such file or directory/,
  );
});

test('a store that does not close is left behind, and told of', HANGS, async (t) => {
  const path = join(temporaryDirectory(t), 'store.mjs');
  const source = new URL('../../src/templates/memory-store.js', import.meta.url).href;
  writeFileSync(
    path,
    `import { MemoryStore } from ${JSON.stringify(source)};
export default (_, { clock }) => Object.assign(new MemoryStore(clock), { close: () => new Promise(() => {}) });
`,
  );
  const thread = threadOf(`module:${path}`);
  await thread.start();
  assert.match((await thread.close(0)) ?? '', /^not closed within \d+ s$/);
});
