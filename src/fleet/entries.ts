import { Packr } from 'msgpackr/pack';
import {
  CLEAR_WHAT,
  type ClearWhat,
  REMOVAL_REASONS,
  type RemovalReason,
  STORE_LIMITS,
} from '../templates/store.ts';
import { encodeEnvelope } from './envelope.ts';
import { type BodyValue, readMsgpack } from './msgpack-reader.ts';

/**
 * Kinds of entries of the fleet log. The table is open: a number is given once and keeps its meaning for ever; a change of a
 * body is a new kind. All of these are critical: who cannot apply one of them must not go on.
 */
export const EntryKind = { put: 1, remove: 2, clear: 3, batch: 4, level: 5 } as const;

export const ENTRY_LIMITS = Object.freeze({
  /** Octets of an entry, envelope included. */
  maxBytes: 4 * 1024 * 1024,
  maxBatchEntries: 256,
  maxNoteBytes: 256,
});

/** What every body says. */
export interface EntryHead {
  /** Who wrote it: hexadecimal digits of the writer's octets. */
  readonly by: string;
  /** When, in milliseconds since the Unix epoch, by the writer's clock. For people: nothing is decided by it. */
  readonly atMs: number;
  /** From a person, for people. */
  readonly note?: string;
}

export interface PutItem {
  readonly item: string;
  readonly value: Uint8Array;
  /** Milliseconds since the exporter had said it, when it was written. */
  readonly ageMs: number;
}

export interface PutEntry extends EntryHead {
  readonly kind: typeof EntryKind.put;
  readonly scope: string;
  readonly items: readonly PutItem[];
}
export interface RemoveEntry extends EntryHead {
  readonly kind: typeof EntryKind.remove;
  readonly scope: string;
  readonly items: readonly string[];
  readonly reason: RemovalReason;
}
export interface ClearEntry extends EntryHead {
  readonly kind: typeof EntryKind.clear;
  readonly scope: string;
  readonly what: ClearWhat;
  readonly reason: RemovalReason;
}
/** Entries at one index, all or none. They are envelopes, so that kinds may be unknown in here too; none is a batch. */
export interface BatchEntry extends EntryHead {
  readonly kind: typeof EntryKind.batch;
  readonly entries: readonly Uint8Array[];
}
/** From here on entries of a newer feature level may follow. */
export interface LevelEntry extends EntryHead {
  readonly kind: typeof EntryKind.level;
  readonly level: number;
}
export type Entry = PutEntry | RemoveEntry | ClearEntry | BatchEntry | LevelEntry;

const packr = new Packr({ useRecords: false, variableMapSize: true });

/** The envelope of an entry. */
export function encodeEntry(entry: Entry): Uint8Array {
  const { kind, ...body } = entry;
  const items = entry.kind === EntryKind.put && {
    items: entry.items.map(({ item, value, ageMs }) => [item, value, ageMs]),
  };
  return encodeEnvelope(kind, true, packr.pack({ ...body, ...items }));
}

/** Reads the body of an entry of a kind in the table; null when it is not exactly as encodeEntry writes it. */
export function decodeEntry(kind: number, body: Uint8Array): Entry | null {
  const value = readMsgpack(body);
  if (!isMap(value)) return null;
  const fields = BODY_FIELDS[kind];
  if (fields === undefined) return null;
  const head = 'note' in value ? HEAD_FIELDS + 1 : HEAD_FIELDS;
  if (Object.keys(value).length !== head + fields.length) return null;
  const sound =
    isText(value.by, 64) &&
    isTime(value.atMs) &&
    (!('note' in value) || isText(value.note, ENTRY_LIMITS.maxNoteBytes)) &&
    fields.every(([name, test]) => name in value && test(value[name]));
  if (!sound) return null;
  if (kind !== EntryKind.put) return { ...value, kind } as unknown as Entry;
  const items = (value.items as [string, Uint8Array, number][]).map(([item, octets, ageMs]) => ({
    item,
    value: octets,
    ageMs,
  }));
  return { ...value, kind, items } as unknown as PutEntry;
}

type Test = (value: BodyValue) => boolean;

const isMap = (value: BodyValue | undefined): value is { readonly [key: string]: BodyValue } =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
const isText = (value: BodyValue, maxBytes: number): boolean =>
  typeof value === 'string' && value.length > 0 && Buffer.byteLength(value) <= maxBytes;
const isTime: Test = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0;
const isScope: Test = (value) => isText(value, STORE_LIMITS.maxScopeNameBytes);
const isItem: Test = (value) => isText(value, STORE_LIMITS.maxItemNameBytes);
const isReason: Test = (value) => (REMOVAL_REASONS as readonly BodyValue[]).includes(value);
const isOctets = (value: BodyValue, maxBytes: number): boolean =>
  value instanceof Uint8Array && value.length <= maxBytes;
const listOf =
  (test: Test, min: number, max: number): Test =>
  (value) =>
    Array.isArray(value) && value.length >= min && value.length <= max && value.every(test);
const isPutItem: Test = (value) =>
  Array.isArray(value) &&
  value.length === 3 &&
  isItem(value[0]) &&
  isOctets(value[1], STORE_LIMITS.maxValueBytes) &&
  isTime(value[2]);

/** `by` and `atMs`. */
const HEAD_FIELDS = 2;
const BODY_FIELDS: Readonly<Record<number, readonly (readonly [name: string, test: Test])[]>> = {
  [EntryKind.put]: [
    ['scope', isScope],
    ['items', listOf(isPutItem, 1, STORE_LIMITS.maxItemsPerPut)],
  ],
  [EntryKind.remove]: [
    ['scope', isScope],
    ['items', listOf(isItem, 1, STORE_LIMITS.maxItemsPerPut)],
    ['reason', isReason],
  ],
  [EntryKind.clear]: [
    ['scope', isScope],
    ['what', (value) => (CLEAR_WHAT as readonly BodyValue[]).includes(value)],
    ['reason', isReason],
  ],
  [EntryKind.batch]: [
    ['entries', listOf((value) => isOctets(value, ENTRY_LIMITS.maxBytes), 0, ENTRY_LIMITS.maxBatchEntries)],
  ],
  [EntryKind.level]: [['level', (value) => Number.isInteger(value) && (value as number) >= 0]],
};
