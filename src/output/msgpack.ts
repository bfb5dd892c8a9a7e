import type { FlowBatch, SetContext } from '../decode/batch.ts';
import type { HeaderValue } from '../schema/values.ts';
import type { RecordView } from '../schema/view.ts';
import { putAddress, putIpv4, putIpv6, putMac, SLACK_BYTES } from './ascii.ts';
import { ByteWriter } from './byte-writer.ts';
import { MAX_ISO_BYTES, NOT_ISO, putIsoMicros, putIsoMillis, putIsoNanos, putIsoSeconds } from './iso-time.ts';
import {
  appendPlain,
  putArrayHeader,
  putBinaryHeader,
  putFloat64,
  putInt64,
  putInteger,
  putMapHeader,
  putNanoseconds,
  putStringHeader,
  putUint32,
  putUint64,
} from './msgpack-value.ts';
import { Kind, type Op, OpTable } from './op.ts';
import type { ListReader, Rows } from './rows.ts';
import { isUtf8, textLength } from './utf8.ts';

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

/** Octets of the longest value of fixed size, an address, with its header and room to write beyond. */
const MAX_VALUE_BYTES = 48 + SLACK_BYTES;
/** Header of a map, twice, and the key of the group. */
const MAX_FRAME_BYTES = 24;
const MAX_SIZED_HEADER_BYTES = 5;
/** Octets that one octet of text can become: U+FFFD takes three. */
const MAX_TEXT_EXPANSION = 3;

const MAC_BYTES = 17;
const FIXED_STRING = 0xa0;
const STRING_8 = 0xd9;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Rows of one plan as MessagePack maps, one after another, with the keys and the structure of the JSON lines. Addresses are text,
 * octets are binary, times of the native schema are nanoseconds since the epoch; there is no nil.
 */
export class MsgpackRows implements Rows {
  readonly #view: RecordView;
  readonly #readList: ListReader;
  readonly #values: OpTable;
  readonly #grouped: OpTable;
  readonly #groupKey: Uint8Array;
  readonly #headerKeys: readonly Uint8Array[];
  readonly #headerWords: readonly (readonly Uint8Array[])[];
  readonly #prefix = new ByteWriter(1024);
  readonly #structure = new ByteWriter(1024);
  #prefixSize = 0;

  constructor(view: RecordView, readList: ListReader) {
    this.#view = view;
    this.#readList = readList;
    this.#values = new OpTable(view.values, encodeKey);
    this.#grouped = new OpTable(view.grouped, encodeKey);
    this.#groupKey = stringBytes(view.group);
    this.#headerKeys = view.headers.map(({ key }) => stringBytes(key));
    this.#headerWords = view.headers.map(({ words }) => words.map(stringBytes));
  }

  encode(batch: FlowBatch, writer: ByteWriter): void {
    this.#view.bind(batch);
    this.#values.refresh();
    this.#grouped.refresh();
    const fixed = fixedBytes(this.#values.active) + fixedBytes(this.#grouped.active) + MAX_FRAME_BYTES;
    for (let i = 0; i < batch.setCount; i++) this.#encodeSet(batch, batch.sets[i], fixed, writer);
  }

  #encodeSet(batch: FlowBatch, set: SetContext, fixed: number, writer: ByteWriter): void {
    if (set.rowStart === set.rowEnd) return;
    const prefix = this.#writePrefix(set);
    const values = this.#values;
    const grouped = this.#grouped;
    const variable = values.variable.length + grouped.variable.length > 0;
    const always = this.#view.groupAlways;
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
      const inside = countOf(grouped, row);
      const hasGroup = inside > 0 || always;
      at = putMapHeader(view, at, this.#prefixSize + countOf(values, row) + (hasGroup ? 1 : 0));
      bytes.set(prefix, at);
      at = putOps(values.active, values.active.length, values.keys, row, set.exportTimeMs, bytes, view, at + prefix.length);
      if (!hasGroup) continue;
      at = putBytes(bytes, at, this.#groupKey);
      at = putMapHeader(view, at, inside);
      at = putOps(grouped.active, grouped.active.length, grouped.keys, row, set.exportTimeMs, bytes, view, at);
    }
    writer.at = at;
  }

  /** The most octets that the values of varying size can take in a row. Structured data is encoded for it. */
  #measure(ops: readonly Op[], batch: FlowBatch, row: number, set: SetContext): number {
    let sum = 0;
    for (let i = 0; i < ops.length; i++) {
      const op = ops[i];
      if (op.kind === ARRAY) {
        sum += this.#measure(op.items, batch, row, set);
      } else if (op.kind === LIST) {
        appendPlain(this.#structure, this.#readList(batch, op.position, row, set));
        op.encoded = this.#structure.take();
        sum += op.encoded.length;
      } else if (op.kind === STRING || op.kind === OCTETS) {
        sum += MAX_SIZED_HEADER_BYTES + op.hi[row] * MAX_TEXT_EXPANSION;
      }
    }
    return sum;
  }

  /** The members of the header, without the header of the map; valid until the next call. */
  #writePrefix(set: SetContext): Uint8Array {
    this.#view.header(set);
    const writer = this.#prefix;
    const { headers } = this.#view;
    const times = this.#view.schema === 'millrace';
    writer.at = 0;
    this.#prefixSize = 0;
    for (let i = 0; i < headers.length; i++) {
      if (!headers[i].present) continue;
      this.#prefixSize++;
      const word = headers[i].render === 'word' ? this.#headerWords[i][headers[i].number] : NO_BYTES;
      writer.reserve(this.#headerKeys[i].length + word.length + MAX_VALUE_BYTES);
      writer.at = putBytes(writer.bytes, writer.at, this.#headerKeys[i]);
      writer.at = putHeader(writer, headers[i], word);
    }
    return writer.bytes.subarray(0, writer.at);
  }
}

const NO_BYTES = new Uint8Array(0);
