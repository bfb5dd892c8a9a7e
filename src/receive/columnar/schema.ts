import {
  type ColumnarStorage,
  type ColumnarType,
  HEAP_COUNT,
  MAX_FRAME_COLUMNS,
  SET_COLUMNS,
  STORAGE_ARRAYS,
  TYPE_STORAGES,
} from '../../output/columnar-format.ts';
import type { BodyCursor } from './body-cursor.ts';

/** What a frame says about its columns. Frames of one layout share one of these. */
export interface ColumnarSchema {
  /** The record schema: whose names the columns have. */
  readonly schema: 'millrace' | 'iana';
  /** Name of the object in which a record keeps the columns of `grouped`. */
  readonly group: 'ext' | 'fields';
  /** Columns at the top level of a record, in its order. */
  readonly values: readonly ColumnarField[];
  /** Columns inside the group, in its order. */
  readonly grouped: readonly ColumnarField[];
}

/** One column. */
export interface ColumnarField {
  /** Key of the values in records. */
  readonly name: string;
  /** Whether the values are lists: those of several items, as many as a row has. */
  readonly list: boolean;
  /** One, or those of the list in order. */
  readonly items: readonly ColumnarItem[];
}

/** How the values of a column, or of one item of a list, are kept. */
export interface ColumnarItem {
  /** What the stored bits mean. */
  readonly type: ColumnarType;
  /** Which arrays have the values. */
  readonly storage: ColumnarStorage;
  /** Texts of a `word`. */
  readonly words: readonly string[];
  /** Position of its heap in the frame; -1 where it has none. */
  readonly heap: number;
}

/** A schema in so few octets is remembered, and so many of them. */
const MAX_REMEMBERED_BYTES = 16 * 1024;
const MAX_REMEMBERED = 64;

/** Reads schemas, those it has seen lately by comparing octets. */
export class SchemaReader {
  /** The one used last comes first. */
  readonly #known: { bytes: Uint8Array; schema: ColumnarSchema }[] = [];

  read(cursor: BodyCursor): ColumnarSchema {
    const known = this.#known;
    const start = cursor.at;
    for (let i = 0; i < known.length; i++) {
      const { bytes, schema } = known[i];
      // No MessagePack value begins with another one, so equal octets are the same schema.
      if (cursor.left < bytes.length) continue;
      if (Buffer.compare(bytes, cursor.bytes.subarray(start, start + bytes.length)) !== 0) continue;
      cursor.at += bytes.length;
      if (i > 0) known.unshift(...known.splice(i, 1));
      return schema;
    }
    const schema = readSchema(cursor);
    if (cursor.at - start <= MAX_REMEMBERED_BYTES) {
      known.unshift({ bytes: cursor.bytes.slice(start, cursor.at), schema });
      if (known.length > MAX_REMEMBERED) known.pop();
    }
    return schema;
  }
}

function readSchema(cursor: BodyCursor): ColumnarSchema {
  members(cursor, 5);
  cursor.key('schema');
  const schema = choice(cursor, ['millrace', 'iana'] as const);
  cursor.key('group');
  const group = choice(cursor, [schema === 'iana' ? 'fields' : 'ext'] as const);
  cursor.key('sets');
  readSetColumns(cursor);
  const budget = { left: MAX_FRAME_COLUMNS };
  cursor.key('values');
  const values = readFields(cursor, budget);
  cursor.key('grouped');
  return { schema, group, values, grouped: readFields(cursor, budget) };
}

/** Version 1 has always the same. */
function readSetColumns(cursor: BodyCursor): void {
  items(cursor, SET_COLUMNS.length);
  for (const [name, storage] of SET_COLUMNS) {
    items(cursor, 2);
    choice(cursor, [name]);
    choice(cursor, [storage]);
  }
}

/** budget: items and words that the schema may still have. */
function readFields(cursor: BodyCursor, budget: { left: number }): ColumnarField[] {
  const names = new Set<string>();
  const fields: ColumnarField[] = [];
  for (let count = taken(cursor, budget); count > 0; count--) {
    const at = cursor.at;
    const size = cursor.map();
    cursor.key('name');
    const name = cursor.text();
    // As a key of an object this one is not like others.
    if (names.has(name) || name === '__proto__') cursor.fail('a column has a name that it cannot have', at);
    names.add(name);
    if (size !== 2) {
      fields.push({ name, list: false, items: [readItem(cursor, size - 1, budget)] });
      continue;
    }
    cursor.key('list');
    const list: ColumnarItem[] = [];
    for (let n = taken(cursor, budget); n > 0; n--) list.push(readItem(cursor, cursor.map(), budget));
    if (list.length === 0) cursor.fail('a list has no items', at);
    const heaps = new Set(list.map(({ heap }) => heap).filter((heap) => heap >= 0));
    if (heaps.size > 1 || list.some(({ type }) => type === 'word'))
      cursor.fail('a list has items of words, or of different heaps', at);
    fields.push({ name, list: true, items: list });
  }
  return fields;
}

/** size: members of the map that are left. */
function readItem(cursor: BodyCursor, size: number, budget: { left: number }): ColumnarItem {
  const at = cursor.at;
  cursor.key('type');
  const type = choice(cursor, TYPES);
  cursor.key('storage');
  const storage = choice(cursor, STORAGES);
  if (!(TYPE_STORAGES[type] as readonly string[]).includes(storage)) {
    cursor.fail(`type ${type} is not stored as ${storage}`, at);
  }
  const words: string[] = [];
  let heap = -1;
  if (type === 'word') {
    cursor.key('words');
    for (let count = taken(cursor, budget); count > 0; count--) words.push(cursor.text());
  } else if (storage === 'heap') {
    cursor.key('heap');
    heap = cursor.integer();
    if (heap >= HEAP_COUNT) cursor.fail('there is no such heap', at);
  }
  if (size !== (type === 'word' || storage === 'heap' ? 3 : 2)) {
    cursor.fail('a column is described by other keys', at);
  }
  return { type, storage, words, heap };
}

const TYPES = Object.keys(TYPE_STORAGES) as ColumnarType[];
const STORAGES = Object.keys(STORAGE_ARRAYS) as ColumnarStorage[];

/** The number of items of an array, taken from the budget. */
function taken(cursor: BodyCursor, budget: { left: number }): number {
  const at = cursor.at;
  const count = cursor.array();
  if (count > budget.left) cursor.fail(`more than ${MAX_FRAME_COLUMNS} columns and words`, at);
  budget.left -= count;
  return count;
}

function choice<const T extends string>(cursor: BodyCursor, allowed: readonly T[]): T {
  const at = cursor.at;
  const text = cursor.text();
  for (const one of allowed) if (one === text) return one;
  return cursor.fail(`allowed here are ${allowed.join(', ')}`, at);
}

/** A map of so many members. */
export function members(cursor: BodyCursor, count: number): void {
  const at = cursor.at;
  if (cursor.map() !== count) cursor.fail(`a map of ${count} is expected`, at);
}

/** An array of so many items. */
export function items(cursor: BodyCursor, count: number): void {
  const at = cursor.at;
  if (cursor.array() !== count) cursor.fail(`an array of ${count} is expected`, at);
}
