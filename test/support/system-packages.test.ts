import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const MODULE = new URL('system-packages.js', import.meta.url).href;

/** What a file of tests sees that asks for a program where the path has none. */
function ask(name: string, env: Record<string, string>): { skip?: string; error: string } {
  const code = `import { requireProgram } from ${JSON.stringify(MODULE)};
    process.stdout.write(JSON.stringify(requireProgram(${JSON.stringify(name)})));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    env: { PATH: '/nowhere', ...env },
    encoding: 'utf8',
  });
  return stdout === '' ? { error: stderr } : { ...JSON.parse(stdout), error: stderr };
}

test('a missing browser or promtool skips its tests and says what to install', () => {
  assert.equal(ask('chromium', {}).skip, 'chromium is missing: apt-get install chromium');
  assert.equal(ask('promtool', {}).skip, 'promtool is missing: apt-get install prometheus');
});

test('a missing Redis server fails, and everything that is missing fails where it is required', () => {
  assert.match(ask('redis-server', {}).error, /redis-server is missing: apt-get install redis-server/);
  const required = { TEST_PROGRAMS: 'required' };
  assert.match(ask('promtool', required).error, /promtool is missing: apt-get install prometheus/);
});

test('a program that is there is found', () => {
  const { PATH } = process.env;
  assert.deepEqual(ask('redis-server', { PATH: PATH ?? '' }).skip, false);
});
