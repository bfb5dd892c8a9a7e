import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from '../../src/base/crc32c.ts';
import { REORDER_WINDOW_MS } from '../../src/templates/store.ts';
import {
  decodeValue,
  encodeValue,
  headerFault,
  type StoredValue,
  sameContent,
  supersedes,
  ValueKind,
} from '../../src/templates/stored-value.ts';
import { concat, hex, u8, u16, u32 } from '../support/bytes.ts';
import fc from '../support/fast-check.ts';

const SCOPE = 'ipfix/192.0.2.1/0/7';
const ITEM = 'template/256';
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const f64 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
};

interface Parts {
  magic?: number;
  version?: number;
  kind?: number;
  learnedAtMs?: number;
  exportTimeMs?: number;
  key?: string;
  /** Of the key, as the body says it. */
  keyBytes?: number;
  bodyBytes?: number;
}

/** A value with the layout that the documentation of stored-value.ts gives, octet by octet. */
function bytesOf(parts: Parts = {}): Uint8Array {
  const key = utf8(parts.key ?? `${SCOPE}\t${ITEM}`);
  const body = concat(u16(parts.keyBytes ?? key.length), key, hex('0a00 0000 0001 00000000 0008 0004'));
  const front = concat(
    u32(parts.magic ?? 0x4d525456),
    u8(parts.version ?? 1, parts.kind ?? 1, 0, 0),
    f64(parts.learnedAtMs ?? 1_700_000_000_123),
    f64(parts.exportTimeMs ?? 1_700_000_000_000),
    u32(0xfffffffe),
    utf8('collect1'),
    u32(parts.bodyBytes ?? body.length),
  );
  return concat(front, u32(crc32c(concat(front, body))), body);
}

const decode = (bytes: Uint8Array) => decodeValue(SCOPE, ITEM, bytes);
const SOUND: StoredValue = {
  kind: ValueKind.data,
  learnedAtMs: 1_700_000_000_123,
  exportTimeMs: 1_700_000_000_000,
  sequence: 0xfffffffe,
  writer: utf8('collect1'),
  payload: hex('0a00 0000 0001 00000000 0008 0004'),
};

test('a value written by hand is read, and written the same', () => {
  assert.deepEqual(decode(bytesOf()), SOUND);
  assert.deepEqual(encodeValue(SCOPE, ITEM, SOUND), bytesOf());
});

test('a value is read wherever it stands in a buffer', () => {
  const around = concat(new Uint8Array(5).fill(9), bytesOf(), new Uint8Array(5).fill(9));
  assert.deepEqual(decode(around.subarray(5, around.length - 5)), SOUND);
});

test('every fault has its name', () => {
  assert.equal(decode(bytesOf({ magic: 0x4d525455 })), 'magic-unknown');
  assert.equal(decode(bytesOf({ version: 0 })), 'magic-unknown');
  assert.equal(decode(bytesOf({ version: 2 })), 'newer-version');
  assert.equal(decode(bytesOf({ version: 255 })), 'newer-version');
  assert.equal(decode(bytesOf({ bodyBytes: 0xffffffff })), 'length-wrong');
  assert.equal(decode(concat(bytesOf(), u8(0))), 'length-wrong');
  assert.equal(decode(bytesOf({ key: `${SCOPE}\ttemplate/257` })), 'key-wrong');
  assert.equal(decode(bytesOf({ key: `ipfix/192.0.2.2/0/7\t${ITEM}` })), 'key-wrong');
  assert.equal(decode(bytesOf({ key: '' })), 'key-wrong');
  assert.equal(decode(bytesOf({ keyBytes: 0xffff })), 'key-wrong');
  for (const kind of [0, 4, 255]) assert.equal(decode(bytesOf({ kind })), 'content-invalid');
  for (const ms of [Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal(decode(bytesOf({ learnedAtMs: ms })), 'content-invalid');
    assert.equal(decode(bytesOf({ exportTimeMs: ms })), 'content-invalid');
  }
});

test('a newer version is one, however little of it there is and whatever its lengths mean', () => {
  assert.equal(decode(bytesOf({ version: 2 }).subarray(0, 8)), 'newer-version');
  assert.equal(decode(bytesOf({ version: 2, bodyBytes: 0 })), 'newer-version');
});

test('a value cut anywhere is refused', () => {
  const whole = bytesOf();
  for (let length = 0; length < whole.length; length++) {
    const fault = decode(whole.subarray(0, length));
    assert.equal(fault, length < 44 ? 'truncated' : 'length-wrong', `${length} octets`);
  }
});

test('an empty body with a right checksum has no key', () => {
  const front = bytesOf({ bodyBytes: 0 }).subarray(0, 40);
  assert.equal(decode(concat(front, u32(crc32c(front)))), 'key-wrong');
});

test('a flipped bit anywhere is noticed', () => {
  const whole = bytesOf();
  for (let at = 0; at < whole.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const bytes = whole.slice();
      bytes[at] ^= 1 << bit;
      assert.equal(typeof decode(bytes), 'string', `octet ${at}, bit ${bit}`);
    }
  }
});

test('arbitrary octets are never read and never throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => assert.equal(typeof decode(bytes), 'string')),
  );
});

const value = fc.record(
  {
    kind: fc.constantFrom(...Object.values(ValueKind)),
    learnedAtMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
    exportTimeMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
    sequence: fc.nat(0xffffffff),
    writer: fc.uint8Array({ minLength: 8, maxLength: 8 }),
    payload: fc.uint8Array({ maxLength: 500 }),
  },
  { noNullPrototype: true },
);
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });

test('what is written is read', () => {
  fc.assert(
    fc.property(name, name, value, (scope, item, given) => {
      const bytes = encodeValue(scope, item, given);
      assert.equal(headerFault(bytes), null);
      assert.deepEqual(decodeValue(scope, item, bytes), given);
      assert.equal(decodeValue(`${scope}x`, item, bytes), 'key-wrong');
    }),
  );
});

test('the same content is the same whoever said it and when, and no other', () => {
  const write = (change: Partial<StoredValue>, item = ITEM) =>
    encodeValue(SCOPE, item, { ...SOUND, ...change });
  const said = { learnedAtMs: 5, exportTimeMs: 6, sequence: 7, writer: utf8('collect2') };
  assert.ok(sameContent(write({}), write(said)));
  assert.ok(!sameContent(write({}), write({ payload: hex('0a00 0000 0001 00000000 0008 0008') })));
  assert.ok(!sameContent(write({}), write({ payload: hex('') })));
  assert.ok(!sameContent(write({}), write({ kind: ValueKind.options })));
  assert.ok(!sameContent(write({}), write({}, 'template/257')));
});

const WINDOW = REORDER_WINDOW_MS;
/** Candidate and current: age in ms, export time, sequence number. */
const CONFLICTS: readonly [what: string, candidate: number[], current: number[], wins: boolean][] = [
  ['later export time inside the window', [0, 2_000, 0], [10, 1_000, 9], true],
  ['earlier export time inside the window', [0, 1_000, 9], [10, 2_000, 0], false],
  ['arrived first, but was exported later', [10, 2_000, 0], [0, 1_000, 0], true],
  ['same export time, later sequence', [0, 1_000, 6], [10, 1_000, 5], true],
  ['same export time, earlier sequence', [0, 1_000, 5], [10, 1_000, 6], false],
  ['same export time, same sequence', [0, 1_000, 5], [10, 1_000, 5], true],
  ['sequence wrapped', [0, 1_000, 0], [10, 1_000, 0xffffffff], true],
  ['sequence before the wrap', [0, 1_000, 0xffffffff], [10, 1_000, 0], false],
  ['sequence just under half the circle ahead', [0, 1_000, 0x7fffffff], [10, 1_000, 0], true],
  ['sequence half the circle ahead is behind', [0, 1_000, 0x80000000], [10, 1_000, 0], false],
  ['export time counts before sequence', [0, 1_001, 0], [10, 1_000, 9], true],
  ['at the edge of the window', [0, 1_000, 0], [WINDOW, 2_000, 0], false],
  ['just outside the window', [0, 1_000, 0], [WINDOW + 1, 2_000, 0], true],
  ['late, at the edge of the window', [WINDOW, 2_000, 0], [0, 1_000, 0], true],
  ['late, just outside the window', [WINDOW + 1, 2_000, 0], [0, 1_000, 0], false],
];

for (const [what, candidate, current, wins] of CONFLICTS) {
  const version = ([ageMs, exportTimeMs, sequence]: number[]) => ({ ageMs, exportTimeMs, sequence });
  test(`conflict: ${what}: ${wins ? 'wins' : 'loses'}`, () => {
    assert.equal(supersedes(version(candidate), version(current)), wins);
  });
}

test('of two different versions exactly one wins', () => {
  const version = fc.record({
    ageMs: fc.nat(3 * WINDOW),
    exportTimeMs: fc.constantFrom(1_000, 2_000),
    sequence: fc.nat(0xffffffff),
  });
  fc.assert(
    fc.property(version, version, (a, b) => {
      const inWindow = Math.abs(a.ageMs - b.ageMs) <= WINDOW;
      // Half the circle apart nobody can tell; what is equal may replace itself.
      fc.pre(
        !inWindow || a.exportTimeMs !== b.exportTimeMs || ((a.sequence - b.sequence) & 0x7fffffff) !== 0,
      );
      assert.notEqual(supersedes(a, b), supersedes(b, a));
    }),
  );
});
