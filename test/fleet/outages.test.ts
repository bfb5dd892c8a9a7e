/** Whatever happens to Redis, decoding goes on; afterwards the collectors agree again, and nothing stale is left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unbalanced } from '../../src/accounting/balance.ts';
import {
  assertRight,
  ExporterMessages,
  Exporters,
  FleetCollector,
  OCTETS_FIRST,
  PACKETS_FIRST,
} from '../support/fleet.ts';
import { RedisServer } from '../support/redis-server.ts';
import { RespProxy } from '../support/resp-proxy.ts';
import { until } from '../support/until.ts';

const exporters = new Exporters();
const EXPORTER = '127.0.0.9';
const LOG = '{millrace:outage}:log';
const HASH = `{millrace:outage}:t:ipfix/${EXPORTER}/0/1`;

/** Two collectors of one fleet; the first has taught the second template 256. */
async function startTwo(redis: RedisServer, address = redis.uri) {
  const uri = `${address}/0?fleet=outage`;
  const [a, b] = await Promise.all([FleetCollector.start(uri), FleetCollector.start(uri)]);
  const messages = new ExporterMessages(1);
  await exporters.send(EXPORTER, a.port, messages.announce(256, OCTETS_FIRST));
  await until('learned', async () => Number(await redis.command('XLEN', LOG)) >= 1);
  await b.applied(1);
  return { a, b, messages };
}

type Two = Awaited<ReturnType<typeof startTwo>>;

/** Sends data to the second collector all the time; none of it may wait for the end of the trouble. */
async function decodesDuring({ b, messages }: Two, trouble: () => Promise<void>): Promise<void> {
  const before = b.flows.length;
  let over = false;
  let sent = 0;
  const sending = (async () => {
    while (!over) {
      await exporters.send(EXPORTER, b.port, messages.data(256, OCTETS_FIRST, ++sent));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  await trouble();
  await until('some data was sent', () => sent > 10);
  const soFar = sent;
  await until('what was sent during the trouble is decoded', () => b.flows.length >= before + soFar);
  over = true;
  await sending;
  await until('everything is decoded', () => b.flows.length === before + sent);
  assertRight(b.flows);
}

async function stopBoth({ a, b }: Two): Promise<void> {
  for (const report of await Promise.all([a.stop(), b.stop()])) assert.deepEqual(unbalanced(report), []);
}

const state = (collector: FleetCollector, wanted: string): Promise<unknown> =>
  until(`template store ${wanted}`, () => collector.store?.state === wanted);

test('Redis is killed and comes back empty: what was learned before and meanwhile is in it', async () => {
  const redis = await RedisServer.start();
  try {
    const two = await startTwo(redis);
    const { a, b, messages } = two;
    await decodesDuring(two, async () => {
      await redis.stop('SIGKILL');
      await Promise.all([state(a, 'degraded'), state(b, 'degraded')]);
      await exporters.send(EXPORTER, a.port, messages.announce(257, PACKETS_FIRST));
    });
    assert.match(b.log, /template store: degraded/);
    await redis.startAgain();
    await Promise.all([state(a, 'synced'), state(b, 'synced')]);
    await until('both templates are stored', async () => Number(await redis.command('HLEN', HASH)) === 2);
    const before = b.flows.length;
    await until('the second collector has the new one', async () => {
      await exporters.send(EXPORTER, b.port, messages.data(257, PACKETS_FIRST, 7));
      return b.flows.length > before;
    });
    assertRight(b.flows);
    assert.match(b.log, /template store: synced/);
    await stopBoth(two);
  } finally {
    await redis.stop();
  }
});

test('Redis hangs for 30 s: decoding goes on, and what happened meanwhile arrives', async () => {
  const redis = await RedisServer.start();
  try {
    const two = await startTwo(redis);
    const { a, b, messages } = two;
    await decodesDuring(two, async () => {
      redis.pause();
      await exporters.send(EXPORTER, a.port, messages.announce(257, PACKETS_FIRST));
      await new Promise((resolve) => setTimeout(resolve, 30_000));
      assert.equal(b.store?.state, 'degraded');
      redis.resume();
    });
    await Promise.all([state(a, 'synced'), state(b, 'synced')]);
    await until('the new template is stored', async () => Number(await redis.command('HLEN', HASH)) === 2);
    await exporters.send(EXPORTER, b.port, messages.data(257, PACKETS_FIRST, 7));
    await until('it is used', () => b.flows.at(-1)?.packets === 7);
    assertRight(b.flows);
    await stopBoth(two);
  } finally {
    await redis.stop();
  }
});

test('FLUSHALL is told from an empty fleet: the content comes back', async () => {
  const redis = await RedisServer.start();
  try {
    const two = await startTwo(redis);
    const { messages, a, b } = two;
    await decodesDuring(two, async () => {
      await redis.command('FLUSHALL');
      await until('put again', async () => Number(await redis.command('HLEN', HASH)) === 1);
    });
    // The new history has indexes that the old one had, too.
    await exporters.send(EXPORTER, a.port, messages.announce(256, PACKETS_FIRST));
    const before = b.flows.length;
    await until('redefined in the other collector', async () => {
      await exporters.send(EXPORTER, b.port, messages.data(256, PACKETS_FIRST, 9));
      return b.flows.slice(before).some(({ octets, packets }) => packets === 9 && octets === 9_000);
    });
    await stopBoth(two);
  } finally {
    await redis.stop();
  }
});

test('a withdrawal that could not be told in time takes effect with the repair', async () => {
  const redis = await RedisServer.start();
  try {
    const two = await startTwo(redis);
    const { a, b, messages } = two;
    redis.pause();
    await exporters.send(EXPORTER, a.port, messages.withdraw(256));
    await Promise.all([state(a, 'degraded'), state(b, 'degraded')]);
    redis.resume();
    await Promise.all([state(a, 'synced'), state(b, 'synced')]);
    await until(
      'removed from the store',
      async () => Number(await redis.command('HEXISTS', HASH, 'template/256')) === 0,
    );
    await until('told to the second collector', () => (b.store?.applied ?? 0) >= 2);
    await exporters.send(EXPORTER, b.port, messages.data(256, OCTETS_FIRST, 1));
    await until('the data waits', () => /data without a template/.test(b.log));
    assert.equal(b.flows.length, 0);
    await stopBoth(two);
  } finally {
    await redis.stop();
  }
});

test('Redis takes no writes (maxmemory): the state says so, and what waits is written when there is room', async () => {
  const redis = await RedisServer.start();
  try {
    const two = await startTwo(redis);
    const { a, messages } = two;
    await decodesDuring(two, async () => {
      await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      await redis.command('CONFIG', 'SET', 'maxmemory', '1');
      await exporters.send(EXPORTER, a.port, messages.announce(257, PACKETS_FIRST));
      await until('it is said', () => /maxmemory|memory/i.test(a.log));
    });
    await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    await until('written', async () => Number(await redis.command('HLEN', HASH)) === 2);
    await stopBoth(two);
  } finally {
    await redis.stop();
  }
});

test('a failover to a replica that missed the last writes: they are put again', async () => {
  const primary = await RedisServer.start();
  const replica = await RedisServer.start({ replicaof: `127.0.0.1 ${primary.port}` });
  // Stands for the address that moves from one server to the other.
  const front = await RespProxy.start(primary.port);
  try {
    const two = await startTwo(primary, front.uri);
    const { a, b, messages } = two;
    await until('replicated', async () => Number(await replica.command('XLEN', LOG)) === 1);
    await replica.command('REPLICAOF', 'NO', 'ONE');
    // The old primary takes a change that the new one never sees.
    await exporters.send(EXPORTER, a.port, messages.announce(257, PACKETS_FIRST));
    await b.applied(2);
    await decodesDuring(two, async () => {
      await primary.stop('SIGKILL');
      front.swapTo(replica.port);
      front.cutAll();
      await until('both have noticed', () => [a, b].every(({ log }) => /template store: degraded/.test(log)));
      await until('both are back', () =>
        [a, b].every(({ log }) => /degraded.*template store: synced/s.test(log)),
      );
    });
    await until('put again', async () => Number(await replica.command('HLEN', HASH)) === 2);
    await exporters.send(EXPORTER, b.port, messages.data(257, PACKETS_FIRST, 7));
    await until('still known', () => b.flows.at(-1)?.packets === 7);
    assertRight(b.flows);
    await stopBoth(two);
  } finally {
    await front.stop();
    await replica.stop();
    await primary.stop();
  }
});
