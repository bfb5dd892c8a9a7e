import type { FlowBatch, SetContext } from '../decode/batch.ts';
import { putAddress, putHex, putInteger, putIpv4, putIpv6, putMac, putU32, putU64 } from './ascii.ts';
import { putBytes } from './byte-writer.ts';
import { NOT_ISO, putIsoMicros, putIsoMillis, putIsoNanos, putIsoSeconds } from './iso-time.ts';
import { MadeTexts } from './made-texts.ts';
import { Kind, type Op } from './op.ts';
import type { ListReader } from './rows.ts';
import { asciiJson, escapeHidden, MAX_JSON_EXPANSION, putJsonText, textLength } from './utf8.ts';

/**
 * Values of one row as JSON, each behind its key. Used by the formats that show values in JSON form; what differs between them is
 * in the keys.
 */

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
  made: MADE,
} = Kind;

/** Kinds whose text always stands in quotes; the first quote belongs to the key. */
const QUOTED: ReadonlySet<number> = new Set([IPV4, MAC, IPV6, ADDRESS, STRING, OCTETS, WORD, MADE]);

const QUOTE = 34;
const OPEN_LIST = 91;
const CLOSE_LIST = 93;
const MINUS = 45;

const UPPER_HALF_OF_SAFE = 0x1fffff;

const utf8 = new TextEncoder();

/** What stands before a value after `name`, the name as the format writes it: a comma alone for the items of an array. */
export function jsonKey(op: Op, name: string): Uint8Array {
  op.words = op.value.words.map((word) => utf8.encode(asciiJson(word).slice(1)));
  if (op.kind === MADE) op.texts = new MadeTexts(putQuoted, MAX_JSON_EXPANSION);
  return utf8.encode(`${op.item ? ',' : name}${QUOTED.has(op.kind) ? '"' : ''}`);
}

/** The most octets that values of varying size can take in a row. Structured data is encoded for it. */
export function measureJson(
  ops: readonly Op[],
  batch: FlowBatch,
  row: number,
  set: SetContext,
  readList: ListReader,
): number {
  let sum = 0;
  for (let i = 0; i < ops.length; i++) {
    const op = ops[i];
    if (op.present !== null && op.present[row] === 0) continue;
    if (op.kind === ARRAY) {
      sum += measureJson(op.items, batch, row, set, readList);
    } else if (op.kind === LIST) {
      const text = JSON.stringify(readList(batch, op.position, row, set), plainValue);
      op.encoded = utf8.encode(escapeHidden(text ?? 'null'));
      sum += op.encoded.length;
    } else if (op.kind === STRING || op.kind === MADE || op.kind === OCTETS) {
      sum += op.hi[row] * MAX_JSON_EXPANSION;
    }
  }
  return sum;
}

function plainValue(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** The inside of a JSON string and the quote behind it. */
function putQuoted(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  source: Uint8Array,
  offset: number,
  length: number,
): number {
  at = putJsonText(bytes, at, source, offset, textLength(source, offset, length));
  view.setUint8(at, QUOTE);
  return at + 1;
}

/** Writes the first `count` of the ops for one row; there is room for all of it. */
export function putJsonOps(
  ops: readonly Op[],
  count: number,
  keys: Float64Array,
  row: number,
  set: SetContext,
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
        at = putQuoted(bytes, view, at, op.heap, op.lo[row], op.hi[row]);
        break;
      case MADE:
        at = op.texts!.copyTo(bytes, view, at, op.heap, op.lo[row], op.hi[row]);
        break;
      case OCTETS:
        at = putHex(view, at, op.heap, op.lo[row], op.hi[row]);
        view.setUint8(at++, QUOTE);
        break;
      case WORD:
        at = putBytes(bytes, at, op.words[op.lo[row]]);
        break;
      case RATE: {
        const rate = op.f64[row];
        const whole = rate >>> 0;
        at = rate === whole ? putU32(view, at, whole) : putFloat(view, at, rate);
        break;
      }
      default:
        at = putRare(op, keys, row, set, bytes, view, at);
    }
  }
  return at;
}

/** Kinds that are not in most records, so that the loop above stays small. */
function putRare(
  op: Op,
  keys: Float64Array,
  row: number,
  set: SetContext,
  bytes: Uint8Array,
  view: DataView,
  at: number,
): number {
  switch (op.kind) {
    case ADDRESS:
      at = putAddress(view, at, op.wide, row * 16);
      view.setUint8(at, QUOTE);
      return at + 1;
    case I32:
      return putSigned(view, at, (op.lo[row] | 0) >> 31, op.lo[row]);
    case I64:
      return putSigned(view, at, op.hi[row] | 0, op.lo[row]);
    case FLOAT:
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
      const end = putIsoMicros(view, at + 1, op.hi[row], op.lo[row], set.exportTimeMs);
      return putQuotedIso(view, at, end, op.hi[row], op.lo[row]);
    }
    case NANOS: {
      const end = putIsoNanos(view, at + 1, op.hi[row], op.lo[row], set.exportTimeMs);
      return putQuotedIso(view, at, end, op.hi[row], op.lo[row]);
    }
    case LIST:
      return putBytes(bytes, at, op.encoded);
    default: {
      const count = op.present === null ? op.items.length : op.present[row];
      const end = putJsonOps(op.items, count, keys, row, set, bytes, view, at);
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

/** Fractions, which few fields have, become text by way of a string: the shortest digits are not found otherwise. */
export function putFloat(view: DataView, at: number, value: number): number {
  if (value === value >>> 0) return putU32(view, at, value >>> 0);
  const text = Number.isFinite(value) ? String(value) : 'null';
  for (let i = 0; i < text.length; i++) view.setUint8(at + i, text.charCodeAt(i));
  return at + text.length;
}

const TRUE = utf8.encode('true');
const FALSE = utf8.encode('false');

function putBoolean(bytes: Uint8Array, view: DataView, at: number, value: number): number {
  return value === 1
    ? putBytes(bytes, at, TRUE)
    : value === 2
      ? putBytes(bytes, at, FALSE)
      : putU32(view, at, value);
}

/** Closes the quotes round a time that was put at `at + 1` and ends at `end`, or writes the integer where it is no time. */
function putQuotedIso(view: DataView, at: number, end: number, hi: number, lo: number): number {
  if (end === NOT_ISO) return putLarge(view, at, hi, lo);
  view.setUint8(at, QUOTE);
  view.setUint8(end, QUOTE);
  return end + 1;
}
