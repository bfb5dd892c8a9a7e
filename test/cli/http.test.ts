/** The HTTP side of `collect`, as a user has it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { sourceCommit } from '../../src/cli/version.ts';
import type { CollectorReport } from '../../src/collector.ts';
import type { ExportersDocument } from '../../src/ops/exporters.ts';
import type { ReadyReport } from '../../src/ops/readiness.ts';
import type { TemplatesDocument } from '../../src/ops/templates.ts';
import { MAIN, Running, run, temporaryDirectory } from './child.ts';

const directory = temporaryDirectory();
const COLLECT = ['collect', '--listen', 'netflow://127.0.0.1:0', '--status-interval', '0', '--workers', '1'];
const TOKEN = 'correct-horse-battery';

interface Served {
  collector: Running;
  port: number;
  url: string;
  ask: (path: string, headers?: Record<string, string>) => Promise<Response>;
  json: <T>(path: string) => Promise<T>;
}

async function serve(...args: string[]): Promise<Served> {
  const collector = new Running([...COLLECT, '--output', 'null:', '--http', '127.0.0.1:0', ...args]);
  const port = await collector.port();
  const url = /http:\/\/\S+/.exec(collector.stderr)![0];
  const ask = (path: string, headers: Record<string, string> = {}) => fetch(`${url}${path}`, { headers });
  const json = async <T>(path: string): Promise<T> => (await (await ask(path)).json()) as T;
  return { collector, port, url, ask, json };
}

async function send(port: number, count: number, ...args: string[]): Promise<number> {
  const to = ['--to', `127.0.0.1:${port}`, '--count', String(count), '--rate', '2000', ...args];
  const { code, stderr } = await run(['generate', ...to]);
  assert.equal(code, 0, stderr);
  return Number(/\((\d+) flows/.exec(stderr)?.[1]);
}

async function until<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read();
    if (holds(value)) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('health, readiness, information, ledger, exporters and templates of real traffic', async () => {
  const { collector, port, ask, json } = await serve();
  assert.equal((await ask('/health')).status, 200);
  assert.deepEqual(await json('/ready'), {
    ready: true,
    conditions: ['not draining', 'sockets', 'workers', 'template store'].map((name) => ({
      name,
      ready: true,
      reason: null,
    })),
  });
  const info = await json<Record<string, unknown>>('/info');
  assert.equal(info['workers'], 1);
  assert.match(String(info['configurationDigest']), /^[0-9a-f]{16}$/);
  assert.match(String(info['version']), /^\d+\.\d+\.\d+/);
  assert.equal(info['commit'], sourceCommit());

  let flows = await send(port, 60, '--exporters', '2', '--options');
  flows += await send(port, 60, '--version', '10', '--loss', '10%', '--seed', '7');
  flows += await send(port, 30, '--version', '5');
  const ledger = await until(
    () => json<CollectorReport>('/ledger'),
    ({ counters }) => counters.records_decoded === flows,
  );
  assert.deepEqual(ledger.outputs, [
    { output: 'null:', encoded: flows, written: flows, dropped_queue_full: 0, dropped_failed: 0 },
  ]);

  const { exporters, total } = await json<ExportersDocument>('/exporters');
  const domains = exporters.flatMap((exporter) => exporter.domains);
  const sum = (of: (domain: (typeof domains)[number]) => number): number =>
    domains.reduce((n, d) => n + of(d), 0);
  assert.equal(total, exporters.length);
  assert.equal(
    sum(({ records }) => records),
    ledger.counters.records_decoded,
  );
  assert.equal(
    sum(({ messages }) => messages),
    ledger.counters.datagrams_decoded,
  );
  assert.equal(
    sum(({ templates }) => templates),
    ledger.counters.templates_learned,
  );
  const lost = (unit: string) => sum(({ sequence }) => (sequence.unit === unit ? sequence.lost : 0));
  assert.equal(lost('records'), ledger.counters.sequence_lost_records);
  assert.ok(lost('records') > 0);
  assert.equal(lost('datagrams'), 0);
  const { versions, domains: own } = exporters.find(({ exporter }) => exporter === '127.0.0.1')!;
  assert.deepEqual(versions, [5, 9, 10]);
  assert.ok(own.find(({ version }) => version === 9)!.sampling.systemRate! > 1);
  for (const { clockSkewSeconds } of own) assert.ok(Math.abs(clockSkewSeconds) < 5);

  const one = await json<ExportersDocument>('/exporters?exporter=::ffff:127.0.0.2');
  assert.deepEqual(
    one.exporters.map(({ exporter }) => exporter),
    ['127.0.0.2'],
  );
  assert.ok('interfaces' in one.exporters[0].domains[0].state!);
  assert.equal((await json<ExportersDocument>('/exporters?limit=1')).exporters.length, 1);
  assert.equal((await ask('/exporters?exporter=x')).status, 400);

  const { templates } = await json<TemplatesDocument>('/templates?exporter=127.0.0.1');
  assert.ok(templates.length > 1);
  for (const { exporter, fields, fieldCount } of templates) {
    assert.equal(exporter, '127.0.0.1');
    assert.equal(fields!.length, fieldCount);
  }
  assert.ok(templates.some(({ fields }) => fields!.some(({ name }) => name === 'octetDeltaCount')));
  const metrics = await (await ask('/metrics')).text();
  assert.match(metrics, new RegExp(`^millrace_records_total\\{kind="data"\\} ${flows}$`, 'm'));

  collector.kill('SIGTERM');
  assert.equal((await collector.ended).code, 0);
});

test('flows can be watched while they go by', async () => {
  const { collector, port, ask, url } = await serve();
  assert.equal((await ask('/flows?filter=prot%2053')).status, 400);
  const { body, headers } = await fetch(`${url}/flows?limit=5&sample=3`);
  assert.match(headers.get('content-type')!, /^text\/event-stream/);
  const sending = send(port, 20);
  const text = await new Response(body).text();
  const records = [...text.matchAll(/^data: (\{".*)$/gm)].map(([, record]) => JSON.parse(record) as object);
  assert.equal(records.length, 5);
  for (const record of records) assert.ok('src_addr' in record);
  assert.match(text, /event: end\n/);
  await sending;

  // Who is still there when the collector ends does not hold it up.
  const watching = await fetch(`${url}/flows`);
  collector.kill('SIGTERM');
  await new Response(watching.body).text();
  assert.equal((await collector.ended).code, 0);
});

test('a reader that does not read delays nobody', async () => {
  const { collector, port, url, json } = await serve();
  const request = get(`${url}/flows`);
  const [response] = await once(request, 'response');
  response.pause();
  const flows = await send(port, 800);
  await until(
    () => json<CollectorReport>('/ledger'),
    ({ counters }) => counters.records_decoded === flows,
  );
  const metrics = await (await fetch(`${url}/metrics`)).text();
  const count = (outcome: string) =>
    Number(new RegExp(`reader_records_total\\{outcome="${outcome}"\\} (\\d+)`).exec(metrics)?.[1]);
  assert.equal(count('sent') + count('lost'), flows);
  request.destroy();
  collector.kill('SIGTERM');
  assert.equal((await collector.ended).code, 0);
});

test('with a token nothing but probes and the page is served without it', async () => {
  const file = join(directory, 'token');
  writeFileSync(file, `${TOKEN}\nnot this line\n`);
  const { collector, ask } = await serve('--http-token-file', file);
  for (const path of ['/health', '/ready', '/', '/page.js'])
    assert.equal((await ask(path)).status, 200, path);
  for (const path of [
    '/metrics',
    '/info',
    '/status',
    '/ledger',
    '/exporters',
    '/templates',
    '/flows',
    '/history',
    '/x',
  ]) {
    const refused = await ask(path);
    assert.equal(refused.status, 401, path);
    assert.equal(refused.headers.get('www-authenticate'), 'Bearer');
    assert.equal((await ask(path, { authorization: 'Bearer wrong-token-wrong' })).status, 401);
  }
  assert.equal((await ask('/metrics', { authorization: `Bearer ${TOKEN}` })).status, 200);
  assert.ok(!collector.stderr.includes(TOKEN));
  collector.kill('SIGTERM');
  await collector.ended;
});

test('other addresses than loopback need a token or the word of the user', async () => {
  const refused = await run([...COLLECT, '--http', '0.0.0.0:0']);
  assert.equal(refused.code, 2);
  assert.equal(
    refused.stderr,
    'millrace: --http "0.0.0.0:0": allowed are loopback addresses, others with --http-token-file FILE, or with --http-open ' +
      'for everybody\n',
  );
  for (const args of [['--http-open'], ['--http-token', TOKEN]]) {
    const collector = new Running([...COLLECT, '--http', '0.0.0.0:0', ...args]);
    await collector.port();
    collector.kill('SIGTERM');
    assert.equal((await collector.ended).code, 0);
  }
});

test('tokens that are none', async () => {
  const short = join(directory, 'short');
  writeFileSync(short, 'abc\n');
  for (const [args, said] of [
    [['--http-token-file', short], 'allowed are 16 to 256 printable ASCII characters'],
    [['--http-token-file', join(directory, 'missing')], 'no such file'],
    [['--http-token', TOKEN, '--http-token-file', short], 'exclude each other'],
  ] as const) {
    const { code, stderr } = await run([...COLLECT, '--http', '127.0.0.1:0', ...args]);
    assert.equal(code, 2, stderr);
    assert.ok(stderr.includes(said), stderr);
    assert.ok(!stderr.includes(TOKEN));
  }
});

test('an address that was asked for has to be free', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const { code, stderr } = await run([...COLLECT, '--http', `127.0.0.1:${port}`]);
  other.close();
  assert.equal(code, 1);
  assert.equal(stderr, `millrace: cannot serve http://127.0.0.1:${port}: address already in use\n`);
});

test('when nobody asked for an address, a port in use is a warning', async () => {
  const other = createServer().listen(8080, '127.0.0.1');
  // Whoever has the port, it is taken.
  await Promise.race([once(other, 'listening'), once(other, 'error').catch(() => {})]);
  const child = spawn(process.execPath, [MAIN, ...COLLECT, '--output', 'null:'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  for await (const text of child.stderr.setEncoding('utf8')) {
    stderr += text;
    if (text.includes('listening on')) child.kill('SIGTERM');
  }
  other.close();
  assert.match(
    stderr,
    /WARN: cannot serve http:\/\/127\.0\.0\.1:8080: address already in use; going on without HTTP/,
  );
  assert.match(stderr, /ledger\n/);
});

test('not ready while draining, and the reason is told', async () => {
  const args = [...COLLECT, '--output', 'stdout:', '--http', '127.0.0.1:0'];
  const collector = new Running(args, {}, false);
  // What is written stays in the pipe, so the end takes as long as it is left there.
  const port = await collector.port();
  const url = /http:\/\/\S+/.exec(collector.stderr)![0];
  const status = async () => (await fetch(`${url}/ready`)).status;
  assert.equal(await status(), 200);
  await send(port, 100);
  collector.kill('SIGTERM');
  await until(status, (code) => code === 503);
  const report = (await (await fetch(`${url}/ready`)).json()) as ReadyReport;
  assert.equal(report.ready, false);
  assert.deepEqual(
    report.conditions.filter(({ ready }) => !ready),
    [{ name: 'not draining', ready: false, reason: 'the collector is stopping' }],
  );
  assert.equal((await fetch(`${url}/health`)).status, 200);
  collector.child.stdout!.resume();
  assert.equal((await collector.ended).code, 0);
});
