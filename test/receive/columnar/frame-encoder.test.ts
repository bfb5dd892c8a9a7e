import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FlowBatch } from '../../../src/decode/batch.ts';
import { type RowFormat, SCHEMAS } from '../../../src/output/encoder.ts';
import { FrameEncoder } from '../../../src/receive/columnar/frame-encoder.ts';
import { FrameViews } from '../../../src/receive/columnar/frame-view.ts';
import { readColumnar } from '../../../src/receive/columnar/reader.ts';
import { anyBatch } from '../../support/arbitrary-batch.ts';
import { columnarBytes } from '../../support/columnar.ts';
import { type EncodeOptions, encoderFor } from '../../support/encode.ts';
import fc from '../../support/fast-check.ts';
import { flowBatch } from '../../support/flow-batch.ts';
import { ODD_STATE, oddBatches } from '../../support/odd-batches.ts';

const ROW_FORMATS: readonly RowFormat[] = ['ndjson', 'text', 'msgpack'];

/** Frames of a batch come out in the octets that the batch itself does. */
function assertSame(batch: FlowBatch, format: RowFormat, options: EncodeOptions, keep = true): void {
  const direct = encoderFor({ ...options, options: keep, format });
  const rows = direct.encode(batch);
  const encoder = new FrameEncoder(format, keep);
  const views = new FrameViews();
  let read = 0;
  for (const frame of readColumnar(columnarBytes(batch, { ...options, options: true })))
    read += encoder.encode(views.load(frame));
  assert.equal(Buffer.from(encoder.take()).toString('latin1'), Buffer.from(direct.take()).toString('latin1'));
  assert.equal(read, rows);
}

describe('frames in another format', () => {
  for (const format of ROW_FORMATS) {
    it(`are octet for octet what their batches are (${format})`, () => {
      fc.assert(
        fc.property(anyBatch, (batch) => {
          for (const schema of SCHEMAS) assertSame(batch, format, { schema });
        }),
        { numRuns: 200 },
      );
      for (const batch of Object.values(oddBatches()))
        for (const schema of SCHEMAS) {
          assertSame(batch, format, { schema, state: ODD_STATE });
          assertSame(batch, format, { schema, state: ODD_STATE }, false);
        }
    });
  }

  it('take turns, however many schemas there are', () => {
    const batches = Array.from({ length: 150 }, (_, i) =>
      flowBatch({
        fields: [
          [7, 2],
          [1000 + i, 2, 99_999],
        ],
        rows: [[i, new Uint8Array(2)]],
      }),
    );
    const direct = encoderFor({ format: 'ndjson' });
    const columnar = encoderFor({ format: 'columnar' });
    for (const batch of [...batches, ...batches.slice(0, 3)]) {
      direct.encode(batch);
      columnar.encode(batch);
    }
    const encoder = new FrameEncoder('ndjson', false);
    const views = new FrameViews();
    for (const frame of readColumnar(columnar.take())) encoder.encode(views.load(frame));
    assert.equal(Buffer.from(encoder.take()).toString(), Buffer.from(direct.take()).toString());
  });
});
