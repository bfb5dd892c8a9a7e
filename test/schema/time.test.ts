import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Field } from '../support/bytes.ts';
import { encoderFor, jsonRecords, msgpackRecords } from '../support/encode.ts';
import { type CellValue, EXPORT_MS, flowBatch } from '../support/flow-batch.ts';
import { record, type TimeCase, times } from './record-times.ts';

const EXPORT_NTP = 0xe8fe6f80n << 32n;
const millis = (relative: number): number => EXPORT_MS + relative;

describe('flow times', () => {
  it('come from each source that has both ends', () => {
    const sources: [TimeCase, number[]][] = [
      [
        {
          fields: [
            [156, 8],
            [157, 8],
          ],
          row: [EXPORT_NTP - (1n << 31n), EXPORT_NTP + (1n << 30n)],
        },
        [-500, 250],
      ],
      [
        {
          fields: [
            [154, 8],
            [155, 8],
          ],
          row: [EXPORT_NTP - (1n << 31n), EXPORT_NTP + (1n << 30n)],
        },
        [-500, 250],
      ],
      [
        {
          fields: [
            [152, 8],
            [153, 8],
          ],
          row: [millis(-3), millis(-1)],
        },
        [-3, -1],
      ],
      [
        {
          fields: [
            [158, 4],
            [159, 4],
          ],
          row: [2_500_000, 1_000],
        },
        [-2500, -1],
      ],
      [
        {
          fields: [
            [150, 4],
            [151, 4],
          ],
          row: [1_699_999_990, 1_699_999_999],
        },
        [-10_000, -1_000],
      ],
    ];
    for (const [given, expected] of sources) assert.deepEqual(times(given), expected);
  });

  it('keep what is below a millisecond where the output has it', () => {
    const of = (fields: Field[], row: CellValue[]): unknown[] => {
      const [{ time_flow_start, time_flow_end }] = msgpackRecords(flowBatch({ fields, rows: [row] }));
      return [time_flow_start, time_flow_end];
    };
    assert.deepEqual(
      of(
        [
          [154, 8],
          [155, 8],
        ],
        [0xe8fe6f801f7ec800n, 0xe8fe6f801f7ecfffn],
      ),
      [1_700_000_000_123_028_000n, 1_700_000_000_123_028_000n],
    );
    assert.deepEqual(
      of(
        [
          [158, 4],
          [159, 4],
        ],
        [1_001, 1],
      ),
      [1_699_999_999_998_999_000n, 1_699_999_999_999_999_000n],
    );
    assert.deepEqual(
      of(
        [
          [156, 8],
          [162, 4],
        ],
        [EXPORT_NTP, 1_500],
      ),
      [1_700_000_000_000_000_000n, 1_700_000_000_001_500_000n],
    );
    assert.deepEqual(
      of(
        [
          [157, 8],
          [162, 4],
        ],
        [EXPORT_NTP, 1_500],
      ),
      [1_699_999_999_998_500_000n, 1_700_000_000_000_000_000n],
    );
  });

  it('come from the more exact of several sources, and the other one stays in ext', () => {
    const given: TimeCase = {
      fields: [
        [150, 4],
        [151, 4],
        [22, 4],
        [21, 4],
        [152, 8],
        [153, 8],
      ],
      row: [1_699_999_990, 1_699_999_999, 5, 6, millis(-7), millis(-2)],
    };
    assert.deepEqual(times(given), [-7, -2]);
    assert.deepEqual(record(given).ext, {
      flowStartSeconds: '2023-11-14T22:13:10Z',
      flowEndSeconds: '2023-11-14T22:13:19Z',
      flowStartSysUpTime: 5,
      flowEndSysUpTime: 6,
    });
  });

  it('come from one source rather than from two of different kinds', () => {
    assert.deepEqual(
      times({
        fields: [
          [152, 8],
          [150, 4],
          [151, 4],
        ],
        row: [millis(-1), 1_699_999_990, 1_699_999_999],
      }),
      [-10_000, -1_000],
    );
    assert.deepEqual(
      times({
        fields: [
          [150, 4],
          [153, 8],
        ],
        row: [1_699_999_990, millis(-1)],
      }),
      [-10_000, -1],
    );
  });

  it('are completed by the duration, or the time of the event, or the other end', () => {
    assert.deepEqual(
      times({
        fields: [
          [152, 8],
          [161, 4],
        ],
        row: [millis(-9), 4],
      }),
      [-9, -5],
    );
    assert.deepEqual(
      times({
        fields: [
          [153, 8],
          [161, 4],
        ],
        row: [millis(-9), 4],
      }),
      [-13, -9],
    );
    assert.deepEqual(
      times({
        fields: [
          [152, 8],
          [162, 4],
        ],
        row: [millis(-9), 4_000],
      }),
      [-9, -5],
    );
    assert.deepEqual(
      times({
        fields: [
          [152, 8],
          [323, 8],
        ],
        row: [millis(-9), millis(-1)],
      }),
      [-9, -1],
    );
    assert.deepEqual(times({ fields: [[152, 8]], row: [millis(-9)] }), [-9, -9]);
    assert.deepEqual(times({ fields: [[153, 8]], row: [millis(-9)] }), [-9, -9]);
  });

  it('leave durations that are not needed in ext', () => {
    const { ext } = record({
      fields: [
        [152, 8],
        [153, 8],
        [161, 4],
      ],
      row: [millis(-9), millis(-5), 4],
    });
    assert.deepEqual(ext, { flowDurationMilliseconds: 4 });
  });

  it('are the time of the event for records of events', () => {
    assert.deepEqual(times({ fields: [[323, 8]], row: [millis(-4)] }), [-4, -4]);
    assert.deepEqual(times({ fields: [[322, 4]], row: [1_699_999_999] }), [-1000, -1000]);
    assert.deepEqual(times({ fields: [[324, 8]], row: [EXPORT_NTP - (1n << 31n)] }), [-500, -500]);
    assert.deepEqual(
      times({
        fields: [
          [322, 4],
          [325, 8],
        ],
        row: [5, EXPORT_NTP - (1n << 31n)],
      }),
      [-500, -500],
    );
  });

  it('are the export time where the record has none', () => {
    assert.deepEqual(times({ fields: [[4, 1]], row: [6] }), [0, 0, 'export']);
    const encoder = encoderFor();
    encoder.encode(flowBatch({ fields: [[4, 1]], rows: [[6]] }));
    assert.equal(encoder.timeFallbacks, 0);
  });
});

describe('options records', () => {
  it('have flow times only if they say so', () => {
    const options = { options: true };
    const silent = flowBatch({
      scopes: 1,
      fields: [
        [149, 4],
        [160, 8],
      ],
      rows: [[1, millis(-9)]],
    });
    const [first] = jsonRecords(silent, options);
    assert.equal('time_flow_start' in first, false);
    assert.equal('time_source' in first, false);
    assert.deepEqual(first.ext, {
      observationDomainId: 1,
      systemInitTimeMilliseconds: '2023-11-14T22:13:19.991Z',
    });
    const telling = flowBatch({
      scopes: 1,
      fields: [
        [149, 4],
        [152, 8],
      ],
      rows: [[1, millis(-9)]],
    });
    assert.equal(jsonRecords(telling, options)[0].time_flow_start, millis(-9));
  });
});
