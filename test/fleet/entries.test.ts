import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Packr } from 'msgpackr/pack';
import { decodeEntry, ENTRY_LIMITS, type Entry, EntryKind, encodeEntry } from '../../src/fleet/entries.ts';
import {
  decodeEnvelope,
  ENVELOPE_HEADER_BYTES,
  type Envelope,
  encodeEnvelope,
} from '../../src/fleet/envelope.ts';
import { readMsgpack } from '../../src/fleet/msgpack-reader.ts';
import { STORE_LIMITS } from '../../src/templates/store.ts';
import fc from '../support/fast-check.ts';

const head = { by: '0102030405060708', atMs: 1_700_000_000_123 };
const ENTRIES: readonly Entry[] = [
  {
    kind: EntryKind.put,
    ...head,
    scope: 'ipfix/192.0.2.1/0/7',
    items: [{ item: 'template/256', value: Buffer.from([1, 2, 3]), ageMs: 5 }],
  },
  { kind: EntryKind.remove, ...head, scope: 's', items: ['a', 'b'], reason: 'withdrawn' },
  { kind: EntryKind.clear, ...head, note: 'said who', scope: 's', what: 'options', reason: 'operator' },
  { kind: EntryKind.batch, ...head, entries: [Buffer.from([9])] },
  { kind: EntryKind.level, ...head, level: 3 },
];
const opened = (entry: Entry): Envelope => {
  const envelope = decodeEnvelope(encodeEntry(entry));
  assert.ok(typeof envelope !== 'string');
  return envelope;
};
const plain = (entry: unknown): unknown =>
  JSON.parse(JSON.stringify(entry, (_, v) => (v instanceof Uint8Array ? Buffer.from(v).toString('hex') : v)));

test('every kind of entry comes back as it was written, and is critical', () => {
  for (const entry of ENTRIES) {
    const { kind, critical, body } = opened(entry);
    assert.equal(critical, true);
    const back = decodeEntry(kind, body);
    assert.deepEqual(Object.keys(back ?? {}).sort(), Object.keys(entry).sort());
    for (const [name, value] of Object.entries(entry))
      if (name !== 'items' && name !== 'entries') assert.deepEqual((back as never)[name], value);
    if (entry.kind === EntryKind.put && back?.kind === EntryKind.put) {
      assert.deepEqual(
        back.items.map((i) => [i.item, [...i.value], i.ageMs]),
        [['template/256', [1, 2, 3], 5]],
      );
    }
    if (entry.kind === EntryKind.remove && back?.kind === EntryKind.remove)
      assert.deepEqual(back.items, entry.items);
  }
});

test('LOG-21: a truncated envelope, a length over the end, version 0 and a future version are four faults', () => {
  const sound = encodeEnvelope(1, false, Buffer.from('body'));
  const changed = (at: number, octet: number): Uint8Array => {
    const copy = Buffer.from(sound);
    copy[at] = octet;
    return copy;
  };
  const faults = [
    decodeEnvelope(sound.subarray(0, ENVELOPE_HEADER_BYTES - 1)),
    decodeEnvelope(changed(11, 200)),
    decodeEnvelope(changed(4, 0)),
    decodeEnvelope(changed(4, 2)),
  ];
  assert.deepEqual(faults, ['truncated', 'length-wrong', 'version-invalid', 'newer-version']);
  for (let bit = 0; bit < sound.length * 8; bit++) {
    const copy = Buffer.from(sound);
    copy[bit >> 3] ^= 1 << (bit & 7);
    assert.equal(typeof decodeEnvelope(copy), 'string', `bit ${bit}`);
  }
});

test('a field of a wrong type, missing, unknown or out of bounds makes a body none', () => {
  const packr = new Packr({ useRecords: false });
  const wrong: readonly unknown[] = [
    null,
    true,
    -1,
    1.5,
    '',
    'x'.repeat(300),
    [],
    {},
    Buffer.alloc(3),
    [null],
    Number.NaN,
  ];
  for (const entry of ENTRIES) {
    const { kind, ...body } = plainBody(entry);
    assert.ok(decodeEntry(kind, packr.pack(body)) !== null);
    for (const name of Object.keys(body)) {
      const { [name]: _, ...without } = body;
      if (name !== 'note')
        assert.equal(decodeEntry(kind, packr.pack(without)), null, `${kind} without ${name}`);
      for (const value of wrong.filter((v) => !isRight(kind, name, v)))
        assert.equal(
          decodeEntry(kind, packr.pack({ ...body, [name]: value })),
          null,
          `${kind} ${name} ${plain(value)}`,
        );
    }
    assert.equal(decodeEntry(kind, packr.pack({ ...body, more: 1 })), null);
    assert.equal(decodeEntry(kind, Buffer.concat([packr.pack(body), Buffer.from([0xc0])])), null);
  }
  assert.equal(decodeEntry(77, packr.pack({ ...head })), null);
});

function plainBody(entry: Entry): Record<string, unknown> & { kind: number } {
  if (entry.kind !== EntryKind.put) return { ...entry } as never;
  return { ...entry, items: entry.items.map((i) => [i.item, i.value, i.ageMs]) } as never;
}
/** What of the wrong values is right for a field. */
function isRight(kind: number, name: string, value: unknown): boolean {
  if (name === 'atMs') return value === 1.5;
  if (name === 'entries') return Array.isArray(value) && value.length === 0;
  return kind === 0 && value === undefined;
}

test('limits of entries, on both sides', () => {
  const put = (items: number, valueBytes: number): Entry => ({
    kind: EntryKind.put,
    ...head,
    scope: 's'.repeat(STORE_LIMITS.maxScopeNameBytes),
    items: Array.from({ length: items }, (_, i) => ({
      item: `i${i}`,
      value: new Uint8Array(valueBytes),
      ageMs: 0,
    })),
  });
  const sound = (entry: Entry): boolean => decodeEntry(entry.kind, opened(entry).body) !== null;
  assert.ok(sound(put(STORE_LIMITS.maxItemsPerPut, 1)));
  assert.ok(!sound(put(STORE_LIMITS.maxItemsPerPut + 1, 1)));
  assert.ok(sound(put(1, STORE_LIMITS.maxValueBytes)));
  assert.ok(!sound(put(1, STORE_LIMITS.maxValueBytes + 1)));
  assert.ok(!sound({ ...put(1, 1), scope: 's'.repeat(STORE_LIMITS.maxScopeNameBytes + 1) } as Entry));
  const batch = (entries: number): Entry => ({
    kind: EntryKind.batch,
    ...head,
    entries: Array.from({ length: entries }, () => new Uint8Array(1)),
  });
  assert.ok(sound(batch(ENTRY_LIMITS.maxBatchEntries)));
  assert.ok(!sound(batch(ENTRY_LIMITS.maxBatchEntries + 1)));
  const noted = (bytes: number): Entry => ({ ...ENTRIES[2], note: 'n'.repeat(bytes) });
  assert.ok(sound(noted(ENTRY_LIMITS.maxNoteBytes)));
  assert.ok(!sound(noted(ENTRY_LIMITS.maxNoteBytes + 1)));
});

test('whatever octets come, reading them ends in a value or in nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 0, max: 6 }), (bytes, kind) => {
      const value = readMsgpack(bytes);
      if (value === undefined) assert.equal(decodeEntry(kind, bytes), null);
    }),
    { numRuns: 5000 },
  );
  for (const hostile of [
    Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0xc6, 0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0xdb, 0x7f, 0xff, 0xff, 0xff]),
    Buffer.alloc(100_000, 0x91),
    Buffer.from([0x82, 0xa1, 0x61, 0x01, 0xa1, 0x61, 0x02]),
    Buffer.from([0xa1, 0xff]),
    Buffer.from([0xd5, 0x72, 0x40, 0x91, 0xa1, 0x61]),
  ])
    assert.equal(readMsgpack(hostile), undefined);
  assert.deepEqual(
    Object.keys(readMsgpack(Buffer.from([0x81, 0xa9, ...Buffer.from('__proto__'), 0x01])) as object),
    ['__proto__'],
  );
});

test('what the encoder of messages writes, the reader reads', () => {
  const packr = new Packr({ useRecords: false });
  const leaf = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }),
    fc.double({ noNaN: true }).map((x) => x + 0),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(fc.array(leaf, { maxLength: 20 }), { maxLength: 20 }), (value) => {
      assert.deepEqual(readMsgpack(packr.pack(value)), value);
    }),
  );
});
