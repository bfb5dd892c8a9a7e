/** The balancer of deploy/compose.yaml as it is: nginx with its configuration in front of three collectors that share Redis. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { countLines, eventually, Running, run, temporaryDirectory } from '../cli/child.ts';
import { RedisServer } from '../support/redis-server.ts';
import { requireProgram } from '../support/system-packages.ts';
import { fromRoot } from './command-line.ts';

const DATAGRAMS = 600;
const EXPORTERS = 4;

const nginx = requireProgram('nginx');

function whyNot(): string | false {
  if (nginx.skip !== false) return nginx.skip;
  return process.getuid?.() === 0 ? false : 'only root may keep the address of a sender';
}

/** A line that loads the stream module where it is not part of the program. */
function loadStream(): string {
  const { stderr } = spawnSync(nginx.path, ['-V'], { encoding: 'utf8' });
  if (!stderr.includes('--with-stream=dynamic')) return '';
  const folder = /--modules-path=(\S+)/.exec(stderr)?.[1] ?? '';
  return `load_module ${join(folder, 'ngx_stream_module.so')};\n`;
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

/** Starts nginx with the file of the repository, other ports put in. Returns when it listens. */
async function startNginx(port: number, collectors: readonly number[]): Promise<void> {
  const folder = temporaryDirectory();
  let n = 0;
  const adapted = readFileSync(fromRoot('deploy/compose/nginx.conf'), 'utf8')
    .replace(/server collector-\d:2055/g, () => `server 127.0.0.1:${collectors[n++]}`)
    .replace('listen 2055', `listen 127.0.0.1:${port}`);
  assert.equal(n, collectors.length);
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, `${loadStream()}daemon off;\npid ${join(folder, 'pid')};\n${adapted}`);
  const balancer = spawn(nginx.path, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let complaints = '';
  balancer.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const ended = once(balancer, 'exit');
  after(async () => {
    balancer.kill('SIGTERM');
    await ended;
  });
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  await eventually('nginx listens', () => {
    assert.equal(balancer.exitCode, null, complaints);
    return readFileSync('/proc/net/udp', 'utf8').includes(`0100007F:${hexPort} `);
  });
}

test('every collector gets its share, with the addresses of exporters, and that of one that ends', {
  skip: whyNot(),
}, async () => {
  const redis = await RedisServer.start();
  after(() => redis.stop());
  const collectors = [1, 2, 3].map(
    () =>
      new Running([
        'collect',
        ...['--listen', 'netflow://127.0.0.1:0', '--templates', `${redis.uri}/0?fleet=balanced`],
        ...['--output', 'stdout:?format=ndjson', '--workers', '1'],
      ]),
  );
  const ports = await Promise.all(collectors.map((collector) => collector.port()));
  const port = await freeUdpPort();
  await startNginx(port, ports);
  const send = async (): Promise<number> => {
    const to = ['--to', `127.0.0.1:${port}`, '--rate', '300', '--count', `${DATAGRAMS}`];
    const { code, stderr } = await run(['generate', ...to, '--exporters', `${EXPORTERS}`]);
    assert.equal(code, 0, stderr);
    return Number(/\((\d+) flows?/.exec(stderr)?.[1]);
  };
  const written = () => collectors.reduce((sum, { stdout }) => sum + countLines(stdout), 0);
  const flows = await send();
  assert.ok(flows > DATAGRAMS);
  await eventually(`all ${flows} flows`, () => written() === flows);

  const [gone, ...others] = collectors;
  gone.kill('SIGTERM');
  await gone.ended;
  const more = await send();
  // Two of three would go to the others if nobody noticed.
  await eventually('the others get nearly all', () => written() - flows > more * 0.8);

  for (const collector of others) collector.kill('SIGTERM');
  const seen = new Set<string>();
  for (const { code, stdout } of await Promise.all(collectors.map(({ ended }) => ended))) {
    assert.equal(code, 0);
    assert.ok(countLines(stdout) > flows / 6, 'a fair share');
    for (const [, address] of stdout.matchAll(/"exporter_addr":"([^"]+)"/g)) seen.add(address);
  }
  assert.deepEqual([...seen].sort(), ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4']);
});
