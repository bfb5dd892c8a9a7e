/** The unit: systemd understands every line of it, it stays hardened, and the collector understands what it is told. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ExitCode } from '../../src/cli/errors.ts';
import { parseDurationMs } from '../../src/config/values.ts';
import { temporaryDirectory } from '../cli/child.ts';
import { defaultOf, fromRoot, valuesOf } from './command-line.ts';

/** Of 100, where a unit without any restriction has more than 90. */
const MAX_EXPOSURE = 20;

const UNIT = readFileSync(fromRoot('deploy/systemd/millrace.service'), 'utf8');
/** What it runs, with the file where it stands here. */
const SERVICE = ['collect', '--config', fromRoot('deploy/systemd/millrace.yaml')] as const;
const lines = UNIT.split('\n').filter((line) => line !== '' && !/^[#[]/.test(line));
const all = (key: string): string[] =>
  lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
const one = (key: string): string => {
  const [value, ...more] = all(key);
  assert.deepEqual([typeof value, more], ['string', []], key);
  return value;
};

const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' });
const skip = analyze('--version').status === 0 ? false : 'systemd-analyze is not installed';
/** The unit with a program that is there. */
const installed = join(temporaryDirectory(), 'millrace.service');
writeFileSync(installed, UNIT.replace('ExecStart=millrace ', 'ExecStart=/bin/echo '));

test('systemd understands it', { skip }, () => {
  const { status, stdout, stderr } = analyze('verify', '--man=no', installed);
  // Other units may be complained of; an unknown key is no more than a line.
  const complaints = (stdout + stderr).split('\n').filter((line) => line.includes('millrace'));
  assert.deepEqual([status, complaints], [0, []]);
});

test('systemd finds little that it could do', { skip }, () => {
  const { status, stdout } = analyze('security', '--offline=true', `--threshold=${MAX_EXPOSURE}`, installed);
  assert.equal(status, 0, stdout);
});

test('every restriction that the collector can live with is there', () => {
  for (const key of ['CapabilityBoundingSet', 'AmbientCapabilities']) assert.equal(one(key), '');
  const on =
    'DynamicUser NoNewPrivileges ProtectHome ProtectClock ProtectControlGroups ProtectHostname ProtectKernelLogs ' +
    'ProtectKernelModules ProtectKernelTunables PrivateDevices PrivateTmp LockPersonality RestrictNamespaces ' +
    'RestrictRealtime RestrictSUIDSGID';
  for (const key of on.split(' ')) assert.equal(one(key), 'yes', key);
  assert.equal(one('ProtectSystem'), 'strict');
  assert.equal(one('RestrictAddressFamilies'), 'AF_INET AF_INET6 AF_UNIX AF_NETLINK');
  assert.deepEqual(all('SystemCallFilter'), ['@system-service', '~@privileged']);
  assert.deepEqual(all('MemoryDenyWriteExecute'), []);
});

test('systemd hears of the collector in time, and of nothing else', async () => {
  assert.equal(one('Type'), 'notify');
  assert.equal(one('NotifyAccess'), 'main');
  assert.ok(parseDurationMs(one('WatchdogSec'))! > 0);
  const { storeDeadline } = await valuesOf(SERVICE);
  assert.ok(parseDurationMs(one('TimeoutStartSec'))! > storeDeadline);
});

test('it has time to drain, and is started again after a failure that trying again may cure', async () => {
  assert.equal(one('Restart'), 'on-failure');
  assert.equal(one('StartLimitIntervalSec'), '0');
  assert.equal(Number(one('RestartPreventExitStatus')), ExitCode.usage);
  assert.equal(one('ExecReload'), 'kill -HUP $MAINPID');
  const { drainGrace, drainTimeout } = await valuesOf(SERVICE);
  assert.ok(parseDurationMs(one('TimeoutStopSec'))! > drainGrace + drainTimeout);
});

test('the collector understands its command line and its file, and writes where it may', async () => {
  const [program, command, ...flags] = one('ExecStart').split(' ');
  assert.deepEqual([program, command], ['millrace', 'collect']);
  assert.deepEqual(flags, ['--config', '/etc/millrace/millrace.yaml']);
  const values = await valuesOf(SERVICE);
  assert.ok(values.output.length > 0);
  for (const uri of values.output)
    assert.ok(uri.startsWith(`file:///var/lib/${one('StateDirectory')}/`), uri);
});

test('the kernel is asked for no less than the receive buffer', async () => {
  const sysctls = readFileSync(fromRoot('deploy/systemd/60-millrace.conf'), 'utf8');
  const { recvBuffer } = await valuesOf(['collect', '--recv-buffer', defaultOf('recv-buffer')]);
  assert.equal(Number(/^net\.core\.rmem_max = (\d+)$/m.exec(sysctls)?.[1]), recvBuffer);
});
