/**
 * A ring that is full nearly all the time, with receiver, main thread and decode threads at work on it at once: each record
 * must hold the octets of one datagram and no other, and what did not come through must be counted.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { loadSystemCalls } from '../../src/base/system-calls.ts';
import { Collector } from '../../src/collector.ts';
import { parseOutputUri } from '../../src/output/output-uri.ts';
import { assertBalanced } from '../support/collect.ts';
import { jsonLines } from '../support/json-lines.ts';
import { NUMBERED_FIELD, numberOf } from './numbered.ts';

const DATAGRAMS = 20_000;
const modes = typeof loadSystemCalls() === 'string' ? (['dgram'] as const) : (['dgram', 'recvmmsg'] as const);

for (const receive of modes) {
  test(`${receive}: no slot is torn while the ring is full`, async () => {
    const chunks: Uint8Array[] = [];
    const stdout = new Writable({
      write(chunk: Uint8Array, _encoding, done) {
        chunks.push(Uint8Array.from(chunk));
        done();
      },
    });
    const collector = new Collector({
      source: { listen: [{ host: '127.0.0.1', port: 0 }] },
      outputs: [parseOutputUri('stdout:?format=ndjson&schema=iana', { format: 'ndjson', schema: 'iana' })],
      whenFull: 'wait',
      workers: 2,
      stdout,
      receive,
      memory: { slots: receive === 'dgram' ? 8 : 64, maxDatagramBytes: 1_500 },
      // What waits in the kernel when the collector stops has to get through the ring, too.
      receiveBufferBytes: 128 * 1024,
    });
    await collector.start();
    const workerData = { port: collector.ports[0], count: DATAGRAMS };
    await once(new Worker(new URL('./numbered-sender.js', import.meta.url), { workerData }), 'exit');
    const accounted = async (): Promise<number> => {
      await collector.countKernelDrops();
      const { counters } = collector.report();
      return counters.datagrams_received + counters.datagrams_kernel_dropped;
    };
    for (let i = 0; i < 1_000 && (await accounted()) < DATAGRAMS; i++) await delay(10);
    const [{ timesFull }] = collector.parts().receivers;
    const report = await collector.stop();
    assertBalanced(report);
    const { counters: c } = report;
    assert.equal(c.datagrams_received + c.datagrams_kernel_dropped, DATAGRAMS);
    assert.ok(timesFull > 0, 'the ring was never full');
    assert.equal(c.datagrams_refused_malformed, 0);
    assert.equal(c.records_decoded, c.datagrams_received - c.datagrams_refused_ring_full);
    const records = jsonLines(Buffer.concat(chunks).toString());
    const numbers = records.map(({ fields }) => numberOf(fields[NUMBERED_FIELD]));
    assert.equal(numbers.length, c.records_decoded);
    assert.equal(new Set(numbers).size, numbers.length);
    assert.ok(
      numbers.every((n) => n >= 0 && n < DATAGRAMS),
      'a record holds octets of two datagrams',
    );
  });
}
