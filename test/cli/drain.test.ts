/** How a collector starts and stops: in order, within its time, and with an account of what it could not finish. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { ReadyReport } from '../../src/ops/readiness.ts';
import { ExporterMessages, Exporters, OCTETS_FIRST } from '../support/fleet.ts';
import { RedisServer } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { countLines, Running, temporaryDirectory } from './child.ts';
import { readBalanced } from './ledger-balance.ts';

const directory = temporaryDirectory();
const exporters = new Exporters();
const FIXED = ['--listen', 'netflow://127.0.0.1:0', '--recv-buffer', '2MiB', '--status-interval', '1s'];

/** Whether nobody has this UDP port of the loopback address; 0 for any. Resolves with the port, null when it is taken. */
async function freePort(port = 0): Promise<number | null> {
  const socket = createSocket('udp4');
  try {
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    return socket.address().port;
  } catch {
    return null;
  } finally {
    socket.close();
  }
}

/** The conditions of /ready that do not hold. */
async function missing(url: string): Promise<string[]> {
  const { conditions } = (await (await fetch(`${url}/ready`)).json()) as ReadyReport;
  return conditions.filter(({ ready }) => !ready).map(({ name }) => name);
}

/** 51 datagrams with 5 000 flows, which no pipe holds as NDJSON. */
async function sendMoreThanAPipeTakes(port: number): Promise<void> {
  const messages = new ExporterMessages(1);
  const packets = Array.from({ length: 100 }, (_, i) => i + 1);
  await exporters.send('127.0.0.9', port, messages.announce(256, OCTETS_FIRST));
  for (let i = 0; i < 50; i++)
    await exporters.send('127.0.0.9', port, messages.data(256, OCTETS_FIRST, ...packets));
}

test('the start: HTTP says that it is not ready, the store is read, and only then sockets are bound', async () => {
  const redis = await RedisServer.start();
  redis.pause();
  const port = (await freePort())!;
  const place = ['--listen', `netflow://127.0.0.1:${port}`, '--http', '127.0.0.1:0'];
  const collector = new Running(['collect', ...place, '--templates', redis.uri, '--output', 'null:']);
  await collector.until('it serves HTTP', () => /http:\/\/127\.0\.0\.1:\d+/.test(collector.stderr));
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(collector.stderr)!;
  await until('workers are there', async () => !(await missing(url)).includes('workers'));
  assert.deepEqual(await missing(url), ['sockets', 'template store']);
  assert.equal(await freePort(port), port);
  redis.resume();
  await until('ready', async () => (await missing(url)).length === 0);
  assert.equal(await freePort(port), null);
  collector.kill('SIGTERM');
  const { code, stderr } = await collector.ended;
  assert.equal(code, 0, stderr);
  await redis.stop();
});

test('a signal ends the wait for a store that cannot be reached', async () => {
  const redis = await RedisServer.start();
  redis.pause();
  const patient = ['--templates', redis.uri, '--store-deadline', '1h', '--http', '127.0.0.1:0'];
  const collector = new Running(['collect', ...FIXED, ...patient, '--output', 'null:']);
  await collector.until('it serves HTTP', () => /http:\/\/127\.0\.0\.1:\d+/.test(collector.stderr));
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(collector.stderr)!;
  await until('workers are there', async () => !(await missing(url)).includes('workers'));
  collector.kill('SIGTERM');
  const { code, stderr } = await collector.ended;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /SIGTERM: the start is given up\n$/);
  await redis.stop();
});

test('the end: sockets, data that waits, outputs, store, ledger', async () => {
  const store = join(directory, 'order.mrt');
  const ledger = join(directory, 'order.json');
  const collector = new Running(
    [
      ...['collect', ...FIXED, '--http', '127.0.0.1:0', '--templates', `file://${store}`],
      ...['--output', 'stdout:?format=ndjson', '--ledger', ledger],
    ],
    {},
    false,
  );
  const port = await collector.port();
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(collector.stderr)!;
  await sendMoreThanAPipeTakes(port);
  await exporters.send('127.0.0.9', port, new ExporterMessages(2).data(300, OCTETS_FIRST, 1));
  await collector.until('the last one waits', () => / 1 held/.test(collector.stderr));

  collector.kill('SIGTERM');
  await until('sockets are closed', async () => (await freePort(port)) === port);
  assert.ok((await missing(url)).includes('not draining'));
  assert.doesNotMatch(collector.stderr, /^ledger$/m);
  assert.ok(existsSync(`${store}.lock`));

  let written = '';
  collector.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    written += text;
  });
  await once(collector.child, 'close');
  const { code, stderr } = await collector.ended;
  assert.equal(code, 0, stderr);
  const { counters, outputs } = readBalanced(ledger);
  assert.equal(counters.sets_unresolved, 1);
  assert.equal(outputs[0].written, 5_000);
  assert.equal(countLines(written), 5_000);
  assert.ok(existsSync(store) && !existsSync(`${store}.lock`));
  assert.match(stderr, /^ledger$/m);
});

test('an output that takes nothing is given up when the time is over, by name and number', async () => {
  const ledger = join(directory, 'blocked.json');
  const args = [
    'collect',
    ...FIXED,
    '--drain-timeout',
    '1s',
    '--ledger',
    ledger,
    '--output',
    'stdout:?format=ndjson',
  ];
  const collector = new Running(args, {}, false);
  const port = await collector.port();
  await sendMoreThanAPipeTakes(port);
  await collector.until('all is decoded', () =>
    /51 datagrams\/s|INFO: 0 datagrams\/s, 0 flows\/s, 1 exporter,/.test(collector.stderr),
  );
  collector.kill('SIGTERM');
  const { code, stderr } = await collector.ended;
  assert.equal(code, 1, stderr);
  assert.match(stderr, /millrace: not finished within 1 s, given up: \d+ records for stdout:/);
  const report = readBalanced(ledger);
  assert.equal(report.counters.datagrams_received, 51);
  assert.ok(report.outputs[0].dropped_failed > 0);
});

test('during the grace /ready says no and datagrams are still taken', async () => {
  const ledger = join(directory, 'grace.json');
  const args = [
    'collect',
    ...FIXED,
    '--http',
    '127.0.0.1:0',
    '--drain-grace',
    '3s',
    '--ledger',
    ledger,
    '--output',
    'stdout:?format=ndjson',
  ];
  const collector = new Running(args);
  const port = await collector.port();
  await collector.until('it serves HTTP', () => /http:\/\/127\.0\.0\.1:\d+/.test(collector.stderr));
  const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(collector.stderr)!;
  const ready = async (): Promise<number> => (await fetch(`${url}/ready`)).status;
  await until('ready', async () => (await ready()) === 200);
  collector.kill('SIGTERM');
  await until('not ready', async () => (await ready()) === 503);
  const messages = new ExporterMessages(1);
  await exporters.send('127.0.0.9', port, messages.announce(256, OCTETS_FIRST));
  await exporters.send('127.0.0.9', port, messages.data(256, OCTETS_FIRST, 1, 2));
  const { code, stdout, stderr } = await collector.ended;
  assert.equal(code, 0, stderr);
  assert.equal(stdout.trim().split('\n').length, 2);
  assert.equal(readBalanced(ledger).counters.datagrams_received, 2);
});

test('a Redis that hangs does not hold up the end', async () => {
  const redis = await RedisServer.start();
  try {
    const collector = new Running(['collect', ...FIXED, '--templates', redis.uri, '--output', 'null:']);
    const port = await collector.port();
    redis.pause();
    await exporters.send('127.0.0.9', port, new ExporterMessages(1).announce(256, OCTETS_FIRST));
    await collector.until('the template is known', () => / 1 template,/.test(collector.stderr));
    collector.kill('SIGTERM');
    const { code, stderr } = await collector.ended;
    assert.equal(code, 0, stderr);
  } finally {
    await redis.stop();
  }
});

for (const [what, defect] of [
  ['a rejection that nobody handles', 'Promise.reject(error)'],
  ['an exception that nobody catches', 'setImmediate(() => { throw error; })'],
]) {
  test(`${what} ends the process with exit code 70, and with a ledger as far as it is known`, async () => {
    const module = join(directory, 'defect.mjs');
    writeFileSync(
      module,
      `import { isMainThread } from 'node:worker_threads';
const error = new Error('nobody waits for this');
if (isMainThread) process.once('SIGUSR2', () => void ${defect});
`,
    );
    const env = { ...process.env, NODE_OPTIONS: `--import ${pathToFileURL(module).href}` };
    const ledger = join(directory, 'defect.json');
    const file = join(directory, `${defect.length}.ndjson`);
    const outputs = ['--output', 'stdout:?format=ndjson', '--output', `file://${file}`, '--ledger', ledger];
    const collector = new Running(
      ['collect', ...FIXED, '--templates', 'memory:', ...outputs],
      { env },
      false,
    );
    const port = await collector.port();
    await sendMoreThanAPipeTakes(port);
    await exporters.send('127.0.0.9', port, new ExporterMessages(2).data(300, OCTETS_FIRST, 1));
    await collector.until('the last one waits', () => / 1 held/.test(collector.stderr));
    await until('the file has all', () => countLines(readFileSync(`${file}.part`, 'utf8')) === 5_000);
    collector.kill('SIGUSR2');
    const { code, stderr } = await collector.ended;
    assert.equal(code, 70, stderr);
    assert.match(
      stderr,
      /^millrace: internal error: nobody waits for this\. .*\nledger\n(.*\n)+millrace: ended in the middle of the work, the ledger is incomplete; given up: \d+ records for stdout:/m,
    );
    const { counters, outputs: accounts } = readBalanced(ledger);
    assert.equal(counters.datagrams_received, 52);
    assert.equal(counters.sets_unresolved, 1);
    assert.ok(accounts[0].dropped_failed > 0);
    assert.equal(accounts[1].written, 5_000);
    assert.equal(countLines(readFileSync(`${file}.part`, 'utf8')), 5_000);
  });
}
