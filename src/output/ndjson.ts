import type { FlowBatch, SetContext } from '../decode/batch.ts';
import type { HeaderValue } from '../schema/values.ts';
import type { RecordView } from '../schema/view.ts';
import { putAddress, putHex, putInteger, putIpv4, putIpv6, putMac, putU32, putU64, SLACK_BYTES } from './ascii.ts';
import { ByteWriter } from './byte-writer.ts';
import { NOT_ISO, putIsoMicros, putIsoMillis, putIsoNanos, putIsoSeconds } from './iso-time.ts';
import { Kind, type Op, OpTable } from './op.ts';
import type { ListReader, Rows } from './rows.ts';
import { MAX_JSON_EXPANSION, putJsonText, textLength } from './utf8.ts';

const {
  u32: U32,
  ipv4: IPV4,
  u64: U64,
  time: TIME,
  mac: MAC,
  ipv6: IPV6,
  address: ADDRESS,
  string: STRING,
  octets: OCTETS,
  word: WORD,
  i32: I32,
  i64: I64,
  float: FLOAT,
  rate: RATE,
  boolean: BOOLEAN,
  seconds32: SECONDS32,
  seconds64: SECONDS64,
  millis32: MILLIS32,
  millis64: MILLIS64,
  micros: MICROS,
  nanos: NANOS,
  list: LIST,
  array: ARRAY,
} = Kind;

/** Kinds whose text always stands in quotes; the first quote belongs to the key. */
const QUOTED: ReadonlySet<number> = new Set([IPV4, MAC, IPV6, ADDRESS, STRING, OCTETS, WORD]);

/** Octets of the longest value of fixed size, an address or a time, with quotes and room to write beyond. */
const MAX_VALUE_BYTES = 48 + SLACK_BYTES;

const QUOTE = 34;
const OPEN = 123;
const CLOSE = 125;
const OPEN_LIST = 91;
const CLOSE_LIST = 93;
const NEWLINE = 10;
const MINUS = 45;

const UPPER_HALF_OF_SAFE = 0x1fffff;

const utf8 = new TextEncoder();

/**
 * Rows of one plan as lines of JSON. What is the same for all rows of a set is written once and copied; keys are copied eight
 * octets at a time; values go from the columns to ASCII without a string in between.
 */
export class NdjsonRows implements Rows {
  readonly #view: RecordView;
  readonly #readList: ListReader;
  readonly #values: OpTable;
  readonly #grouped: OpTable;
  readonly #groupKey: Uint8Array;
  readonly #headerKeys: readonly Uint8Array[];
  readonly #prefix = new ByteWriter(1024);

  constructor(view: RecordView, readList: ListReader) {
    this.#view = view;
    this.#readList = readList;
    this.#values = new OpTable(view.values, jsonKey);
    this.#grouped = new OpTable(view.grouped, jsonKey);
    this.#groupKey = utf8.encode(`,${asciiJson(view.group)}:`);
    this.#headerKeys = view.headers.map(({ key, render }) =>
      utf8.encode(`,${asciiJson(key)}:${render === 'word' || render === 'address' ? '"' : ''}`),
    );
  }

  encode(batch: FlowBatch, writer: ByteWriter): void {
    this.#view.bind(batch);
    this.#values.refresh();
    this.#grouped.refresh();
    const fixed = fixedBytes(this.#values.active) + fixedBytes(this.#grouped.active) + this.#groupKey.length + 16;
    for (let i = 0; i < batch.setCount; i++) this.#encodeSet(batch, batch.sets[i], fixed, writer);
  }

  #encodeSet(batch: FlowBatch, set: SetContext, fixed: number, writer: ByteWriter): void {
    if (set.rowStart === set.rowEnd) return;
    const prefix = this.#writePrefix(set);
    const values = this.#values;
    const grouped = this.#grouped;
    const variable = values.variable.length + grouped.variable.length > 0;
    const hasGroup = grouped.active.length > 0 || this.#view.groupAlways;
    let { at, bytes, view } = writer;
    for (let row = set.rowStart; row < set.rowEnd; row++) {
      let room = fixed + prefix.length;
      if (variable) {
        room += this.#measure(values.variable, batch, row, set) + this.#measure(grouped.variable, batch, row, set);
      }
      if (at + room > bytes.length) {
        writer.at = at;
        writer.reserve(room);
        ({ bytes, view } = writer);
      }
      bytes.set(prefix, at);
      at = putOps(values.active, values.active.length, values.keys, row, set.exportTimeMs, bytes, view, at + prefix.length);
      if (hasGroup) at = this.#putGroup(row, set.exportTimeMs, bytes, view, at);
      bytes[at] = CLOSE;
      bytes[at + 1] = NEWLINE;
      at += 2;
    }
    writer.at = at;
  }

  #putGroup(row: number, exportTimeMs: number, bytes: Uint8Array, view: DataView, at: number): number {
    const { active, keys } = this.#grouped;
    const key = this.#groupKey;
    const inside = at + key.length;
    for (let i = 0; i < key.length; i++) bytes[at + i] = key[i];
    const end = putOps(active, active.length, keys, row, exportTimeMs, bytes, view, inside);
    if (end === inside && !this.#view.groupAlways) return at;
    // Each member begins with a comma; the first one's turns into the brace.
    bytes[inside] = OPEN;
    const close = Math.max(end, inside + 1);
    bytes[close] = CLOSE;
    return close + 1;
  }

  /** The most octets that the values of varying size can take in a row. Structured data is encoded for it. */
  #measure(ops: readonly Op[], batch: FlowBatch, row: number, set: SetContext): number {
    let sum = 0;
    for (let i = 0; i < ops.length; i++) {
      const op = ops[i];
      if (op.kind === ARRAY) {
        sum += this.#measure(op.items, batch, row, set);
      } else if (op.kind === LIST) {
        op.encoded = utf8.encode(JSON.stringify(this.#readList(batch, op.position, row, set), plainValue));
        sum += op.encoded.length;
      } else if (op.kind === STRING || op.kind === OCTETS) {
        sum += op.hi[row] * MAX_JSON_EXPANSION;
      }
    }
    return sum;
  }

  /** Everything up to the values of the row; valid until the next call. */
  #writePrefix(set: SetContext): Uint8Array {
    this.#view.header(set);
    const writer = this.#prefix;
    writer.at = 0;
    const { headers } = this.#view;
    for (let i = 0; i < headers.length; i++) {
      if (headers[i].present) putHeader(writer, this.#headerKeys[i], headers[i]);
    }
    writer.bytes[0] = OPEN;
    return writer.bytes.subarray(0, writer.at);
  }
}

function putHeader(writer: ByteWriter, key: Uint8Array, header: HeaderValue): void {
  writer.reserve(key.length + MAX_VALUE_BYTES);
  writer.bytes.set(key, writer.at);
  const at = writer.at + key.length;
  switch (header.render) {
    case 'word': {
      const word = header.words[header.number];
      writer.reserve(key.length + word.length * MAX_JSON_EXPANSION);
      writer.at = at + utf8.encodeInto(asciiJson(word).slice(1), writer.bytes.subarray(at)).written;
      return;
    }
    case 'address':
      writer.at = putAddress(writer.view, at, header.bytes, header.offset);
      writer.bytes[writer.at++] = QUOTE;
      return;
    default:
      writer.at = putInteger(writer.view, at, header.number);
  }
}

/** Room for the keys and for all values whose size does not vary. */
function fixedBytes(ops: readonly Op[]): number {
  let sum = 0;
  for (const op of ops) {
    sum += op.keyBytes + MAX_VALUE_BYTES + fixedBytes(op.items);
    for (const word of op.words) sum += word.length;
  }
  return sum;
}

/** What stands before a value: a comma, the key where there is one, and the quote where the value always has quotes. */
function jsonKey(op: Op): Uint8Array {
  const key = op.item ? '' : `${asciiJson(op.value.key)}:`;
  op.words = op.value.words.map((word) => utf8.encode(asciiJson(word).slice(1)));
  return utf8.encode(`,${key}${QUOTED.has(op.kind) ? '"' : ''}`);
}

/** A JSON string in ASCII. */
function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function plainValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** Writes the first `count` of the ops for one row; there is room for all of it. */
function putOps(
  ops: readonly Op[],
  count: number,
  keys: Float64Array,
  row: number,
  exportTimeMs: number,
  bytes: Uint8Array,
  view: DataView,
  at: number,
): number {
  for (let i = 0; i < count; i++) {
    const op = ops[i];
    if (op.present !== null && op.present[row] === 0) continue;
    const key = op.keyAt;
    view.setFloat64(at, keys[key], true);
    view.setFloat64(at + 8, keys[key + 1], true);
    for (let k = 2; k < op.keyWords; k++) view.setFloat64(at + 8 * k, keys[key + k], true);
    at += op.keyBytes;
    switch (op.kind) {
      case U32:
        at = putU32(view, at, op.lo[row]);
        break;
      case IPV4:
        at = putIpv4(view, at, op.lo[row]);
        view.setUint8(at++, QUOTE);
        break;
      case U64:
        at = op.hi[row] === 0 ? putU32(view, at, op.lo[row]) : putLarge(view, at, op.hi[row], op.lo[row]);
        break;
      case TIME:
        at = putInteger(view, at, op.f64[row]);
        break;
      case MAC:
        at = putMac(view, at, op.hi[row], op.lo[row]);
        view.setUint8(at++, QUOTE);
        break;
      case IPV6:
        at = putIpv6(view, at, op.wide, row * 16);
        view.setUint8(at++, QUOTE);
        break;
      case STRING:
        at = putJsonText(bytes, at, op.heap, op.lo[row], textLength(op.heap, op.lo[row], op.hi[row]));
        view.setUint8(at++, QUOTE);
        break;
      case OCTETS:
        at = putHex(view, at, op.heap, op.lo[row], op.hi[row]);
        view.setUint8(at++, QUOTE);
        break;
      default:
        at = putRare(op, keys, row, exportTimeMs, bytes, view, at);
    }
  }
  return at;
}

/** Kinds that are not in most records, so that the loop above stays small. */
function putRare(
  op: Op,
  keys: Float64Array,
  row: number,
  exportTimeMs: number,
  bytes: Uint8Array,
  view: DataView,
  at: number,
): number {
  switch (op.kind) {
    case ADDRESS:
      at = putAddress(view, at, op.wide, row * 16);
      view.setUint8(at, QUOTE);
      return at + 1;
    case WORD:
      return putBytes(bytes, at, op.words[op.lo[row]]);
    case I32:
      return putSigned(view, at, (op.lo[row] | 0) >> 31, op.lo[row]);
    case I64:
      return putSigned(view, at, op.hi[row] | 0, op.lo[row]);
    case FLOAT:
    case RATE:
      return putFloat(view, at, op.f64[row]);
    case BOOLEAN:
      return putBoolean(bytes, view, at, op.lo[row]);
    case SECONDS32:
      return putQuotedIso(view, at, putIsoSeconds(view, at + 1, op.lo[row]), 0, op.lo[row]);
    case SECONDS64: {
      const seconds = op.hi[row] * 2 ** 32 + op.lo[row];
      return putQuotedIso(view, at, putIsoSeconds(view, at + 1, seconds), op.hi[row], op.lo[row]);
    }
    case MILLIS32:
      return putQuotedIso(view, at, putIsoMillis(view, at + 1, op.lo[row]), 0, op.lo[row]);
    case MILLIS64: {
      const ms = op.hi[row] * 2 ** 32 + op.lo[row];
      return putQuotedIso(view, at, putIsoMillis(view, at + 1, ms), op.hi[row], op.lo[row]);
    }
    case MICROS: {
      const end = putIsoMicros(view, at + 1, op.hi[row], op.lo[row], exportTimeMs);
      return putQuotedIso(view, at, end, op.hi[row], op.lo[row]);
    }
    case NANOS: {
      const end = putIsoNanos(view, at + 1, op.hi[row], op.lo[row], exportTimeMs);
      return putQuotedIso(view, at, end, op.hi[row], op.lo[row]);
    }
    case LIST:
      return putBytes(bytes, at, op.encoded);
    default: {
      const count = op.present === null ? op.items.length : op.present[row];
      const end = putOps(op.items, count, keys, row, exportTimeMs, bytes, view, at);
      bytes[at] = OPEN_LIST;
      bytes[end] = CLOSE_LIST;
      return end + 1;
    }
  }
}

/** A 64-bit integer above 2^32: in quotes where a JSON reader that keeps doubles would lose digits. */
function putLarge(view: DataView, at: number, hi: number, lo: number): number {
  if (hi <= UPPER_HALF_OF_SAFE) return putU64(view, at, hi, lo);
  view.setUint8(at, QUOTE);
  at = putU64(view, at + 1, hi, lo);
  view.setUint8(at, QUOTE);
  return at + 1;
}

/** hi: signed upper 32 bits. */
function putSigned(view: DataView, at: number, hi: number, lo: number): number {
  if (hi >= 0) return putLarge(view, at, hi, lo);
  const low = -lo >>> 0;
  const high = (low === 0 ? -hi : ~hi) >>> 0;
  const quoted = high > UPPER_HALF_OF_SAFE;
  if (quoted) view.setUint8(at++, QUOTE);
  view.setUint8(at, MINUS);
  at = putU64(view, at + 1, high, low);
  if (quoted) view.setUint8(at++, QUOTE);
  return at;
}

function putFloat(view: DataView, at: number, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= 0xffffffff) return putU32(view, at, value);
  const text = Number.isFinite(value) ? String(value) : 'null';
  for (let i = 0; i < text.length; i++) view.setUint8(at + i, text.charCodeAt(i));
  return at + text.length;
}

const TRUE = utf8.encode('true');
const FALSE = utf8.encode('false');

function putBoolean(bytes: Uint8Array, view: DataView, at: number, value: number): number {
  return value === 1 ? putBytes(bytes, at, TRUE) : value === 2 ? putBytes(bytes, at, FALSE) : putU32(view, at, value);
}

/** Closes the quotes round a time that was put at `at + 1` and ends at `end`, or writes the integer where it is no time. */
function putQuotedIso(view: DataView, at: number, end: number, hi: number, lo: number): number {
  if (end === NOT_ISO) return putLarge(view, at, hi, lo);
  view.setUint8(at, QUOTE);
  view.setUint8(end, QUOTE);
  return end + 1;
}

function putBytes(bytes: Uint8Array, at: number, source: Uint8Array): number {
  for (let i = 0; i < source.length; i++) bytes[at + i] = source[i];
  return at + source.length;
}
