import {
  COLUMNAR_MAGIC,
  COLUMNAR_VERSION,
  FRAME_HEADER_BYTES,
  HEAP_COUNT,
  MAX_FRAME_ROWS,
  SET_COLUMNS,
  STORAGE_ARRAYS,
} from '../../output/columnar-format.ts';
import { BodyCursor, ColumnarError } from './body-cursor.ts';
import { ColumnarColumn, ColumnarFrame, type ColumnarSet } from './frame.ts';
import { type ColumnarField, type ColumnarItem, items, members, SchemaReader } from './schema.ts';
import type { ColumnarArrays } from './value.ts';

export const DEFAULT_MAX_FRAME_BYTES = 128 * 1024 * 1024;

/** Message header times lie between: 2^32 seconds and what a v5 header adds. Outside, dates could not be told. */
const MAX_EXPORT_MS = 2 ** 42;
const VERSIONS: ReadonlySet<number> = new Set([5, 7, 9, 10]);

/** Whether a frame begins there, as far as the octets reach. */
export function isColumnar(bytes: Uint8Array, at = 0): boolean {
  return (
    bytes.length - at >= COLUMNAR_MAGIC.length && COLUMNAR_MAGIC.every((octet, i) => bytes[at + i] === octet)
  );
}

/** Takes frames apart. Everything is checked here, so that frames can be used without a thought. */
export class FrameParser {
  readonly #maxFrameBytes: number;
  readonly #schemas = new SchemaReader();

  constructor(maxFrameBytes = DEFAULT_MAX_FRAME_BYTES) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Octets of the body behind a frame header, of which all is there. origin: offset of `at` in the input. */
  bodyBytes(bytes: Uint8Array, at: number, origin: number): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, FRAME_HEADER_BYTES);
    if (!isColumnar(bytes, at)) throw new ColumnarError('no columnar frame begins here', origin);
    const version = view.getUint16(4, true);
    if (version !== COLUMNAR_VERSION) {
      throw new ColumnarError(`a frame of version ${version}; ${COLUMNAR_VERSION} is known`, origin + 4);
    }
    if (view.getUint16(6, true) !== 0)
      throw new ColumnarError('octets that have to be zero are not', origin + 6);
    const length = view.getUint32(8, true);
    if (length > this.#maxFrameBytes) {
      const reason = `a frame of ${length} octets; allowed are up to ${this.#maxFrameBytes}`;
      throw new ColumnarError(reason, origin + 8);
    }
    return length;
  }

  /** A frame by its body at [start, end). origin: offset of the body in the input. */
  frame(bytes: Uint8Array, start: number, end: number, origin: number): ColumnarFrame {
    const cursor = new BodyCursor(bytes, start, end, origin - start);
    members(cursor, 5);
    cursor.key('schema');
    const schema = this.#schemas.read(cursor);
    cursor.key('rows');
    const at = cursor.at;
    const rows = cursor.integer();
    if (rows < 1 || rows > MAX_FRAME_ROWS)
      cursor.fail(`${rows} rows; allowed are 1 to ${MAX_FRAME_ROWS}`, at);
    cursor.key('sets');
    const sets = readSets(cursor, rows);
    cursor.key('heaps');
    items(cursor, HEAP_COUNT);
    const heaps = Array.from({ length: HEAP_COUNT }, () => cursor.binary().slice());
    cursor.key('columns');
    items(cursor, schema.values.length + schema.grouped.length);
    const columns = new ColumnReader(cursor, rows, sets, heaps, this.#maxFrameBytes);
    const values = schema.values.map((field) => columns.next(field));
    const grouped = schema.grouped.map((field) => columns.next(field));
    if (cursor.left > 0) cursor.fail('a frame goes on behind its columns');
    return new ColumnarFrame(schema, rows, sets, values, grouped);
  }
}

function readSets(cursor: BodyCursor, rows: number): ColumnarSet[] {
  const at = cursor.at;
  items(cursor, SET_COLUMNS.length);
  const octets = SET_COLUMNS.map(() => cursor.binary());
  const count = octets[0].length / STORAGE_ARRAYS.u32[0];
  for (let i = 0; i < octets.length; i++) {
    const [bytes] = STORAGE_ARRAYS[SET_COLUMNS[i][1]];
    if (octets[i].length !== count * bytes) cursor.fail('the columns of the sets differ in length', at);
  }
  const views = octets.map(({ buffer, byteOffset, length }) => new DataView(buffer, byteOffset, length));
  const u32 = (column: number, i: number): number => views[column].getUint32(4 * i, true);
  const f64 = (column: number, i: number): number => views[column].getFloat64(8 * i, true);
  const sets: ColumnarSet[] = [];
  let rowStart = 0;
  for (let i = 0; i < count; i++) {
    const set: ColumnarSet = {
      rowStart,
      rowEnd: u32(0, i),
      exporter: octets[1].slice(16 * i, 16 * i + 16),
      exporterPort: u32(2, i),
      version: u32(3, i),
      observationDomainId: u32(4, i),
      templateId: u32(5, i),
      options: u32(6, i) !== 0,
      sequence: u32(7, i),
      exportTimeMs: f64(8, i),
      sysUptimeMs: f64(9, i),
      receivedAtMs: f64(10, i),
      systemInitMs: f64(11, i),
    };
    if (set.rowEnd <= rowStart) cursor.fail('a set has no rows', at);
    if (!VERSIONS.has(set.version)) cursor.fail(`a set of version ${set.version}`, at);
    if (!(set.exportTimeMs >= 0 && set.exportTimeMs <= MAX_EXPORT_MS)) cursor.fail('no such export time', at);
    rowStart = set.rowEnd;
    sets.push(set);
  }
  if (rowStart !== rows) cursor.fail('the sets have other rows than the frame', at);
  return sets;
}

/** Copies the columns of a frame, one after another. */
class ColumnReader {
  readonly #cursor: BodyCursor;
  readonly #rows: number;
  readonly #sets: readonly ColumnarSet[];
  readonly #heaps: readonly Uint8Array[];
  /** Rows may share octets of a heap, so that a small frame could hold large records; this bounds their sum. */
  #contentBytes: number;

  constructor(
    cursor: BodyCursor,
    rows: number,
    sets: readonly ColumnarSet[],
    heaps: readonly Uint8Array[],
    maxContentBytes: number,
  ) {
    this.#cursor = cursor;
    this.#rows = rows;
    this.#sets = sets;
    this.#heaps = heaps;
    this.#contentBytes = maxContentBytes;
  }

  next(field: ColumnarField): ColumnarColumn | null {
    const cursor = this.#cursor;
    if (cursor.nil()) return null;
    items(
      cursor,
      field.items.reduce((sum, { storage }) => sum + STORAGE_ARRAYS[storage].length, 1),
    );
    const at = cursor.at;
    const present = cursor.nil() ? null : this.#array(1);
    const most = field.list ? field.items.length : 1;
    if (present?.some((count) => count > most)) cursor.fail('a row has more values than there are', at);
    const arrays = field.items.map((item, i) => this.#item(item, present, i));
    return new ColumnarColumn(field, arrays, present, this.#sets);
  }

  /** Item i of a column, which rows have whose `present` is above i. */
  #item(item: ColumnarItem, present: Uint8Array | null, i: number): ColumnarArrays {
    const { type, storage, words } = item;
    const at = this.#cursor.at;
    const [first, second = 0] = STORAGE_ARRAYS[storage] as readonly number[];
    const bytes = this.#array(first);
    const { buffer } = bytes;
    let values: ColumnarArrays['values'] = bytes;
    if (storage === 'f64' || storage === 'time') values = new Float64Array(buffer);
    else if (storage === 'i32') values = new Int32Array(buffer);
    else if (storage !== 'b16') values = new Uint32Array(buffer);
    const more = second === 0 ? null : new Uint32Array(this.#array(second).buffer);
    const heap = item.heap < 0 ? null : this.#heaps[item.heap];
    for (let row = 0; row < this.#rows && (heap !== null || type === 'word'); row++) {
      const has = present === null || present[row] > i;
      // Whoever makes room for octets should not have to ask whether they are there.
      if (!has) values[row] = 0;
      if (heap === null) {
        if (has && values[row] >= words.length) this.#cursor.fail('there is no such word', at);
        continue;
      }
      if (!has) more![row] = 0;
      this.#contentBytes -= more![row];
      if (values[row] + more![row] > heap.length) this.#cursor.fail('octets lie outside of their heap', at);
      if (this.#contentBytes < 0)
        this.#cursor.fail('the values of a frame are larger than a frame may be', at);
    }
    return { type, storage, words, values, more, heap };
  }

  /** The octets of an array in a buffer of its own, where they are aligned. */
  #array(rowBytes: number): Uint8Array<ArrayBuffer> {
    const at = this.#cursor.at;
    const octets = this.#cursor.binary();
    if (octets.length !== this.#rows * rowBytes) this.#cursor.fail('a column has another length', at);
    const copy = new Uint8Array(octets.length);
    copy.set(octets);
    return copy;
  }
}
