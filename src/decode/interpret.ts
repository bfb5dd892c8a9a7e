import { Fault } from '../wire/fault.ts';
import type { Budget, FlowBatch } from './batch.ts';
import { VARIABLE_LENGTH } from './layout.ts';
import type { Column, Plan } from './plan.ts';

/** Where decoding of a set stands; filled by the caller, moved on by the decoder. Offsets are into view and bytes. */
export class SetCursor {
  /** Next octet to decode. */
  position = 0;
  /** End of the set. */
  end = 0;
  /** Start of the message header, for header columns. */
  header = 0;
  /** Records of this set that may still be decoded. */
  recordsLeft = 0;
  /** Records decoded so far. */
  records = 0;
  /** Number of a fault (wire/fault.ts) that ended the set early, 0 for none. */
  fault = 0;
  faultAt = 0;

  begin(header: number, start: number, end: number, maxRecords: number): void {
    this.header = header;
    this.position = start;
    this.end = end;
    this.recordsLeft = maxRecords;
    this.records = 0;
    this.fault = 0;
    this.faultAt = 0;
  }

  fail(fault: number, at: number): void {
    this.fault = fault;
    this.faultAt = at;
    this.position = this.end;
  }
}

/**
 * Decodes records of a set into rows of the batch, until the set is done or faulty, or the batch is full. Returns true
 * when the set is done; false asks the caller to empty the batch and call again.
 *
 * This is the reference: it walks the plan field by field. Octets that are left and shorter than the shortest record are
 * padding (RFC 7011 section 3.3.1).
 */
export function interpretSet(
  plan: Plan,
  batch: FlowBatch,
  bytes: Uint8Array,
  view: DataView,
  cursor: SetCursor,
  budget: Budget,
): boolean {
  const { layout } = plan;
  const start = cursor.position;
  while (cursor.end - cursor.position >= layout.minRecordBytes) {
    if (batch.rows === batch.capacity) return false;
    if (!admitRecord(layout.fields.length, cursor, budget)) return true;
    const next = interpretRecord(plan, batch, bytes, view, cursor, budget);
    if (next < 0) return true;
    cursor.position = next;
    cursor.records++;
    cursor.recordsLeft--;
    batch.rows++;
  }
  if (cursor.records === 0 && cursor.end > start) cursor.fail(Fault['set-shorter-than-record'], start);
  return true;
}

/** Checks the limits that do not depend on the content of the next record. */
function admitRecord(values: number, cursor: SetCursor, budget: Budget): boolean {
  if (cursor.recordsLeft <= 0) {
    cursor.fail(Fault['records-limit'], cursor.position);
    return false;
  }
  if (budget.values < values) {
    cursor.fail(Fault['values-limit'], cursor.position);
    return false;
  }
  budget.values -= values;
  return true;
}

/** Decodes one record into row batch.rows. Returns the end of the record, or -1 after a fault. */
function interpretRecord(
  plan: Plan,
  batch: FlowBatch,
  bytes: Uint8Array,
  view: DataView,
  cursor: SetCursor,
  budget: Budget,
): number {
  const recordStart = cursor.position;
  const heapUsed = batch.heapUsed;
  let at = recordStart;
  let content = 0;
  for (let c = 0; c < plan.columns.length; c++) {
    const column = plan.columns[c];
    if (column.source !== 'record') {
      readHeaderValue(column, batch, c, view, cursor.header);
      continue;
    }
    let length = column.length;
    if (length === VARIABLE_LENGTH) {
      length = at < cursor.end ? view.getUint8(at++) : VARIABLE_LENGTH;
      if (length === 255) {
        length = at + 2 <= cursor.end ? view.getUint16(at) : VARIABLE_LENGTH;
        at += 2;
      }
    }
    content += length;
    if (at + length > cursor.end) {
      cursor.fail(Fault['variable-length-overrun'], recordStart);
      batch.heapUsed = heapUsed;
      return -1;
    }
    readValue(column, batch, c, bytes, view, at, length);
    at += length;
  }
  if (content > budget.contentBytes) {
    cursor.fail(Fault['content-limit'], recordStart);
    batch.heapUsed = heapUsed;
    return -1;
  }
  budget.contentBytes -= content;
  return at;
}

function readValue(
  column: Column,
  batch: FlowBatch,
  position: number,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  length: number,
): void {
  const data = batch.columns[position];
  const row = batch.rows;
  switch (column.storage) {
    case 'u32':
      data.lo[row] = readUnsigned(view, at, length);
      return;
    case 'i32':
      data.lo[row] = readSigned(view, at, length);
      return;
    case 'u64':
      if (length > 8) {
        data.hi[row] = data.lo[row] = 0xffffffff;
        return;
      }
      data.hi[row] = readUnsigned(view, at, length - 4);
      data.lo[row] = length > 4 ? view.getUint32(at + length - 4) : readUnsigned(view, at, length);
      return;
    case 'i64':
      if (length > 8) {
        const negative = view.getInt8(at) < 0;
        data.hi[row] = negative ? 0x80000000 : 0x7fffffff;
        data.lo[row] = negative ? 0 : 0xffffffff;
        return;
      }
      data.hi[row] = length > 4 ? readSigned(view, at, length - 4) : readSigned(view, at, length) >> 31;
      data.lo[row] = length > 4 ? view.getUint32(at + length - 4) : readSigned(view, at, length);
      return;
    case 'f64':
      data.f64[row] = length === 4 ? view.getFloat32(at) : view.getFloat64(at);
      return;
    case 'b16':
      for (let k = 0; k < 16; k++) data.wide[row * 16 + k] = bytes[at + k];
      return;
    case 'heap': {
      const offset = batch.reserveHeap(length);
      for (let k = 0; k < length; k++) batch.heap[offset + k] = bytes[at + k];
      batch.heapUsed = offset + length;
      data.lo[row] = offset;
      data.hi[row] = length;
      return;
    }
  }
}

/** Header values of v5: the sampling word carries two bits of mode and fourteen of interval. */
function readHeaderValue(
  column: Column,
  batch: FlowBatch,
  position: number,
  view: DataView,
  header: number,
): void {
  const value = readUnsigned(view, header + column.offset, column.length);
  const { lo } = batch.columns[position];
  if (column.source === 'v5-sampling-mode') lo[batch.rows] = value >>> 14;
  else if (column.source === 'v5-sampling-interval') lo[batch.rows] = value & 0x3fff;
  else lo[batch.rows] = value;
}

/** Big-endian unsigned integer of 1 to 4 octets; 0 for fewer. */
function readUnsigned(view: DataView, at: number, length: number): number {
  switch (length) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at);
    case 3:
      return (view.getUint16(at) << 8) | view.getUint8(at + 2);
    case 4:
      return view.getUint32(at);
    default:
      return 0;
  }
}

/** Big-endian two's complement integer of 1 to 4 octets; 0 for fewer. */
function readSigned(view: DataView, at: number, length: number): number {
  if (length < 1) return 0;
  return (readUnsigned(view, at, length) << (32 - 8 * length)) >> (32 - 8 * length);
}
