import type { FlowBatch, SetContext } from '../decode/batch.ts';
import type { HeaderValue } from '../schema/values.ts';
import type { RecordView } from '../schema/view.ts';
import { putAddress } from './ascii.ts';
import { ByteWriter, putBytes } from './byte-writer.ts';
import { measureMsgpack, msgpackKey, putMsgpackOps, putString8, stringBytes } from './msgpack-ops.ts';
import { putInteger, putMapHeader, putNanoseconds } from './msgpack-value.ts';
import { MAX_VALUE_BYTES, OpTable } from './op.ts';
import type { ListReader, Rows } from './rows.ts';

/** Headers of the maps of the record and of the group. */
const FRAME_BYTES = 6;

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
  #prefixSize = 0;

  constructor(view: RecordView, readList: ListReader) {
    this.#view = view;
    this.#readList = readList;
    this.#values = new OpTable(view.values, msgpackKey);
    this.#grouped = new OpTable(view.grouped, msgpackKey);
    this.#groupKey = stringBytes(view.group);
    this.#headerKeys = view.headers.map(({ key }) => stringBytes(key));
    this.#headerWords = view.headers.map(({ words }) => words.map(stringBytes));
  }

  encode(batch: FlowBatch, options: boolean, writer: ByteWriter): number {
    this.#view.bind(batch);
    this.#values.refresh();
    this.#grouped.refresh();
    let rows = 0;
    for (let i = 0; i < batch.setCount; i++) {
      const set = batch.sets[i];
      if ((set.options && !options) || set.rowStart === set.rowEnd) continue;
      this.#encodeSet(batch, set, writer);
      rows += set.rowEnd - set.rowStart;
    }
    return rows;
  }

  #encodeSet(batch: FlowBatch, set: SetContext, writer: ByteWriter): void {
    const prefix = this.#writePrefix(set);
    const values = this.#values;
    const grouped = this.#grouped;
    const fixed =
      prefix.length + values.fixedBytes + this.#groupKey.length + grouped.fixedBytes + FRAME_BYTES;
    const variable = values.variable.length + grouped.variable.length > 0;
    const always = this.#view.groupAlways;
    const exportTimeMs = set.exportTimeMs;
    let { at, bytes, view } = writer;
    for (let row = set.rowStart; row < set.rowEnd; row++) {
      let room = fixed;
      if (variable) {
        room += measureMsgpack(values.variable, batch, row, set, this.#readList);
        room += measureMsgpack(grouped.variable, batch, row, set, this.#readList);
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
      at += prefix.length;
      at = putMsgpackOps(
        values.active,
        values.active.length,
        values.keys,
        row,
        exportTimeMs,
        bytes,
        view,
        at,
      );
      if (!hasGroup) continue;
      at = putMapHeader(view, putBytes(bytes, at, this.#groupKey), inside);
      at = putMsgpackOps(
        grouped.active,
        grouped.active.length,
        grouped.keys,
        row,
        exportTimeMs,
        bytes,
        view,
        at,
      );
    }
    writer.at = at;
  }

  /** The members of the header, without the header of the map; valid until the next call. */
  #writePrefix(set: SetContext): Uint8Array {
    this.#view.header(set);
    const writer = this.#prefix;
    const { headers } = this.#view;
    writer.at = 0;
    this.#prefixSize = 0;
    for (let i = 0; i < headers.length; i++) {
      const header = headers[i];
      if (!header.present) continue;
      this.#prefixSize++;
      const key = this.#headerKeys[i];
      const word = header.render === 'word' ? this.#headerWords[i][header.number] : key;
      writer.reserve(key.length + word.length + MAX_VALUE_BYTES);
      writer.at = putBytes(writer.bytes, writer.at, key);
      writer.at = putHeader(writer, header, word);
    }
    return writer.bytes.subarray(0, writer.at);
  }
}

function putHeader({ bytes, view, at }: ByteWriter, header: HeaderValue, word: Uint8Array): number {
  switch (header.render) {
    case 'word':
      return putBytes(bytes, at, word);
    case 'address':
      return putString8(view, at, putAddress(view, at + 2, header.bytes, header.offset));
    case 'time':
      return putNanoseconds(view, at, header.number, 0);
    default:
      return putInteger(view, at, header.number);
  }
}

/** How many of the values a row has. */
function countOf(table: OpTable, row: number): number {
  const { active, optional } = table;
  let count = active.length - optional.length;
  for (let i = 0; i < optional.length; i++) if (optional[i].present![row] !== 0) count++;
  return count;
}
