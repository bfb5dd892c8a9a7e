import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { Running, run, temporaryDirectory } from './child.ts';

const directory = temporaryDirectory();
const linux = process.platform === 'linux';

interface Report {
  errors: number;
  warnings: number;
  findings: (Finding & { check: string })[];
}

async function doctor(...args: string[]): Promise<Report & { code: number | null }> {
  const { code, stdout, stderr } = await run(['doctor', '--json', ...args]);
  assert.equal(stderr, '');
  return { code, ...(JSON.parse(stdout) as Report) };
}

const listenOn = (port: number): string[] => ['--listen', `netflow://127.0.0.1:${port}`];

test('the exit code is that of the worst finding, and every warning and error has a fix', async () => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  for (const args of [listenOn(0), [...listenOn(0), '--output', `file:${file}/x.ndjson`]]) {
    const { code, errors, warnings, findings } = await doctor(...args);
    const count = (severity: string) => findings.filter((finding) => finding.severity === severity).length;
    assert.deepEqual([errors, warnings], [count('error'), count('warning')]);
    assert.equal(code, errors > 0 ? 2 : warnings > 0 ? 1 : 0);
    for (const { severity, text, fix } of findings)
      if (severity === 'error' || severity === 'warning') assert.ok(fix, text);
  }
  const { code, findings } = await doctor(...listenOn(0), '--output', `file:${file}/%Y/x.ndjson`);
  assert.equal(code, 2);
  assert.equal(findings.find(({ check }) => check === 'space')?.severity, 'error');
});

test('a port that is taken is an error that names who has it; a collector is what was expected', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { code, findings } = await doctor(...listenOn(socket.address().port));
  socket.close();
  const taken = findings.find(({ check }) => check === 'listen');
  assert.deepEqual([code, taken?.severity], [2, 'error']);
  if (linux) assert.ok(taken?.text.includes(`process ${process.pid} (`), taken?.text);

  const collector = new Running(['collect', ...listenOn(0), '--output', 'null:', '--recv-buffer', '1MiB']);
  const port = await collector.port();
  const beside = (await doctor(...listenOn(port))).findings.filter(({ check }) => check === 'listen');
  if (linux) {
    assert.deepEqual(
      beside.map(({ severity }) => severity),
      ['note'],
    );
    assert.ok(beside[0].text.includes(`a collector that is running, process ${collector.child.pid} (`));
  }
  collector.kill('SIGTERM');
  await collector.ended;
});

test('it looks at the collector that the file describes, its status page too', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const config = join(directory, 'millrace.yaml');
  writeFileSync(config, `listen: netflow://127.0.0.1:0\nworkers: 256\nhttp: 127.0.0.1:${port}\n`);
  const { findings } = await doctor('--config', config);
  server.close();
  const page = findings.find(({ check }) => check === 'status page');
  assert.equal(page?.severity, 'error');
  if (linux) assert.ok(page?.text.includes(`process ${process.pid} (`), page?.text);
  assert.match(findings.find(({ check }) => check === 'cores')!.text, /256 decode threads/);
  const free = await doctor('--config', config, '--http', '127.0.0.1:0');
  assert.equal(free.findings.find(({ check }) => check === 'status page')?.severity, 'ok');
  const off = await doctor('--config', config, '--http', 'off');
  assert.ok(!off.findings.some(({ check }) => check === 'status page'));
});

test('as text: one line for each finding, its fix below, and the sum', async () => {
  const { stdout } = await run(['doctor', ...listenOn(0), '--workers', '256']);
  assert.match(stdout, /^ok {7}listen {2,}127\.0\.0\.1:0 is free$/m);
  assert.match(stdout, /^warning {2}cores .*256 decode threads.*\n {10,}→ --workers \d+$/m);
  assert.match(stdout, /\n\d+ errors?, \d+ warnings?\n$/);
});
