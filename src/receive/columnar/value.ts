import { addressText, ipv4Text, ipv6Text, macText } from '../../base/ip.ts';
import { isoText, ntpMicroseconds, ntpNanoseconds, ntpUnixSeconds } from '../../decode/timestamp.ts';
import type { ColumnarItem } from './schema.ts';

/** The arrays of a column, or of one item of a list; one value per row, whatever stands in rows that do not have it. */
export interface ColumnarArrays extends Omit<ColumnarItem, 'heap'> {
  /**
   * u32: the values; i32: the values; u64, i64: their lower 32 bits; f64: the values; b16: 16 octets a row; heap: where the octets
   * begin in `heap`; time: ms since the Unix epoch.
   */
  readonly values: Uint32Array | Int32Array | Float64Array | Uint8Array;
  /** u64, i64: the upper 32 bits; heap: the number of octets; time: the nanoseconds below the ms; else null. */
  readonly more: Uint32Array | null;
  /** Octets that a column of storage `heap` points into, else null. */
  readonly heap: Uint8Array | null;
}

/** A value as JSON has it, but bigint for integers beyond ±(2^53 - 1). */
export type ColumnarValue = number | bigint | boolean | string | null;

/** The upper 32 bits of 2^53 - 1. */
const SAFE_HIGH = 0x1fffff;

// A byte order mark is part of what was sent, so it stays.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** The value that a row has. */
export function columnValue(column: ColumnarArrays, row: number, exportTimeMs: number): ColumnarValue {
  const { type, values, more } = column;
  const value = values[row];
  switch (type) {
    case 'unsigned':
      return more === null ? value : unsigned64(more[row], value);
    case 'signed':
      return more === null ? value : signed64(more[row], value);
    case 'float':
    case 'rate':
      return Number.isFinite(value) ? withoutSignOfZero(value) : null;
    case 'time':
      return withoutSignOfZero(value);
    case 'boolean':
      return value === 1 ? true : value === 2 ? false : value;
    case 'ipv4':
      return ipv4Text(value);
    case 'ipv6':
      return ipv6Text(values as Uint8Array, row * 16);
    case 'address':
      return addressText(values as Uint8Array, row * 16);
    case 'mac':
      return macText(more![row], value);
    case 'string':
      return utf8.decode(withoutFilling(octetsOf(column, row)));
    case 'octets':
    case 'list':
      return Buffer.from(octetsOf(column, row)).toString('hex');
    case 'word':
      return column.words[value];
    case 'seconds': {
      const seconds = more === null ? value : unsigned64(more[row], value);
      return (typeof seconds === 'number' && isoText(seconds, 0, 0)) || seconds;
    }
    case 'millis': {
      const ms = more === null ? value : unsigned64(more[row], value);
      return (typeof ms === 'number' && isoText(Math.floor(ms / 1000), 3, ms % 1000)) || ms;
    }
    case 'micros': {
      const seconds = ntpUnixSeconds(more![row], exportTimeMs);
      return isoText(seconds, 6, ntpMicroseconds(value)) ?? unsigned64(more![row], value);
    }
    case 'nanos': {
      const seconds = ntpUnixSeconds(more![row], exportTimeMs);
      return isoText(seconds, 9, ntpNanoseconds(value)) ?? unsigned64(more![row], value);
    }
  }
}

function octetsOf({ values, more, heap }: ColumnarArrays, row: number): Uint8Array {
  return heap!.subarray(values[row], values[row] + more![row]);
}

/** Fixed-length fields are filled up with NULs. */
function withoutFilling(octets: Uint8Array): Uint8Array {
  let end = octets.length;
  while (end > 0 && octets[end - 1] === 0) end--;
  return octets.subarray(0, end);
}

/** JSON knows only one zero. */
function withoutSignOfZero(value: number): number {
  return value === 0 ? 0 : value;
}

function unsigned64(high: number, low: number): number | bigint {
  return high <= SAFE_HIGH ? high * 2 ** 32 + low : (BigInt(high) << 32n) | BigInt(low);
}

function signed64(high: number, low: number): number | bigint {
  const signedHigh = high | 0;
  const value = signedHigh * 2 ** 32 + low;
  return Number.isSafeInteger(value) ? value : (BigInt(signedHigh) << 32n) | BigInt(low);
}
