import type { FlowBatch, SetContext } from '../decode/batch.ts';
import type { RecordView } from '../schema/view.ts';
import { putAddress, putInteger } from './ascii.ts';
import { type ByteWriter, putBytes } from './byte-writer.ts';
import { jsonKey, measureJson, putJsonOps } from './json-ops.ts';
import { OpTable } from './op.ts';
import { PREFIX_SLACK_BYTES, Prefix, type PrefixFormat } from './prefix.ts';
import type { ListReader, Rows } from './rows.ts';
import { asciiJson } from './utf8.ts';

const QUOTE = 34;
const OPEN = 123;
const CLOSE = 125;
const NEWLINE = 10;
/** Braces of the record and of the group, the end of the line, and what is overwritten behind the prefix. */
const FRAME_BYTES = 4 + PREFIX_SLACK_BYTES;

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
  readonly #prefix: Prefix;

  constructor(view: RecordView, readList: ListReader) {
    this.#view = view;
    this.#readList = readList;
    this.#values = new OpTable(view.values, (op) => jsonKey(op, member(op.value.key)));
    this.#grouped = new OpTable(view.grouped, (op) => jsonKey(op, member(op.value.key)));
    this.#groupKey = utf8.encode(member(view.group));
    this.#prefix = new Prefix(view.headers, PREFIX_FORMAT);
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
    this.#view.header(set);
    // Instead of the comma in front of the first member.
    this.#prefix.write()[0] = OPEN;
    const values = this.#values;
    const grouped = this.#grouped;
    const fixed =
      this.#prefix.bytes + values.fixedBytes + this.#groupKey.length + grouped.fixedBytes + FRAME_BYTES;
    const variable = values.variable.length + grouped.variable.length > 0;
    const hasGroup = grouped.active.length > 0 || this.#view.groupAlways;
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
      at = this.#prefix.copyTo(view, at);
      at = putJsonOps(values.active, values.active.length, values.keys, row, set, bytes, view, at);
      if (hasGroup) at = this.#putGroup(row, set, bytes, view, at);
      bytes[at] = CLOSE;
      bytes[at + 1] = NEWLINE;
      at += 2;
    }
    writer.at = at;
  }

  #putGroup(row: number, set: SetContext, bytes: Uint8Array, view: DataView, at: number): number {
    const { active, keys } = this.#grouped;
    const inside = putBytes(bytes, at, this.#groupKey);
    const end = putJsonOps(active, active.length, keys, row, set, bytes, view, inside);
    if (end === inside && !this.#view.groupAlways) return at;
    // Each member begins with a comma; the first one's turns into the brace.
    bytes[inside] = OPEN;
    const close = Math.max(end, inside + 1);
    bytes[close] = CLOSE;
    return close + 1;
  }
}

const PREFIX_FORMAT: PrefixFormat = {
  key: ({ key, render }) => utf8.encode(`${member(key)}${render === 'address' ? '"' : ''}`),
  word: (word) => utf8.encode(asciiJson(word)),
  put: (view, at, header) => {
    if (header.render !== 'address') return putInteger(view, at, header.number);
    at = putAddress(view, at, header.bytes, header.offset);
    view.setUint8(at, QUOTE);
    return at + 1;
  },
};

function member(key: string): string {
  return `,${asciiJson(key)}:`;
}
