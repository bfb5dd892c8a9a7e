import type { FlowBatch, SetContext } from '../decode/batch.ts';
import { MAX_ISO_SECONDS } from '../decode/timestamp.ts';
import type { RecordView } from '../schema/view.ts';
import { putAddress, putInteger, putThree, putU32 } from './ascii.ts';
import { type ByteWriter, putBytes } from './byte-writer.ts';
import { putDateTime } from './iso-time.ts';
import { jsonKey, measureJson, putJsonOps } from './json-ops.ts';
import { OpTable } from './op.ts';
import type { ListReader, Rows } from './rows.ts';

const DOT = 46;
const SPACE = 32;
const NEWLINE = 10;

/** Room for everything in a line but the values. */
const FRAME_BYTES = 256;

const utf8 = new TextEncoder();
const OPTIONS = utf8.encode(' options');
const VIA = utf8.encode('  via ');
const TEMPLATE = utf8.encode(' #');
const VERSIONS: Readonly<Record<number, Uint8Array>> = {
  5: utf8.encode('v5'),
  7: utf8.encode('v7'),
  9: utf8.encode('v9'),
  10: utf8.encode('ipfix'),
};

/** Rows of one plan as lines of `name=value` for people: records that are no flows, and all records of schema iana. */
export class FieldTextRows implements Rows {
  readonly #view: RecordView;
  readonly #readList: ListReader;
  readonly #tables: readonly OpTable[];

  constructor(view: RecordView, readList: ListReader) {
    this.#view = view;
    this.#readList = readList;
    this.#tables = [view.values, view.grouped].map(
      (values) => new OpTable(values, (op) => jsonKey(op, ` ${op.value.key}=`)),
    );
  }

  encode(batch: FlowBatch, options: boolean, writer: ByteWriter): number {
    this.#view.bind(batch);
    let rows = 0;
    for (let i = 0; i < batch.setCount; i++) {
      const set = batch.sets[i];
      if (set.options && !options) continue;
      this.encodeSet(batch, set, writer);
      rows += set.rowEnd - set.rowStart;
    }
    return rows;
  }

  /** One set of a batch that the view is bound to. */
  encodeSet(batch: FlowBatch, set: SetContext, writer: ByteWriter): void {
    for (const table of this.#tables) table.refresh();
    for (let row = set.rowStart; row < set.rowEnd; row++) {
      let room = FRAME_BYTES;
      for (const table of this.#tables) {
        room += table.fixedBytes + measureJson(table.variable, batch, row, set, this.#readList);
      }
      writer.reserve(room);
      const { bytes, view } = writer;
      let at = putMoment(view, writer.at, set.exportTimeMs);
      bytes[at] = SPACE;
      bytes[at + 1] = SPACE;
      at = putBytes(bytes, at + 2, VERSIONS[set.version] ?? OPTIONS.subarray(0, 0));
      if (set.templateId !== 0) at = putU32(view, putBytes(bytes, at, TEMPLATE), set.templateId);
      if (set.options) at = putBytes(bytes, at, OPTIONS);
      bytes[at++] = SPACE;
      for (const { active, keys } of this.#tables) {
        at = putJsonOps(active, active.length, keys, row, set, bytes, view, at);
      }
      writer.at = putVia(bytes, view, at, set);
    }
  }
}

/** `2023-11-14 22:13:20.123`, UTC; the plain number beyond the year 9999. */
export function putMoment(view: DataView, at: number, unixMs: number): number {
  const ms = Math.floor(unixMs);
  const seconds = Math.floor(ms / 1000);
  if (!(seconds <= MAX_ISO_SECONDS)) return putInteger(view, at, ms);
  at = putDateTime(view, at, seconds, SPACE);
  view.setUint8(at, DOT);
  return putThree(view, at + 1, ms - seconds * 1000);
}

/** The exporter and the end of the line. */
export function putVia(bytes: Uint8Array, view: DataView, at: number, set: SetContext): number {
  at = putAddress(view, putBytes(bytes, at, VIA), set.exporter, set.exporterOffset);
  bytes[at] = NEWLINE;
  return at + 1;
}
