import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { z } from 'zod';
import { ExporterSimulator } from '../../src/generator/exporters.ts';
import { EXTENSION_KEY, RECORD } from '../../src/schema/record.ts';
import { clickhouseTable, recordSchema, recordsPage } from '../../src/schema/reference.ts';
import { decoderOf } from '../support/decoder.ts';
import { type Json, jsonRecords } from '../support/encode.ts';
import { flowBatch } from '../support/flow-batch.ts';

const docs = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

test('docs/ has the records page, schema and table; npm run generate:docs writes them', () => {
  assert.equal(docs('records.md'), recordsPage());
  assert.deepEqual(JSON.parse(docs('record.schema.json')), JSON.parse(JSON.stringify(recordSchema())));
  assert.equal(docs('record.clickhouse.sql'), clickhouseTable());
});

const schema = z.fromJSONSchema(recordSchema() as Parameters<typeof z.fromJSONSchema>[0]);
const accepts = (record: Json): boolean => schema.safeParse(record).success;
const TEMPLATED = { templates: 4, options: true };

for (const version of [5, 7, 9, 10] as const) {
  test(`version ${version}: lines fit the JSON Schema`, () => {
    const simulator = new ExporterSimulator({
      version,
      exporters: 3,
      seed: 3,
      ...(version > 7 && TEMPLATED),
    });
    const datagrams = Array.from({ length: 40 }, () => {
      const { payload, exporter, atMs } = simulator.next();
      return { payload: payload.slice(), address: `2001:db8::${exporter + 1}`, receivedAtMs: atMs };
    });
    const batches = decoderOf().decodeBatch(datagrams);
    const records = batches.flatMap((batch) => jsonRecords(batch, { options: true }));
    assert.ok(records.length > 100);
    for (const record of records) {
      const { error } = schema.safeParse(record);
      assert.equal(error, undefined, `${JSON.stringify(record)}: ${error?.message}`);
    }
  });
}

test('the JSON Schema knows what lines cannot be', () => {
  const [record] = jsonRecords(
    flowBatch({
      fields: [
        [1, 8],
        [8, 4],
        [56, 6],
        [40_500, 4],
      ],
      rows: [[2n ** 64n - 1n, 0xc0000207, 0x00005e005301, 7]],
    }),
  );
  assert.equal(record['bytes'], '18446744073709551615');
  assert.ok(EXTENSION_KEY in record);
  assert.ok(accepts(record));
  for (const wrong of [
    { bytes: -1 },
    { bytes: '12' },
    { src_addr: 'router' },
    { src_mac: '1-2-3' },
    { proto: 256 },
    { flow_type: 'sflow' },
    { time_received: 'now' },
    { surplus: 1 },
    { time_received: undefined },
  ])
    assert.ok(!accepts({ ...record, ...wrong }), JSON.stringify(wrong));
});

test('the table has a column for each key, in their order', () => {
  const columns = [...clickhouseTable().matchAll(/^ {2}(\w+) \S+ COMMENT '[^']+',?$/gm)].map(
    ([, name]) => name,
  );
  assert.deepEqual(columns, [...RECORD.map(({ key }) => key), EXTENSION_KEY]);
});
