import { addressText, ipv4Text, ipv6Text, macText } from '../base/ip.ts';
import type { FlowBatch } from './batch.ts';
import { isoText, ntpMicroseconds, ntpNanoseconds, ntpUnixSeconds } from './timestamp.ts';

/** A single value of a record: bigint only for integers beyond ±(2^53 - 1). */
export type Value = number | bigint | boolean | string;

/** The upper 32 bits of 2^53 - 1. */
const SAFE_HIGH = 0x1fffff;

// A byte order mark is part of what was sent, so it stays.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The value of one column in one row, for the library and for whatever is not on a hot path. The encoders of src/output
 * render the same values in the same form, with decimal text in place of bigint and null in place of NaN and infinities.
 * Structured data comes out as hex of its octets; `recordsOf` reads it.
 */
export function valueAt(
  batch: FlowBatch,
  columnIndex: number,
  row: number,
  exportTimeMs = exportTimeOf(batch, row),
): Value {
  const { render, storage } = batch.plan.columns[columnIndex];
  const column = batch.columns[columnIndex];
  const wide = storage === 'u64' || storage === 'i64';
  switch (render) {
    case 'unsigned':
      return wide ? unsigned64(column.hi[row], column.lo[row]) : column.lo[row];
    case 'signed':
      return wide ? signed64(column.hi[row], column.lo[row]) : column.lo[row] | 0;
    case 'float':
      return column.f64[row];
    case 'boolean':
      return column.lo[row] === 1 ? true : column.lo[row] === 2 ? false : column.lo[row];
    case 'ipv4':
      return ipv4Text(column.lo[row]);
    case 'ipv6':
      return ipv6Text(column.wide, row * 16);
    case 'address':
      return addressText(column.wide, row * 16);
    case 'mac':
      return macText(column.hi[row], column.lo[row]);
    case 'string':
      return textOf(batch.heap, column.lo[row], column.hi[row]);
    case 'octets':
    case 'list':
      return hexOf(batch.heap, column.lo[row], column.hi[row]);
    case 'seconds': {
      const seconds = wide ? unsigned64(column.hi[row], column.lo[row]) : column.lo[row];
      return (typeof seconds === 'number' && isoText(seconds, 0, 0)) || seconds;
    }
    case 'millis': {
      const ms = wide ? unsigned64(column.hi[row], column.lo[row]) : column.lo[row];
      return (typeof ms === 'number' && isoText(Math.floor(ms / 1000), 3, ms % 1000)) || ms;
    }
    case 'micros':
    case 'nanos': {
      const seconds = ntpUnixSeconds(column.hi[row], exportTimeMs);
      const fraction = column.lo[row];
      const text =
        render === 'micros'
          ? isoText(seconds, 6, ntpMicroseconds(fraction))
          : isoText(seconds, 9, ntpNanoseconds(fraction));
      return text ?? unsigned64(column.hi[row], fraction);
    }
  }
}

/** Export time of the set a row belongs to, ms since the epoch; 0 when the row is in none. */
export function exportTimeOf(batch: FlowBatch, row: number): number {
  for (let i = 0; i < batch.setCount; i++) {
    if (row < batch.sets[i].rowEnd) return batch.sets[i].exportTimeMs;
  }
  return 0;
}

function unsigned64(high: number, low: number): number | bigint {
  return high <= SAFE_HIGH ? high * 2 ** 32 + low : (BigInt(high) << 32n) | BigInt(low);
}

function signed64(high: number, low: number): number | bigint {
  const signedHigh = high | 0;
  const value = signedHigh * 2 ** 32 + low;
  return Number.isSafeInteger(value) ? value : (BigInt(signedHigh) << 32n) | BigInt(low);
}

function textOf(heap: Uint8Array, start: number, length: number): string {
  let end = start + length;
  while (end > start && heap[end - 1] === 0) end--;
  if (end === start) return '';
  return utf8.decode(heap.subarray(start, end));
}

function hexOf(heap: Uint8Array, start: number, length: number): string {
  return Buffer.from(heap.buffer, heap.byteOffset + start, length).toString('hex');
}
