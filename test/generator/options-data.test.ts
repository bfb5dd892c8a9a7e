import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExporterSimulator } from '../../src/generator/exporters.ts';
import { samplingInterval, secondSamplingInterval } from '../../src/generator/options-data.ts';
import { type MessageRead, numberOf, Reader, type RecordRead, textOf } from './reader.ts';

/** First messages of two exporters, long enough for all options. */
function run(version: 9 | 10, options: boolean): MessageRead[][] {
  const simulator = new ExporterSimulator({ version, exporters: 2, templates: 2, options });
  const reader = new Reader();
  const messages: MessageRead[][] = [[], []];
  for (let i = 0; i < 38; i++) {
    const { payload, exporter, optionsRecords } = simulator.next();
    const message = reader.read(payload);
    assert.equal(message.unknown, 0);
    assert.equal(message.optionsData.length, optionsRecords);
    messages[exporter].push(message);
  }
  return messages;
}

const records = (messages: MessageRead[], templateId: number): RecordRead[] =>
  messages.flatMap(({ optionsData }) => optionsData).filter((record) => record.templateId === templateId);

test('v9 tells sampling of the system, samplers, interfaces and applications', () => {
  run(9, true).forEach((messages, exporter) => {
    const templates = messages.flatMap(({ optionsTemplates }) => optionsTemplates);
    assert.deepEqual(
      templates.map(({ id, scopes, fields }) => [id, scopes, fields.map((field) => field.id)]),
      [
        [258, 1, [1, 34, 35]],
        [259, 1, [1, 48, 49, 50, 84]],
        [260, 1, [2, 82, 83]],
        [261, 1, [1, 95, 96, 94]],
      ],
    );
    const interval = samplingInterval(exporter);
    const [system, ...others] = records(messages, 258);
    assert.equal(others.length, 0);
    assert.equal(numberOf(system, 34), interval);
    assert.equal(numberOf(system, 35), 1);

    const samplers = records(messages, 259);
    assert.deepEqual(
      samplers.map((r) => [numberOf(r, 48), numberOf(r, 49), numberOf(r, 50), textOf(r, 84)]),
      [
        [1, 1, interval, 'SAMPLER-EVEN'],
        [2, 2, secondSamplingInterval(exporter), 'SAMPLER-RANDOM'],
      ],
    );

    const interfaces = records(messages, 260);
    assert.deepEqual(
      interfaces.map((r) => numberOf(r, 2)),
      [1, 2, 3, 4, 5, 6, 7, 8],
    );
    assert.equal(textOf(interfaces[0], 82), 'GigabitEthernet0/0/1');
    assert.equal(textOf(interfaces[5], 83), 'Gäste-WLAN');

    const https = records(messages, 261).find((r) => textOf(r, 96) === 'https');
    assert.ok(https);
    assert.equal(numberOf(https, 95), 0x0300_01bb);
    assert.equal(textOf(https, 94), 'HTTP over TLS');
  });
});

test('IPFIX tells selectors, interfaces and applications', () => {
  run(10, true).forEach((messages, exporter) => {
    const templates = messages.flatMap(({ optionsTemplates }) => optionsTemplates);
    assert.deepEqual(
      templates.map(({ id, scopes, fields }) => [id, scopes, fields.map((field) => field.id)]),
      [
        [258, 1, [302, 304, 305, 306]],
        [259, 1, [10, 82, 83]],
        [260, 1, [95, 96, 94]],
      ],
    );
    assert.deepEqual(
      records(messages, 258).map((r) => [302, 304, 305, 306].map((id) => numberOf(r, id))),
      [
        [1, 1, 1, samplingInterval(exporter) - 1],
        [2, 1, 1, secondSamplingInterval(exporter) - 1],
      ],
    );
    assert.equal(textOf(records(messages, 259)[7], 82), 'TenGigabitEthernet0/1/1');
    assert.equal(textOf(records(messages, 259)[5], 83), 'Gäste-WLAN');
    assert.equal(records(messages, 260).length, 15);
  });
});

test('flows name a sampler when there are any and none when not', () => {
  for (const [version, id] of [
    [9, 48],
    [10, 302],
  ] as const) {
    for (const [options, expected] of [
      [true, [1, 2]],
      [false, [0]],
    ] as const) {
      const [messages] = run(version, options);
      const classic = messages.flatMap(({ data }) => data).filter(({ templateId }) => templateId === 256);
      assert.deepEqual([...new Set(classic.map((record) => numberOf(record, id)))].sort(), expected);
      if (!options) assert.ok(messages.every((message) => message.optionsTemplates.length === 0));
    }
  }
});

test('options are sent again with every refresh', () => {
  const simulator = new ExporterSimulator({ options: true, templateEvery: 10 });
  const reader = new Reader();
  const counts = Array.from(
    { length: 40 },
    () => reader.read(simulator.next().payload).optionsTemplates.length,
  );
  assert.deepEqual(
    counts.map((count, i) => (count > 0 ? i : -1)).filter((i) => i >= 0),
    [0, 10, 20, 30],
  );
});
