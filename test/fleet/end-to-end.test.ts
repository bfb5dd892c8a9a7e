/** Collectors behind a balancer decode as one: real processes, real UDP on loopback, a real Redis. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { unbalanced } from '../../src/accounting/balance.ts';
import { encodeEnvelope } from '../../src/fleet/envelope.ts';
import { chainAfter } from '../../src/fleet/log-gate.ts';
import type { ReadyReport } from '../../src/ops/readiness.ts';
import { run } from '../cli/child.ts';
import { optionsTemplate, set, u16, u32 } from '../support/bytes.ts';
import {
  assertRight,
  type Definition,
  ExporterMessages,
  Exporters,
  FleetCollector,
  type Flow,
  OCTETS_FIRST,
  PACKETS_FIRST,
} from '../support/fleet.ts';
import { RedisServer } from '../support/redis-server.ts';
import { until } from '../support/until.ts';

const exporters = new Exporters();
let redis: RedisServer;
before(async () => {
  redis = await RedisServer.start();
});
after(() => redis.stop());

let fleets = 0;
const newFleet = (): { uri: string; key: (name: string) => string } => {
  const fleet = `fleet${++fleets}`;
  return { uri: `${redis.uri}/0?fleet=${fleet}`, key: (name) => `{millrace:${fleet}}:${name}` };
};
const logLength = async (key: string): Promise<number> => Number(await redis.command('XLEN', key));

test('a collector that starts cold decodes the next data with what another has learned', async () => {
  const { uri, key } = newFleet();
  const messages = new ExporterMessages(7);
  const a = await FleetCollector.start(uri);
  await exporters.send('127.0.0.9', a.port, messages.announce(256, OCTETS_FIRST));
  // A sampling rate of 1 in 500 for the exporter as a whole (options by observation domain).
  const announced = messages.raw(set(3, optionsTemplate(300, 1, [149, 4], [34, 4])), set(300, u32(7, 500)));
  await exporters.send('127.0.0.9', a.port, announced);
  await until('three changes', async () => (await logLength(key('log'))) >= 3);
  await a.kill();

  const b = await FleetCollector.start(uri);
  await exporters.send('127.0.0.9', b.port, messages.data(256, OCTETS_FIRST, 1, 2, 3));
  await b.running.lines(3);
  assertRight(b.flows);
  assert.deepEqual(
    b.flows.map(({ packets, rate }) => [packets, rate]),
    [
      [1, 500],
      [2, 500],
      [3, 500],
    ],
  );
  const report = await b.stop();
  assert.equal(report.counters.sets_held, 0);
  assert.deepEqual(unbalanced(report), []);
});

test('2 000 exporters with 5 templates each are restored at the start', async () => {
  const { uri, key } = newFleet();
  const a = await FleetCollector.start(uri, '--output', 'null:');
  const addresses = Array.from({ length: 20 }, (_, i) => `127.0.1.${i + 1}`);
  const all = addresses.flatMap((address) =>
    Array.from({ length: 100 }, (_, i) => ({ address, messages: new ExporterMessages(i + 1) })),
  );
  for (const [i, { address, messages }] of all.entries()) {
    for (let id = 256; id < 261; id++)
      await exporters.send(
        address,
        a.port,
        messages.announce(id, id % 2 === 0 ? OCTETS_FIRST : PACKETS_FIRST),
      );
    if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until('10 000 templates', async () => (await logLength(key('log'))) >= 10_000);
  await a.kill();

  const b = await FleetCollector.start(uri);
  for (const [i, { address, messages }] of all.entries()) {
    const id = 256 + (i % 5);
    await exporters.send(
      address,
      b.port,
      messages.data(id, id % 2 === 0 ? OCTETS_FIRST : PACKETS_FIRST, i + 1),
    );
  }
  await b.running.lines(2_000);
  assertRight(b.flows);
  const report = await b.stop();
  assert.equal(report.counters.sets_held, 0);
  assert.equal(report.counters.templates_restored, 10_000);
});

test('three collectors behind a balancer decode like one while templates are redefined and withdrawn', async () => {
  const { uri, key } = newFleet();
  const single = await FleetCollector.start('memory:');
  const fleet = await Promise.all([1, 2, 3].map(() => FleetCollector.start(uri)));
  const fifty = Array.from({ length: 50 }, (_, i) => ({
    address: `127.0.2.${i + 1}`,
    messages: new ExporterMessages(i),
  }));
  let turn = 0;
  const spray = async (address: string, payload: Uint8Array): Promise<void> => {
    await exporters.send(address, fleet[turn++ % 3].port, payload);
    await exporters.send(address, single.port, payload);
  };
  let changes = 0;
  /** Exporters tell of changes before they send data in the new form; here the fleet has that much time. */
  const changed = async (): Promise<void> => {
    changes += 50;
    await until(`${changes} changes`, async () => (await logLength(key('log'))) >= changes);
    await Promise.all(fleet.map((collector) => collector.applied(changes)));
  };
  let packets = 0;
  const data = async (definition: Definition): Promise<void> => {
    for (let round = 0; round < 6; round++)
      for (const { address, messages } of fifty)
        await spray(address, messages.data(256, definition, ++packets, ++packets));
  };
  for (const definition of [OCTETS_FIRST, PACKETS_FIRST, OCTETS_FIRST]) {
    for (const { address, messages } of fifty) await spray(address, messages.announce(256, definition));
    await changed();
    await data(definition);
  }
  for (const { address, messages } of fifty) await spray(address, messages.withdraw(256));
  await changed();
  // Sent between the definitions: it waits, and belongs to the next.
  await data(PACKETS_FIRST);
  for (const { address, messages } of fifty) await spray(address, messages.announce(256, PACKETS_FIRST));
  await changed();

  await until('all flows', () => single.flows.length === packets);
  await until('all flows of the fleet', () => fleet.flatMap(({ flows }) => flows).length === packets);
  const text = (flows: readonly Flow[]): string[] => flows.map((flow) => JSON.stringify(flow)).sort();
  assert.deepEqual(text(fleet.flatMap(({ flows }) => flows)), text(single.flows));
  assertRight(single.flows);
  for (const report of await Promise.all([single, ...fleet].map((collector) => collector.stop())))
    assert.deepEqual(unbalanced(report), []);
});

test('data that waits in one collector is released when another learns its template', async () => {
  const { uri } = newFleet();
  const [a, b] = await Promise.all([FleetCollector.start(uri), FleetCollector.start(uri)]);
  const messages = new ExporterMessages(1);
  const data = messages.data(256, OCTETS_FIRST, 1, 2);
  await exporters.send('127.0.0.9', b.port, data);
  await until('b holds the set', () => /data without a template/.test(b.log));
  await exporters.send('127.0.0.9', a.port, messages.announce(256, OCTETS_FIRST));
  await b.running.lines(2);
  assertRight(b.flows);
  const report = await b.stop();
  assert.equal(report.counters.sets_held, 1);
  assert.equal(report.counters.sets_replayed, 1);
  assert.equal(report.counters.templates_restored, 1);
  await a.stop();
});

test('what is not new costs Redis nothing; storms and forged headers neither', async () => {
  const { uri, key } = newFleet();
  const a = await FleetCollector.start(uri);
  const messages = new ExporterMessages(1);
  await exporters.send('127.0.0.9', a.port, messages.announce(256, OCTETS_FIRST));
  await until('learned', async () => (await logLength(key('log'))) === 1);
  const calls = async (): Promise<number> => {
    const stats = String(await redis.command('INFO', 'commandstats'));
    // What reading and writing templates needs; the look at the end of the log goes on.
    const names = ['hget', 'hgetall', 'hmget', 'hset', 'zadd'];
    return names.reduce(
      (sum, name) => sum + Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0),
      0,
    );
  };
  await new Promise((resolve) => setTimeout(resolve, 500));
  const before = await calls();
  for (let i = 0; i < 1_000; i++)
    await exporters.send('127.0.0.9', a.port, messages.announce(256, OCTETS_FIRST));
  // 16 000 data sets of templates that nobody knows, in messages of 64 KiB on loopback that fit the slots.
  for (let first = 1_000; first < 17_000; first += 1_000) {
    const sets = Array.from({ length: 1_000 }, (_, i) => set(first + i, u16(1, 2)));
    await exporters.send('127.0.0.9', a.port, messages.raw(...sets));
  }
  for (let i = 0; i < 2_000; i++) {
    const forged = new ExporterMessages(1_000_000 + i);
    await exporters.send('127.0.0.10', a.port, forged.raw(set(256, u32(1, 2))));
  }
  await until('everything is seen', () => /"held":\d{4}/.test(a.log));
  await exporters.send('127.0.0.9', a.port, messages.data(256, OCTETS_FIRST, 1));
  await a.running.lines(1);
  const cost = (await calls()) - before;
  assert.ok(cost <= 64, `${cost} commands`);
  assert.equal(await logLength(key('log')), 1);
  assert.equal(await redis.command('HLEN', key('t:ipfix/127.0.0.9/0/1')), 1);
  await a.stop();
});

test('values in the store that are none are refused, counted and replaced by the next announcement', async () => {
  const { uri, key } = newFleet();
  const a = await FleetCollector.start(uri);
  const messages = new ExporterMessages(1);
  for (const id of [256, 257, 258, 259])
    await exporters.send('127.0.0.9', a.port, messages.announce(id, OCTETS_FIRST));
  await until('learned', async () => (await logLength(key('log'))) === 4);
  await a.stop();
  const hash = key('t:ipfix/127.0.0.9/0/1');
  const client = redis.client();
  const good = (await client.hgetBuffer(hash, 'template/256'))!;
  await client.hset(hash, 'template/256', Buffer.from('no value'));
  await client.hset(hash, 'template/257', good.subarray(0, good.length - 5));
  await client.hset(hash, 'template/258', good);
  await client.hset(hash, 'template/259', Buffer.alloc(10_000_000, 1));
  await client.set(key('t:ipfix/127.0.0.8/0/1'), 'not a hash');
  await client.zadd(key('scopes'), 1, 'ipfix/127.0.0.8/0/1', 1, 'nonsense \u001b[31m');
  client.disconnect();

  const b = await FleetCollector.start(uri);
  for (const id of [256, 257, 258, 259])
    await exporters.send('127.0.0.9', b.port, messages.data(id, OCTETS_FIRST, 1));
  await until('nothing is decoded', () => /"held":4/.test(b.log));
  const counters = b.store!.counters;
  const refused = Object.entries(counters).filter(([name]) => /poisoned|values_refused/.test(name));
  assert.ok(refused.reduce((sum, [, count]) => sum + count, 0) >= 4, JSON.stringify(counters));
  for (const id of [256, 257, 258, 259])
    await exporters.send('127.0.0.9', b.port, messages.announce(id, OCTETS_FIRST));
  await b.running.lines(4);
  assertRight(b.flows);
  await until('the store is put right', async () => (await logLength(key('log'))) >= 8);
  await b.stop();
  const c = await FleetCollector.start(uri);
  for (const id of [256, 257, 258, 259])
    await exporters.send('127.0.0.9', c.port, messages.data(id, OCTETS_FIRST, 1));
  await c.running.lines(4);
  await c.stop();
});

test('what a limit here pushes out stays in the store and comes back, or is removed everywhere, as asked', async () => {
  for (const evictions of ['local', 'fleet']) {
    const { uri, key } = newFleet();
    const a = await FleetCollector.start(uri, '--evictions', evictions);
    const messages = new ExporterMessages(1);
    // A collector uses up to 1 000 templates of a scope at a time.
    for (let id = 256; id < 256 + 1_001; id++) {
      await exporters.send('127.0.0.9', a.port, messages.announce(id, OCTETS_FIRST));
      if (id % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const hash = key('t:ipfix/127.0.0.9/0/1');
    await until(
      'the last is stored',
      async () => (await redis.command('HEXISTS', hash, 'template/1256')) === 1,
    );
    if (evictions === 'fleet') {
      await until(
        'the first is removed',
        async () => (await redis.command('HEXISTS', hash, 'template/256')) === 0,
      );
    } else {
      await exporters.send('127.0.0.9', a.port, messages.data(256, OCTETS_FIRST, 1));
      await a.running.lines(1);
      assertRight(a.flows);
      assert.equal(await redis.command('HEXISTS', hash, 'template/256'), 1);
    }
    const report = await a.stop();
    assert.equal(report.counters.templates_evicted, evictions === 'fleet' ? 1 : 2);
  }
});

test('a store that cannot be used ends the start with one line and no secret', async () => {
  const locked = await RedisServer.start({ requirepass: 'right' }, { password: 'right' });
  try {
    const cases: [string, RegExp][] = [
      [`redis://:wrong-secret@127.0.0.1:${locked.port}/0`, /password|WRONGPASS/i],
      [`redis://127.0.0.1:${locked.port}/0`, /password|NOAUTH|authentication/i],
      [`${redis.uri}/99`, /database|DB index/i],
      ['redis://127.0.0.1:1/0', /127\.0\.0\.1:1|refused/i],
    ];
    await redis.command('SET', '{millrace:taken}:meta', 'text');
    cases.push([`${redis.uri}/0?fleet=taken`, /type/i]);
    for (const [uri, reason] of cases) {
      const { code, stderr } = await run([
        'collect',
        '--listen',
        'netflow://127.0.0.1:0',
        '--templates',
        uri,
        '--store-deadline',
        '1s',
      ]);
      assert.equal(code, 1, `${uri}: ${stderr}`);
      const lines = stderr
        .trim()
        .split('\n')
        .filter((line) => line.startsWith('millrace:'));
      assert.equal(lines.length, 1, stderr);
      assert.match(lines[0], reason);
      assert.ok(!stderr.includes('wrong-secret'), stderr);
      assert.ok(!/\n\s+at /.test(stderr), stderr);
    }
  } finally {
    await locked.stop();
  }
});

test('with --store-optional a collector starts without its store and is told later', async () => {
  const late = await RedisServer.start();
  await late.stop();
  const a = await FleetCollector.start(`${late.uri}/0?fleet=late`, '--store-optional');
  const messages = new ExporterMessages(1);
  await exporters.send('127.0.0.9', a.port, messages.announce(256, OCTETS_FIRST));
  await exporters.send('127.0.0.9', a.port, messages.data(256, OCTETS_FIRST, 1));
  await a.running.lines(1);
  await late.startAgain();
  try {
    await until('written', async () => Number(await late.command('XLEN', '{millrace:late}:log')) === 1);
    await until('synced', () => a.store?.state === 'synced');
    await a.stop();
  } finally {
    await late.stop();
  }
});

test('LOG-19: in front of an entry of a later version a collector is not ready, and goes on decoding', async () => {
  const { uri, key } = newFleet();
  const a = await FleetCollector.start(uri, '--http', '127.0.0.1:0');
  const url = /http:\/\/[\d.:]+/.exec(a.log)![0];
  const ready = async (): Promise<[number, ReadyReport]> => {
    const answer = await fetch(`${url}/ready`);
    return [answer.status, (await answer.json()) as ReadyReport];
  };
  assert.equal((await ready())[0], 200);
  const messages = new ExporterMessages(1);
  await exporters.send('127.0.0.9', a.port, messages.announce(256, OCTETS_FIRST));
  await until('the template', async () => (await logLength(key('log'))) === 1);

  const envelope = Buffer.from(encodeEnvelope(900, true, Buffer.from('of tomorrow')));
  const chain = chainAfter(String(await redis.command('HGET', key('meta'), 'chain')), envelope);
  await redis.command('XADD', key('log'), '2-0', 'e', envelope, 'c', chain, 't', '1');
  await redis.command('HSET', key('meta'), 'index', '2', 'chain', chain);
  await exporters.send('127.0.0.9', a.port, messages.announce(257, OCTETS_FIRST));
  const [, report] = await until('not ready', async () => {
    const answer = await ready();
    return answer[0] === 503 && answer;
  });
  const [problem, ...others] = report.conditions.filter((condition) => !condition.ready);
  assert.deepEqual([problem.name, others], ['template store', []]);
  assert.match(problem.reason!, /^blocked, .*entry 2 /);

  await exporters.send('127.0.0.9', a.port, messages.data(257, OCTETS_FIRST, 1, 2));
  await a.running.lines(2);
  assertRight(a.flows);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /^millrace_store_state\{store="redis:.*state="blocked"\} 1$/m);
  assert.match(metrics, /^millrace_store_applied_index\{.*\} 1$/m);
  await a.stop();
});
