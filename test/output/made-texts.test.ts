import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MadeTexts, type PutText } from '../../src/output/made-texts.ts';
import fc from '../support/fast-check.ts';

const EXPANSION = 3;
/** Each octet as often as it says, up to three times, between brackets. */
const put: PutText = (bytes, view, at, source, offset, length) => {
  view.setUint8(at++, 0x5b);
  for (const octet of source.subarray(offset, offset + length)) {
    for (let i = 0; i < octet % (EXPANSION + 1); i++) bytes[at++] = octet;
  }
  view.setUint8(at, 0xff);
  return at + 1;
};

function expected(source: Uint8Array, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length * EXPANSION + 2);
  return bytes.subarray(0, put(bytes, new DataView(bytes.buffer), 0, source, offset, length));
}

test('texts come out as they are put, however often and in whatever order', () => {
  // Offsets beyond 512 share slots, and texts that start together are no less of their own; texts and lengths are enough for the memory to grow.
  const texts = fc.array(fc.tuple(fc.oneof(fc.nat(5), fc.nat(4000)), fc.nat(200)), { maxLength: 300 });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.uint8Array({ minLength: 4200, maxLength: 4200 }), texts)), (batches) => {
      const made = new MadeTexts(put, EXPANSION);
      for (const [source, asked] of batches) {
        made.forget();
        for (const [offset, length] of [...asked, ...asked]) {
          const target = new Uint8Array(length * EXPANSION + 16).fill(0xee);
          const end = made.copyTo(target, new DataView(target.buffer), 3, source, offset, length);
          assert.deepEqual(target.subarray(3, end), expected(source, offset, length));
          assert.deepEqual([...target.subarray(0, 3)], [0xee, 0xee, 0xee], 'nothing is written in front');
          assert.ok(
            target.subarray(end + 7).every((octet) => octet === 0xee),
            'nor further behind than 7',
          );
        }
      }
    }),
    { numRuns: 20 },
  );
});

test('more and longer texts than are kept come out as well', () => {
  const made = new MadeTexts(put, EXPANSION);
  const source = Uint8Array.from({ length: 4096 }, (_, i) => i);
  const target = new Uint8Array(4096 * EXPANSION + 16);
  const lengths = [1023, 1024, 1025, 2000];
  for (let i = 0; i < 2000; i++) {
    const offset = i % 2000;
    const length = lengths[i % lengths.length];
    const end = made.copyTo(target, new DataView(target.buffer), 0, source, offset, length);
    assert.deepEqual(target.subarray(0, end), expected(source, offset, length));
  }
});
