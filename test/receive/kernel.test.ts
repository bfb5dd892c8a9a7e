/** What the kernel gives and takes: receive buffers, and datagrams that it drops. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { loadSystemCalls } from '../../src/base/system-calls.ts';
import { Collector } from '../../src/collector.ts';
import type { Ring } from '../../src/memory/ring.ts';
import { SharedMemory } from '../../src/memory/shared-memory.ts';
import { parseOutputUri } from '../../src/output/output-uri.ts';
import { kernelDrops } from '../../src/receive/kernel-drops.ts';
import type { ListenAddress } from '../../src/receive/receiver.ts';
import { ThreadReceiver } from '../../src/receive/thread-receiver.ts';

const RMEM_MAX = '/proc/sys/net/core/rmem_max';
const skip = !existsSync(RMEM_MAX) && 'the kernel does not say here';
const noCalls = typeof loadSystemCalls() === 'string' && 'recvmmsg does not run here';

/** More than a socket buffer of this size holds. */
const BUFFER_BYTES = 8_192;
const FLOOD = 200;

async function flood(host: string, port: number, count = FLOOD): Promise<void> {
  const socket = createSocket('udp4');
  const payload = new Uint8Array(1_000);
  for (let i = 0; i < count; i++) await new Promise((resolve) => socket.send(payload, port, host, resolve));
  socket.close();
}

/** A receiver whose ring takes two datagrams, until somebody takes them out. */
async function narrow(listen: ListenAddress): Promise<{ ring: Ring; receiver: ThreadReceiver }> {
  const size = { rings: 1, slots: 2, maxDatagramBytes: 1_500, items: 16_384, heapBytes: 0 };
  const memory = SharedMemory.create(size);
  const ring = memory.ring(0);
  const receiver = new ThreadReceiver(listen, memory.buffer, 0, ring, false, () => {});
  await receiver.open(BUFFER_BYTES);
  return { ring, receiver };
}

test('a receive buffer that the kernel caps is said with the sysctl, one that it gives is not', {
  skip,
}, async () => {
  const most = Number(readFileSync(RMEM_MAX, 'latin1'));
  const warningsFor = async (receiveBufferBytes: number): Promise<string[]> => {
    const warnings: string[] = [];
    const collector = new Collector({
      source: { listen: [{ host: '127.0.0.1', port: 0 }] },
      outputs: [parseOutputUri('null:', { format: 'ndjson', schema: 'iana' })],
      workers: 1,
      // Whoever may go beyond the limit does so with recvmmsg.
      receive: 'dgram',
      receiveBufferBytes,
      log: { info: () => {}, warn: (text) => warnings.push(text) },
    });
    await collector.start();
    await collector.stop();
    return warnings;
  };
  assert.deepEqual(await warningsFor(most), []);
  const asked = most + 4_096;
  const [warning, ...others] = await warningsFor(asked);
  assert.match(
    warning,
    new RegExp(
      `^port \\d+: the system caps the receive buffer at ${most} bytes; for ${asked}: sysctl -w net.core.rmem_max=${asked}$`,
    ),
  );
  assert.deepEqual(others, []);
});

test('drops are those of the addresses asked for, not of others with the same port', {
  skip: noCalls,
}, async () => {
  const { receiver: ours } = await narrow({ host: '127.0.0.1', port: 0 });
  const { port } = ours;
  const { receiver: theirs } = await narrow({ host: '127.0.0.2', port });
  try {
    await flood('127.0.0.2', port);
    assert.equal(await kernelDrops([{ host: '127.0.0.1', port }]), 0);
    const dropped = await kernelDrops([{ host: '127.0.0.2', port }]);
    assert.ok(dropped > 0 && dropped < FLOOD, `${dropped}`);
    await flood('127.0.0.1', port);
    const both = await kernelDrops([
      { host: '127.0.0.1', port },
      { host: '127.0.0.2', port },
    ]);
    assert.ok(both > dropped, `${both}`);
    assert.equal(await kernelDrops([{ host: '0.0.0.0', port }]), 0);
  } finally {
    await ours.close();
    await theirs.close();
  }
});

test('what is still in the socket when the time is over counts as dropped', { skip: noCalls }, async () => {
  const { ring, receiver } = await narrow({ host: '127.0.0.1', port: 0 });
  await flood('127.0.0.1', receiver.port);
  await receiver.close();
  assert.equal(ring.available(), 2);
  assert.equal(receiver.kernelDrops, FLOOD - 2);
});

for (const [bound, target] of [
  ['127.0.0.1', '127.0.0.1'],
  ['0.0.0.0', '127.0.0.1'],
  ['::', '127.0.0.1'],
] as const) {
  test(`recvmmsg on ${bound}: what the socket says was dropped is what the table says`, {
    skip: noCalls,
  }, async () => {
    const { ring, receiver } = await narrow({ host: bound, port: 0 });
    let taken = 0;
    const takeAll = async (): Promise<void> => {
      for (let quiet = 0; quiet < 20; quiet++) {
        for (; ring.available() > 0; quiet = 0, taken++) {
          ring.take();
          ring.release(1);
        }
        await delay(10);
      }
    };
    await flood(target, receiver.port);
    await takeAll();
    // The socket tells with the next datagram.
    await flood(target, receiver.port, 1);
    await takeAll();
    const table = await kernelDrops([receiver]);
    await receiver.close();
    assert.ok(table > 0, `${table}`);
    assert.equal(receiver.kernelDrops, table);
    assert.equal(taken + table, FLOOD + 1);
    assert.ok(ring.timesFull > 0);
  });
}

test('drops are counted past the 32 bits of the counter of the kernel', { skip: noCalls }, async () => {
  const collector = new Collector({
    source: { listen: [{ host: '127.0.0.1', port: 0 }] },
    outputs: [parseOutputUri('null:', { format: 'ndjson', schema: 'iana' })],
    workers: 1,
    receive: 'recvmmsg',
  });
  await collector.start();
  const ring = collector.memory.ring(0);
  const dropped = [0x7000_0000, 0xe000_0000, 0x10].map((count) => {
    ring.setKernelDrops(count);
    return collector.report().counters.datagrams_kernel_dropped;
  });
  await collector.stop();
  assert.deepEqual(dropped, [0x7000_0000, 0xe000_0000, 2 ** 32 + 0x10]);
});
