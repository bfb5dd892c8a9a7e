import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from '../../src/base/crc32c.ts';
import { CONTENT_FAULTS, contentBytes, readContent } from '../../src/templates/content-bytes.ts';
import { CLEAR_WHAT, STORE_LIMITS, type StoreChange } from '../../src/templates/store.ts';
import { StoreContent } from '../../src/templates/store-content.ts';
import { encodeValue, ValueKind } from '../../src/templates/stored-value.ts';
import { concat, u8, u16, u32 } from '../support/bytes.ts';
import fc from '../support/fast-check.ts';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const f64 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value);
  return bytes;
};

/** The bytes of a body with the header that the documentation of content-bytes.ts gives. */
function framed(
  scopes: number,
  body: Uint8Array,
  { version = 1, flags = 1, takenAtMs = 5_000, index = 7 } = {},
) {
  const front = concat(
    u32(0x4d525453),
    u8(version, flags),
    u16(0),
    f64(takenAtMs),
    f64(index),
    u32(scopes, body.length),
  );
  return concat(front, u32(crc32c(concat(front, body))), body);
}
const scopeBytes = (name: string, items: number): Uint8Array =>
  concat(u8(name.length), ascii(name), u32(items));
const itemBytes = (name: string, arrivedAtMs: number, announcedAtMs: number, value: Uint8Array): Uint8Array =>
  concat(u8(name.length), ascii(name), f64(arrivedAtMs), f64(announcedAtMs), u32(value.length), value);

const BODY = concat(
  scopeBytes('a', 2),
  itemBytes('x', 1_000, 2_000, u8(1, 2)),
  itemBytes('y', 3_000, 3_000, u8()),
  scopeBytes('b', 1),
  itemBytes('x', 4_000, 4_500, u8(9)),
);

test('canonical bytes, octet by octet', () => {
  const content = new StoreContent();
  content.index = 7;
  const put = (scope: string, item: string, arrivedAtMs: number, announcedAtMs: number, ...value: number[]) =>
    content.set(scope, item, { value: u8(...value), arrivedAtMs, announcedAtMs });
  put('b', 'x', 4_000, 4_500, 9);
  put('a', 'y', 3_000, 3_000);
  put('a', 'x', 1_000, 2_000, 1, 2);
  assert.deepEqual(contentBytes(content, 5_000), framed(2, BODY));
  const timeless = concat(
    scopeBytes('a', 2),
    concat(u8(1), ascii('x'), u32(2), u8(1, 2)),
    concat(u8(1), ascii('y'), u32(0)),
    scopeBytes('b', 1),
    concat(u8(1), ascii('x'), u32(1), u8(9)),
  );
  assert.deepEqual(contentBytes(content, null), framed(2, timeless, { flags: 0, takenAtMs: 0 }));
});

test('bytes written by hand are read', () => {
  const read = readContent(framed(2, BODY));
  assert.ok(typeof read !== 'string');
  assert.equal(read.takenAtMs, 5_000);
  assert.equal(read.content.index, 7);
  assert.deepEqual(read.content.scopeNames(), ['a', 'b']);
  assert.deepEqual(read.content.item('a', 'x'), {
    value: u8(1, 2),
    arrivedAtMs: 1_000,
    announcedAtMs: 2_000,
  });
  assert.deepEqual(contentBytes(read.content, 5_000), framed(2, BODY));
});

test('every fault has its name', () => {
  const whole = framed(2, BODY);
  const changed = (at: number, ...values: number[]): Uint8Array => {
    const bytes = whole.slice();
    bytes.set(values, at);
    return bytes;
  };
  assert.equal(readContent(u8()), 'truncated');
  assert.equal(readContent(whole.subarray(0, 35)), 'truncated');
  assert.equal(readContent(changed(0, 0)), 'magic-unknown');
  assert.equal(readContent(changed(4, 0)), 'magic-unknown');
  assert.equal(readContent(changed(4, 2)), 'newer-version');
  assert.equal(readContent(changed(4, 2).subarray(0, 8)), 'newer-version');
  assert.equal(readContent(whole.subarray(0, whole.length - 1)), 'length-wrong');
  assert.equal(readContent(concat(whole, u8(0))), 'length-wrong');
  assert.equal(readContent(changed(28, 0xff, 0xff, 0xff, 0xff)), 'length-wrong');
  assert.equal(readContent(changed(whole.length - 1, 8)), 'checksum-wrong');
});

/** With a right checksum, as somebody would write it who means harm. */
const INVALID: readonly [what: string, bytes: Uint8Array][] = [
  ['too few scopes', framed(1, BODY)],
  ['too many scopes', framed(3, BODY)],
  ['scopes without end', framed(0xffffffff, BODY)],
  ['a scope without items', framed(1, scopeBytes('a', 0))],
  ['items without end', framed(1, concat(scopeBytes('a', 0xffffffff), itemBytes('x', 1, 1, u8())))],
  [
    'a value that runs over the end',
    framed(1, concat(scopeBytes('a', 1), itemBytes('x', 1, 1, u8(1, 2)).slice(0, -1))),
  ],
  [
    'scopes out of order',
    framed(2, concat(...['b', 'a'].map((s) => concat(scopeBytes(s, 1), itemBytes('x', 1, 1, u8()))))),
  ],
  [
    'a scope twice',
    framed(2, concat(...['a', 'a'].map((s) => concat(scopeBytes(s, 1), itemBytes('x', 1, 1, u8()))))),
  ],
  [
    'items out of order',
    framed(1, concat(scopeBytes('a', 2), itemBytes('y', 1, 1, u8()), itemBytes('x', 1, 1, u8()))),
  ],
  [
    'an item twice',
    framed(1, concat(scopeBytes('a', 2), itemBytes('x', 1, 1, u8()), itemBytes('x', 1, 1, u8()))),
  ],
  ['an empty name', framed(1, concat(scopeBytes('', 1), itemBytes('x', 1, 1, u8())))],
  ['a control character in a name', framed(1, concat(scopeBytes('a\u001b', 1), itemBytes('x', 1, 1, u8())))],
  ['a space in a name', framed(1, concat(scopeBytes('a', 1), itemBytes('x y', 1, 1, u8())))],
  ['a name that is too long', framed(1, concat(scopeBytes('a'.repeat(129), 1), itemBytes('x', 1, 1, u8())))],
  [
    'a value that is too long',
    framed(
      1,
      concat(scopeBytes('a', 1), itemBytes('x', 1, 1, new Uint8Array(STORE_LIMITS.maxValueBytes + 1))),
    ),
  ],
  ['a time that is none', framed(1, concat(scopeBytes('a', 1), itemBytes('x', Number.NaN, 1, u8())))],
  [
    'a time without end',
    framed(1, concat(scopeBytes('a', 1), itemBytes('x', 1, Number.POSITIVE_INFINITY, u8()))),
  ],
  ['octets behind the last scope', framed(2, concat(BODY, u8(0)))],
  ['an index that is no whole number', framed(2, BODY, { index: 1.5 })],
  ['a negative index', framed(2, BODY, { index: -1 })],
  ['taken at no time', framed(2, BODY, { takenAtMs: Number.NaN })],
  ['unknown flags', framed(2, BODY, { flags: 3 })],
  ['a time of taking without times', framed(0, u8(), { flags: 0 })],
];
for (const [what, bytes] of INVALID) {
  test(`refused: ${what}`, () => assert.equal(readContent(bytes), 'content-invalid'));
}

test('the longest names and values are read', () => {
  const value = new Uint8Array(STORE_LIMITS.maxValueBytes);
  const body = concat(scopeBytes('a'.repeat(128), 1), itemBytes('x'.repeat(128), 1, 1, value));
  assert.ok(typeof readContent(framed(1, body)) !== 'string');
  assert.equal(typeof readContent(framed(0, u8())), 'object');
});

test('a body of random octets with a right checksum is refused or read, never an exception', () => {
  fc.assert(
    fc.property(
      fc.nat(3),
      fc.uint8Array({ maxLength: 120 }),
      fc.constantFrom(0, 1),
      (scopes, body, flags) => {
        const bytes = framed(scopes, body, { flags, takenAtMs: flags * 5_000 });
        const read = readContent(bytes);
        if (typeof read === 'string') assert.ok(CONTENT_FAULTS.includes(read));
        else assert.deepEqual(contentBytes(read.content, flags === 1 ? read.takenAtMs : null), bytes);
      },
    ),
  );
});

const SCOPES = ['ipfix/192.0.2.1/0/1', 'ipfix/192.0.2.1/0/2', 'v9/2001:db8::1/0/0'];
const ITEMS = ['template/256', 'template/257', 'template/300', 'state/systemRate'];

const put: fc.Arbitrary<StoreChange> = fc
  .tuple(
    fc.constantFrom(...SCOPES),
    fc.uniqueArray(fc.constantFrom(...ITEMS), { minLength: 1, maxLength: 3 }),
    fc.constantFrom(...Object.values(ValueKind)),
    fc.nat(9),
    fc.nat(100_000),
  )
  .map(([scope, items, kind, text, idleMs]) => ({
    type: 'put',
    scope,
    items: items.map((item) => ({
      item,
      idleMs,
      value: encodeValue(scope, item, {
        kind,
        learnedAtMs: 0,
        exportTimeMs: 0,
        sequence: 0,
        writer: new Uint8Array(8),
        payload: u8(text),
      }),
    })),
  }));
const change: fc.Arbitrary<StoreChange> = fc.oneof(
  { weight: 4, arbitrary: put },
  fc.record({
    type: fc.constant('remove' as const),
    scope: fc.constantFrom(...SCOPES),
    items: fc.subarray(ITEMS),
    reason: fc.constant('withdrawn' as const),
  }),
  fc.record({
    type: fc.constant('clear' as const),
    scope: fc.constantFrom(...SCOPES),
    what: fc.constantFrom(...CLEAR_WHAT),
    reason: fc.constant('operator' as const),
  }),
);

/** The same fold, written as plainly as can be. */
function plainFold(changes: readonly StoreChange[]): Record<string, string> {
  const all = new Map<string, Uint8Array>();
  for (const one of changes) {
    const mine = [...all.keys()].filter((key) => key.startsWith(`${one.scope}\t`));
    if (one.type === 'put') for (const { item, value } of one.items) all.set(`${one.scope}\t${item}`, value);
    if (one.type === 'remove') for (const item of one.items) all.delete(`${one.scope}\t${item}`);
    if (one.type === 'clear') {
      const kind = { all: 0, data: 1, options: 2 }[one.what];
      for (const key of mine) if (kind === 0 || all.get(key)![5] === kind) all.delete(key);
    }
  }
  return Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, String(v)]));
}

function plainContent(content: StoreContent): Record<string, string> {
  const entries = content
    .scopeNames()
    .flatMap((scope) =>
      content.items(scope).map(([item, { value }]) => [`${scope}\t${item}`, String(value)]),
    );
  return Object.fromEntries(entries);
}

const NOW_MS = 1_000_000;
function foldAll(content: StoreContent, changes: readonly StoreChange[], from = 0): StoreContent {
  changes
    .slice(from)
    .forEach((one, i) => void assert.ok(content.apply(one, from + i + 1, NOW_MS + from + i)));
  return content;
}

test('the content is the fold of the changes', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const content = foldAll(new StoreContent(), changes);
      assert.deepEqual(plainContent(content), plainFold(changes));
      assert.equal(content.index, changes.length);
    }),
  );
});

test('LOG-13: a snapshot at k and the tail give the same bytes as a replay of everything', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), fc.nat(60), (changes, cut) => {
      const k = Math.min(cut, changes.length);
      const snapshot = contentBytes(foldAll(new StoreContent(), changes.slice(0, k)), NOW_MS);
      const read = readContent(snapshot);
      assert.ok(typeof read !== 'string');
      assert.equal(read.content.index, k);
      const resumed = foldAll(read.content, changes, k);
      const replayed = foldAll(new StoreContent(), changes);
      assert.deepEqual(contentBytes(resumed, NOW_MS), contentBytes(replayed, NOW_MS));
      assert.deepEqual(contentBytes(resumed, null), contentBytes(replayed, null));
    }),
  );
});

test('the account of octets is that of the bytes', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const content = foldAll(new StoreContent(), changes);
      assert.equal(contentBytes(content, NOW_MS).length, 36 + content.bytes);
    }),
  );
});

test('a flipped bit anywhere is noticed', () => {
  const bytes = framed(2, BODY);
  for (let at = 0; at < bytes.length * 8; at++) {
    const damaged = bytes.slice();
    damaged[at >> 3] ^= 1 << (at & 7);
    assert.equal(typeof readContent(damaged), 'string', `bit ${at}`);
  }
});

test('maxContentBytes: one octet more has no effect at all', () => {
  const content = new StoreContent();
  const value = new Uint8Array(STORE_LIMITS.maxValueBytes);
  for (let i = 0; content.bytes + 2 * value.length < STORE_LIMITS.maxContentBytes; i++) {
    content.set('s', `item/${i}`, { value, arrivedAtMs: 0, announcedAtMs: 0 });
  }
  let left = STORE_LIMITS.maxContentBytes - content.bytes;
  const half = Math.floor(left / 2);
  content.set('s', 'half', { value: new Uint8Array(half), arrivedAtMs: 0, announcedAtMs: 0 });
  left = STORE_LIMITS.maxContentBytes - content.bytes;
  // A new scope has 5 octets of its own, an item 21, beside their names.
  const room = left - 5 - 1 - 21 - 1;
  const putOf = (octets: number): StoreChange => ({
    type: 'put',
    scope: 't',
    items: [{ item: 'x', value: new Uint8Array(octets), idleMs: 0 }],
  });
  assert.equal(content.apply(putOf(room + 1), 1, 0), false);
  assert.equal(content.index, 0);
  assert.equal(content.item('t', 'x'), undefined);
  assert.equal(content.apply(putOf(room), 1, 0), true);
  assert.equal(content.bytes, STORE_LIMITS.maxContentBytes);
});

test('an announcement makes an item younger, never older', () => {
  const content = new StoreContent();
  content.set('a', 'x', { value: u8(1), arrivedAtMs: 10, announcedAtMs: 20 });
  content.touch('a', 'x', 15);
  assert.equal(content.item('a', 'x')?.announcedAtMs, 20);
  content.touch('a', 'x', 25);
  assert.deepEqual(content.item('a', 'x'), { value: u8(1), arrivedAtMs: 10, announcedAtMs: 25 });
  content.touch('a', 'y', 25);
  content.touch('b', 'x', 25);
  assert.deepEqual(content.scopeNames(), ['a']);
  assert.equal(content.items('a').length, 1);
});
