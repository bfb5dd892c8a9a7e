/** Simulated traffic as columnar frames, read by the library: the records of the JSON lines of the same batches. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { ExporterSimulator } from '../src/generator/exporters.ts';
import { type ColumnarFrame, readColumnar } from '../src/index.ts';
import { SCHEMAS } from '../src/output/encoder.ts';
import { rawFrames, withoutBigint } from './support/columnar.ts';
import { decoderOf } from './support/decoder.ts';
import { encoderFor, type Json } from './support/encode.ts';
import { ODD_STATE } from './support/odd-batches.ts';

const DATAGRAMS = 120;

function batchesOf(version: 5 | 7 | 9 | 10) {
  const simulator = new ExporterSimulator({
    version,
    exporters: 4,
    templates: version >= 9 ? 5 : 1,
    options: version >= 9,
    seed: 5,
  });
  const datagrams = function* () {
    for (let i = 0; i < DATAGRAMS; i++) {
      const { payload, exporter, atMs } = simulator.next();
      yield {
        payload,
        address: exporter === 0 ? '2001:db8::9' : `192.0.2.${exporter}`,
        port: 2055,
        receivedAtMs: atMs + 3.25,
      };
    }
  };
  const batches = decoderOf().decodeBatch(datagrams());
  assert.equal(
    batches.reduce((sum, { rows }) => sum + rows, 0),
    simulator.emitted.records + simulator.emitted.optionsRecords,
  );
  // What a collector's scanner binds to each set.
  for (const { sets } of batches) for (const context of sets) context.stateAddress = 8;
  return batches;
}

for (const version of [5, 7, 9, 10] as const) {
  for (const schema of SCHEMAS) {
    test(`version ${version}, schema ${schema}`, async () => {
      const batches = batchesOf(version);
      for (const options of [false, true]) {
        const encodings = { schema, options, state: ODD_STATE };
        const columnar = encoderFor({ ...encodings, format: 'columnar' });
        const ndjson = encoderFor({ ...encodings, format: 'ndjson' });
        const perBatch = batches.map((batch) => ({
          columnar: columnar.encode(batch),
          ndjson: ndjson.encode(batch),
        }));
        for (const rows of perBatch) assert.equal(rows.columnar, rows.ndjson);
        const bytes = columnar.take();
        const lines = Buffer.from(ndjson.take()).toString().split('\n').slice(0, -1);
        const records: Json[] = [];
        for await (const frame of readColumnar(Readable.from([bytes]))) records.push(...frame.toObjects());
        assert.equal(records.length, lines.length);
        assert.ok(records.length > 1000);
        for (const [i, record] of records.entries()) {
          assert.equal(JSON.stringify(withoutBigint(record)), JSON.stringify(JSON.parse(lines[i])));
        }
        assert.deepEqual(
          rawFrames(bytes).map(({ rows }) => rows),
          perBatch.map(({ ndjson: rows }) => rows).filter((rows) => rows > 0),
        );
      }
    });
  }
}

test('frames have memory of their own, whatever the bytes were in', () => {
  const columnar = encoderFor({ format: 'columnar', schema: 'iana', options: true, state: ODD_STATE });
  for (const batch of batchesOf(10)) columnar.encode(batch);
  const bytes = columnar.take();
  const records = (frames: Iterable<ColumnarFrame>) => [...frames].flatMap((frame) => frame.toObjects());
  const expected = records(readColumnar(bytes));
  const place = (memory: Uint8Array) => {
    memory.set(bytes, 3);
    return memory.subarray(3, 3 + bytes.length);
  };
  const room = bytes.length + 5;
  for (const memory of [
    Buffer.alloc(room),
    new Uint8Array(room),
    new Uint8Array(new SharedArrayBuffer(room)),
  ]) {
    const frames = [...readColumnar(place(memory))];
    memory.fill(0xff);
    assert.deepEqual(records(frames), expected);
  }
});

test('what is no bytes is refused at once', () => {
  const given = [undefined, null, 5, 'MRCF', [new Uint8Array(0)], new ArrayBuffer(4), new Uint16Array(4)];
  for (const source of given as unknown as Uint8Array[])
    assert.throws(
      () => readColumnar(source),
      /^TypeError: readColumnar: bytes or a stream of bytes are expected/,
    );
  for (const maxFrameBytes of [-1, Number.NaN, 'x'] as number[])
    assert.throws(
      () => readColumnar(new Uint8Array(0), { maxFrameBytes }),
      /^TypeError: readColumnar: maxFrameBytes/,
    );
});
