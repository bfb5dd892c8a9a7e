/** Both receivers over real sockets on loopback: the same datagrams, the same account. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { loadSystemCalls } from '../../src/base/system-calls.ts';
import { Collector, type CollectorOptions } from '../../src/collector.ts';
import { RecordOffset } from '../../src/memory/layout.ts';
import { SharedMemory } from '../../src/memory/shared-memory.ts';
import { parseOutputUri } from '../../src/output/output-uri.ts';
import { chooseReceive } from '../../src/receive/receive-mode.ts';
import { ThreadReceiver } from '../../src/receive/thread-receiver.ts';
import { concat, ipfix, set, template, u32 } from '../support/bytes.ts';
import { assertBalanced } from '../support/collect.ts';

const MODES = typeof loadSystemCalls() === 'string' ? (['dgram'] as const) : (['dgram', 'recvmmsg'] as const);
const OCTETS = set(2, template(256, [1, 4]));

async function collecting(options: Partial<CollectorOptions> & { host?: string }) {
  const lines: string[] = [];
  let rest = '';
  const stdout = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      const text = rest + Buffer.from(chunk).toString();
      const parts = text.split('\n');
      rest = parts.pop()!;
      lines.push(...parts);
      done();
    },
  });
  const { host = '127.0.0.1', ...rest_ } = options;
  const collector = new Collector({
    source: { listen: [{ host, port: 0 }] },
    outputs: [parseOutputUri('stdout:?format=ndjson&schema=iana', { format: 'ndjson', schema: 'iana' })],
    workers: 1,
    stdout,
    ...rest_,
  });
  await collector.start();
  const records = () => lines.map((line) => JSON.parse(line));
  return { collector, port: collector.ports[0], records };
}

async function send(port: number, datagrams: Uint8Array[], host = '127.0.0.1'): Promise<void> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  for (const datagram of datagrams) {
    await new Promise<void>((resolve, reject) =>
      socket.send(datagram, port, host, (error) => (error ? reject(error) : resolve())),
    );
  }
  socket.close();
  await once(socket, 'close');
}

/** Polls until the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000 && !condition(); i++) await delay(10);
  assert.ok(condition());
}

for (const receive of MODES) {
  test(`${receive}: datagrams of both families on one dual-stack socket, with their sources`, async () => {
    const { collector, port, records } = await collecting({ receive, host: '::' });
    const datagram = (n: number) => ipfix({}, OCTETS, set(256, u32(n)));
    await send(port, [datagram(1)], '127.0.0.1');
    await send(port, [datagram(2)], '::1');
    await until(() => collector.status().flows === 2);
    const report = await collector.stop();
    assertBalanced(report);
    assert.deepEqual(
      records()
        .map(({ exporter, fields }) => [exporter, fields.octetDeltaCount])
        .sort(),
      [
        ['127.0.0.1', 1],
        ['::1', 2],
      ],
    );
    for (const { exporterPort } of records()) assert.ok(exporterPort > 0);
  });

  test(`${receive}: a datagram as long as a slot is taken, a longer one is refused whole`, async () => {
    const { collector, port, records } = await collecting({ receive, memory: { maxDatagramBytes: 1_000 } });
    const ofBytes = (bytes: number, n: number) =>
      ipfix({}, OCTETS, set(256, u32(n)), set(999, new Uint8Array(bytes - 16 - OCTETS.length - 8 - 4)));
    assert.equal(ofBytes(1_000, 1).length, 1_000);
    await send(port, [ofBytes(1_000, 1), ofBytes(1_001, 2), ofBytes(9_000, 3), ofBytes(500, 4)]);
    await until(() => collector.status().datagrams === 4);
    const report = await collector.stop();
    assertBalanced(report);
    assert.equal(report.counters.datagrams_refused_oversize, 2);
    assert.deepEqual(
      records().map(({ fields }) => fields.octetDeltaCount),
      [1, 4],
    );
  });

  test(`${receive}: a port that is taken is told in one line`, async () => {
    const other = createSocket('udp6').bind(0, '::');
    await once(other, 'listening');
    const { port } = other.address();
    const collector = new Collector({
      source: { listen: [{ host: '::', port }] },
      outputs: [parseOutputUri('null:', { format: 'ndjson', schema: 'iana' })],
      workers: 1,
      receive,
    });
    await assert.rejects(collector.start(), {
      code: 'LISTEN_FAILED',
      message: `cannot listen on [::]:${port}: address already in use`,
    });
    other.close();
  });

  test(`${receive}: more than the ring can hold: every datagram is decoded, or counted where it was lost`, async () => {
    const { collector, port, records } = await collecting({
      receive,
      memory: { slots: 8, maxDatagramBytes: 1_500 },
      receiveBufferBytes: 16_384,
    });
    const datagrams = 20_000;
    const records_ = concat(u32(1), u32(2), u32(3));
    const burst = Array.from({ length: datagrams }, (_, n) =>
      ipfix({ sequence: n * 3 }, OCTETS, set(256, records_)),
    );
    await send(port, burst);
    await delay(200);
    const report = await collector.stop();
    assertBalanced(report);
    const { counters: c } = report;
    assert.equal(c.datagrams_received + c.datagrams_kernel_dropped, datagrams);
    assert.equal(c.records_decoded, c.datagrams_decoded * 3);
    // A torn slot would show as another value.
    const values = new Set(records().map(({ fields }) => fields.octetDeltaCount));
    assert.deepEqual([...values].sort(), [1, 2, 3]);
    assert.equal(c.datagrams_refused_malformed, 0);
  });
}

for (const receive of MODES) {
  test(`${receive}: goes on after the output was full while datagrams were waiting`, async () => {
    let stuck: (() => void) | null = null;
    const stdout = new Writable({
      highWaterMark: 1,
      write(_chunk, _encoding, done) {
        if (stuck === null) stuck = done;
        else done();
      },
    });
    const spec = parseOutputUri('stdout:?format=ndjson&schema=iana&queue=64KiB', {
      format: 'ndjson',
      schema: 'iana',
    });
    const collector = new Collector({
      source: { listen: [{ host: '127.0.0.1', port: 0 }] },
      outputs: [spec],
      whenFull: 'wait',
      workers: 1,
      stdout,
      receive,
    });
    await collector.start();
    const port = collector.ports[0];
    const datagram = (n: number) => ipfix({ sequence: n }, OCTETS, set(256, u32(n)));
    await send(port, [datagram(0)]);
    await until(() => stuck !== null);
    // More than the queue takes: scanning stops while the ring fills.
    await send(
      port,
      Array.from({ length: 2_000 }, (_, n) => datagram(n + 1)),
    );
    await delay(300);
    (stuck as unknown as () => void)();
    await until(() => collector.status().flows === 2_001);
    await send(port, [datagram(2_001)]);
    await until(() => collector.status().flows === 2_002);
    assertBalanced(await collector.stop());
  });
}

test('several receivers share a port, each with its own ring, and all is accounted for', async (t) => {
  if (!MODES.includes('recvmmsg' as never)) {
    t.diagnostic('recvmmsg does not run here');
    return;
  }
  const { collector, port, records } = await collecting({ receive: 'recvmmsg', receivers: 3 });
  assert.deepEqual(new Set(collector.ports), new Set([port]));
  assert.equal(collector.memory.size.rings, 3);
  assert.match(collector.receiving, /recvmmsg, 3 threads/);
  // The kernel spreads by source port; templates and data of one exporter may come through different rings.
  const senders = 24;
  await Promise.all(
    Array.from({ length: senders }, (_, k) =>
      send(
        port,
        Array.from({ length: 50 }, (_, n) => ipfix({ domain: k + 1 }, OCTETS, set(256, u32(k * 1_000 + n)))),
      ),
    ),
  );
  await until(() => collector.status().flows === senders * 50);
  assert.ok(Array.from({ length: 3 }, (_, i) => collector.memory.ring(i)).length === 3);
  const report = await collector.stop();
  assertBalanced(report);
  const values = records().map(({ fields }) => fields.octetDeltaCount);
  assert.equal(new Set(values).size, senders * 50);
});

test('a port that another collector shares among its receivers is taken', async (t) => {
  if (!MODES.includes('recvmmsg' as never)) {
    t.diagnostic('recvmmsg does not run here');
    return;
  }
  for (const host of ['127.0.0.1', '::']) {
    const { collector, port } = await collecting({ receive: 'recvmmsg', receivers: 2, host });
    const second = new Collector({
      source: { listen: [{ host, port }] },
      outputs: [parseOutputUri('null:', { format: 'ndjson', schema: 'iana' })],
      workers: 1,
      receive: 'recvmmsg',
      receivers: 2,
    });
    await assert.rejects(second.start(), { code: 'LISTEN_FAILED', message: /address already in use$/ });
    await collector.stop();
  }
});

test('a receive thread that dies is replaced, and its socket loses nothing', async (t) => {
  if (!MODES.includes('recvmmsg' as never)) {
    t.diagnostic('recvmmsg does not run here');
    return;
  }
  const memory = SharedMemory.create({
    rings: 1,
    slots: 64,
    maxDatagramBytes: 100,
    items: 16_384,
    heapBytes: 0,
  });
  const ring = memory.ring(0);
  let lost = 0;
  const listen = { host: '127.0.0.1', port: 0 };
  const receiver = new ThreadReceiver(listen, memory.buffer, 0, ring, false, () => lost++);
  await receiver.open(65_536);
  const { port } = receiver;
  const taken: number[] = [];
  const takeAll = () => {
    for (; ring.available() > 0; ring.release(1))
      taken.push(memory.bytes[ring.take() + RecordOffset.payload]);
  };
  for (let round = 1; round <= 3; round++) {
    await send(port, [Uint8Array.of(round * 10)]);
    await until(() => ring.available() === 1);
    takeAll();
    await receiver.thread?.terminate();
    await send(port, [Uint8Array.of(round * 10 + 1)]);
    await until(() => ring.available() === 1);
    takeAll();
    assert.equal(lost, round);
  }
  await receiver.close();
  assert.deepEqual(taken, [10, 11, 20, 21, 30, 31]);
  assert.equal(receiver.port, port);
});

test('a receiver that is closed while its thread is replaced ends, with what its socket had', async (t) => {
  if (!MODES.includes('recvmmsg' as never)) {
    t.diagnostic('recvmmsg does not run here');
    return;
  }
  const memory = SharedMemory.create({
    rings: 1,
    slots: 64,
    maxDatagramBytes: 100,
    items: 16_384,
    heapBytes: 0,
  });
  const ring = memory.ring(0);
  const receiver = new ThreadReceiver(
    { host: '127.0.0.1', port: 0 },
    memory.buffer,
    0,
    ring,
    false,
    () => {},
  );
  await receiver.open(65_536);
  await receiver.thread?.terminate();
  const closed = receiver.close();
  await send(receiver.port, [Uint8Array.of(7)]);
  assert.equal(await Promise.race([closed.then(() => 'closed'), delay(10_000, 'waits')]), 'closed');
  assert.equal(ring.available(), 1);
  assert.equal(memory.bytes[ring.take() + RecordOffset.payload], 7);
});

test('what cannot be had is refused, and auto says what it took', () => {
  assert.throws(() => chooseReceive('dgram', 2), {
    code: 'CONFIG_INVALID',
    message: /--receivers 2 needs recvmmsg/,
  });
  assert.equal(chooseReceive('dgram', 1).mode, 'dgram');
  const auto = chooseReceive('auto', 1);
  assert.equal(auto.mode, MODES.at(-1));
  assert.match(
    auto.explanation,
    /^receiving with (recvmmsg, 1 thread for each address: this is Linux, and koffi is here|node:dgram: .+)$/,
  );
  assert.match(chooseReceive('dgram', 1).explanation, /node:dgram: it was asked for$/);
});

test("node's reusePort is not to be relied on: where it is ignored, a second bind fails", async () => {
  const bindBoth = async (): Promise<boolean> => {
    const first = createSocket({ type: 'udp4', reusePort: true } as never).bind(0, '127.0.0.1');
    await once(first, 'listening');
    const second = createSocket({ type: 'udp4', reusePort: true } as never);
    try {
      return await new Promise<boolean>((resolve) => {
        second.once('error', () => resolve(false));
        second.bind({ port: first.address().port, address: '127.0.0.1', exclusive: true }, () =>
          resolve(true),
        );
      });
    } finally {
      first.close();
      second.close();
    }
  };
  const [major, minor] = process.versions.node.split('.').map(Number);
  const implemented = process.platform === 'linux' && (major >= 23 || (major === 22 && minor >= 12));
  assert.equal(await bindBoth(), implemented);
});
