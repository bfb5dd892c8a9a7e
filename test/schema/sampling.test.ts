import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Field } from '../support/bytes.ts';
import { stateSource } from '../support/encode.ts';
import type { CellValue } from '../support/flow-batch.ts';
import { one, values } from './record-values.ts';

describe('sampling', () => {
  const rate = (fields: readonly Field[], row: readonly CellValue[]): unknown[] => {
    const record = one(fields, row);
    return [record.sampling_rate, record.sampling_source, record.ext];
  };

  it('comes from the record', () => {
    assert.deepEqual(rate([[34, 4]], [1000]), [1000, 'record', undefined]);
    assert.deepEqual(rate([[50, 4]], [512]), [512, 'record', undefined]);
    assert.deepEqual(
      rate(
        [
          [305, 4],
          [306, 4],
        ],
        [1, 99],
      ),
      [100, 'record', undefined],
    );
    assert.deepEqual(
      rate(
        [
          [309, 4],
          [310, 4],
        ],
        [2, 100],
      ),
      [50, 'record', undefined],
    );
    assert.deepEqual(
      rate(
        [
          [305, 4],
          [306, 4],
        ],
        [3, 7],
      ),
      [10 / 3, 'record', undefined],
    );
  });

  it('is unknown when the record says 0 or half of it', () => {
    assert.deepEqual(rate([[34, 4]], [0]), [undefined, undefined, undefined]);
    assert.deepEqual(
      rate(
        [
          [305, 4],
          [306, 4],
        ],
        [0, 99],
      ),
      [undefined, undefined, undefined],
    );
    assert.deepEqual(rate([[305, 4]], [100]), [undefined, undefined, { samplingPacketInterval: 100 }]);
  });

  it('comes from options data where the record does not say', () => {
    const asked: number[][] = [];
    const state = stateSource({
      samplingRate: (...given) => {
        asked.push(given);
        return given[2] === 3 ? 0 : given[2] * 100;
      },
    });
    const fields: Field[] = [
      [48, 1],
      [302, 8],
      [10, 4],
      [34, 4],
    ];
    const rows = [
      [1, 2, 10, 0],
      [1, 2, 10, 0],
      [1, 2, 3, 0],
      [1, 2, 3, 7],
    ];
    const records = values({ fields, rows, set: { stateAddress: 8, templateId: 300 } }, { state });
    assert.deepEqual(
      records.map((record) => [record.sampling_rate, record.sampling_source]),
      [
        [1000, 'options'],
        [1000, 'options'],
        [undefined, undefined],
        [7, 'record'],
      ],
    );
    assert.deepEqual(new Set(asked.map(String)), new Set(['1,2,10,300', '1,2,3,300']));
  });

  it('asks with -1 for what the record does not have', () => {
    const state = stateSource({
      samplingRate: (...given) => {
        assert.deepEqual(given, [-1, -1, -1, 256]);
        return 2.5;
      },
    });
    const [record] = values({ fields: [[4, 1]], rows: [[6]], set: { stateAddress: 8 } }, { state });
    assert.equal(record.sampling_rate, 2.5);
  });
});
