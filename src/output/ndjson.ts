import type { FlowBatch, SetContext } from '../decode/batch.ts';
import type { HeaderValue } from '../schema/values.ts';
import type { RecordView } from '../schema/view.ts';
import { putAddress, putInteger } from './ascii.ts';
import { ByteWriter, putBytes } from './byte-writer.ts';
import { jsonKey, measureJson, putJsonOps } from './json-ops.ts';
import { MAX_VALUE_BYTES, OpTable } from './op.ts';
import type { ListReader, Rows } from './rows.ts';
import { asciiJson } from './utf8.ts';

const QUOTE = 34;
const OPEN = 123;
const CLOSE = 125;
const NEWLINE = 10;
/** Braces of the record and of the group, and the end of the line. */
const FRAME_BYTES = 4;

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
  readonly #headerWords: readonly (readonly Uint8Array[])[];
  readonly #prefix = new ByteWriter(1024);

  constructor(view: RecordView, readList: ListReader) {
    this.#view = view;
    this.#readList = readList;
    const member = (key: string) => `,${asciiJson(key)}:`;
    this.#values = new OpTable(view.values, (op) => jsonKey(op, member(op.value.key)));
    this.#grouped = new OpTable(view.grouped, (op) => jsonKey(op, member(op.value.key)));
    this.#groupKey = utf8.encode(member(view.group));
    this.#headerKeys = view.headers.map(({ key, render }) =>
      utf8.encode(`${member(key)}${render === 'address' ? '"' : ''}`),
    );
    this.#headerWords = view.headers.map(({ words }) => words.map((word) => utf8.encode(asciiJson(word))));
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
    const hasGroup = grouped.active.length > 0 || this.#view.groupAlways;
    const exportTimeMs = set.exportTimeMs;
    let { at, bytes, view } = writer;
    for (let row = set.rowStart; row < set.rowEnd; row++) {
      let room = fixed;
      if (variable) {
        room += measureJson(values.variable, batch, row, set, this.#readList);
        room += measureJson(grouped.variable, batch, row, set, this.#readList);
      }
      if (at + room > bytes.length) {
        writer.at = at;
        writer.reserve(room);
        ({ bytes, view } = writer);
      }
      bytes.set(prefix, at);
      at += prefix.length;
      at = putJsonOps(values.active, values.active.length, values.keys, row, exportTimeMs, bytes, view, at);
      if (hasGroup) at = this.#putGroup(row, exportTimeMs, bytes, view, at);
      bytes[at] = CLOSE;
      bytes[at + 1] = NEWLINE;
      at += 2;
    }
    writer.at = at;
  }

  #putGroup(row: number, exportTimeMs: number, bytes: Uint8Array, view: DataView, at: number): number {
    const { active, keys } = this.#grouped;
    const inside = putBytes(bytes, at, this.#groupKey);
    const end = putJsonOps(active, active.length, keys, row, exportTimeMs, bytes, view, inside);
    if (end === inside && !this.#view.groupAlways) return at;
    // Each member begins with a comma; the first one's turns into the brace.
    bytes[inside] = OPEN;
    const close = Math.max(end, inside + 1);
    bytes[close] = CLOSE;
    return close + 1;
  }

  /** Everything up to the values of the row; valid until the next call. */
  #writePrefix(set: SetContext): Uint8Array {
    this.#view.header(set);
    const writer = this.#prefix;
    writer.at = 0;
    const { headers } = this.#view;
    for (let i = 0; i < headers.length; i++) {
      const header = headers[i];
      if (!header.present) continue;
      const key = this.#headerKeys[i];
      const word = header.render === 'word' ? this.#headerWords[i][header.number] : key;
      writer.reserve(key.length + word.length + MAX_VALUE_BYTES);
      writer.at = putBytes(writer.bytes, writer.at, key);
      writer.at = putHeader(writer, header, word);
    }
    writer.bytes[0] = OPEN;
    return writer.bytes.subarray(0, writer.at);
  }
}

function putHeader({ bytes, view, at }: ByteWriter, header: HeaderValue, word: Uint8Array): number {
  switch (header.render) {
    case 'word':
      return putBytes(bytes, at, word);
    case 'address':
      at = putAddress(view, at, header.bytes, header.offset);
      bytes[at] = QUOTE;
      return at + 1;
    default:
      return putInteger(view, at, header.number);
  }
}
