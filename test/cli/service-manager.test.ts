/** A collector as systemd starts it: what it says, and when. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { NotifyReceiver, noNotifySocket } from '../support/notify-receiver.ts';
import { Running, temporaryDirectory } from './child.ts';

const directory = temporaryDirectory();
const skip = noNotifySocket;
const COLLECT = [
  ...['collect', '--listen', 'netflow://127.0.0.1:0', '--recv-buffer', '2MiB', '--templates', 'memory:'],
  ...['--http', 'off', '--output', 'null:', '--workers', '1'],
];
const WATCHDOG = { WATCHDOG_USEC: '200000' };
/** Several of its intervals. */
const SILENCE_MS = 1_000;

const collecting = (name: string, variables: NodeJS.ProcessEnv = {}, ...args: string[]): Running =>
  new Running([...COLLECT, ...args], { env: { ...process.env, NOTIFY_SOCKET: name, ...variables } });

/** A module that the program loads first. */
function preloaded(name: string, source: string): { NODE_OPTIONS: string } {
  const path = join(directory, name);
  writeFileSync(path, source);
  return { NODE_OPTIONS: `--import ${pathToFileURL(path).href}` };
}

const NAMES = { path: join(directory, 'notify'), 'abstract name': `@millrace-test-${process.pid}` };
for (const [what, name] of Object.entries(NAMES)) {
  test(`${what}: ready when the port is bound, reloading, stopping before the end`, {
    skip,
  }, async () => {
    const receiver = new NotifyReceiver(name);
    const collector = collecting(name, {}, '--drain-grace', '1s');
    const ready = await receiver.next();
    const [, port] = /^READY=1\nSTATUS=listening on netflow:\/\/127\.0\.0\.1:(\d+); 1 decode worker$/.exec(
      ready,
    )!;
    const rival = createSocket('udp4').bind(Number(port), '127.0.0.1');
    const [error] = await once(rival, 'error');
    assert.equal(error.code, 'EADDRINUSE');

    collector.kill('SIGHUP');
    assert.match(await receiver.next(), /^RELOADING=1\nMONOTONIC_USEC=\d+\nSTATUS=/);
    assert.equal(await receiver.next(), ready);

    collector.kill('SIGTERM');
    assert.match(await receiver.next(), /^STOPPING=1\nSTATUS=/);
    assert.equal(collector.child.exitCode, null);
    const { code, stderr } = await collector.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /the configuration has not changed/);
    assert.doesNotMatch(stderr, /service manager/);
    assert.deepEqual(receiver.takeAll(), []);
    receiver.close();
  });
}

test('the watchdog hears nothing of a main thread that does not turn', { skip }, async () => {
  const name = join(directory, 'frozen');
  const receiver = new NotifyReceiver(name);
  const collector = collecting(name, WATCHDOG);
  assert.match(await receiver.next(), /^READY=1/);
  for (let i = 0; i < 3; i++) assert.equal(await receiver.next(), 'WATCHDOG=1');
  collector.kill('SIGSTOP');
  await delay(SILENCE_MS);
  receiver.takeAll();
  await delay(SILENCE_MS);
  assert.equal(receiver.take(), null);
  collector.kill('SIGCONT');
  assert.equal(await receiver.next(), 'WATCHDOG=1');
  collector.kill('SIGTERM');
  assert.equal((await collector.ended).code, 0);
});

/** SIGUSR2 ends the threads, and others do not get up. */
const NO_WORKERS = `
import threads from 'node:worker_threads';
import { syncBuiltinESMExports } from 'node:module';
const all = [];
let over = false;
threads.Worker = class extends threads.Worker {
  constructor(entry, options) {
    super(over ? new URL('file:///there/is/none.js') : entry, options);
    all.push(this);
  }
};
syncBuiltinESMExports();
if (threads.isMainThread) process.on('SIGUSR2', () => {
  over = true;
  for (const thread of all) void thread.terminate();
});
`;

test('the watchdog hears nothing of a collector without decode threads', { skip }, async () => {
  const name = join(directory, 'helpless');
  const receiver = new NotifyReceiver(name);
  const variables = { ...WATCHDOG, ...preloaded('no-workers.mjs', NO_WORKERS) };
  const collector = collecting(name, variables, '--receive', 'dgram');
  assert.match(await receiver.next(), /^READY=1/);
  assert.equal(await receiver.next(), 'WATCHDOG=1');
  collector.kill('SIGUSR2');
  const said = 'no decode worker is alive: nothing is said to the watchdog any more';
  await collector.until('it says so', () => collector.stderr.includes(said));
  receiver.takeAll();
  await delay(SILENCE_MS);
  assert.equal(receiver.take(), null);
  collector.kill('SIGTERM');
  assert.match(await receiver.next(), /^STOPPING=1/);
  assert.equal((await collector.ended).code, 0);
});

const NO_KOFFI = `
import Module from 'node:module';
const load = Module._load;
Module._load = (request, ...more) => {
  if (request === 'koffi') throw new Error('not installed');
  return load(request, ...more);
};
`;

test('what cannot be told is one warning, and the collector collects', async () => {
  const cases: [string, NodeJS.ProcessEnv, string][] = [
    [join(directory, 'none'), preloaded('no-koffi.mjs', NO_KOFFI), 'koffi cannot be loaded (not installed)'],
    ['no/path', {}, 'NOTIFY_SOCKET "no/path": allowed are a path or @name'],
  ];
  for (const [name, variables, reason] of cases) {
    const collector = collecting(name, { ...WATCHDOG, ...variables });
    await collector.port();
    collector.kill('SIGTERM');
    const { code, stderr } = await collector.ended;
    assert.equal(code, 0, stderr);
    const warnings = stderr.split('\n').filter((line) => line.includes('service manager'));
    assert.equal(warnings.length, 1, stderr);
    assert.ok(warnings[0].includes(`cannot be told when the collector is ready: ${reason}`), warnings[0]);
  }
});
