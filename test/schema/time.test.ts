import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SetContext } from '../../src/decode/batch.ts';
import type { Dialect } from '../../src/decode/layout.ts';
import { MAX_AHEAD_MS, MAX_BEHIND_MS } from '../../src/schema/time.ts';
import type { Field } from '../support/bytes.ts';
import {
  type EncodeOptions,
  encoderFor,
  type Json,
  jsonRecords,
  msgpackRecords,
  stateSource,
} from '../support/encode.ts';
import { type CellValue, EXPORT_MS, flowBatch, RECEIVED_MS } from '../support/flow-batch.ts';

const EXPORT_NTP = 0xe8fe6f80n << 32n;

interface Case {
  dialect?: Dialect;
  fields: readonly Field[];
  row: readonly CellValue[];
  set?: Partial<SetContext>;
  options?: EncodeOptions;
}

function record({ dialect, fields, row, set, options }: Case): Json {
  return jsonRecords(flowBatch({ dialect, fields, rows: [row], set }), options)[0];
}

/** Start and end relative to the export time; the third is time_source. */
function times(given: Case): unknown[] {
  const { time_flow_start, time_flow_end, time_source } = record(given);
  const relative = [(time_flow_start as number) - EXPORT_MS, (time_flow_end as number) - EXPORT_MS];
  return time_source === undefined ? relative : [...relative, time_source];
}

const millis = (relative: number): number => EXPORT_MS + relative;

describe('flow times', () => {
  it('come from each source that has both ends', () => {
    const sources: [Case, number[]][] = [
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
    const given: Case = {
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

describe('flow times by sysUptime', () => {
  const fields: Field[] = [
    [22, 4],
    [21, 4],
  ];

  it('count back from the header of v5, v7 and v9', () => {
    for (const dialect of [5, 7, 9] as const) {
      const set = { sysUptimeMs: 100_000 };
      assert.deepEqual(times({ dialect, fields, row: [90_000, 99_999], set }), [-10_000, -1]);
    }
  });

  it('wrap at 2^32', () => {
    const set = { sysUptimeMs: 500 };
    assert.deepEqual(times({ dialect: 9, fields, row: [4_294_967_040, 256], set }), [-756, -244]);
  });

  it('may be a little ahead of the header', () => {
    assert.deepEqual(
      times({ dialect: 9, fields, row: [99_000, 100_007], set: { sysUptimeMs: 100_000 } }),
      [-1000, 7],
    );
    // One wrapped and one ahead.
    assert.deepEqual(
      times({ dialect: 9, fields, row: [4_294_967_290, 2], set: { sysUptimeMs: 4_294_967_295 } }),
      [-5, 3],
    );
  });

  it('need the start of the system for IPFIX: from the record', () => {
    const row = [90_000, 99_999, EXPORT_MS - 100_000];
    assert.deepEqual(times({ fields: [...fields, [160, 8]], row }), [-10_000, -1]);
    assert.equal('ext' in record({ fields: [...fields, [160, 8]], row }), false);
  });

  it('need the start of the system for IPFIX: or from options data', () => {
    const options = { state: stateSource({ systemInitMs: EXPORT_MS - 100_000 }) };
    const set = { stateAddress: 8 };
    assert.deepEqual(times({ fields, row: [90_000, 99_999], set, options }), [-10_000, -1]);
    assert.deepEqual(times({ fields, row: [90_000, 99_999], set: { stateAddress: 0 }, options }), [
      0,
      0,
      'export',
    ]);
  });

  it('are the export time where the start of the system is unknown, and stay visible in ext', () => {
    const given: Case = {
      fields,
      row: [90_000, 99_999],
      options: { state: stateSource({}) },
      set: { stateAddress: 8 },
    };
    assert.deepEqual(times(given), [0, 0, 'export']);
    assert.deepEqual(record(given).ext, { flowStartSysUpTime: 90_000, flowEndSysUpTime: 99_999 });
    assert.deepEqual(times({ fields: [...fields, [160, 8]], row: [1, 2, 0] }), [0, 0, 'export']);
  });

  it('turn as often as it takes to come near the export time', () => {
    const turns = 3 * 2 ** 32;
    const row = [90_000, 99_999, EXPORT_MS - 100_000 - turns];
    assert.deepEqual(times({ fields: [...fields, [160, 8]], row }), [-10_000, -1]);
  });
});

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
