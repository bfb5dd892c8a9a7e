import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { valueAt } from '../../src/decode/value.ts';
import type { Field } from '../support/bytes.ts';
import { type CellValue, flowBatch } from '../support/flow-batch.ts';

function cell(field: Field, value: CellValue, exportTimeMs = 1_700_000_000_000): unknown {
  return valueAt(flowBatch({ fields: [field], rows: [[value]], set: { exportTimeMs } }), 0, 0);
}

describe('valueAt', () => {
  it('gives integers as numbers up to 2^53 - 1 and as bigint above', () => {
    assert.equal(cell([1, 8], 0), 0);
    assert.equal(cell([1, 4], 0xffffffff), 0xffffffff);
    assert.equal(cell([1, 8], 9007199254740991n), 9007199254740991);
    assert.equal(cell([1, 8], 9007199254740992n), 9007199254740992n);
    assert.equal(cell([1, 8], 18446744073709551615n), 18446744073709551615n);
  });

  it('gives signed integers, negative ones too', () => {
    // 434 is the only signed element of the registry; eight octets reach the other storage.
    assert.equal(cell([434, 4], -1), -1);
    assert.equal(cell([434, 4], -2147483648), -2147483648);
    assert.equal(cell([434, 4], 2147483647), 2147483647);
    assert.equal(cell([434, 8], -9007199254740991n), -9007199254740991);
    assert.equal(cell([434, 8], -9007199254740992n), -9007199254740992n);
    assert.equal(cell([434, 8], -9223372036854775808n), -9223372036854775808n);
    assert.equal(cell([434, 8], -1n), -1);
  });

  it('keeps NaN and infinities', () => {
    assert.equal(cell([311, 8], 0.5), 0.5);
    assert.equal(cell([311, 8], Number.NaN), Number.NaN);
    assert.equal(cell([311, 8], Number.NEGATIVE_INFINITY), Number.NEGATIVE_INFINITY);
  });

  it('gives 1 and 2 of a boolean as true and false, other values as they are', () => {
    assert.deepEqual(
      [0, 1, 2, 3].map((v) => cell([276, 1], v)),
      [0, true, false, 3],
    );
  });

  it('gives addresses as text', () => {
    assert.equal(cell([8, 4], '192.0.2.1'), '192.0.2.1');
    assert.equal(cell([27, 16], '2001:DB8:0:0:0:0:0:1'), '2001:db8::1');
    assert.equal(cell([27, 16], '::ffff:192.0.2.1'), '::ffff:c000:201');
    assert.equal(cell([56, 6], '00:11:22:aa:bb:cc'), '00:11:22:aa:bb:cc');
  });

  it('gives text without trailing NULs, and U+FFFD for what is no UTF-8', () => {
    assert.equal(cell([82, 8], 'Gi0/1\0\0\0'), 'Gi0/1');
    assert.equal(cell([82, 5], 'a\0b\0\0'), 'a\0b');
    assert.equal(cell([82, 3], '\0\0\0'), '');
    assert.equal(cell([82, 4], new Uint8Array([65, 0xe2, 0x82, 66])), 'A\ufffdB');
    assert.equal(cell([82, 4], new Uint8Array([0xef, 0xbb, 0xbf, 66])), '\ufeffB');
  });

  it('gives octets, lists and values of a wrong width as hex', () => {
    assert.equal(cell([70, 3], new Uint8Array([0xff, 0, 0x1a])), 'ff001a');
    assert.equal(cell([291, 3], new Uint8Array([1, 2, 3])), '010203');
    assert.equal(cell([8, 3], new Uint8Array([192, 0, 2])), 'c00002');
  });

  it('gives times as ISO 8601 with the digits of their type', () => {
    assert.equal(cell([150, 4], 1_700_000_000), '2023-11-14T22:13:20Z');
    assert.equal(cell([152, 8], 1_700_000_000_007), '2023-11-14T22:13:20.007Z');
    assert.equal(cell([154, 8], 0xe8fe6f801f7ec800n), '2023-11-14T22:13:20.123028Z');
    assert.equal(cell([154, 8], 0xe8fe6f801f7ecfffn), '2023-11-14T22:13:20.123028Z');
    // 4295 / 2^32 is a microsecond, but only with the bits that do not count.
    assert.equal(cell([154, 8], 0xe8fe6f80000010c7n), '2023-11-14T22:13:20.000000Z');
    assert.equal(cell([154, 8], 0xe8fe6f8000001800n), '2023-11-14T22:13:20.000001Z');
    assert.equal(cell([156, 8], 0xe8fe6f8000800000n), '2023-11-14T22:13:20.001953125Z');
    assert.equal(cell([156, 8], 0xe8fe6f8010000000n), '2023-11-14T22:13:20.062500000Z');
    assert.equal(cell([156, 8], 0xe8fe6f80ffffffffn), '2023-11-14T22:13:20.999999999Z');
  });

  it('gives times beyond the year 9999 as the plain integer', () => {
    assert.equal(cell([152, 8], 253402300799999), '9999-12-31T23:59:59.999Z');
    assert.equal(cell([152, 8], 253402300800000), 253402300800000);
    assert.equal(cell([152, 8], 18446744073709551615n), 18446744073709551615n);
    assert.equal(cell([150, 8], 253402300800), 253402300800);
  });

  it('puts NTP times into the era nearest to the export time', () => {
    assert.equal(cell([154, 8], 2208988800n << 32n), '1970-01-01T00:00:00.000000Z');
    const in2036 = Date.UTC(2036, 1, 7, 6, 29, 10);
    assert.equal(cell([154, 8], 54n << 32n, in2036), '2036-02-07T06:29:10.000000Z');
    assert.equal(cell([154, 8], 0xfffffff0n << 32n, in2036), '2036-02-07T06:28:00.000000Z');
  });

  it('reads the export time of the set that the row is in', () => {
    const batch = flowBatch({
      fields: [[154, 8]],
      rows: [[54n << 32n], [54n << 32n]],
      sets: [
        { rows: 1, exportTimeMs: Date.UTC(2036, 1, 8) },
        { rows: 1, exportTimeMs: Date.UTC(2160, 0, 1) },
      ],
    });
    assert.equal(valueAt(batch, 0, 0), '2036-02-07T06:29:10.000000Z');
    assert.equal(valueAt(batch, 0, 1), '2172-03-15T12:57:26.000000Z');
  });
});
