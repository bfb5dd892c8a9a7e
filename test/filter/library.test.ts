/** The library's way to filtered records, as docs/filter.md shows it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExporterSimulator } from '../../src/generator/exporters.ts';
import {
  BatchFilter,
  Decoder,
  type Filter,
  FilterError,
  parseFilter,
  RecordFilter,
  recordsOf,
} from '../../src/index.ts';

const simulated = () => {
  const simulator = new ExporterSimulator({ version: 10, exporters: 2, templates: 2, seed: 5 });
  return Array.from({ length: 40 }, () => {
    const { payload, exporter, atMs } = simulator.next();
    return { payload: payload.slice(), address: `192.0.2.${exporter}`, receivedAtMs: atMs };
  });
};
const fieldsOf = (batches: ReturnType<Decoder['decodeBatch']>) =>
  batches.flatMap((batch) => [...recordsOf(batch)].map(({ fields }) => fields));

test('batches of a decoder are filtered in place', () => {
  const filter = new BatchFilter(parseFilter('proto udp and port 53'));
  const all = fieldsOf(new Decoder().decodeBatch(simulated()));
  const batches = new Decoder().decodeBatch(simulated());
  const dropped = batches.reduce((sum, batch) => sum + filter.apply(batch), 0);
  const expected = all.filter(
    ({ protocolIdentifier, sourceTransportPort, destinationTransportPort }) =>
      protocolIdentifier === 17 && (sourceTransportPort === 53 || destinationTransportPort === 53),
  );
  assert.ok(expected.length > 10);
  assert.deepEqual(fieldsOf(batches), expected);
  assert.equal(dropped, all.length - expected.length);
});

test('the engine of v5 is in its header, and other versions have none', () => {
  const count = (version: 5 | 9, text: string) => {
    const [{ payload, exporter, atMs }] = [new ExporterSimulator({ version, exporters: 1, seed: 5 }).next()];
    if (version === 5) payload.set([3, 7], 20);
    const datagram = { payload, address: `192.0.2.${exporter}`, receivedAtMs: atMs };
    const batches = new Decoder().decodeBatch([datagram]);
    const filter = new BatchFilter(parseFilter(text));
    for (const batch of batches) filter.apply(batch);
    return fieldsOf(batches).length;
  };
  assert.ok(count(5, 'any') > 0);
  assert.equal(count(5, 'engine-type 3 and engine-id 7'), count(5, 'any'));
  assert.equal(count(5, 'engine-type 7 or engine-id 3'), 0);
  assert.equal(count(9, 'engine-type >= 0 or engine-id >= 0'), 0);
});

test('a filter that is none throws, with the column', () => {
  assert.throws(
    () => parseFilter('proto udp and prot 53'),
    (error: unknown) => error instanceof FilterError && error.column === 15,
  );
});

test('the text of a filter is no filter, and a filter is no text', () => {
  for (const filter of ['proto tcp', undefined, {}] as unknown as Filter[]) {
    assert.throws(
      () => new BatchFilter(filter),
      /^TypeError: a filter is expected, as parseFilter gives it$/,
    );
    assert.throws(
      () => new RecordFilter(filter),
      /^TypeError: a filter is expected, as parseFilter gives it$/,
    );
  }
  for (const text of [undefined, null, 5, parseFilter('any')] as unknown as string[])
    assert.throws(() => parseFilter(text), /^TypeError: parseFilter: a text is expected$/);
});

test('large integers of records are text, as in JSON, or bigint, as in columnar files', () => {
  const filter = new RecordFilter(parseFilter('bytes > 9007199254740991'));
  for (const bytes of [2n ** 60n, String(2n ** 60n)]) assert.ok(filter.matches({ bytes }));
  for (const bytes of [2n ** 53n - 1n, String(2n ** 53n - 1n), 5]) assert.ok(!filter.matches({ bytes }));
});
