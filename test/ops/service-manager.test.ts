/** What the service manager is told, through real sockets. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import type { Log } from '../../src/ops/log.ts';
import { ServiceManager } from '../../src/ops/service-manager.ts';
import { temporaryDirectory } from '../cli/child.ts';
import { NotifyReceiver, noNotifySocket } from '../support/notify-receiver.ts';

const directory = temporaryDirectory();
const skip = noNotifySocket;
let names = 0;

/** A manager under this name, and the warnings it makes. */
function managed(name: string, variables: NodeJS.ProcessEnv = {}, problem: () => string | null = () => null) {
  const warnings: string[] = [];
  const other = () => assert.fail('no other lines');
  const log: Log = {
    level: 'info',
    error: other,
    info: other,
    debug: other,
    warn: (line) => warnings.push(line),
  };
  const environment: NodeJS.ProcessEnv = { NOTIFY_SOCKET: name, HOME: '/', ...variables };
  const manager = new ServiceManager(environment, log, problem);
  // Children are not to speak for the collector.
  assert.deepEqual(environment, { HOME: '/' });
  return { manager, warnings };
}

function listening(...more: Parameters<typeof managed> extends [string, ...infer R] ? R : never) {
  const name = join(directory, `notify-${names++}`);
  const receiver = new NotifyReceiver(name);
  return { receiver, ...managed(name, ...more) };
}

const nameOf = (prefix: string, bytes: number): string => prefix.padEnd(bytes, `${process.pid}`);

test('names are paths or abstract, of up to 107 octets', { skip }, () => {
  for (const prefix of [`${directory}/`, '@millrace-test-']) {
    for (const name of [nameOf(prefix, prefix.length + 8), nameOf(prefix, 107)]) {
      const receiver = new NotifyReceiver(name);
      const { manager, warnings } = managed(name);
      manager.ready('as it should be');
      assert.deepEqual([receiver.take(), warnings], ['READY=1\nSTATUS=as it should be', []]);
      receiver.close();
    }
  }
  for (const name of [
    nameOf(`${directory}/`, 108),
    nameOf('@', 108),
    `/${'é'.repeat(54)}`,
    '/',
    '@',
    'a/b',
    'vsock:2:1',
  ]) {
    const { manager, warnings } = managed(name, { WATCHDOG_USEC: '2000' });
    manager.ready('');
    assert.equal(warnings.length, 1, name);
    assert.match(
      warnings[0],
      /NOTIFY_SOCKET ".*": allowed are a path or @name, of up to 107 octets;.*Type=exec/,
    );
  }
});

test('without a manager nothing is said', () => {
  for (const name of [undefined, '']) {
    const { manager, warnings } = managed(name as string, { WATCHDOG_USEC: '2000' });
    manager.ready('');
    manager.stopping();
    assert.deepEqual(warnings, []);
  }
});

test('a manager that is not there is one line, whatever fails', { skip }, () => {
  const { manager, warnings } = managed(join(directory, 'nobody'));
  manager.ready('');
  manager.stopping();
  assert.deepEqual(warnings, ['the service manager cannot be told how the collector fares: ENOENT']);
});

test('a long status is cut, and READY=1 gets through', { skip }, () => {
  const { receiver, manager } = listening();
  manager.ready('x'.repeat(256));
  assert.equal(receiver.take(), `READY=1\nSTATUS=${'x'.repeat(256)}`);
  manager.ready('x'.repeat(10_000));
  assert.equal(receiver.take(), `READY=1\nSTATUS=${'x'.repeat(256)}`);
});

test('a reload is over when all are, and nothing takes back the stop', { skip }, async () => {
  const { receiver, manager } = listening();
  manager.ready('s');
  const ends: (() => void)[] = [];
  const reload = () => manager.reloading(() => new Promise((resolve) => ends.push(resolve)));
  const before = process.hrtime.bigint() / 1000n;
  const [first, second] = [reload(), reload()];
  const [ready, ...told] = receiver.takeAll();
  assert.equal(ready, 'READY=1\nSTATUS=s');
  assert.equal(told.length, 2);
  for (const message of told) {
    const [, micros] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)\nSTATUS=.+$/.exec(message)!;
    assert.ok(BigInt(micros) >= before && BigInt(micros) <= process.hrtime.bigint() / 1000n);
  }
  ends[0]();
  await first;
  assert.equal(receiver.take(), null);
  ends[1]();
  await second;
  assert.equal(receiver.take(), 'READY=1\nSTATUS=s');

  const failing = manager.reloading(() => Promise.reject(new Error('not today')));
  await assert.rejects(failing, /not today/);
  assert.deepEqual(receiver.takeAll().at(-1), 'READY=1\nSTATUS=s');

  const third = reload();
  manager.stopping();
  ends[2]();
  await third;
  assert.match(receiver.takeAll().at(-1)!, /^STOPPING=1\nSTATUS=.+$/);
});

test('a manager that is too busy is told later', { skip }, async () => {
  const { receiver, manager, warnings } = listening();
  // More than the system queues for a socket.
  const most = 5_000;
  for (let i = 1; i <= most; i++) manager.ready(String(i));
  const queued = receiver.takeAll();
  assert.ok(queued.length < most);
  assert.equal(await receiver.next(), `READY=1\nSTATUS=${most}`);
  assert.deepEqual(warnings, []);
});

test('the watchdog is told at half of its time, from the start on, while all is well', { skip }, () => {
  mock.timers.enable({ apis: ['setInterval'] });
  try {
    let problem: string | null = null;
    const variables = { WATCHDOG_USEC: '1000000', WATCHDOG_PID: String(process.pid) };
    const { receiver, manager, warnings } = listening(variables, () => problem);
    const during = (ms: number): string[] => {
      mock.timers.tick(ms);
      return receiver.takeAll();
    };
    assert.deepEqual(during(1_000), []);
    manager.ready('s');
    assert.deepEqual(during(499), ['READY=1\nSTATUS=s']);
    assert.deepEqual(during(1), ['WATCHDOG=1']);
    assert.deepEqual(during(1_000), ['WATCHDOG=1', 'WATCHDOG=1']);
    problem = 'no hands';
    assert.deepEqual(during(2_000), []);
    assert.deepEqual(warnings, ['no hands: nothing is said to the watchdog any more']);
    problem = null;
    assert.deepEqual(during(500), ['WATCHDOG=1']);
    problem = 'no hands';
    assert.deepEqual(during(500), []);
    assert.equal(warnings.length, 2);
    // What is done now has a time limit of its own.
    manager.stopping();
    assert.deepEqual(during(500).slice(1), ['WATCHDOG=1']);
  } finally {
    mock.timers.reset();
  }
});

test('the watchdog is left alone when it is meant for another process, or has no time', { skip }, () => {
  mock.timers.enable({ apis: ['setInterval'] });
  try {
    const nothing = [
      {},
      { WATCHDOG_USEC: '2000', WATCHDOG_PID: String(process.pid + 1) },
      { WATCHDOG_USEC: '2000', WATCHDOG_PID: '' },
      ...['', '0', '-1', 'x'].map((micros) => ({ WATCHDOG_USEC: micros })),
    ];
    for (const variables of nothing) {
      const { receiver, manager } = listening(variables);
      manager.ready('');
      mock.timers.tick(10_000);
      assert.equal(receiver.takeAll().length, 1, JSON.stringify(variables));
    }
    // Longer than a timer of Node.js can wait, which would fire at once.
    const { receiver, manager } = listening({ WATCHDOG_USEC: String(2 ** 53) });
    manager.ready('');
    mock.timers.tick(2 ** 31 - 2);
    assert.equal(receiver.takeAll().length, 1);
    mock.timers.tick(1);
    assert.deepEqual(receiver.takeAll(), ['WATCHDOG=1']);
  } finally {
    mock.timers.reset();
  }
});
