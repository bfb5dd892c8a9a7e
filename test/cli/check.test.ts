import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { run, temporaryDirectory } from './child.ts';

const directory = temporaryDirectory();
const at = (name: string): string => join(directory, name);
const NO_PROC = existsSync('/proc/self') ? false : 'there is no /proc';
/** Nothing depends on who has the default port. */
const NO_HTTP = ['--http', 'off'];
const findings = (stdout: string): string[] => stdout.trimEnd().split('\n');

test('everything that collect would open is tried, one line each, and nothing is left behind', async () => {
  writeFileSync(at('elements.yaml'), '- { pen: 9, id: 1, name: a, type: string }\n');
  writeFileSync(
    at('good.yaml'),
    `listen: [netflow://127.0.0.1:0, "netflow://[::]:0"]
output: ["null:", "file://${at('made/below')}/%Y.ndjson?rotate=1h", "file://${directory}/a.ndjson"]
quarantine: ${at('quarantine')}
ledger: ${at('ledger.json')}
http: 127.0.0.1:0
elements: ${at('elements.yaml')}
`,
  );
  const { code, stdout, stderr } = await run(['check', '--config', at('good.yaml')]);
  assert.deepEqual([code, stderr], [0, ''], stdout);
  const lines = findings(stdout);
  assert.equal(lines.length, 11);
  for (const line of lines) assert.match(line, /^ok: /);
  for (const part of [
    `--elements "${at('elements.yaml')}": 1 element`,
    '--output "null:": nothing to open',
    `${at('made/below')} can be made`,
    `--output "file://${directory}/a.ndjson": ${directory} can be written`,
    '--quarantine',
    '--ledger',
    '--templates "file:///',
    '--http 127.0.0.1:0: is free',
    '--listen 127.0.0.1:0: is free',
    '--listen [::]:0: is free',
  ]) {
    assert.ok(stdout.includes(part), `${part} in ${stdout}`);
  }
  for (const name of ['made', 'quarantine', 'ledger.json', 'a.ndjson'])
    assert.ok(!existsSync(at(name)), name);
});

test('each trouble is a finding, and the exit code is 1', async () => {
  writeFileSync(at('file'), '');
  mkdirSync(at('folder'), { recursive: true });
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: httpPort } = server.address() as AddressInfo;
  const { code, stdout, stderr } = await run([
    ...['check', '--listen', `netflow://127.0.0.1:${port}`, '--listen', 'netflow://127.0.0.1:0'],
    ...['--output', `file://${at('file')}/a.ndjson`, '--quarantine', at('file/x'), '--ledger', at('folder')],
    ...['--elements', at('missing.yaml'), '--templates', 'redis://:secret@127.0.0.1:1/0'],
    ...['--http', `127.0.0.1:${httpPort}`],
  ]);
  socket.close();
  server.close();
  assert.deepEqual([code, stderr], [1, '']);
  const wrong = findings(stdout).filter((line) => line.startsWith('error: '));
  for (const pattern of [
    /^error: cannot read .*missing\.yaml: no such file or directory$/,
    /^error: --output ".*file\/a\.ndjson": not a directory/,
    /^error: --ledger ".*folder": cannot write: is a directory$/,
    /^error: --templates "redis:\/\/:\*\*\*@127\.0\.0\.1:1\/0": /,
    /^error: --quarantine ".*file\/x": not a directory/,
    new RegExp(`^error: cannot listen on 127\\.0\\.0\\.1:${port}: address already in use$`),
    new RegExp(`^error: cannot serve http://127\\.0\\.0\\.1:${httpPort}: address already in use$`),
  ]) {
    assert.ok(
      wrong.some((line) => pattern.test(line)),
      `${pattern} in ${stdout}`,
    );
  }
  assert.equal(wrong.length, 7, stdout);
  assert.ok(!stdout.includes('secret'));
});

test('what the system does not make is said at once, by check and at the start', {
  skip: NO_PROC,
}, async () => {
  for (const [path, reason] of [
    ['/proc/millrace/a/b.ndjson', 'no directory can be made at /proc/millrace'],
    ['/proc/b.ndjson', 'no file can be made in /proc'],
    ['/dev/full', 'is no regular file: /dev/full'],
  ]) {
    const listen = ['--listen', 'netflow://127.0.0.1:0'];
    const checked = await run(['check', '--output', `file:${path}`, ...listen]);
    assert.equal(checked.code, 1);
    // check makes nothing, so it does not get as far as to the directory.
    const found = findings(checked.stdout).filter((line) => line.startsWith('error: '));
    const expected = reason.replace('directory can be made at /proc/millrace', 'file can be made in /proc');
    assert.deepEqual(found, [`error: --output "file:${path}": ${expected}`]);
    const { code, stderr } = await run(['collect', '--output', `file:${path}`, ...listen]);
    assert.equal(code, 1);
    assert.ok(
      stderr.endsWith(`millrace: --output file:${path}: cannot create files there: ${reason}\n`),
      stderr,
    );
  }
  for (const args of [
    ['--quarantine', '/proc/millrace/a'],
    ['--templates', 'file:///proc/millrace/a/b.mrt'],
  ]) {
    const { code, stderr } = await run(['collect', '--listen', 'netflow://127.0.0.1:0', ...args]);
    assert.equal(code, 1);
    assert.match(stderr, /no directory can be made at \/proc\/millrace\n$/);
  }
});

test('what the collector would do without is a warning', async () => {
  const listen = ['--listen', 'netflow://127.0.0.1:0', ...NO_HTTP];
  const optional = [...listen, '--templates', 'redis://127.0.0.1:1/0', '--store-optional'];
  const { code, stdout } = await run(['check', ...optional]);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^warning: --templates .*connection refused; collect starts without it$/m);
});

test('an address for everybody needs a token, as in collect', async () => {
  const { code, stdout } = await run(['check', '--listen', 'netflow://127.0.0.1:0', '--http', '0.0.0.0:0']);
  assert.equal(code, 1);
  assert.match(stdout, /^error: --http "0\.0\.0\.0:0": allowed are loopback addresses/m);
  writeFileSync(at('token'), 'a-token-for-this-test\n');
  const token = ['--http', '0.0.0.0:0', '--http-token-file', at('token')];
  assert.equal((await run(['check', '--listen', 'netflow://127.0.0.1:0', ...token])).code, 0);
});

test('one address given twice is found', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const uri = `netflow://127.0.0.1:${socket.address().port}`;
  await new Promise<void>((resolve) => {
    socket.close(() => resolve());
  });
  const { code, stdout } = await run(['check', '--listen', uri, '--listen', uri, ...NO_HTTP]);
  assert.equal(code, 1);
  assert.equal(findings(stdout).filter((line) => line.includes('address already in use')).length, 1);
});

test('a mistake in the options is one line on standard error and exit code 2', async () => {
  writeFileSync(at('bad.yaml'), 'workers: none\n');
  const { code, stdout, stderr } = await run(['check', '--config', at('bad.yaml')]);
  assert.deepEqual([code, stdout], [2, '']);
  assert.equal(
    stderr,
    `millrace: ${at('bad.yaml')}:1:10: workers "none": allowed is auto or a whole number from 1 to 256\n`,
  );
  const output = await run(['check', '--output', 'file:']);
  assert.deepEqual([output.code, output.stdout], [2, '']);
});

test('--dump-config: check prints it with the findings as comments, collect prints it and does not start', async () => {
  const flags = ['--listen', 'netflow://127.0.0.1:0', '--output', 'null:', '--slots', '64', ...NO_HTTP];
  const dumped = await run(['collect', ...flags, '--dump-config']);
  assert.deepEqual([dumped.code, dumped.stderr], [0, '']);
  assert.match(dumped.stdout, /^slots: 64 # --slots$/m);
  writeFileSync(at('dump.yaml'), dumped.stdout);
  const checked = await run(['check', '--config', at('dump.yaml'), '--dump-config']);
  assert.equal(checked.code, 0, checked.stderr);
  assert.match(checked.stdout, /^slots: 64 # .*dump\.yaml:\d+$/m);
  assert.match(checked.stdout, /^# ok: --listen 127\.0\.0\.1:0: is free$/m);
  for (const line of findings(checked.stdout)) assert.match(line, /^(# |[a-z-]+: |[a-z-]+: #| {2}- )/);
});
