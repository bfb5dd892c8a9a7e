import { strict as assert } from 'node:assert';
import { decode } from '@msgpack/msgpack';

/**
 * Reads columnar frames as plain objects of numbers and address texts, row by row, with another library's msgpack reader:
 * slow, and for the values of simple flow records only.
 */
export function frameRecords(bytes: Uint8Array): Record<string, unknown>[] {
  const records: Record<string, unknown>[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; ) {
    assert.equal(Buffer.from(bytes.subarray(at, at + 4)).toString('latin1'), 'MRCF');
    const end = at + 12 + view.getUint32(at + 8, true);
    records.push(...recordsOf(decode(bytes.subarray(at + 12, end)) as Frame));
    at = end;
  }
  return records;
}

interface Described {
  name: string;
  type: string;
  storage: string;
  words?: string[];
}

interface Frame {
  schema: { schema: string; values: Described[]; grouped: Described[] };
  rows: number;
  /** Each null, or presence (null: all) and the arrays of its storage. */
  columns: (null | [presence: Uint8Array | null, ...arrays: Uint8Array[]])[];
}

function recordsOf({ schema, rows, columns }: Frame): Record<string, unknown>[] {
  const records: Record<string, unknown>[] = Array.from({ length: rows }, () => ({}));
  const described = [...schema.values, ...schema.grouped];
  assert.equal(columns.length, described.length);
  described.forEach((value, i) => {
    const column = columns[i];
    if (column === null) return;
    const [presence, ...arrays] = column;
    for (let row = 0; row < rows; row++) {
      if (presence === null || presence[row] === 1) records[row][value.name] = cell(value, arrays, row);
    }
  });
  return schema.schema === 'iana' ? records.map((fields) => ({ fields })) : records;
}

function cell({ type, storage, words }: Described, arrays: readonly Uint8Array[], row: number): unknown {
  const u32 = (i: number): number => Buffer.from(arrays[i]).readUInt32LE(row * 4);
  if (storage === 'b16') {
    const octets = arrays[0].subarray(row * 16, row * 16 + 16);
    return octets[10] === 255 && octets[11] === 255 ? octets.subarray(12).join('.') : octets.join(':');
  }
  if (type === 'ipv4') return [24, 16, 8, 0].map((shift) => (u32(0) >>> shift) & 255).join('.');
  if (type === 'word') return words![u32(0)];
  if (storage === 'u32') return u32(0);
  if (storage === 'u64') return u32(1) * 2 ** 32 + u32(0);
  return undefined;
}
