import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from '../../src/base/crc32c.ts';
import { decodeEnvelope, encodeEnvelope } from '../../src/fleet/envelope.ts';
import { concat, hex, u8, u16, u32 } from '../support/bytes.ts';
import fc from '../support/fast-check.ts';

interface Parts {
  magic?: number;
  version?: number;
  flags?: number;
  bodyBytes?: number;
}

const BODY = hex('82a27279 01');

/** An entry with the layout that the documentation of envelope.ts gives, octet by octet. */
function bytesOf({
  magic = 0x4d524c45,
  version = 1,
  flags = 0,
  bodyBytes = BODY.length,
}: Parts = {}): Uint8Array {
  const front = concat(u32(magic), u8(version, flags), u16(0x0102), u32(bodyBytes));
  return concat(front, u32(crc32c(concat(front, BODY))), BODY);
}

test('an entry written by hand is read, and written the same', () => {
  assert.deepEqual(decodeEnvelope(bytesOf()), { kind: 0x0102, critical: false, body: BODY });
  assert.deepEqual(decodeEnvelope(bytesOf({ flags: 1 })), { kind: 0x0102, critical: true, body: BODY });
  assert.deepEqual(encodeEnvelope(0x0102, false, BODY), bytesOf());
  assert.deepEqual(encodeEnvelope(0x0102, true, BODY), bytesOf({ flags: 1 }));
});

test('flags that are not known yet change nothing', () => {
  assert.deepEqual(decodeEnvelope(bytesOf({ flags: 0xfe })), { kind: 0x0102, critical: false, body: BODY });
});

test('LOG-21: truncated, length over the end, version 0 and a future version are four faults', () => {
  assert.equal(decodeEnvelope(bytesOf().subarray(0, 15)), 'truncated');
  assert.equal(decodeEnvelope(bytesOf({ bodyBytes: BODY.length + 1 })), 'length-wrong');
  assert.equal(decodeEnvelope(bytesOf({ version: 0 })), 'version-invalid');
  assert.equal(decodeEnvelope(bytesOf({ version: 2 })), 'newer-version');
});

test('other damage', () => {
  assert.equal(decodeEnvelope(bytesOf({ magic: 0x4d524c46 })), 'magic-unknown');
  assert.equal(decodeEnvelope(bytesOf({ bodyBytes: 0xffffffff })), 'length-wrong');
  assert.equal(decodeEnvelope(concat(bytesOf(), u8(0))), 'length-wrong');
  const whole = bytesOf();
  for (let length = 0; length < whole.length; length++) {
    const fault = decodeEnvelope(whole.subarray(0, length));
    assert.equal(fault, length < 16 ? 'truncated' : 'length-wrong', `${length} octets`);
  }
  for (let at = 0; at < whole.length * 8; at++) {
    const bytes = whole.slice();
    bytes[at >> 3] ^= 1 << (at & 7);
    assert.equal(typeof decodeEnvelope(bytes), 'string', `bit ${at}`);
  }
});

test('what is written is read, wherever it stands', () => {
  fc.assert(
    fc.property(fc.nat(0xffff), fc.boolean(), fc.uint8Array({ maxLength: 300 }), (kind, critical, body) => {
      const around = concat(u8(1, 2, 3), encodeEnvelope(kind, critical, body), u8(4));
      assert.deepEqual(decodeEnvelope(around.subarray(3, around.length - 1)), { kind, critical, body });
    }),
  );
});

test('arbitrary octets are never read and never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      assert.equal(typeof decodeEnvelope(bytes), 'string');
    }),
  );
});
