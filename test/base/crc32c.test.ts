import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from '../../src/base/crc32c.ts';
import { hex } from '../support/bytes.ts';
import fc from '../support/fast-check.ts';

/** RFC 3720 appendix B.4; the RFC prints the octets in the order of the wire, least significant first. */
const VECTORS: readonly [name: string, bytes: Uint8Array, crc: number][] = [
  ['32 octets of zero', new Uint8Array(32), 0x8a9136aa],
  ['32 octets of ones', new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ['32 octets counting up', Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ['32 octets counting down', Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  [
    'an iSCSI SCSI Read (10) command',
    hex(`01c00000 00000000 00000000 00000000 14000000 00000400
         00000014 00000018 28000000 00000000 02000000 00000000`),
    0xd9963a56,
  ],
];

for (const [name, bytes, crc] of VECTORS) {
  test(`RFC 3720: ${name}`, () => assert.equal(crc32c(bytes), crc));
}

test('nothing has checksum 0, and the digits have the one of the catalogues', () => {
  assert.equal(crc32c(new Uint8Array(0)), 0);
  assert.equal(crc32c(new TextEncoder().encode('123456789')), 0xe3069283);
});

test('parts can be summed one after the other', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, cut) => {
      const at = Math.min(cut, bytes.length);
      assert.equal(crc32c(bytes, at, bytes.length, crc32c(bytes, 0, at)), crc32c(bytes));
    }),
  );
});

test('one flipped bit changes the checksum', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(), fc.nat(7), (bytes, at, bit) => {
      const other = bytes.slice();
      other[at % bytes.length] ^= 1 << bit;
      assert.notEqual(crc32c(other), crc32c(bytes));
    }),
  );
});
