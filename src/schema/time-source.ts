import type { ColumnData, SetContext } from '../decode/batch.ts';
import { ntpMicroseconds, ntpNanoseconds, ntpUnixSeconds } from '../decode/timestamp.ts';

/**
 * One kind of flow time: how a column turns into ms since the epoch (ms) and the nanoseconds below (ns), for the rows of a set.
 * Values that cannot be told come out as NaN.
 */
export type TimeReader = (
  column: ColumnData,
  wide: boolean,
  set: SetContext,
  systemInitMs: number,
  ms: Float64Array,
  ns: Uint32Array,
) => void;

const UPTIME_MODULO = 2 ** 32;

/** A header's sysUptime may be this far behind the uptimes in its records before these are taken for older ones. */
const UPTIME_AHEAD_MS = 86_400_000;

const number = (column: ColumnData, wide: boolean, row: number): number =>
  wide ? column.hi[row] * 2 ** 32 + column.lo[row] : column.lo[row];

export const readNanos: TimeReader = (column, _wide, set, _init, ms, ns) => {
  for (let row = set.rowStart; row < set.rowEnd; row++) {
    const nanoseconds = ntpNanoseconds(column.lo[row]);
    const millis = Math.floor(nanoseconds / 1e6);
    ms[row] = ntpUnixSeconds(column.hi[row], set.exportTimeMs) * 1000 + millis;
    ns[row] = nanoseconds - millis * 1e6;
  }
};

export const readMicros: TimeReader = (column, _wide, set, _init, ms, ns) => {
  for (let row = set.rowStart; row < set.rowEnd; row++) {
    const microseconds = ntpMicroseconds(column.lo[row]);
    const millis = Math.floor(microseconds / 1000);
    ms[row] = ntpUnixSeconds(column.hi[row], set.exportTimeMs) * 1000 + millis;
    ns[row] = (microseconds - millis * 1000) * 1000;
  }
};

export const readMillis: TimeReader = (column, wide, set, _init, ms, ns) => {
  for (let row = set.rowStart; row < set.rowEnd; row++) {
    ms[row] = number(column, wide, row);
    ns[row] = 0;
  }
};

export const readSeconds: TimeReader = (column, wide, set, _init, ms, ns) => {
  for (let row = set.rowStart; row < set.rowEnd; row++) {
    ms[row] = number(column, wide, row) * 1000;
    ns[row] = 0;
  }
};

/** Microseconds before the export time. */
export const readDelta: TimeReader = (column, wide, set, _init, ms, ns) => {
  const exported = Math.floor(set.exportTimeMs);
  for (let row = set.rowStart; row < set.rowEnd; row++) {
    const before = number(column, wide, row);
    const millis = Math.ceil(before / 1000);
    ms[row] = exported - millis;
    ns[row] = (millis * 1000 - before) * 1000;
  }
};

/**
 * Milliseconds of sysUptime, a counter modulo 2^32. v5, v7 and v9 headers say what it was at the export time; for IPFIX the time
 * at which it was 0 must be known, and as many turns are added as bring the value nearest to the export time.
 */
export const readUptime: TimeReader = (column, _wide, set, systemInitMs, ms, ns) => {
  const exported = Math.floor(set.exportTimeMs);
  const lo = column.lo;
  for (let row = set.rowStart; row < set.rowEnd; row++) ns[row] = 0;
  if (set.sysUptimeMs < 0) {
    for (let row = set.rowStart; row < set.rowEnd; row++)
      ms[row] = uptimeSince(systemInitMs, lo[row], exported);
    return;
  }
  const uptime = set.sysUptimeMs;
  for (let row = set.rowStart; row < set.rowEnd; row++) {
    let before = (uptime - lo[row]) >>> 0;
    if (before > UPTIME_MODULO - UPTIME_AHEAD_MS) before -= UPTIME_MODULO;
    ms[row] = exported - before;
  }
};

/** NaN when systemInitMs is. Never before systemInitMs. */
export function uptimeSince(systemInitMs: number, uptimeMs: number, exportTimeMs: number): number {
  const first = systemInitMs + uptimeMs;
  const turns = Math.round((exportTimeMs - first) / UPTIME_MODULO);
  return turns > 0 ? first + turns * UPTIME_MODULO : first;
}
