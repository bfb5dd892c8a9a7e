import type { FlowBatch, SetContext } from '../decode/batch.ts';
import type { RecordView } from '../schema/view.ts';
import { putAddress } from './ascii.ts';
import { type ByteWriter, putBytes } from './byte-writer.ts';
import { measureMsgpack, msgpackKey, putMsgpackOps, putString8, stringBytes } from './msgpack-ops.ts';
import { putInteger, putMapHeader, putNanoseconds } from './msgpack-value.ts';
import { OpTable } from './op.ts';
import { PREFIX_SLACK_BYTES, Prefix, type PrefixFormat } from './prefix.ts';
import type { ListReader, Rows } from './rows.ts';

/** Headers of the maps of the record and of the group, and what is overwritten behind the prefix. */
const FRAME_BYTES = 6 + PREFIX_SLACK_BYTES;

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
  readonly #prefix: Prefix;

  constructor(view: RecordView, readList: ListReader) {
    this.#view = view;
    this.#readList = readList;
    this.#values = new OpTable(view.values, msgpackKey);
    this.#grouped = new OpTable(view.grouped, msgpackKey);
    this.#groupKey = stringBytes(view.group);
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
    this.#prefix.write();
    const values = this.#values;
    const grouped = this.#grouped;
    const fixed =
      this.#prefix.bytes + values.fixedBytes + this.#groupKey.length + grouped.fixedBytes + FRAME_BYTES;
    const variable = values.variable.length + grouped.variable.length > 0;
    const always = this.#view.groupAlways;
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
      at = putMapHeader(view, at, this.#prefix.size + countOf(values, row) + (hasGroup ? 1 : 0));
      at = this.#prefix.copyTo(view, at);
      at = putMsgpackOps(values.active, values.active.length, values.keys, row, set, bytes, view, at);
      if (!hasGroup) continue;
      at = putMapHeader(view, putBytes(bytes, at, this.#groupKey), inside);
      at = putMsgpackOps(grouped.active, grouped.active.length, grouped.keys, row, set, bytes, view, at);
    }
    writer.at = at;
  }
}

const PREFIX_FORMAT: PrefixFormat = {
  key: ({ key }) => stringBytes(key),
  word: stringBytes,
  put: (view, at, header) => {
    switch (header.render) {
      case 'address':
        return putString8(view, at, putAddress(view, at + 2, header.bytes, header.offset));
      case 'time':
        return putNanoseconds(view, at, header.number, 0);
      default:
        return putInteger(view, at, header.number);
    }
  },
};

/** How many of the values a row has. */
function countOf(table: OpTable, row: number): number {
  const { active, optional } = table;
  let count = active.length - optional.length;
  for (let i = 0; i < optional.length; i++) if (optional[i].present![row] !== 0) count++;
  return count;
}
