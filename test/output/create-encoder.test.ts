import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FORMATS } from '../../src/output/encoder.ts';
import { encoderFor, jsonRecords } from '../support/encode.ts';
import { flowBatch } from '../support/flow-batch.ts';

const flows = () =>
  flowBatch({
    fields: [
      [7, 2],
      [1, 4],
    ],
    rows: [
      [1, 10],
      [2, 20],
    ],
  });
const options = () =>
  flowBatch({
    scopes: 1,
    fields: [
      [149, 4],
      [41, 8],
    ],
    rows: [[1, 99]],
  });

describe('createEncoder', () => {
  for (const format of FORMATS) {
    it(`leaves out options records of the native schema unless wanted (${format})`, () => {
      const without = encoderFor({ format, options: false });
      assert.equal(without.encode(options()), 0);
      assert.equal(without.take().length, 0);
      assert.equal(without.encode(flows()), 2);
      const wanted = encoderFor({ format, options: true });
      assert.equal(wanted.encode(options()), 1);
      assert.ok(wanted.take().length > 0);
    });

    it(`always writes options records of the lossless schema (${format})`, () => {
      const encoder = encoderFor({ format, schema: 'iana', options: false });
      assert.equal(encoder.encode(options()), 1);
      assert.ok(encoder.take().length > 0);
    });

    it(`leaves out the options records of a batch that has both (${format})`, () => {
      const batch = flowBatch({
        fields: [[7, 2]],
        rows: [[1], [2], [3]],
        sets: [{ rows: 1 }, { rows: 1, options: true }, { rows: 1 }],
      });
      assert.equal(encoderFor({ format, options: false }).encode(batch), 2);
      assert.equal(encoderFor({ format, options: true }).encode(batch), 3);
      assert.equal(encoderFor({ format, schema: 'iana' }).encode(batch), 3);
    });

    it(`writes nothing for an empty batch (${format})`, () => {
      const encoder = encoderFor({ format, schema: 'iana' });
      assert.equal(encoder.encode(flowBatch({ fields: [[7, 2]], rows: [], sets: [] })), 0);
      assert.equal(encoder.take().length, 0);
    });
  }

  it('collects batches until they are taken', () => {
    const encoder = encoderFor();
    encoder.encode(flows());
    encoder.encode(flows());
    const first = encoder.take();
    assert.equal(new TextDecoder().decode(first).split('\n').length, 5);
    encoder.encode(flows());
    assert.equal(new TextDecoder().decode(encoder.take()).split('\n').length, 3);
    assert.equal(new TextDecoder().decode(first).split('\n').length, 5);
  });

  it('uses a batch again after it was filled anew', () => {
    const encoder = encoderFor();
    const batch = flows();
    encoder.encode(batch);
    encoder.take();
    batch.columns[0].lo[1] = 4711;
    encoder.encode(batch);
    const lines = new TextDecoder().decode(encoder.take()).trim().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).src_port),
      [1, 4711],
    );
  });

  it('encodes batches of different layouts and sizes in turn as it does each alone', () => {
    const batches = [
      flows(),
      options(),
      flowBatch({ dialect: 9, fields: [[8, 4]], rows: Array.from({ length: 2000 }, (_, i) => [i]) }),
      flowBatch({ fields: [[82, 65535]], rows: [['a'], ['bc'], ['']] }),
      flows(),
    ];
    for (const schema of ['millrace', 'iana'] as const) {
      const encoder = encoderFor({ schema, options: true });
      for (const batch of batches) encoder.encode(batch);
      const lines = new TextDecoder().decode(encoder.take()).trim().split('\n');
      assert.deepEqual(
        lines.map((line) => JSON.parse(line)),
        batches.flatMap((batch) => jsonRecords(batch, { schema, options: true })),
      );
    }
  });

  it('keeps a bounded number of plans and encodes more than that', () => {
    const encoder = encoderFor();
    for (let i = 0; i < 1500; i++) {
      encoder.encode(flowBatch({ fields: [[7, 2]], rows: [[i]] }));
    }
    const lines = new TextDecoder().decode(encoder.take()).trim().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).src_port),
      [...Array(1500).keys()],
    );
  });
});
