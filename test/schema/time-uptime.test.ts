import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Field } from '../support/bytes.ts';
import { stateSource } from '../support/encode.ts';
import { EXPORT_MS } from '../support/flow-batch.ts';
import { record, type TimeCase, times } from './record-times.ts';

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
    const given: TimeCase = {
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
    for (const turns of [0, 1, 3]) {
      const row = [90_000, 99_999, EXPORT_MS - 100_000 - turns * 2 ** 32];
      assert.deepEqual(times({ fields: [...fields, [160, 8]], row }), [-10_000, -1]);
    }
  });
});
