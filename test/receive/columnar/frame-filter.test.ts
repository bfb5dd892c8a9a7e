import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FlowBatch } from '../../../src/decode/batch.ts';
import { elementsWith, standardElements } from '../../../src/elements/registry.ts';
import { BatchFilter } from '../../../src/filter/batch-filter.ts';
import { parseFilter } from '../../../src/filter/parser.ts';
import { SCHEMAS, type Schema } from '../../../src/output/encoder.ts';
import { FrameEncoder } from '../../../src/receive/columnar/frame-encoder.ts';
import { FrameFilter, FrameFilterError } from '../../../src/receive/columnar/frame-filter.ts';
import { FrameViews } from '../../../src/receive/columnar/frame-view.ts';
import { readColumnar } from '../../../src/receive/columnar/reader.ts';
import type { ExporterStateSource } from '../../../src/schema/state-source.ts';
import { anyFilter } from '../../filter/filter-arbitrary.ts';
import { filterBatchSpec } from '../../filter/filter-batches.ts';
import { columnarBytes, frameBytes, rawFrames } from '../../support/columnar.ts';
import { encoderFor, stateSource } from '../../support/encode.ts';
import fc from '../../support/fast-check.ts';
import { EXPORT_MS, flowBatch } from '../../support/flow-batch.ts';
import { ODD_STATE, oddBatches } from '../../support/odd-batches.ts';

interface Filtered {
  text: string;
  filtered: number;
}

/** Null for frames that are refused. */
function ofFrames(bytes: Uint8Array, filter: string, elements = standardElements): Filtered | null {
  const encoder = new FrameEncoder('ndjson', true);
  const frameFilter = new FrameFilter(parseFilter(filter), elements);
  const views = new FrameViews();
  let filtered = 0;
  for (const frame of readColumnar(bytes)) {
    const view = views.load(frame);
    try {
      filtered += frameFilter.apply(view);
    } catch (error) {
      assert.ok(error instanceof FrameFilterError, (error as Error).stack);
      return null;
    }
    encoder.encode(view);
  }
  return { text: Buffer.from(encoder.take()).toString(), filtered };
}

/** Changes the batch. */
function ofBatch(
  batch: FlowBatch,
  filter: string,
  schema: Schema,
  state: ExporterStateSource | null,
): Filtered {
  const filtered = new BatchFilter(parseFilter(filter), (at) => (at === 0 ? null : state)).apply(batch);
  const encoder = encoderFor({ schema, state, options: true });
  encoder.encode(batch);
  return { text: Buffer.from(encoder.take()).toString(), filtered };
}

describe('filters of frames', () => {
  it('keep what filters of the batches keep that they were made of', () => {
    const state = stateSource({ systemInitMs: EXPORT_MS - 100_000 });
    let kept = 0;
    let dropped = 0;
    fc.assert(
      fc.property(filterBatchSpec, anyFilter, (spec, { text }) => {
        for (const schema of SCHEMAS) {
          const batch = flowBatch(spec);
          const frames = ofFrames(columnarBytes(batch, { schema, state, options: true }), text);
          assert.deepEqual(frames, ofBatch(batch, text, schema, state), `${schema}: ${text}`);
          kept += batch.rows;
          dropped += frames!.filtered;
        }
      }),
      { numRuns: 2_000 },
    );
    assert.ok(kept > 1_000 && dropped > 1_000, `${kept}, ${dropped}`);
  });

  it('do so for layouts that are out of the ordinary', () => {
    const filters = [
      ...['any', 'not any', 'src ip 192.0.2.1', 'ipv6', 'not src net 192.0.2.0/24', 'src mask 24'],
      ...['bytes > 100', 'bps >= 0', 'duration < 1h', 'mpls label1 > 0', 'mpls label3 > 0', 'in if 7'],
      ...['port in [1 3 5 7 2999]', 'icmp-type 8', 'icmp-type 0', 'template 256', 'nat ip 0.0.0.0/0'],
    ];
    for (const filter of filters) {
      for (const schema of SCHEMAS) {
        for (const [name, batch] of Object.entries(oddBatches())) {
          const frames = ofFrames(columnarBytes(batch, { schema, state: ODD_STATE, options: true }), filter);
          const expected = ofBatch(batch, filter, schema, ODD_STATE);
          assert.deepEqual(frames, expected, `${schema}, ${name}: ${filter}`);
        }
      }
    }
  });

  it('know fields of schema iana by the elements that they are named after', () => {
    const elements = elementsWith([{ pen: 0, id: 7, name: 'fromPort', type: 'unsigned16' }]);
    const frame = rawFrames(
      columnarBytes(flowBatch({ fields: [[7, 2]], rows: [[53], [80], [53]] }), { schema: 'iana' }),
    )[0];
    frame.schema.grouped[0].name = 'fromPort';
    const bytes = frameBytes(frame);
    assert.equal(ofFrames(bytes, 'src port 53', elements)?.filtered, 1);
    assert.equal(ofFrames(bytes, 'src port 53')?.filtered, 3);
  });

  it('refuse frames of schema iana in which rows lack fields', () => {
    const batch = flowBatch({
      fields: [
        [7, 2],
        [4, 1],
      ],
      rows: [
        [53, 17],
        [80, 6],
      ],
    });
    for (const presence of [null, Uint8Array.of(1, 0)]) {
      const [frame] = rawFrames(columnarBytes(batch, { schema: 'iana' }));
      frame.columns[1] = presence === null ? null : ([presence, ...frame.columns[1]!.slice(1)] as never);
      assert.equal(ofFrames(frameBytes(frame), 'src port 53'), null);
    }
  });
});
