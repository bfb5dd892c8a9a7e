import { Packr } from 'msgpackr/pack';
import { assert } from '../base/assert.ts';
import type { FlowBatch, SetContext } from '../decode/batch.ts';
import type { Scratch } from '../schema/scratch.ts';
import { type StateLookup, StateOfSet } from '../schema/state-source.ts';
import type { RowValue, ValueColumn } from '../schema/values.ts';
import type { RecordView } from '../schema/view.ts';
import { type ByteWriter, putBytes, putRange } from './byte-writer.ts';
import {
  COLUMNAR_MAGIC,
  COLUMNAR_VERSION,
  type ColumnarStorage,
  type ColumnarType,
  FRAME_HEADER_BYTES,
  HEAP_COUNT,
  HEAPS,
  MAX_FRAME_ROWS,
  SET_COLUMNS,
  STORAGE_ARRAYS,
} from './columnar-format.ts';
import type { Rows } from './rows.ts';

const NIL = 0xc0;
const BINARY_32 = 0xc6;
const UNSIGNED_32 = 0xce;
const ARRAY_32 = 0xdd;
const MAP_OF_5 = 0x85;
/** A byte for what it is, and 32 bits for how much. */
const SIZED_HEADER_BYTES = 5;

const EXPORTER_BYTES = 16;
/** Where a frame begins in such a word of the writer's memory, it begins there in memory of its own too. */
const WORD_BYTES = 8;
/** Up to so many rows are copied number by number, which takes less time than preparing a copy of memory. */
const FEW_ROWS = 32;
/** For each column of the sets, the octets that the columns before it have for a set; at last those of all. */
const SET_OFFSETS: number[] = [0];
for (const [, storage] of SET_COLUMNS)
  SET_OFFSETS.push(SET_OFFSETS[SET_OFFSETS.length - 1] + STORAGE_ARRAYS[storage][0]);
const SET_BYTES = SET_OFFSETS[SET_COLUMNS.length];

const NO_BYTES = new Uint8Array(0);
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

const packr = new Packr({ useRecords: false, variableMapSize: true });
/** A copy: what pack returns lies in a buffer of its own that is used again. */
const pack = (value: unknown): Uint8Array => new Uint8Array(packr.pack(value));

const SETS_KEY = pack('sets');
const HEAPS_KEY = pack('heaps');
const COLUMNS_KEY = pack('columns');

/**
 * Batches of one plan as columnar frames (docs/columnar.md), one frame per batch. The description of the columns is encoded once;
 * a column is one copy of memory, whatever its values are. A frame is made in memory of its own and copied as a whole, because
 * copies to shared memory go octet by octet unless both sides lie alike in their words.
 */
export class ColumnarRows implements Rows {
  readonly #view: RecordView;
  readonly #scratch: Scratch;
  readonly #frame: ByteWriter;
  readonly #states: StateOfSet;
  readonly #values: readonly RowValue[];
  /** Everything in front of the number of rows. */
  readonly #head: Uint8Array;
  /** Octets of a frame without rows, sets and heaps, at most. */
  readonly #fixedBytes: number;
  /** Octets that each value has for a row, without its presence. */
  readonly #valueBytes: readonly number[];
  /** Whether columns point into the heap of the batch, and into the text of the scratch memory. */
  readonly #usesSent: boolean;
  readonly #usesMade: boolean;
  /** The sets that are written, and the rows they have in the batch: start and end, where there is a gap again. */
  readonly #sets: SetContext[] = [];
  readonly #runs: number[] = [];
  #rows = 0;

  /** scratch: that of the view. frame: for the frame in the making; may be shared with other plans of the thread. */
  constructor(view: RecordView, scratch: Scratch, frame: ByteWriter, state: StateLookup) {
    assert(LITTLE_ENDIAN, 'columnar frames hold little-endian columns as they are in memory');
    this.#view = view;
    this.#scratch = scratch;
    this.#frame = frame;
    this.#states = new StateOfSet(state);
    this.#values = [...view.values, ...view.grouped];
    const columns = this.#values.flatMap((value) => value.columns);
    const heaps = columns.filter(({ storage }) => storage === 'heap').map(heapOf);
    this.#usesSent = heaps.includes(HEAPS.sent);
    this.#usesMade = heaps.includes(HEAPS.made);
    this.#head = headOf(view);
    const arrays = this.#values.map((value) => value.columns.flatMap(arraysOf));
    this.#valueBytes = arrays.map((bytes) => bytes.reduce((sum, one) => sum + one, 0));
    // Headers: of each column and its presence, of each array, and of the three lists with what they hold.
    const headers = 2 * this.#values.length + arrays.flat().length + 3 + SET_COLUMNS.length + HEAP_COUNT;
    const keys = SETS_KEY.length + HEAPS_KEY.length + COLUMNS_KEY.length;
    this.#fixedBytes = this.#head.length + 4 + keys + headers * SIZED_HEADER_BYTES;
  }

  encode(batch: FlowBatch, options: boolean, writer: ByteWriter): number {
    this.#view.bind(batch);
    this.#states.reset();
    this.#choose(batch, options);
    const rows = this.#rows;
    if (rows === 0) return 0;
    assert(rows <= MAX_FRAME_ROWS, 'a batch fits into a frame');
    const sent = this.#usesSent ? batch.heap.subarray(0, batch.heapUsed) : NO_BYTES;
    const made = this.#usesMade ? this.#scratch.text.subarray(0, this.#scratch.textUsed) : NO_BYTES;
    const varying = rows * this.#rowBytes() + this.#sets.length * SET_BYTES + sent.length + made.length;
    const frame = this.#frame;
    const start = writer.at % WORD_BYTES;
    frame.at = start;
    frame.reserve(this.#fixedBytes + varying);

    const { bytes, view } = frame;
    bytes.set(this.#head, start);
    let at = start + this.#head.length;
    view.setUint32(at, rows);
    at = this.#putSets(frame, putBytes(bytes, at + 4, SETS_KEY));
    at = putHeader(view, putBytes(bytes, at, HEAPS_KEY), ARRAY_32, HEAP_COUNT);
    at = putBinary(frame, putBinary(frame, at, sent), made);
    at = putHeader(view, putBytes(bytes, at, COLUMNS_KEY), ARRAY_32, this.#values.length);
    for (let i = 0; i < this.#values.length; i++) at = this.#putValue(frame, at, this.#values[i]);
    view.setUint32(start + FRAME_HEADER_BYTES - 4, at - start - FRAME_HEADER_BYTES, true);
    writer.reserve(at - start);
    writer.bytes.set(bytes.subarray(start, at), writer.at);
    writer.at += at - start;
    return rows;
  }

  #choose(batch: FlowBatch, options: boolean): void {
    const runs = this.#runs;
    this.#sets.length = 0;
    runs.length = 0;
    this.#rows = 0;
    for (let i = 0; i < batch.setCount; i++) {
      const set = batch.sets[i];
      if ((set.options && !options) || set.rowStart === set.rowEnd) continue;
      this.#sets.push(set);
      this.#rows += set.rowEnd - set.rowStart;
      if (runs.length > 0 && runs[runs.length - 1] === set.rowStart) runs[runs.length - 1] = set.rowEnd;
      else runs.push(set.rowStart, set.rowEnd);
    }
  }

  #rowBytes(): number {
    let sum = 0;
    for (let i = 0; i < this.#values.length; i++) {
      const { absent, present } = this.#values[i];
      if (!absent) sum += this.#valueBytes[i] + (present === null ? 0 : 1);
    }
    return sum;
  }

  #putSets({ bytes, view }: ByteWriter, at: number): number {
    const sets = this.#sets;
    const first = putHeader(view, at, ARRAY_32, SET_COLUMNS.length);
    // A column begins behind the headers up to its own, and the columns before it.
    const column = (i: number) => first + (i + 1) * SIZED_HEADER_BYTES + sets.length * SET_OFFSETS[i];
    for (let i = 0; i < SET_COLUMNS.length; i++) {
      const size = sets.length * (SET_OFFSETS[i + 1] - SET_OFFSETS[i]);
      putHeader(view, column(i) - SIZED_HEADER_BYTES, BINARY_32, size);
    }
    let rowEnd = 0;
    for (let i = 0; i < sets.length; i++) {
      const set = sets[i];
      rowEnd += set.rowEnd - set.rowStart;
      view.setUint32(column(0) + 4 * i, rowEnd, true);
      putRange(bytes, column(1) + EXPORTER_BYTES * i, set.exporter, set.exporterOffset, EXPORTER_BYTES);
      view.setUint32(column(2) + 4 * i, set.exporterPort, true);
      view.setUint32(column(3) + 4 * i, set.version, true);
      view.setUint32(column(4) + 4 * i, set.observationDomainId, true);
      view.setUint32(column(5) + 4 * i, set.templateId, true);
      view.setUint32(column(6) + 4 * i, set.options ? 1 : 0, true);
      view.setUint32(column(7) + 4 * i, set.sequence, true);
      view.setFloat64(column(8) + 8 * i, set.exportTimeMs, true);
      view.setFloat64(column(9) + 8 * i, set.sysUptimeMs, true);
      view.setFloat64(column(10) + 8 * i, set.receivedAtMs, true);
      view.setFloat64(column(11) + 8 * i, this.#states.of(set)?.systemInitMs ?? Number.NaN, true);
    }
    return column(SET_COLUMNS.length) - SIZED_HEADER_BYTES;
  }

  #putValue(writer: ByteWriter, at: number, value: RowValue): number {
    const { view } = writer;
    if (value.absent) {
      view.setUint8(at, NIL);
      return at + 1;
    }
    const { columns, present } = value;
    const header = at;
    at += SIZED_HEADER_BYTES;
    if (present === null) view.setUint8(at++, NIL);
    else at = this.#putArray(writer, at, present, 1);
    let arrays = 1;
    for (let i = 0; i < columns.length; i++) {
      const { data, storage, render } = columns[i];
      switch (storage) {
        case 'u32':
        case 'i32':
          at = this.#putWords(writer, at, data.lo);
          arrays += 1;
          break;
        case 'b16':
          at = this.#putArray(writer, at, data.wide, 16);
          arrays += 1;
          break;
        case 'f64':
          at = this.#putArray(writer, at, data.f64, 8);
          arrays += 1;
          if (render !== 'time') break;
          at = this.#putWords(writer, at, data.lo);
          arrays += 1;
          break;
        default:
          at = this.#putWords(writer, at, data.lo);
          at = this.#putWords(writer, at, data.hi);
          arrays += 2;
      }
    }
    putHeader(view, header, ARRAY_32, arrays);
    return at;
  }

  #putWords(writer: ByteWriter, at: number, source: Uint32Array): number {
    if (this.#rows > FEW_ROWS) return this.#putArray(writer, at, source, 4);
    const runs = this.#runs;
    const { view } = writer;
    at = putHeader(view, at, BINARY_32, this.#rows * 4);
    for (let i = 0; i < runs.length; i += 2) {
      for (let row = runs[i]; row < runs[i + 1]; row++, at += 4) view.setUint32(at, source[row], true);
    }
    return at;
  }

  /** The rows of an array that has so many octets for each. */
  #putArray({ bytes, view }: ByteWriter, at: number, source: ArrayBufferView, rowBytes: number): number {
    const runs = this.#runs;
    at = putHeader(view, at, BINARY_32, this.#rows * rowBytes);
    for (let i = 0; i < runs.length; i += 2) {
      const size = (runs[i + 1] - runs[i]) * rowBytes;
      bytes.set(new Uint8Array(source.buffer, source.byteOffset + runs[i] * rowBytes, size), at);
      at += size;
    }
    return at;
  }
}

function putHeader(view: DataView, at: number, kind: number, size: number): number {
  view.setUint8(at, kind);
  view.setUint32(at + 1, size);
  return at + SIZED_HEADER_BYTES;
}

function putBinary({ bytes, view }: ByteWriter, at: number, source: Uint8Array): number {
  at = putHeader(view, at, BINARY_32, source.length);
  bytes.set(source, at);
  return at + source.length;
}

/** From the magic, with room for the length, to the kind of the number of rows. */
function headOf(view: RecordView): Uint8Array {
  const header = new DataView(new ArrayBuffer(FRAME_HEADER_BYTES));
  for (let i = 0; i < COLUMNAR_MAGIC.length; i++) header.setUint8(i, COLUMNAR_MAGIC[i]);
  header.setUint16(4, COLUMNAR_VERSION, true);
  const schema = pack({
    schema: view.schema,
    group: view.group,
    sets: SET_COLUMNS,
    values: view.values.map(describe),
    grouped: view.grouped.map(describe),
  });
  return Buffer.concat([
    new Uint8Array(header.buffer),
    Uint8Array.of(MAP_OF_5),
    pack('schema'),
    schema,
    pack('rows'),
    Uint8Array.of(UNSIGNED_32),
  ]);
}

function describe(value: RowValue): object {
  const items = value.columns.map((column) => describeColumn(column, value.words));
  return value.list ? { name: value.key, list: items } : { name: value.key, ...items[0] };
}

function describeColumn(column: ValueColumn, words: readonly string[]): object {
  const type: ColumnarType = column.render;
  const common = { type, storage: storageOf(column) };
  if (type === 'word') return { ...common, words };
  return column.storage === 'heap' ? { ...common, heap: heapOf(column) } : common;
}

function storageOf({ storage, render }: ValueColumn): ColumnarStorage {
  return render === 'time' ? 'time' : storage;
}

function arraysOf(column: ValueColumn): readonly number[] {
  return STORAGE_ARRAYS[storageOf(column)];
}

function heapOf({ position }: ValueColumn): number {
  return position < 0 ? HEAPS.made : HEAPS.sent;
}
