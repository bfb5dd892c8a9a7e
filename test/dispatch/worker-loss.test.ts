/** Decode threads that die in the middle of a run: nothing is lost but what the ledger names. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAddress } from '../../src/base/ip.ts';
import type { Collector } from '../../src/collector.ts';
import { Decoder } from '../../src/decoder.ts';
import { ExporterSimulator } from '../../src/generator/exporters.ts';
import { concat, ipfix, set, template, u16, u32 } from '../support/bytes.ts';
import { collectAll, type Fed } from '../support/collect.ts';
import { DEADLY_PEN, WRETCHED_PEN } from '../support/deadly.ts';
import { jsonLines } from '../support/json-lines.ts';

const address = new Uint8Array(16);
parseAddress('192.0.2.1', address);
const fed = (payload: Uint8Array): Fed => ({ payload, address, port: 2055, receivedAtMs: 1_700_000_000_000 });

function* traffic(datagrams: number): Generator<Fed> {
  const simulator = new ExporterSimulator({ version: 9, exporters: 4, templates: 2, seed: 3 });
  for (let i = 0; i < datagrams; i++) yield fed(simulator.next().payload);
}

test('workers that are ended again and again cost nothing', async () => {
  const datagrams = 40_000;
  const whole = await collectAll(traffic(datagrams), { workers: 2 });
  let ended = 0;
  const disturbed = await collectAll(traffic(datagrams), { workers: 2 }, (collector, n) => {
    if (n % 4_000 !== 0) return;
    const [thread] = collector.pool.threadIds;
    if (thread !== undefined) {
      ended++;
      void collector.pool.terminate(thread);
    }
  });
  assert.ok(ended >= 5);
  const { counters } = disturbed.report;
  assert.ok(counters.workers_lost >= 1, `${counters.workers_lost} workers lost`);
  assert.equal(counters.datagrams_quarantined, 0);
  assert.equal(counters.records_decoded, whole.report.counters.records_decoded);
  assert.equal(disturbed.sha256, whole.sha256);
});

test('a datagram that ends a worker twice is set aside with its template; its neighbours are decoded', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-quarantine-'));
  try {
    const octets = template(256, [1, 4]);
    const deadly = template(300, [1, 4], [7, 2, DEADLY_PEN]);
    const poison = ipfix({ sequence: 50 }, set(256, u32(1_000)), set(300, concat(u32(5), u16(6))));
    const datagrams = [ipfix({}, set(2, concat(octets, deadly)))];
    for (let i = 0; i < 100; i++)
      datagrams.push(i === 50 ? poison : ipfix({ sequence: i }, set(256, u32(i))));
    const { report, text } = await collectAll(datagrams.map(fed), {
      workers: 2,
      keep: true,
      quarantine: directory,
      workerEntry: new URL('../support/mortal-worker.js', import.meta.url),
    });
    const { counters } = report;
    assert.equal(counters.datagrams_quarantined, 1);
    assert.equal(counters.sets_quarantined, 2);
    assert.equal(counters.records_decoded, 99);
    assert.ok(counters.tasks_failed >= 2 && counters.tasks_retried >= 2);
    const values = jsonLines(text).map(({ fields }) => fields.octetDeltaCount);
    assert.deepEqual(
      values,
      [...Array(100).keys()].filter((i) => i !== 50),
    );

    const files = readdirSync(directory);
    assert.equal(files.length, 1);
    assert.match(files[0], /^quarantine-.*\.dgrams$/);
    // The file holds what is needed to repeat the decoding: templates first, then the datagram.
    const content = readFileSync(join(directory, files[0]));
    const decoder = new Decoder();
    const records = [];
    for (let at = 0; at < content.length; ) {
      const length = content.readUInt16BE(at + 6);
      const payload = new Uint8Array(content.subarray(at + 8, at + 8 + length));
      records.push(...decoder.decode(payload, { address: '192.0.2.1' }).records);
      at += 8 + length;
    }
    assert.deepEqual(
      records.map(({ templateId, fields }) => [templateId, fields.octetDeltaCount]),
      [
        [256, 1_000],
        [300, 5],
      ],
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a task that throws leaves nothing behind in its worker: every record is written once', async () => {
  const octets = template(256, [1, 4]);
  const wretched = template(300, [1, 4], [7, 2, WRETCHED_PEN]);
  const poison = ipfix({ sequence: 50 }, set(256, u32(1_000)), set(300, concat(u32(5), u16(6))));
  const datagrams = [ipfix({}, set(2, concat(octets, wretched)))];
  for (let i = 0; i < 100; i++) datagrams.push(i === 50 ? poison : ipfix({ sequence: i }, set(256, u32(i))));
  const { report, text } = await collectAll(datagrams.map(fed), {
    workers: 1,
    keep: true,
    workerEntry: new URL('../support/mortal-worker.js', import.meta.url),
  });
  assert.equal(report.counters.datagrams_quarantined, 1);
  const values = jsonLines(text).map(({ fields }) => fields.octetDeltaCount);
  assert.deepEqual(
    values,
    [...Array(100).keys()].filter((i) => i !== 50),
  );
});

test('a datagram that is set aside goes as a whole, without the held set that it released', async () => {
  const definitions = ipfix(
    {},
    set(2, concat(template(256, [1, 4]), template(300, [1, 4], [7, 2, DEADLY_PEN]))),
  );
  const held = ipfix({}, set(301, u32(7)));
  const deadly = set(300, concat(u32(5), u16(6)));
  const poison = ipfix({}, set(256, u32(1)), deadly, set(2, template(301, [1, 4])), set(256, u32(2)), deadly);
  const { report, text } = await collectAll(
    [definitions, held, poison, ipfix({}, set(256, u32(3)))].map(fed),
    {
      workers: 1,
      keep: true,
      workerEntry: new URL('../support/mortal-worker.js', import.meta.url),
    },
  );
  assert.equal(report.counters.datagrams_quarantined, 1);
  assert.equal(report.counters.datagrams_decoded, 3);
  assert.equal(report.counters.sets_quarantined, 4);
  const values = jsonLines(text).map(({ fields }) => fields.octetDeltaCount);
  assert.deepEqual(values, [7, 3]);
});

test('a decode thread that ends before it has loaded is replaced while tasks wait', async () => {
  const endFirst = ({ pool }: Collector) => pool.terminate(pool.threadIds[0]);
  const { report } = await collectAll(traffic(20_000), { workers: 1 }, (collector, n) => {
    // When the first one has ended, the next one has just begun to load.
    if (n === 5_000) void endFirst(collector).then(() => endFirst(collector));
  });
  assert.equal(report.counters.workers_lost, 2);
  assert.equal(report.counters.datagrams_decoded, 20_000);
});
