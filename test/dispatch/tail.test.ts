/** Flows that are watched, with real decode threads: all that was decoded is either shown or passed over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExporterSimulator } from '../../src/generator/exporters.ts';
import { MAX_TAIL_RECORDS_PER_SECOND, type TailReader } from '../../src/output/tail.ts';
import { collectAll, type Fed } from '../support/collect.ts';

class Reader implements TailReader {
  records = 0;
  lines = 0;
  skipped = 0;

  take(chunk: Uint8Array, records: number): void {
    this.records += records;
    const text = Buffer.from(chunk).toString();
    this.lines += text.split('\n').length - 1;
    assert.ok('bytes' in JSON.parse(text.slice(0, text.indexOf('\n'))));
  }

  passed(records: number): void {
    this.skipped += records;
  }
}

function* traffic(datagrams: number): Generator<Fed> {
  const simulator = new ExporterSimulator({
    version: 10,
    exporters: 2,
    startMs: 1_700_000_000_000,
    intervalMs: 1,
  });
  for (let i = 0; i < datagrams; i++) {
    const { payload, exporter } = simulator.next();
    const address = new Uint8Array(16);
    address[15] = exporter;
    yield { payload: payload.slice(), address, port: 4739, receivedAtMs: 1_700_000_000_000 + i };
  }
}

for (const output of ['stdout:?format=ndjson&schema=millrace', 'stdout:?format=msgpack']) {
  test(`who watches sees what is decoded, beside ${output}`, async () => {
    const early = new Reader();
    const late = new Reader();
    const { report } = await collectAll(
      traffic(600),
      { output, tail: true, workers: 2 },
      (collector, fed) => {
        if (fed === 1) collector.tail!.add(early);
        if (fed === 300) collector.tail!.add(late);
        if (fed === 599) collector.tail!.remove(late);
      },
    );
    const { records_decoded: decoded } = report.counters;
    assert.equal(early.lines, early.records);
    assert.equal(early.records + early.skipped, decoded);
    assert.ok(early.records > 0);
    assert.ok(late.records + late.skipped < decoded);
    assert.deepEqual(
      report.outputs.map(({ output: name, written }) => [name, written]),
      [[output, decoded]],
    );
  });
}

test('more than can be shown is passed over and counted, and delays nothing', async () => {
  const reader = new Reader();
  const datagrams = (3 * MAX_TAIL_RECORDS_PER_SECOND) / 20;
  const { report } = await collectAll(
    traffic(datagrams),
    { output: 'null:', tail: true },
    (collector, fed) => {
      if (fed === 1) collector.tail!.add(reader);
    },
  );
  assert.equal(reader.records + reader.skipped, report.counters.records_decoded);
  assert.ok(reader.skipped > 0);
});

test('without a reader nothing is encoded for it', async () => {
  const { report } = await collectAll(
    traffic(200),
    { output: 'null:?format=msgpack', tail: true },
    (collector) => {
      assert.equal(collector.tail!.wanted, false);
    },
  );
  assert.ok(report.counters.records_decoded > 0);
});
