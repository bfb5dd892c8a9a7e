import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_AHEAD_MS, MAX_BEHIND_MS } from '../../src/schema/time.ts';
import type { Field } from '../support/bytes.ts';
import { encoderFor, jsonRecords } from '../support/encode.ts';
import { EXPORT_MS, flowBatch, RECEIVED_MS } from '../support/flow-batch.ts';
import { record } from './record-times.ts';

const EXPORT_NTP = 0xe8fe6f80n << 32n;
const millis = (relative: number): number => EXPORT_MS + relative;

describe('the window of flow times', () => {
  const fields: Field[] = [
    [152, 8],
    [153, 8],
  ];
  const earliest = RECEIVED_MS - MAX_BEHIND_MS;
  const latest = RECEIVED_MS + MAX_AHEAD_MS;
  const taken = (row: number[]): boolean => record({ fields, row }).time_source === undefined;

  it('ends 30 days before and one day after the receipt', () => {
    assert.equal(taken([earliest, earliest]), true);
    assert.equal(taken([earliest - 1, earliest]), false);
    assert.equal(taken([latest, latest]), true);
    assert.equal(taken([latest, latest + 1]), false);
  });

  it('holds flows that end when they start, and none that end before', () => {
    assert.equal(taken([EXPORT_MS, EXPORT_MS]), true);
    assert.equal(taken([EXPORT_MS, EXPORT_MS - 1]), false);
    const nanos = (row: bigint[]): boolean =>
      record({
        fields: [
          [156, 8],
          [157, 8],
        ],
        row,
      }).time_source === undefined;
    assert.equal(nanos([EXPORT_NTP + 100n, EXPORT_NTP + 100n]), true);
    assert.equal(nanos([EXPORT_NTP + 100n, EXPORT_NTP + 50n]), false);
  });

  it('puts the export time in place of both ends, keeps the values in ext, and counts', () => {
    const batch = flowBatch({
      fields,
      rows: [
        [millis(-5), millis(-4)],
        [0, millis(-4)],
        [millis(-3), millis(-2)],
      ],
    });
    const encoder = encoderFor();
    encoder.encode(batch);
    assert.equal(encoder.timeFallbacks, 1);
    encoder.encode(batch);
    assert.equal(encoder.timeFallbacks, 2);
    const records = jsonRecords(batch);
    assert.deepEqual(
      records.map((r) => [r.time_flow_start, r.time_flow_end, r.time_source, r.ext]),
      [
        [millis(-5), millis(-4), undefined, undefined],
        [
          EXPORT_MS,
          EXPORT_MS,
          'export',
          {
            flowStartMilliseconds: '1970-01-01T00:00:00.000Z',
            flowEndMilliseconds: '2023-11-14T22:13:19.996Z',
          },
        ],
        [millis(-3), millis(-2), undefined, undefined],
      ],
    );
  });

  it('is measured from the receipt of each set', () => {
    const batch = flowBatch({
      fields,
      rows: [
        [EXPORT_MS, EXPORT_MS],
        [EXPORT_MS, EXPORT_MS],
      ],
      sets: [{ rows: 1 }, { rows: 1, receivedAtMs: EXPORT_MS + MAX_BEHIND_MS + 1 }],
    });
    assert.deepEqual(
      jsonRecords(batch).map((r) => r.time_source),
      [undefined, 'export'],
    );
  });
});
