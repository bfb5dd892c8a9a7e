import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressText, ipv4Text, ipv6Text, macText } from '../../src/base/ip.ts';
import {
  putAddress,
  putHex,
  putInteger,
  putIpv4,
  putIpv6,
  putMac,
  putNine,
  putThree,
  putTwo,
  putU32,
  putU64,
} from '../../src/output/ascii.ts';
import fc from '../support/fast-check.ts';

const view = new DataView(new ArrayBuffer(64));
const START = 3;

/** What a put function wrote; it must return where that ends. */
function text(put: (at: number) => number): string {
  const end = put(START);
  return Buffer.from(view.buffer, START, end - START).toString('latin1');
}

const u32 = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 2000 }));
const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });
/** Addresses in which runs of zeros are likely. */
const sparse16 = fc
  .array(fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
    minLength: 8,
    maxLength: 8,
  })
  .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 255])));

describe('numbers as ASCII', () => {
  it('writes every length of a 32-bit integer', () => {
    for (let power = 1; power <= 4_294_967_295; power *= 10) {
      for (const value of [power - 1, power, power + 1]) {
        assert.equal(
          text((at) => putU32(view, at, value)),
          String(value),
        );
      }
    }
    assert.equal(
      text((at) => putU32(view, at, 4_294_967_295)),
      '4294967295',
    );
  });

  it('writes any integer up to 2^53 - 1', () => {
    fc.assert(fc.property(u32, (value) => text((at) => putU32(view, at, value)) === String(value)));
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => text((at) => putInteger(view, at, value)) === String(value)),
    );
    for (const value of [0xffffffff, 0x100000000, 8_388_607_999_999_999, 9_007_199_254_740_991]) {
      assert.equal(
        text((at) => putInteger(view, at, value)),
        String(value),
      );
    }
    // One below a multiple of 10^9 is where a division of doubles could round up.
    for (let k = 1; k < 9_007_199; k = k * 2 + 1) {
      assert.equal(
        text((at) => putInteger(view, at, k * 1e9 - 1)),
        String(k * 1e9 - 1),
      );
    }
  });

  it('writes any 64-bit integer', () => {
    const check = (value: bigint): void =>
      assert.equal(
        text((at) => putU64(view, at, Number(value >> 32n), Number(value & 0xffffffffn))),
        value.toString(),
      );
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), check));
    const edges = [0n, 1n << 32n, 1n << 53n, 10n ** 18n, 10n ** 19n, 1n << 63n, 1n << 64n];
    for (const edge of edges) {
      for (const value of [edge - 1n, edge, edge + 1n]) if (value >= 0n && value < 1n << 64n) check(value);
    }
  });

  it('fills up digits with zeros', () => {
    assert.equal(
      text((at) => putTwo(view, at, 7)),
      '07',
    );
    assert.equal(
      text((at) => putThree(view, at, 7)),
      '007',
    );
    assert.equal(
      text((at) => putNine(view, at, 7)),
      '000000007',
    );
    assert.equal(
      text((at) => putNine(view, at, 999_999_999)),
      '999999999',
    );
  });
});

describe('addresses as ASCII', () => {
  it('writes IPv4, IPv6 and MAC addresses as src/base/ip.ts does', () => {
    fc.assert(fc.property(u32, (value) => text((at) => putIpv4(view, at, value)) === ipv4Text(value)));
    fc.assert(
      fc.property(
        fc.oneof(bytes16, sparse16),
        (bytes) => text((at) => putIpv6(view, at, bytes, 0)) === ipv6Text(bytes, 0),
      ),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0xffff }),
        u32,
        (hi, lo) => text((at) => putMac(view, at, hi, lo)) === macText(hi, lo),
      ),
    );
  });

  it('writes IPv4-mapped addresses as IPv4', () => {
    const mapped = new Uint8Array(20);
    mapped.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1], 4);
    assert.equal(
      text((at) => putAddress(view, at, mapped, 4)),
      '192.0.2.1',
    );
    fc.assert(
      fc.property(
        fc.oneof(bytes16, sparse16),
        (bytes) => text((at) => putAddress(view, at, bytes, 0)) === addressText(bytes, 0),
      ),
    );
  });

  it('writes octets as hex', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 20 }),
        (bytes) =>
          text((at) => putHex(view, at, bytes, 0, bytes.length)) === Buffer.from(bytes).toString('hex'),
      ),
    );
  });
});
