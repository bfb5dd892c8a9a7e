import type { FlowBatch, SetContext } from '../decode/batch.ts';
import { putAddress, putIpv4, putIpv6, putMac } from './ascii.ts';
import { ByteWriter, putBytes, putRange } from './byte-writer.ts';
import { NOT_ISO, putIsoMicros, putIsoMillis, putIsoNanos, putIsoSeconds } from './iso-time.ts';
import { MadeTexts } from './made-texts.ts';
import {
  appendPlain,
  putArrayHeader,
  putBinaryHeader,
  putFloat64,
  putInt64,
  putNanoseconds,
  putStringHeader,
  putUint32,
  putUint64,
} from './msgpack-value.ts';
import { Kind, type Op } from './op.ts';
import type { ListReader } from './rows.ts';
import { isUtf8, mendedLength, putMended, textLength } from './utf8.ts';

/** Values of one row as MessagePack, each behind its key. */

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

const MAX_SIZED_HEADER_BYTES = 5;
/** Octets that one octet of text can become: U+FFFD takes three. */
const MAX_TEXT_EXPANSION = 3;

const NO_BYTES = new Uint8Array(0);
const MAC_BYTES = 17;
const FIXED_STRING = 0xa0;
const STRING_8 = 0xd9;

const encoder = new TextEncoder();

/** The key with its header; nothing for the items of an array. */
export function msgpackKey(op: Op): Uint8Array {
  op.words = op.value.words.map(stringBytes);
  if (op.kind === MADE) op.texts = new MadeTexts(putText, MAX_TEXT_EXPANSION);
  return op.item ? NO_BYTES : stringBytes(op.value.key);
}

/** A text with its header. */
export function stringBytes(text: string): Uint8Array {
  const bytes = encoder.encode(text);
  const target = new Uint8Array(bytes.length + MAX_SIZED_HEADER_BYTES);
  const at = putStringHeader(new DataView(target.buffer), 0, bytes.length);
  target.set(bytes, at);
  return target.subarray(0, at + bytes.length);
}

/** The most octets that values of varying size can take in a row. Structured data is encoded for it. */
export function measureMsgpack(
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
      sum += measureMsgpack(op.items, batch, row, set, readList);
    } else if (op.kind === LIST) {
      const writer = new ByteWriter(1024);
      appendPlain(writer, readList(batch, op.position, row, set));
      op.encoded = writer.take();
      sum += op.encoded.length;
    } else if (op.kind === STRING || op.kind === MADE || op.kind === OCTETS) {
      sum += MAX_SIZED_HEADER_BYTES + op.hi[row] * MAX_TEXT_EXPANSION;
    }
  }
  return sum;
}

/** Writes the first `count` of the ops for one row; there is room for all of it. */
export function putMsgpackOps(
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
        at = putUint32(view, at, op.lo[row]);
        break;
      case IPV4: {
        const end = putIpv4(view, at + 1, op.lo[row]);
        view.setUint8(at, FIXED_STRING | (end - at - 1));
        at = end;
        break;
      }
      case U64:
        at = putUint64(view, at, op.hi[row], op.lo[row]);
        break;
      case TIME:
        at = putNanoseconds(view, at, op.f64[row], op.lo[row]);
        break;
      case MAC:
        view.setUint8(at, FIXED_STRING | MAC_BYTES);
        at = putMac(view, at + 1, op.hi[row], op.lo[row]);
        break;
      case IPV6:
        at = putString8(view, at, putIpv6(view, at + 2, op.wide, row * 16));
        break;
      case STRING:
        at = putText(bytes, view, at, op.heap, op.lo[row], op.hi[row]);
        break;
      case MADE:
        at = op.texts!.copyTo(bytes, view, at, op.heap, op.lo[row], op.hi[row]);
        break;
      case WORD:
        at = putBytes(bytes, at, op.words[op.lo[row]]);
        break;
      case RATE:
        at = putRate(view, at, op.f64[row]);
        break;
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
      return putString8(view, at, putAddress(view, at + 2, op.wide, row * 16));
    case OCTETS:
      at = putBinaryHeader(view, at, op.hi[row]);
      return putRange(bytes, at, op.heap, op.lo[row], op.hi[row]);
    case I32:
      return putInt64(view, at, (op.lo[row] | 0) >> 31, op.lo[row]);
    case I64:
      return putInt64(view, at, op.hi[row], op.lo[row]);
    case FLOAT:
      return putFloat64(view, at, op.f64[row]);
    case BOOLEAN:
      return putBoolean(view, at, op.lo[row]);
    case SECONDS32:
      return putIso(view, at, putIsoSeconds(view, at + 1, op.lo[row]), 0, op.lo[row]);
    case SECONDS64: {
      const seconds = op.hi[row] * 2 ** 32 + op.lo[row];
      return putIso(view, at, putIsoSeconds(view, at + 1, seconds), op.hi[row], op.lo[row]);
    }
    case MILLIS32:
      return putIso(view, at, putIsoMillis(view, at + 1, op.lo[row]), 0, op.lo[row]);
    case MILLIS64: {
      const ms = op.hi[row] * 2 ** 32 + op.lo[row];
      return putIso(view, at, putIsoMillis(view, at + 1, ms), op.hi[row], op.lo[row]);
    }
    case MICROS: {
      const end = putIsoMicros(view, at + 1, op.hi[row], op.lo[row], set.exportTimeMs);
      return putIso(view, at, end, op.hi[row], op.lo[row]);
    }
    case NANOS: {
      const end = putIsoNanos(view, at + 1, op.hi[row], op.lo[row], set.exportTimeMs);
      return putIso(view, at, end, op.hi[row], op.lo[row]);
    }
    case LIST:
      return putBytes(bytes, at, op.encoded);
    default: {
      const count = op.present === null ? op.items.length : op.present[row];
      at = putArrayHeader(view, at, count);
      return putMsgpackOps(op.items, count, keys, row, set, bytes, view, at);
    }
  }
}

/** The header of a text that was put at `at + 2`, below 256 octets. */
export function putString8(view: DataView, at: number, end: number): number {
  view.setUint8(at, STRING_8);
  view.setUint8(at + 1, end - at - 2);
  return end;
}

/** The header of a time that was put at `at + 1`, or the integer where it is no time. */
function putIso(view: DataView, at: number, end: number, hi: number, lo: number): number {
  if (end === NOT_ISO) return putUint64(view, at, hi, lo);
  view.setUint8(at, FIXED_STRING | (end - at - 1));
  return end;
}

function putRate(view: DataView, at: number, value: number): number {
  return value === value >>> 0 ? putUint32(view, at, value >>> 0) : putFloat64(view, at, value);
}

function putBoolean(view: DataView, at: number, value: number): number {
  if (value !== 1 && value !== 2) return putUint32(view, at, value);
  view.setUint8(at, value === 1 ? 0xc3 : 0xc2);
  return at + 1;
}

/** Text as it is where it is UTF-8, else with U+FFFD in place of what is not; without the NULs that fill it up. */
function putText(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  source: Uint8Array,
  offset: number,
  filledLength: number,
): number {
  const length = textLength(source, offset, filledLength);
  if (isUtf8(source, offset, length)) {
    return putRange(bytes, putStringHeader(view, at, length), source, offset, length);
  }
  at = putStringHeader(view, at, mendedLength(source, offset, length));
  return putMended(bytes, at, source, offset, length);
}
