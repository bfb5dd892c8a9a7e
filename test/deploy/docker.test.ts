/** The image, without docker: its files, its user, its ports, and its health check, which is run against a collector. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { eventually, Running } from '../cli/child.ts';
import { defaultOf, fromRoot } from './command-line.ts';
import { contextEntries, stagesOf } from './dockerfile.ts';

const stages = stagesOf('deploy/docker/Dockerfile');
const image = stages[stages.length - 1];
const all = (name: string): string[] =>
  image.filter((instruction) => instruction.name === name).map(({ text }) => text);
const packageJson = JSON.parse(readFileSync(fromRoot('package.json'), 'utf8')) as {
  files: string[];
  bin: { millrace: string };
};

test('two stages of one Node.js, and only the package leaves the first', () => {
  const names = stages.map(([from]) => from.text.replace(/^node:\$\{NODE_VERSION\}-slim/, 'node'));
  assert.deepEqual(names, ['node AS build', 'node']);
  assert.deepEqual(all('COPY'), ['--from=build /build/package /opt/millrace']);
  // The build has no checkout to know its commit from.
  assert.deepEqual(
    stages[0].filter(({ name }) => name === 'ARG').map(({ text }) => text),
    ['SOURCE_COMMIT='],
  );
});

test('the build has everything that it needs, and nothing else comes along', () => {
  const entries = contextEntries();
  for (const entry of entries) assert.ok(existsSync(fromRoot(entry)), entry);
  const { include } = JSON.parse(readFileSync(fromRoot('tsconfig.json'), 'utf8')) as { include: string[] };
  const packed = packageJson.files.map((path) => path.split('/')[0]).filter((path) => !/^!?dist$/.test(path));
  const forInstallation = packed.filter((path) => path !== 'deploy');
  const needed = ['package.json', 'package-lock.json', 'tsconfig.json', ...include, ...forInstallation];
  assert.deepEqual([...entries].sort(), [...new Set(needed)].sort());
});

test('it does not run as root, and stops by the signal that drains', () => {
  assert.deepEqual(all('USER'), ['1000:1000']);
  assert.deepEqual(all('STOPSIGNAL'), ['SIGTERM']);
  assert.ok(
    all('RUN').some((line) => line.includes('install -d -o 1000 -g 1000 /var/lib/millrace /var/flows')),
  );
  assert.ok(all('RUN').some((line) => line.includes(`/opt/millrace/${packageJson.bin.millrace} `)));
});

test('it exposes the ports on which the collector listens by default', () => {
  assert.match(defaultOf('listen'), /:2055$/);
  assert.deepEqual(all('EXPOSE'), ['2055/udp 8080/tcp']);
  assert.deepEqual(all('ENTRYPOINT').concat(all('CMD')), ['["millrace"]', '["collect"]']);
});

test('the health check passes while a collector runs, and fails without', async () => {
  const [, command] = / CMD (\[.*\])$/.exec(all('HEALTHCHECK')[0]) ?? [];
  const [node, flag, code] = JSON.parse(command) as string[];
  assert.deepEqual([node, flag], ['node', '-e']);
  assert.ok(defaultOf('http').includes('127.0.0.1:8080') && code.includes('127.0.0.1:8080'));
  const collector = new Running([
    'collect',
    ...['--listen', 'netflow://127.0.0.1:0', '--http', '127.0.0.1:0', '--output', 'null:'],
  ]);
  const address = (): string | undefined => /http:\/\/(127\.0\.0\.1:\d+)/.exec(collector.stderr)?.[1];
  await collector.until('it serves HTTP', () => address() !== undefined);
  const adapted = code.replace('127.0.0.1:8080', address()!);
  const healthy = (): number | null => spawnSync(process.execPath, [flag, adapted]).status;
  await eventually('healthy', () => healthy() === 0);
  collector.kill('SIGTERM');
  assert.equal((await collector.ended).code, 0);
  assert.equal(healthy(), 1);
});
