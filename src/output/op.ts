import type { RowValue, ValueColumn } from '../schema/values.ts';
import { SLACK_BYTES } from './ascii.ts';
import type { MadeTexts } from './made-texts.ts';

/** What an encoder does with a value: storage and meaning as one small number, so that the row loop switches on numbers. */
export const Kind = Object.freeze({
  u32: 0,
  ipv4: 1,
  u64: 2,
  time: 3,
  mac: 4,
  ipv6: 5,
  address: 6,
  string: 7,
  octets: 8,
  word: 9,
  i32: 10,
  i64: 11,
  float: 12,
  rate: 13,
  boolean: 14,
  seconds32: 15,
  seconds64: 16,
  millis32: 17,
  millis64: 18,
  micros: 19,
  nanos: 20,
  list: 21,
  /** Several values of the kinds above. */
  array: 22,
  /** A text that a rule has made, or one of a columnar frame. */
  made: 23,
});

function kindOf({ storage, render, position }: ValueColumn): number {
  const wide = storage === 'u64' || storage === 'i64';
  switch (render) {
    case 'unsigned':
      return wide ? Kind.u64 : Kind.u32;
    case 'signed':
      return wide ? Kind.i64 : Kind.i32;
    case 'seconds':
      return wide ? Kind.seconds64 : Kind.seconds32;
    case 'millis':
      return wide ? Kind.millis64 : Kind.millis32;
    case 'string':
      return position < 0 ? Kind.made : Kind.string;
    default:
      return Kind[render];
  }
}

const NO_U32 = new Uint32Array(0);
const NO_F64 = new Float64Array(0);
const NO_BYTES = new Uint8Array(0);

/** Octets of the longest value of fixed size, an address or a time, with quotes or header and room to write beyond. */
export const MAX_VALUE_BYTES = 48 + SLACK_BYTES;

/** One value of every row as the row loop needs it; the arrays are those of the batch that is bound. */
export class Op {
  readonly value: RowValue;
  readonly kind: number;
  /** Whether its octets in a row vary. */
  readonly variable: boolean;
  /** Room for the key and the value, as far as that does not vary. */
  fixedBytes = 0;
  /** The key in the table's keys: first word, number of words, octets. */
  keyAt = 0;
  keyWords = 0;
  keyBytes = 0;
  /** Texts of a word, encoded. */
  words: readonly Uint8Array[] = [];
  /** Set by the format, for the kind `made`. */
  texts: MadeTexts | null = null;
  /** Whether this is a value of an array. */
  readonly item: boolean;
  /** The values of an array. */
  readonly items: readonly Op[];
  lo: Uint32Array = NO_U32;
  hi: Uint32Array = NO_U32;
  f64: Float64Array = NO_F64;
  wide: Uint8Array = NO_BYTES;
  heap: Uint8Array = NO_BYTES;
  present: Uint8Array | null = null;
  /** Structured data of the row at hand, encoded. */
  encoded: Uint8Array = NO_BYTES;
  readonly #column: ValueColumn | null;

  constructor(value: RowValue, column: ValueColumn | null = value.list ? null : value.columns[0]) {
    this.value = value;
    this.item = value.list && column !== null;
    this.#column = column;
    this.kind = column === null ? Kind.array : kindOf(column);
    this.items = column === null ? value.columns.map((item) => new Op(value, item)) : [];
    const { kind } = this;
    this.variable =
      kind === Kind.string ||
      kind === Kind.made ||
      kind === Kind.octets ||
      kind === Kind.list ||
      kind === Kind.array;
  }

  /** Position of the column in the plan; -1 for an array or a computed value. */
  get position(): number {
    return this.#column?.position ?? -1;
  }

  /** Takes over the arrays of a bound view. */
  refresh(): void {
    this.present = this.value.present;
    this.heap = this.value.heap;
    this.texts?.forget();
    for (const item of this.items) item.refresh();
    if (this.#column === null) return;
    const { data } = this.#column;
    this.lo = data.lo;
    this.hi = data.hi;
    this.f64 = data.f64;
    this.wide = data.wide;
  }
}

/**
 * Keys packed into doubles, because a key is copied eight octets at a time. No key holds the bit pattern of a NaN, which would
 * need the octet 0xff, or 0x7f before an octet from 0xf0 on: neither is in UTF-8.
 */
export class PackedKeys {
  readonly words: Float64Array;
  /** Where each key starts, how many words it takes, and how many octets of them count. */
  readonly start: readonly number[];
  readonly length: readonly number[];
  readonly bytes: readonly number[];

  constructor(keys: readonly Uint8Array[]) {
    // At least two, which most keys need, so that only longer ones take a loop.
    this.length = keys.map((key) => Math.max(2, Math.ceil(key.length / 8)));
    this.bytes = keys.map((key) => key.length);
    let total = 0;
    this.start = this.length.map((words) => (total += words) - words);
    const packed = new Uint8Array(total * 8);
    for (let i = 0; i < keys.length; i++) packed.set(keys[i], this.start[i] * 8);
    const view = new DataView(packed.buffer);
    this.words = Float64Array.from({ length: total }, (_, i) => view.getFloat64(i * 8, true));
  }

  /** Writes a key, and up to 15 octets beyond. The row loops do the same with what an op knows of its key. */
  put(view: DataView, at: number, i: number): number {
    const first = this.start[i];
    for (let k = 0; k < this.length[i]; k++) view.setFloat64(at + 8 * k, this.words[first + k], true);
    return at + this.bytes[i];
  }
}

/** The ops of a view and their keys. */
export class OpTable {
  readonly ops: readonly Op[];
  /** Keys of all ops, see PackedKeys. */
  readonly keys: Float64Array;
  /** Ops of the values that the bound batch has. */
  active: Op[] = [];
  /** Those among the active ones whose octets in a row vary: strings, octets, lists and arrays. */
  variable: Op[] = [];
  /** Those among the active ones that not every row has. */
  optional: Op[] = [];
  /** Room for the keys of a row and for all values whose size does not vary. */
  fixedBytes = 0;

  /** encodeKey: what stands before the value of an op, or of an item of an array. */
  constructor(values: readonly RowValue[], encodeKey: (op: Op) => Uint8Array) {
    this.ops = values.map((value) => new Op(value));
    const all = this.ops.flatMap((op) => [op, ...op.items]);
    const packed = new PackedKeys(all.map(encodeKey));
    this.keys = packed.words;
    for (let i = 0; i < all.length; i++) {
      all[i].keyAt = packed.start[i];
      all[i].keyWords = packed.length[i];
      all[i].keyBytes = packed.bytes[i];
    }
    for (const op of this.ops) op.fixedBytes = fixedBytesOf(op);
  }

  /** After the view is bound. */
  refresh(): void {
    this.active.length = 0;
    this.variable.length = 0;
    this.optional.length = 0;
    this.fixedBytes = 0;
    for (let i = 0; i < this.ops.length; i++) {
      const op = this.ops[i];
      if (op.value.absent) continue;
      op.refresh();
      this.active.push(op);
      this.fixedBytes += op.fixedBytes;
      if (op.present !== null) this.optional.push(op);
      if (op.variable) this.variable.push(op);
    }
  }
}

function fixedBytesOf(op: Op): number {
  let sum = op.keyBytes + MAX_VALUE_BYTES;
  for (const word of op.words) sum += word.length;
  for (const item of op.items) sum += fixedBytesOf(item);
  return sum;
}
