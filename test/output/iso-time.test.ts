import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  MAX_ISO_BYTES,
  NOT_ISO,
  putIsoMicros,
  putIsoMillis,
  putIsoNanos,
  putIsoSeconds,
} from '../../src/output/iso-time.ts';
import fc from '../support/fast-check.ts';

const view = new DataView(new ArrayBuffer(64));
const EXPORT_MS = Date.UTC(2023, 10, 14);
const LAST_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function text(end: number): string {
  assert.ok(end <= MAX_ISO_BYTES);
  return Buffer.from(view.buffer, 0, end).toString('latin1');
}

describe('ISO 8601 times', () => {
  it('writes milliseconds as Date does', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: LAST_MS }),
        (ms) => text(putIsoMillis(view, 0, ms)) === new Date(ms).toISOString(),
      ),
    );
  });

  it('knows leap years and the ends of months', () => {
    for (const day of ['1970-01-01', '2000-02-29', '2023-12-31', '2024-02-29', '2100-03-01', '9999-12-31']) {
      const ms = Date.parse(`${day}T23:59:59Z`);
      assert.equal(text(putIsoSeconds(view, 0, ms / 1000)), `${day}T23:59:59Z`);
    }
  });

  it('writes micro- and nanoseconds of NTP times, cut, not rounded', () => {
    assert.equal(
      text(putIsoMicros(view, 0, 0xe8fe6f80, 0x1f7ec800, EXPORT_MS)),
      '2023-11-14T22:13:20.123028Z',
    );
    assert.equal(
      text(putIsoMicros(view, 0, 0xe8fe6f80, 0xffffffff, EXPORT_MS)),
      '2023-11-14T22:13:20.999999Z',
    );
    assert.equal(
      text(putIsoNanos(view, 0, 0xe8fe6f80, 0x00800000, EXPORT_MS)),
      '2023-11-14T22:13:20.001953125Z',
    );
    assert.equal(
      text(putIsoNanos(view, 0, 0xe8fe6f80, 0x10000000, EXPORT_MS)),
      '2023-11-14T22:13:20.062500000Z',
    );
    assert.equal(
      text(putIsoNanos(view, 0, 0xe8fe6f80, 0xffffffff, EXPORT_MS)),
      '2023-11-14T22:13:20.999999999Z',
    );
  });

  it('writes nanoseconds of any fraction exactly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (fraction) => {
        const nanoseconds = (BigInt(fraction) * 1_000_000_000n) >> 32n;
        const written = text(putIsoNanos(view, 0, 0xe8fe6f80, fraction, EXPORT_MS));
        return written === `2023-11-14T22:13:20.${nanoseconds.toString().padStart(9, '0')}Z`;
      }),
    );
  });

  it('writes times before 1970, which NTP can hold', () => {
    assert.equal(text(putIsoNanos(view, 0, 2_208_988_799, 0, EXPORT_MS)), '1969-12-31T23:59:59.000000000Z');
  });

  it('refuses what has more than four digits of the year', () => {
    assert.equal(text(putIsoMillis(view, 0, LAST_MS)), '9999-12-31T23:59:59.999Z');
    assert.equal(putIsoMillis(view, 0, LAST_MS + 1), NOT_ISO);
    assert.equal(putIsoSeconds(view, 0, Math.ceil(LAST_MS / 1000)), NOT_ISO);
    assert.equal(putIsoMillis(view, 0, 2 ** 64), NOT_ISO);
  });
});
