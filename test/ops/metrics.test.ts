import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { LEDGER } from '../../src/accounting/ledger.ts';
import { systemClock } from '../../src/base/clock.ts';
import { Collector } from '../../src/collector.ts';
import type { StoreReport } from '../../src/dispatch/store-host.ts';
import type { MetricSource } from '../../src/ops/metric.ts';
import { METRICS } from '../../src/ops/metrics.ts';
import { METRICS_DOCUMENT, metricsDocument } from '../../src/ops/metrics-document.ts';
import { Operations } from '../../src/ops/operations.ts';
import { Exposition } from '../../src/ops/prometheus.ts';
import { parseOutputUri } from '../../src/output/output-uri.ts';
import { ipfix, set, template, u32 } from '../support/bytes.ts';
import { requireProgram } from '../support/system-packages.ts';

const promtool = requireProgram('promtool');

const collector = new Collector({
  source: 'feeder',
  outputs: [parseOutputUri('null:', { format: 'ndjson', schema: 'millrace' })],
  workers: 1,
});
const operations = new Operations(collector, {
  info: { version: '1.2.3', commit: null, node: 'v20', startedAtMs: 5_000, configurationDigest: () => 'x' },
  token: null,
  anyHost: false,
  clock: systemClock,
});
before(async () => {
  await collector.start();
  const address = new Uint8Array(16);
  const message = ipfix({}, set(2, template(256, [1, 4])), set(256, u32(1, 2, 3)), set(999, u32(1)));
  for (const datagram of [message, new Uint8Array([1, 2, 3])]) {
    await collector.feeder.feed(datagram, address, 4739, systemClock.wallMs());
  }
  collector.feeder.flush();
  while (collector.status().flows < 3) await new Promise((resolve) => setTimeout(resolve, 5));
});
after(async () => {
  await collector.stop();
});

/** Samples by name and labels, as a scraper reads them. */
function samples(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' ') + 1)),
    ]),
  );
}
const expose = async (change: (source: MetricSource) => MetricSource = (source) => source): Promise<string> =>
  new Exposition().text(change(await operations.metricSource()));

test('promtool has nothing to say against the metrics', { skip: promtool.skip }, async () => {
  execFileSync(promtool.path, ['check', 'metrics'], { input: await expose() });
});

test('numbers are those of the ledger', async () => {
  const text = await expose();
  const { counters } = collector.report();
  const values = samples(text);
  assert.equal(values.get('millrace_datagrams_received_total'), 2);
  assert.equal(
    values.get('millrace_datagrams_total{outcome="unknown_version"}'),
    counters.datagrams_refused_unknown_version,
  );
  assert.equal(values.get('millrace_records_total{kind="data"}'), 3);
  assert.equal(values.get('millrace_sets_total{outcome="held"}'), 1);
  assert.equal(values.get('millrace_waiting_sets'), 1);
  assert.equal(values.get('millrace_faults_total{fault="unknown-version"}'), 1);
  assert.equal(values.get('millrace_output_records_total{output="null:",outcome="written"}'), 3);
  assert.equal(values.get('millrace_exporter_records_total{exporter="other"}'), 3);
  assert.equal(values.get('millrace_exporter_sets_without_template_total{exporter="other"}'), 1);
  assert.equal(values.get('process_start_time_seconds'), 5);
  assert.ok(![...values.keys()].some((name) => name.startsWith('millrace_store_')), 'there is no store');
});

test('every counter of the ledger is in some metric, under names that are used once', () => {
  const sources = new Set(METRICS.flatMap(({ from }) => from as readonly string[]));
  for (const { name } of LEDGER) assert.ok(sources.has(name), name);
  assert.equal(new Set(METRICS.map(({ name }) => name)).size, METRICS.length);
  for (const { name, type, help } of METRICS) {
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    assert.match(help, /^[A-Z].*\.$/, name);
  }
});

test('what is exposed is in the table', async () => {
  const known = new Set(METRICS.map(({ name }) => name));
  for (const [, name] of (await expose()).matchAll(/^# TYPE (\S+)/gm)) assert.ok(known.has(name), name);
});

test('a counter does not fall when loss is made good', async () => {
  const exposition = new Exposition();
  const lost: (number | undefined)[] = [];
  for (const value of [5, 3, 6]) {
    const source = await operations.metricSource();
    source.report.counters.sequence_lost_datagrams = value;
    lost.push(samples(await exposition.text(source)).get('millrace_sequence_lost_total{unit="datagrams"}'));
  }
  assert.deepEqual(lost, [5, 5, 6]);
});

const store: StoreReport = {
  place: 'redis://a"b\\c\nd',
  state: 'blocked',
  reason: 'an entry of a later version',
  index: 7,
  applied: 5,
  queued: 3,
  scopes: 2,
  counters: { gaps: 4, stored: 6 },
};

test('the store shows when there is one, with labels escaped', async () => {
  const text = await expose((source) => ({ ...source, parts: { ...source.parts, store } }));
  const values = samples(text);
  const of = (name: string, label = '') =>
    values.get(`millrace_store_${name}{store="redis://a\\"b\\\\c\\nd"${label}}`);
  assert.equal(of('up'), 0);
  assert.equal(of('state', ',state="blocked"'), 1);
  assert.equal(of('state', ',state="synced"'), 0);
  assert.equal(of('index'), 7);
  assert.equal(of('applied_index'), 5);
  assert.equal(of('queued_writes'), 3);
  assert.equal(of('events_total', ',event="gap"'), 4);
  assert.equal(of('events_total', ',event="diverged"'), 0);
  assert.equal(of('writes_total', ',outcome="stored"'), 6);
});

test('docs/metrics.md is what the table says', () => {
  assert.equal(readFileSync(METRICS_DOCUMENT, 'utf8'), metricsDocument(), 'npm run generate:docs');
});
