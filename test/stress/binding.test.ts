/**
 * The race that every parallel collector has: data that are decoded after their template was redefined. Sixty-four
 * exporters redefine templates every few hundred datagrams while data are in flight; whatever the number of workers, the
 * output must be that of the single-threaded decoder, byte for byte.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { parseAddress } from '../../src/base/ip.ts';
import { Decoder } from '../../src/decoder.ts';
import { ExporterSimulator } from '../../src/generator/exporters.ts';
import { collectAll, type Fed } from '../support/collect.ts';

const RECORDS = 2_000_000;
const EXPORTERS = 64;
const START_MS = 1_700_000_000_000;

function* traffic(version: 9 | 10, records: number): Generator<Fed & { text: string }> {
  const simulator = new ExporterSimulator({
    version,
    exporters: EXPORTERS,
    templates: 3,
    seed: 42,
    redefine: 40,
    startMs: START_MS,
  });
  const addresses = Array.from({ length: EXPORTERS }, (_, i) => {
    const bytes = new Uint8Array(16);
    parseAddress(`10.0.0.${i + 1}`, bytes);
    return bytes;
  });
  for (let made = 0; made < records; ) {
    const { payload, exporter, records: n, atMs } = simulator.next();
    made += n;
    yield {
      payload,
      address: addresses[exporter],
      text: `10.0.0.${exporter + 1}`,
      port: 2055,
      receivedAtMs: atMs,
    };
  }
}

/** What the library's decoder makes of the same datagrams, in the form of the iana schema. */
function reference(version: 9 | 10, records: number): { sha256: string; records: number; redefined: number } {
  const decoder = new Decoder({ templateTtlMs: Number.POSITIVE_INFINITY });
  const hash = createHash('sha256');
  let count = 0;
  let redefined = 0;
  for (const { payload, text, port, receivedAtMs } of traffic(version, records)) {
    const result = decoder.decode(payload, { address: text, port, receivedAtMs });
    redefined += result.templates.filter(({ action }) => action === 'redefined').length;
    let lines = '';
    for (const { templateId, observationDomainId, exportTimeMs, fields } of result.records) {
      const record = {
        exporter: text,
        exporterPort: port,
        version,
        observationDomainId,
        templateId,
        exportTimeMs,
        kind: 'data',
        fields,
      };
      lines += `${JSON.stringify(record, (_, value) => (typeof value === 'bigint' ? String(value) : value))}\n`;
      count++;
    }
    hash.update(lines);
  }
  return { sha256: hash.digest('hex'), records: count, redefined };
}

for (const [version, records] of [
  [9, RECORDS],
  [10, RECORDS / 10],
] as const) {
  test(`version ${version}: ${records} records, templates redefined in flight`, async () => {
    const expected = reference(version, records);
    assert.ok(expected.redefined > EXPORTERS, `${expected.redefined} redefinitions`);
    for (const workers of version === 9 ? [1, 2, 3, 4] : [1, 4]) {
      const { report, sha256 } = await collectAll(traffic(version, records), {
        workers,
        scanner: { templateTtlMs: Number.POSITIVE_INFINITY },
      });
      assert.equal(report.counters.records_decoded, expected.records, `${workers} workers`);
      assert.equal(report.counters.templates_redefined, expected.redefined);
      assert.equal(sha256, expected.sha256, `output of ${workers} workers`);
      assert.equal(report.counters.sequence_lost_datagrams + report.counters.sequence_lost_records, 0);
    }
  });
}
