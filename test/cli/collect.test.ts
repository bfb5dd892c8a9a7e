import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { jsonLines } from '../support/json-lines.ts';
import { countLines, eventually, Running, run, temporaryDirectory } from './child.ts';
import { readBalanced } from './ledger-balance.ts';

const directory = temporaryDirectory();
const at = (name: string): string => join(directory, name);
const ANY_PORT = ['--listen', 'netflow://127.0.0.1:0', '--status-interval', '0', '--recv-buffer', '2MiB'];

/** Sends generated datagrams; returns how many flows are in them. */
async function generate(port: number, count: number, ...args: string[]): Promise<number> {
  const { code, stderr } = await run([
    'generate',
    '--to',
    `127.0.0.1:${port}`,
    '--count',
    String(count),
    '--rate',
    '2000',
    ...args,
  ]);
  assert.equal(code, 0, stderr);
  return Number(/\((\d+) flows/.exec(stderr)?.[1]);
}

test('flows arrive, SIGTERM drains, and the ledger balances', async () => {
  const ledger = at('drain.json');
  const collector = new Running([
    'collect',
    ...ANY_PORT,
    '--ledger',
    ledger,
    '--output',
    'stdout:',
    '--output',
    'null:?format=msgpack',
  ]);
  const port = await collector.port();
  let flows = 0;
  for (const version of ['5', '7', '9', '10']) flows += await generate(port, 50, '--version', version);
  await collector.lines(flows);
  collector.kill('SIGTERM');
  const { code, stdout, stderr } = await collector.ended;
  assert.equal(code, 0, stderr);
  assert.equal(countLines(stdout), flows);
  const report = readBalanced(ledger);
  assert.equal(report.counters.datagrams_received, 200);
  assert.equal(report.counters.records_decoded, flows);
  assert.ok(report.counters.templates_refreshed > 0);
  assert.ok(!/template \d+ (learned|refreshed)/.test(stderr), stderr);
  assert.deepEqual(
    report.outputs.map(({ output, written }) => [output, written]),
    [
      ['stdout:', flows],
      ['null:?format=msgpack', flows],
    ],
  );
  assert.match(stderr, /listening on netflow:\/\/127\.0\.0\.1:\d+; \d+ decode workers?; \d+ bytes/);
  assert.match(stderr, /\nledger\n {2}datagrams_received +200 {2}datagrams taken/);
  assert.match(stderr, /\noutput stdout:\n {2}records: \d+ encoded, \d+ written\n/);
  assert.ok(!/datagrams_filtered/.test(stderr));
});

test('SIGINT ends an idle collector, several addresses at once, with the dual stack among them', async () => {
  const collector = new Running([
    'collect',
    '--listen',
    'netflow://[::]:0',
    '--listen',
    'netflow://127.0.0.1:0',
    '--workers',
    '1',
  ]);
  const flows = await generate(await collector.port(0), 10);
  await generate(await collector.port(1), 10);
  await collector.lines(2 * flows);
  collector.kill('SIGINT');
  const { code, stdout } = await collector.ended;
  assert.equal(code, 0);
  // One exporter, whichever socket it reached.
  assert.ok(stdout.split('\n').every((line) => line === '' || line.includes('"exporter_addr":"127.0.0.1"')));
});

test('SIGHUP starts a new file', async () => {
  const first = at('rotate.ndjson');
  const ledger = at('rotate.json');
  const collector = new Running([
    'collect',
    ...ANY_PORT,
    '--ledger',
    ledger,
    '--output',
    `file://${first}`,
    '--output',
    'stdout:',
  ]);
  const port = await collector.port();
  const before = await generate(port, 20);
  await collector.lines(before);
  collector.kill('SIGHUP');
  await eventually('the first file is complete', () => existsSync(first));
  const after = await generate(port, 30, '--seed', '2');
  await collector.lines(before + after);
  collector.kill('SIGTERM');
  assert.equal((await collector.ended).code, 0);
  const files = readdirSync(directory).filter((name) => /^rotate\..*ndjson$/.test(name));
  assert.equal(files.length, 2);
  assert.equal(countLines(readFileSync(first, 'utf8')), before);
  const lines = files.map((name) => countLines(readFileSync(at(name), 'utf8')));
  assert.equal(lines[0] + lines[1], before + after);
  assert.equal(readBalanced(ledger).outputs[0].written, before + after);
});

test('a reader that goes away ends the collector quietly', async () => {
  const ledger = at('head.json');
  const collector = new Running(['collect', ...ANY_PORT, '--recv-buffer', '4KiB', '--ledger', ledger]);
  const port = await collector.port();
  await generate(port, 5);
  await collector.lines(1);
  collector.child.stdout?.destroy();
  const sender = new Running(['generate', '--to', `127.0.0.1:${port}`, '--rate', '100']);
  const { code, stderr } = await collector.ended;
  sender.kill('SIGINT');
  await sender.ended;
  assert.equal(code, 0);
  assert.equal(countLines(stderr), 1, stderr);
  readBalanced(ledger);
});

test('a reader that goes away leaves the other outputs alone', async () => {
  const ledger = at('one-reader.json');
  const outputs = ['--output', 'stdout:?format=ndjson', '--output', `file://${at('one-reader.ndjson')}`];
  const collector = new Running(['collect', ...ANY_PORT, ...outputs, '--ledger', ledger]);
  const port = await collector.port();
  await generate(port, 5);
  await collector.lines(1);
  collector.child.stdout?.destroy();
  // A pipe says that nobody reads it when it is written to.
  await generate(port, 5);
  await collector.until('it says so', () =>
    /WARN: the reader of standard output went away; the other outputs go on/.test(collector.stderr),
  );
  const written = (): number => countLines(readFileSync(`${at('one-reader.ndjson')}.part`, 'utf8'));
  const before = written();
  await generate(port, 5);
  await eventually('the file goes on', () => written() > before);
  collector.kill('SIGTERM');
  const { code, stderr } = await collector.ended;
  assert.equal(code, 0, stderr);
  const { counters, outputs: accounts } = readBalanced(ledger);
  const [stdout, file] = accounts;
  assert.ok(stdout.dropped_failed > 0);
  assert.equal(file.written, counters.records_decoded);
  assert.equal(countLines(readFileSync(at('one-reader.ndjson'), 'utf8')), file.written);
});

test('a second signal ends the collector at once', async () => {
  for (const [signal, exitCode] of [['SIGINT', 130] as const, ['SIGTERM', 143] as const]) {
    // Nobody reads the flows, so that there is no end after the first signal.
    const ledger = at(`${signal}.json`);
    const collector = new Running(['collect', ...ANY_PORT, '--ledger', ledger], {}, false);
    await generate(await collector.port(), 500);
    collector.kill(signal);
    await collector.until('it stops', () => collector.stderr.includes(`${signal}: stopping`));
    collector.kill(signal);
    const { code, stderr } = await collector.ended;
    assert.equal(code, exitCode);
    const [, last] = stderr.split(`millrace: ${signal} again: ended at once, what was not written is lost\n`);
    assert.match(last, /^ledger\n(.*\n)+millrace: .*the ledger is incomplete; given up: \d+ .*\n$/);
    const { counters, outputs } = readBalanced(ledger);
    assert.ok(counters.datagrams_abandoned + outputs[0].dropped_failed > 0);
  }
});

test('a port in use is one line and exit code 1', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  const { code, stdout, stderr } = await run(['collect', '--listen', `netflow://127.0.0.1:${port}`]);
  socket.close();
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.equal(stderr, `millrace: cannot listen on 127.0.0.1:${port}: address already in use\n`);
});

test('what cannot be written is told at the start', async () => {
  writeFileSync(at('file'), '');
  const below = join(at('file'), 'below');
  for (const [flag, value] of [
    ['--output', `file://${below}/flows.ndjson`],
    ['--ledger', below],
    ['--quarantine', below],
  ]) {
    const { code, stderr } = await run(['collect', ...ANY_PORT, flag, value]);
    assert.equal(code, 1, flag);
    assert.match(stderr, new RegExp(`^millrace: ${flag} [^\\n]*not a directory[^\\n]*\\n$`));
  }
});

test('--allow refuses others, --max-datagram longer ones', async () => {
  const ledger = at('refused.json');
  const collector = new Running([
    ...['collect', ...ANY_PORT, '--allow', '192.0.2.1', '--allow', '2001:db8::/32', '--max-datagram', '1430'],
    ...[
      '--slots',
      '64',
      '--workers',
      '1',
      '--ledger',
      ledger,
      '--log-format',
      'json',
      '--status-interval',
      '1s',
    ],
  ]);
  const port = await collector.port();
  // v5 datagrams of 30 records have 1464 octets, v9 ones at most 1400.
  await generate(port, 20, '--version', '5');
  await generate(port, 10, '--version', '9');
  await collector.until('all have come', () => collector.stderr.includes('"datagrams":30'));
  collector.kill('SIGTERM');
  const { code, stdout, stderr } = await collector.ended;
  assert.equal(code, 0, stderr);
  assert.equal(stdout, '');
  const { counters } = readBalanced(ledger);
  assert.equal(counters.datagrams_refused_oversize, 20);
  assert.equal(counters.datagrams_refused_not_admitted, 10);
});

test('--exporter-rate refuses what is more, and the ledger says so', async () => {
  const ledger = at('rate.json');
  const collector = new Running([
    ...['collect', ...ANY_PORT, '--exporter-rate', '10/s', '--ledger', ledger, '--log-format', 'json'],
    ...['--status-interval', '1s', '--output', 'null:'],
  ]);
  await generate(await collector.port(), 500);
  await collector.until('all have come', () => collector.stderr.includes('"datagrams":500'));
  collector.kill('SIGTERM');
  const { code, stderr } = await collector.ended;
  assert.equal(code, 0, stderr);
  const { counters } = readBalanced(ledger);
  assert.ok(counters.datagrams_decoded >= 10, String(counters.datagrams_decoded));
  assert.equal(counters.datagrams_decoded + counters.datagrams_refused_over_rate, 500);
  assert.match(stderr, /refused, more than --exporter-rate: exporter 127\.0\.0\.1 port \d+, datagram \d+/);
});

test('--log-format json: every line is an object, the ledger too', async () => {
  const collector = new Running([
    'collect',
    ...ANY_PORT,
    '--log-format',
    'json',
    '--status-interval',
    '1s',
    '--output',
    'null:',
  ]);
  await collector.until('a status line', () => collector.stderr.includes('datagramsPerSecond'));
  collector.kill('SIGTERM');
  const { code, stderr } = await collector.ended;
  assert.equal(code, 0);
  const lines = jsonLines(stderr);
  assert.ok(
    lines.every(({ level, time, msg }) => typeof level === 'string' && typeof time === 'string' && msg),
  );
  assert.ok(lines.some(({ listen }) => Array.isArray(listen)));
  const ledger = lines.at(-1)?.['ledger'] as { counters: Record<string, number> };
  assert.equal(ledger.counters['datagrams_received'], 0);
});
