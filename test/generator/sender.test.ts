import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { ExporterSimulator } from '../../src/generator/exporters.ts';
import { PacedSender } from '../../src/generator/sender.ts';
import { TestReceiver } from './receiver.ts';

/** Rejections of open. */
async function refused(
  ...parameters: ConstructorParameters<typeof PacedSender>
): Promise<Error & { code?: string }> {
  const sender = new PacedSender(...parameters);
  try {
    await sender.open();
  } catch (error) {
    return error as Error;
  } finally {
    await sender.close();
  }
  throw new assert.AssertionError({ message: 'open did not reject' });
}

test('datagrams arrive as they were, though the payload is used again at once', async () => {
  const receiver = await new TestReceiver().open();
  const sender = new PacedSender({ host: '127.0.0.1', port: receiver.port });
  await sender.open();
  const simulator = new ExporterSimulator();
  const expected: Uint8Array[] = [];
  let bytes = 0;
  for (let i = 0; i < 100; i++) {
    const { payload } = simulator.next();
    expected.push(payload.slice());
    bytes += payload.length;
    const room = sender.send(payload);
    payload.fill(0xee);
    await room;
    // The receiver's buffer holds fewer than a hundred of these.
    if (i % 10 === 9) await receiver.until(i + 1);
  }
  await sender.close();
  const received = await receiver.until(100);
  assert.deepEqual(
    received.map(({ payload }) => payload),
    expected,
  );
  assert.deepEqual(sender.sent, { datagrams: 100, bytes, errors: 0 });
  await receiver.close();
});

test('sources have sockets of their own, and on loopback addresses of their own where the system has them', async () => {
  const receiver = await new TestReceiver().open();
  const sender = new PacedSender({ host: '127.0.0.1', port: receiver.port });
  await sender.open();
  const sources = [0, 1, 2, 254, 255, 256, 0];
  for (const source of sources) await sender.send(Uint8Array.of(source & 255), source);
  await sender.close();
  const received = await receiver.until(sources.length);
  const from = new Map(
    received.map(({ from: { address, port }, payload }) => [`${address}:${port}`, payload[0]]),
  );
  // Source 256 shares the socket of source 0.
  assert.equal(from.size, 5);
  if (process.platform === 'linux') {
    assert.deepEqual(
      [...new Set(received.map((r) => r.from.address))],
      ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.255', '127.0.1.0'],
    );
  }
  await receiver.close();
});

test('given addresses are used in turn', { skip: process.platform !== 'linux' }, async () => {
  const receiver = await new TestReceiver().open();
  const bindAddresses = ['127.0.9.1', '127.0.9.2'];
  const sender = new PacedSender({ host: '127.0.0.1', port: receiver.port }, { bindAddresses });
  await sender.open();
  for (const source of [0, 1, 2, 3]) await sender.send(Uint8Array.of(1), source);
  await sender.close();
  const received = await receiver.until(4);
  assert.deepEqual(
    received.map(({ from }) => from.address),
    ['127.0.9.1', '127.0.9.2', '127.0.9.1', '127.0.9.2'],
  );
  assert.equal(new Set(received.map(({ from }) => from.port)).size, 2);
  await receiver.close();
});

test('IPv6 targets are sent to', async (t) => {
  let receiver: TestReceiver;
  try {
    receiver = await new TestReceiver('udp6').open('::1');
  } catch {
    t.skip('no IPv6 here');
    return;
  }
  const sender = new PacedSender({ host: '::1', port: receiver.port });
  await sender.open();
  await sender.send(Uint8Array.of(1, 2, 3), 0);
  await sender.send(Uint8Array.of(4), 1);
  await sender.close();
  const received = await receiver.until(2);
  assert.equal(new Set(received.map(({ from }) => from.port)).size, 2);
  await receiver.close();
});

test('a port that nobody listens on costs errors and nothing else', async () => {
  const receiver = await new TestReceiver().open();
  const { port } = receiver;
  await receiver.close();
  const sender = new PacedSender({ host: '127.0.0.1', port });
  await sender.open();
  for (let i = 0; i < 50; i++) {
    await sender.send(Uint8Array.of(i));
    await setTimeout(0);
  }
  assert.ok(sender.sent.errors > 0);
  const again = await new TestReceiver().open('127.0.0.1', port);
  // The first may meet the refusal of an earlier one; it is sent all the same.
  await sender.send(Uint8Array.of(100));
  await sender.send(Uint8Array.of(101));
  await sender.close();
  const received = await again.until(2);
  assert.deepEqual(received.map(({ payload }) => payload[0]).sort(), [100, 101]);
  await again.close();
});

test('a datagram that is too long for UDP is an error, the next one goes on', async () => {
  const receiver = await new TestReceiver().open();
  const sender = new PacedSender({ host: '127.0.0.1', port: receiver.port });
  await sender.open();
  await sender.send(new Uint8Array(70_000));
  await sender.send(Uint8Array.of(7));
  await sender.close();
  assert.deepEqual([...(await receiver.until(1))[0].payload], [7]);
  assert.deepEqual(sender.sent, { datagrams: 1, bytes: 1, errors: 1 });
  await receiver.close();
});

test('no more than a few datagrams wait for the kernel, and callers that do not wait lose nothing', async () => {
  const receiver = await new TestReceiver().open();
  const sender = new PacedSender({ host: '127.0.0.1', port: receiver.port });
  await sender.open();
  const rooms: (Promise<void> | undefined)[] = [];
  for (let i = 0; i < 150; i++) rooms.push(sender.send(Uint8Array.of(i), i % 3));
  assert.ok(rooms.filter((room) => room === undefined).length < 65);
  await Promise.all(rooms);
  await sender.close();
  assert.equal(sender.sent.datagrams, 150);
  const received = await receiver.until(150);
  assert.equal(new Set(received.map(({ payload }) => payload[0])).size, 150);
  await receiver.close();
});

test('trouble with the target or an address is one clear line', async () => {
  const target = { host: '127.0.0.1', port: 9 };
  const unknown = await refused({ host: 'collector.invalid', port: 2055 });
  assert.equal(unknown.code, 'SEND_FAILED');
  assert.match(unknown.message, /^cannot send to collector\.invalid port 2055: /);
  for (const port of [0, 65_536, 1.5]) {
    const error = await refused({ host: '127.0.0.1', port });
    assert.equal(error.code, 'SEND_FAILED');
    assert.match(error.message, /is no UDP port/);
  }
  // 192.0.2.0/24 is for documentation: no machine has it.
  const address = await refused(target, { bindAddresses: ['192.0.2.1'] });
  assert.equal(address.code, 'SEND_FAILED');
  assert.match(address.message, /^cannot send to 127\.0\.0\.1 port 9 from 192\.0\.2\.1: /);
});

test('a closed sender can be opened again', async () => {
  const receiver = await new TestReceiver().open();
  const sender = new PacedSender({ host: '127.0.0.1', port: receiver.port });
  await sender.close();
  for (let i = 0; i < 2; i++) {
    await sender.open();
    await sender.send(Uint8Array.of(i));
    await sender.close();
  }
  await receiver.until(2);
  assert.throws(() => sender.send(Uint8Array.of(1)), /assertion failed/);
  await receiver.close();
});
