/** The library's way to filtered records, as docs/filter.md shows it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExporterSimulator } from '../../src/generator/exporters.ts';
import { BatchFilter, Decoder, FilterError, parseFilter, recordsOf } from '../../src/index.ts';

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

test('a filter that is none throws, with the column', () => {
  assert.throws(
    () => parseFilter('proto udp and prot 53'),
    (error: unknown) => error instanceof FilterError && error.column === 15,
  );
});
