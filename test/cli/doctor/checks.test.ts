import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { backlog, socketBuffers, udpDrops } from '../../../src/cli/doctor/check-kernel.ts';
import { container } from '../../../src/cli/doctor/check-network.ts';
import { clock, cores, judgeRoom, receiver, SPACE, space } from '../../../src/cli/doctor/check-resources.ts';
import { store } from '../../../src/cli/doctor/check-store.ts';
import { CHECKS } from '../../../src/cli/doctor/checks.ts';
import type { Check, Finding, Subject } from '../../../src/cli/doctor/finding.ts';
import { Machine } from '../../../src/cli/doctor/machine.ts';
import { ownerOf, socketsOf } from '../../../src/cli/doctor/socket-table.ts';
import { parseCommandLine } from '../../../src/cli/program.ts';
import { configure } from '../../../src/config/configuration.ts';
import type { OptionValues } from '../../../src/config/options.ts';
import { RedisServer } from '../../support/redis-server.ts';
import { temporaryDirectory } from '../child.ts';

const directory = temporaryDirectory();
const MIB = 1024 ** 2;

/** A machine whose files are these. */
function machine(files: Readonly<Record<string, string>>, platform: NodeJS.Platform = 'linux'): Machine {
  const root = mkdtempSync(join(directory, 'root-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return new Machine(root, platform);
}

const subject = (files: Readonly<Record<string, string>>, rest: Partial<Subject> = {}): Subject => ({
  machine: machine(files),
  nowMs: Date.UTC(2026, 0, 1),
  cores: 8,
  listen: [{ host: '::', port: 2055 }],
  http: null,
  receive: 'auto',
  receivers: 1,
  receiveBufferBytes: 32 * MIB,
  workers: 7,
  templateStore: undefined,
  directories: [],
  ...rest,
});
const severities = (findings: readonly Finding[]) => findings.map(({ severity }) => severity);
async function finding(check: Check, of: Subject): Promise<Finding> {
  const [found, ...more] = await check(of);
  assert.deepEqual(more, []);
  return found;
}

const UDP_HEAD =
  '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n';
const udpLine = (local: string, inode: number, drops: number): string =>
  `  12: ${local} 00000000:0000 07 00000000:00000000 00:00000000 00000000   994        0 ${inode} 2 0000000000000000 ${drops}\n`;
const UDP = `${UDP_HEAD}${udpLine('0100007F:0807', 41, 3)}${udpLine('00000000:14E9', 42, 9)}`;
const UDP6 = `${UDP_HEAD}${udpLine('00000000000000000000000000000000:0807', 43, 4)}${udpLine('B80D0120000000000000000001000000:0035', 44, 0)}`;
const snmp = (received: number, full: number, memory = 0): string =>
  'Ip: Forwarding\nIp: 1\nUdp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors\n' +
  `Udp: ${received} 1 2 3 ${full} 0 0 0 ${memory}\nUdpLite: InDatagrams\nUdpLite: 7\n`;

describe('socket buffers', () => {
  const limit = 'proc/sys/net/core/rmem_max';
  it('are compared with --recv-buffer', async () => {
    const enough = await finding(socketBuffers, subject({ [limit]: `${32 * MIB}\n` }));
    assert.deepEqual([enough.severity, enough.fix], ['ok', undefined]);
    const less = await finding(socketBuffers, subject({ [limit]: `${32 * MIB - 1}\n` }));
    assert.deepEqual([less.severity, less.fix], ['warning', `sysctl -w net.core.rmem_max=${32 * MIB}`]);
  });

  it('may be larger for those who may', async () => {
    const capable = (set: string, rest: Partial<Subject> = {}) =>
      finding(
        socketBuffers,
        subject({ [limit]: '212992\n', 'proc/self/status': `Name:\tx\nCapEff:\t${set}\n` }, rest),
      );
    assert.equal((await capable('0000000000001000')).severity, 'note');
    assert.equal((await capable('000001ffffffefff')).severity, 'warning');
    assert.equal((await capable('0000000000001000', { receive: 'dgram' })).severity, 'warning');
  });
});

it('the queue of the network card is too short when it has dropped something', async () => {
  const files = (dropped: string) => ({
    'proc/sys/net/core/netdev_max_backlog': '1000\n',
    'proc/net/softnet_stat': `02eb8222 00000000 00000003\n02bd499d ${dropped} 00000002\n`,
  });
  assert.equal((await finding(backlog, subject(files('00000000')))).severity, 'ok');
  const full = await finding(backlog, subject(files('0000001f')));
  assert.match(full.text, /; 31 packets dropped/);
  assert.deepEqual([full.severity, full.fix], ['warning', 'sysctl -w net.core.netdev_max_backlog=4000']);
});

describe('UDP drops', () => {
  it('are those of the listen ports, and of all', async () => {
    const files = { 'proc/net/snmp': snmp(90, 10), 'proc/net/udp': UDP, 'proc/net/udp6': UDP6 };
    const found = await udpDrops(subject(files));
    assert.deepEqual(severities(found), ['warning', 'note']);
    assert.match(found[0].text, /^7 datagrams dropped at port 2055/);
    assert.equal(found[0].fix, `--recv-buffer ${64 * MIB} --receivers 2`);
    assert.match(found[1].text, /^10 of 100 datagrams/);
    const elsewhere = await udpDrops(subject(files, { listen: [{ host: '::', port: 53 }] }));
    assert.deepEqual(severities(elsewhere), ['ok', 'note']);
  });

  it('have a fix that the options allow', async () => {
    const files = { 'proc/net/snmp': snmp(90, 10), 'proc/net/udp': UDP };
    for (const rest of [
      {},
      { receivers: 4 },
      { receive: 'dgram' as const },
      { receiveBufferBytes: 1024 * MIB, receivers: 64 },
    ]) {
      const [{ fix }] = await udpDrops(subject(files, rest));
      const { flags } = parseCommandLine(['collect', ...fix!.split(' ')], '0')!;
      const values = (await configure('collect', flags, {})).values as OptionValues<'collect'>;
      assert.ok(values.recvBuffer >= (rest.receiveBufferBytes ?? 64 * MIB), fix);
      assert.ok(values.receive !== 'dgram' && values.receivers >= (rest.receivers ?? 1), fix);
    }
  });

  it('count IPv6, and want of memory', async () => {
    const files = {
      'proc/net/snmp': snmp(90, 0, 2),
      'proc/net/snmp6': 'Ip6InReceives\t5\nUdp6InDatagrams                 \t9\nUdp6RcvbufErrors\t1\n',
      'proc/net/udp': UDP_HEAD,
      'proc/sys/net/ipv4/udp_mem': '100\t200\t300\n',
    };
    const found = await udpDrops(subject(files));
    assert.deepEqual(severities(found), ['note', 'warning']);
    assert.match(found[0].text, /^1 of 100 datagrams/);
    assert.equal(found[1].fix, "sysctl -w net.ipv4.udp_mem='200 400 600'");
  });
});

it('UDP sockets have addresses, and owners', async () => {
  const one = machine({
    'proc/net/udp': UDP,
    'proc/net/udp6': UDP6,
    'proc/77/cmdline': 'nfcapd\0-p\x002055\0',
  });
  assert.deepEqual(await socketsOf(one, 'udp'), [
    { address: '127.0.0.1', port: 2055, inode: 41, drops: 3 },
    { address: '0.0.0.0', port: 5353, inode: 42, drops: 9 },
    { address: '::', port: 2055, inode: 43, drops: 4 },
    { address: '2001:db8::1', port: 53, inode: 44, drops: 0 },
  ]);
  assert.equal(await ownerOf(one, 43), null);
  const root = mkdtempSync(join(directory, 'root-'));
  mkdirSync(join(root, 'proc/77/fd'), { recursive: true });
  writeFileSync(join(root, 'proc/77/cmdline'), 'nfcapd\0-p\x002055\0');
  symlinkSync('socket:[43]', join(root, 'proc/77/fd/5'));
  assert.deepEqual(await ownerOf(new Machine(root), 43), { pid: 77, command: 'nfcapd -p 2055' });
});

it('threads are compared with cores, and with what a control group allows', async () => {
  assert.deepEqual(severities(await cores(subject({}, { workers: 8 }))), ['ok']);
  const [many] = await cores(subject({}, { workers: 9 }));
  assert.deepEqual([many.severity, many.fix], ['warning', '--workers 7']);
  const quota = (text: string) => cores(subject({ 'sys/fs/cgroup/cpu.max': text }, { workers: 3 }));
  assert.deepEqual(severities(await quota('max 100000\n')), ['ok']);
  assert.deepEqual(severities(await quota('400000 100000\n')), ['ok']);
  const [, few] = await quota('250000 100000\n');
  assert.equal(few.severity, 'warning');
  assert.match(few.text, /allows 2\.5 cores/);
});

it('a clock before this program was made is wrong', async () => {
  const wrong = await finding(clock, subject({}, { nowMs: Date.UTC(1970, 0, 2) }));
  assert.equal(wrong.severity, 'error');
  assert.match(wrong.text, /^the clock says 1970-01-02T/);
  const right = await finding(clock, subject({}));
  assert.ok(['ok', 'warning', 'skipped'].includes(right.severity));
});

it('the fast receiver is missed only where it could be', async () => {
  assert.equal((await finding(receiver, subject({}, { receive: 'dgram' }))).severity, 'note');
});

describe('container networks', () => {
  const route =
    'Iface\tDestination\tGateway \tFlags\neth0\t000011AC\t00000000\t1\neth0\t00000000\t010011AC\t3\n';
  it('are seen from inside and from outside', async () => {
    assert.equal((await finding(container, subject({ 'proc/net/route': route }))).severity, 'ok');
    const inside = await finding(container, subject({ 'proc/net/route': route, '.dockerenv': '' }));
    assert.equal(inside.severity, 'note');
    assert.match(inside.text, /have the address 172\.17\.0\.1,/);
    const proxy = (port: number) => ({
      'proc/5/cmdline': `/usr/bin/docker-proxy\0-proto\0udp\0-host-ip\x000.0.0.0\0-host-port\0${port}\0-container-port\x002055\0`,
    });
    const outside = await finding(container, subject(proxy(2055)));
    assert.equal(outside.severity, 'warning');
    assert.match(outside.fix ?? '', /--network host/);
    assert.equal((await finding(container, subject(proxy(2056)))).severity, 'ok');
  });
});

describe('space', () => {
  const room = (free: number, all: number, rest = {}) => {
    const bsize = 4096;
    const stats = {
      type: 0,
      bsize,
      blocks: all / bsize,
      bfree: 0,
      bavail: free / bsize,
      files: 100,
      ffree: 5,
      ...rest,
    };
    return judgeRoom(stats).severity;
  };
  const { errorBytes, errorShare, warningBytes, warningShare } = SPACE;

  it('is judged by what is left, and by how much of all that is', () => {
    const large = 1024 ** 4;
    assert.equal(room(warningBytes, large), 'ok');
    assert.equal(room(warningBytes - 4096, large), 'error');
    assert.equal(room(warningBytes - 4096, (warningBytes - 4096) / errorShare), 'warning');
    assert.equal(room(warningBytes - 4096, Math.floor((warningBytes - 4096) / warningShare)), 'ok');
    assert.equal(room(errorBytes, errorBytes * 2), 'ok');
    assert.equal(room(errorBytes - 4096, errorBytes * 2), 'error');
    assert.equal(room(large, large, { ffree: 0 }), 'error');
    assert.equal(room(large, large, { files: 0, ffree: 0 }), 'ok');
  });

  it('is that of the directory, or of where it will be made', async () => {
    const file = join(directory, "it's a file");
    writeFileSync(file, '');
    const paths = [directory, join(directory, 'a/b/c'), file, join(file, 'x')];
    const found = await space(subject({}, { directories: paths.map((path) => ({ path, what: 'output' })) }));
    assert.deepEqual(severities(found).slice(2), ['error', 'error']);
    for (const { severity, text } of found.slice(0, 2))
      if (severity === 'ok') assert.match(text, /^output: ".*" has [\d.]+ \w+ \([\d.]+ %\) free$/);
      else assert.match(text, /free|inodes/);
    assert.match(found[3].fix ?? '', /'.*it'\\''s a file\/x'$/);
  });
});

it('where the system tells nothing, checks are skipped by name', async () => {
  const elsewhere = subject({}, { machine: machine({}, 'darwin'), listen: [{ host: '127.0.0.1', port: 0 }] });
  const skipped: string[] = [];
  for (const { name, check } of CHECKS)
    for (const { severity, text } of await check(elsewhere)) {
      assert.ok(text !== '' && !text.includes('\n'), name);
      if (severity === 'skipped') skipped.push(name);
    }
  for (const name of ['socket buffers', 'network queue', 'UDP drops', 'container'])
    assert.ok(skipped.includes(name), name);
});

it('what a process calls itself does not reach the terminal as it is', async () => {
  const root = {
    'proc/net/udp': UDP_HEAD,
    'proc/5/cmdline': '\u001b[2Jdocker-proxy -proto udp -host-port 2055',
  };
  const [found] = await container(subject(root));
  assert.ok(!/\p{Cc}/u.test(found.text));
});

describe('template store', () => {
  it('is a Redis that evicts, one that keeps, one that is not there', async () => {
    const redis = await RedisServer.start({ maxmemory: '100mb', 'maxmemory-policy': 'allkeys-lru' });
    try {
      const look = async (): Promise<Finding> => (await store(subject({}, { templateStore: redis.uri })))[0];
      const evicting = await look();
      assert.equal(evicting.severity, 'warning');
      assert.match(evicting.fix ?? '', /noeviction/);
      await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      assert.equal((await look()).severity, 'ok');
      await redis.stop();
      assert.equal((await look()).severity, 'error');
    } finally {
      await redis.stop();
    }
    assert.deepEqual(await store(subject({}, { templateStore: 'file:///somewhere' })), []);
  });
});
