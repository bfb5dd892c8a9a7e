/** How a collector stops: in order, within its time, and with an account of what it could not finish. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ExporterMessages, Exporters, OCTETS_FIRST } from '../support/fleet.ts';
import { RedisServer } from '../support/redis-server.ts';
import { until } from '../support/until.ts';
import { Running, temporaryDirectory } from './child.ts';
import { readBalanced } from './ledger-balance.ts';

const directory = temporaryDirectory();
const exporters = new Exporters();
const FIXED = ['--listen', 'netflow://127.0.0.1:0', '--recv-buffer', '2MiB', '--status-interval', '1s'];

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
  const messages = new ExporterMessages(1);
  await exporters.send('127.0.0.9', port, messages.announce(256, OCTETS_FIRST));
  const packets = Array.from({ length: 100 }, (_, i) => i + 1);
  for (let i = 0; i < 50; i++)
    await exporters.send('127.0.0.9', port, messages.data(256, OCTETS_FIRST, ...packets));
  await collector.until('all is decoded', () =>
    /51 datagrams\/s|INFO: 0 datagrams\/s, 0 flows\/s, 1 exporters/.test(collector.stderr),
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
    await collector.until('the template is known', () => /1 templates/.test(collector.stderr));
    collector.kill('SIGTERM');
    const { code, stderr } = await collector.ended;
    assert.equal(code, 0, stderr);
  } finally {
    await redis.stop();
  }
});

test('a rejection that nobody handles ends the process with one line and exit code 70', async () => {
  const module = join(directory, 'reject.mjs');
  writeFileSync(
    module,
    `import { isMainThread } from 'node:worker_threads';
if (isMainThread) setTimeout(() => void Promise.reject(new Error('nobody waits for this')), 1_500);
`,
  );
  const env = { ...process.env, NODE_OPTIONS: `--import ${pathToFileURL(module).href}` };
  const collector = new Running(
    ['collect', ...FIXED, '--http', 'off', '--templates', 'memory:', '--output', 'null:'],
    { env },
  );
  await collector.port();
  const { code, stderr } = await collector.ended;
  assert.equal(code, 70, stderr);
  assert.match(stderr, /^millrace: internal error: nobody waits for this\. /m);
});
