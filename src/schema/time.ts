import type { ColumnData, FlowBatch, SetContext } from '../decode/batch.ts';
import type { PlanColumns, Rule } from './plan-columns.ts';
import type { FieldType } from './record.ts';
import type { Scratch } from './scratch.ts';
import type { StateOfSet } from './state-source.ts';
import {
  readDelta,
  readMicros,
  readMillis,
  readNanos,
  readSeconds,
  readUptime,
  type TimeReader,
  uptimeSince,
} from './time-source.ts';
import { RowValue } from './values.ts';

/** Flow times further from the time of receipt than this are not believed. */
export const MAX_AHEAD_MS = 86_400_000;
export const MAX_BEHIND_MS = 30 * 86_400_000;

interface TimeElement {
  readonly start: number;
  readonly end: number;
  readonly type: FieldType;
  readonly read: TimeReader;
}

/** Sources of flow times, the more exact first; uptimes last, because they mean nothing without another clock. */
const SOURCES: readonly TimeElement[] = [
  { start: 156, end: 157, type: 'time', read: readNanos },
  { start: 154, end: 155, type: 'time', read: readMicros },
  { start: 152, end: 153, type: 'time', read: readMillis },
  { start: 158, end: 159, type: 'u32', read: readDelta },
  { start: 150, end: 151, type: 'time', read: readSeconds },
  { start: 22, end: 21, type: 'u32', read: readUptime },
];
/** Times of the event that a record reports; they serve as an end that is not there otherwise. */
const OBSERVED: readonly TimeElement[] = [
  { start: 325, end: 325, type: 'time', read: readNanos },
  { start: 324, end: 324, type: 'time', read: readMicros },
  { start: 323, end: 323, type: 'time', read: readMillis },
  { start: 322, end: 322, type: 'time', read: readSeconds },
];
const DURATION_MILLISECONDS = 161;
const DURATION_MICROSECONDS = 162;
const SYSTEM_INIT = 160;
const IPFIX_DIALECT = 10;

/** Where one end of the flow comes from. */
interface End {
  readonly position: number;
  readonly read: TimeReader;
}

/**
 * time_flow_start, time_flow_end and time_source. Where the record has no time, or one outside of the window round the time of
 * receipt, both are the export time; the values that were not believed then stand in `ext` under their own names.
 */
export class TimeRule implements Rule {
  readonly values: readonly RowValue[];
  /** Records whose times were outside of the window. */
  fallbacks = 0;
  readonly #start = RowValue.computed('time_flow_start', 'f64', 'time');
  readonly #end = RowValue.computed('time_flow_end', 'f64', 'time');
  readonly #source = RowValue.computed('time_source', 'u32', 'word', ['export']);
  readonly #plan: PlanColumns['plan'];
  readonly #scratch: Scratch;
  readonly #states: StateOfSet;
  readonly #first: End | null;
  readonly #last: End | null;
  readonly #duration: number;
  readonly #durationUnitNs: number;
  readonly #init: number;
  /** The columns used, as they stand in `ext` where they were not believed. */
  readonly #unused: RowValue[];

  constructor(columns: PlanColumns, scratch: Scratch, states: StateOfSet) {
    const { plan } = columns;
    this.#plan = plan;
    this.#scratch = scratch;
    this.#states = states;
    let { first, last } = flowEnds(columns);
    this.#duration = -1;
    if ((first === null) !== (last === null)) {
      this.#duration = columns.first([DURATION_MILLISECONDS, DURATION_MICROSECONDS], 'u32');
    }
    this.#durationUnitNs = plan.columns[this.#duration]?.id === DURATION_MICROSECONDS ? 1e3 : 1e6;
    if (this.#duration < 0) {
      const observed = first === null || last === null ? firstOf(columns, OBSERVED, 'start') : null;
      first ??= observed ?? last;
      last ??= observed ?? first;
    }
    this.#first = first;
    this.#last = last;
    const uptime = first?.read === readUptime || last?.read === readUptime;
    this.#init = uptime ? columns.find(SYSTEM_INIT, 'time') : -1;

    const used = new Set([first?.position ?? -1, last?.position ?? -1, this.#duration]);
    if (plan.layout.dialect === IPFIX_DIALECT) used.add(this.#init);
    used.delete(-1);
    this.#unused = [...used].map((position) => columns.sometimes(columns.take(position)));
    // An options record is no flow: it has flow times only if it says so.
    const applies = used.size > 0 || plan.layout.scopeCount === 0;
    this.values = applies ? [this.#start, this.#end, this.#source] : [];
  }

  bind(batch: FlowBatch): void {
    if (this.values.length === 0) return;
    const { rows } = batch;
    const start = this.#start.columns[0].data;
    const end = this.#end.columns[0].data;
    start.f64 = this.#scratch.f64(rows);
    start.lo = this.#scratch.u32(rows);
    end.f64 = this.#scratch.f64(rows);
    end.lo = this.#scratch.u32(rows);
    const replaced = this.#scratch.u8(rows);
    let count = 0;
    for (let i = 0; i < batch.setCount; i++) {
      this.#read(batch, batch.sets[i], start, end);
      count += this.#settle(batch.sets[i], start, end, replaced);
    }
    this.#source.absent = count === 0;
    this.#source.present = count === rows ? null : replaced;
    if (count > 0) this.#source.columns[0].data.lo = this.#scratch.u32(rows).fill(0, 0, rows);
    for (const value of this.#unused) {
      value.absent = count === 0;
      value.present = replaced;
    }
  }

  /** Both ends for the rows of a set; NaN where they cannot be told. */
  #read(batch: FlowBatch, set: SetContext, start: ColumnData, end: ColumnData): void {
    const first = this.#first;
    const last = this.#last;
    if (first !== null) this.#readEnd(batch, set, first, start);
    if (last !== null) this.#readEnd(batch, set, last, end);
    if (first === null && last === null) start.f64.fill(Number.NaN, set.rowStart, set.rowEnd);
    else if (first === null) this.#shift(batch, set, end, start, -this.#durationUnitNs);
    else if (last === null) this.#shift(batch, set, start, end, this.#durationUnitNs);
  }

  #readEnd(batch: FlowBatch, set: SetContext, { position, read }: End, target: ColumnData): void {
    const column = batch.columns[position];
    const sinceInit = read === readUptime && set.sysUptimeMs < 0;
    if (sinceInit && this.#init >= 0) {
      this.#readUptimeSinceRecordedInit(batch, set, column, target);
      return;
    }
    const initMs = sinceInit ? (this.#states.of(set)?.systemInitMs ?? Number.NaN) : Number.NaN;
    read(column, this.#isWide(position), set, initMs, target.f64, target.lo);
  }

  #readUptimeSinceRecordedInit(
    batch: FlowBatch,
    set: SetContext,
    column: ColumnData,
    target: ColumnData,
  ): void {
    const { lo, hi } = batch.columns[this.#init];
    const wide = this.#isWide(this.#init);
    for (let row = set.rowStart; row < set.rowEnd; row++) {
      const initMs = wide ? hi[row] * 2 ** 32 + lo[row] : lo[row];
      target.f64[row] = uptimeSince(initMs > 0 ? initMs : Number.NaN, column.lo[row], set.exportTimeMs);
      target.lo[row] = 0;
    }
  }

  /** One end from the other and the duration. */
  #shift(batch: FlowBatch, set: SetContext, from: ColumnData, to: ColumnData, unitNs: number): void {
    const duration = batch.columns[this.#duration].lo;
    for (let row = set.rowStart; row < set.rowEnd; row++) {
      const ns = from.lo[row] + duration[row] * unitNs;
      const ms = Math.floor(ns / 1e6);
      to.f64[row] = from.f64[row] + ms;
      to.lo[row] = ns - ms * 1e6;
    }
  }

  /** Puts the export time where the times are unknown or not believed, and marks those rows; returns how many they are. */
  #settle(set: SetContext, start: ColumnData, end: ColumnData, replaced: Uint8Array): number {
    const earliest = set.receivedAtMs - MAX_BEHIND_MS;
    const latest = set.receivedAtMs + MAX_AHEAD_MS;
    const exported = Math.floor(set.exportTimeMs);
    const startMs = start.f64;
    const endMs = end.f64;
    let count = 0;
    for (let row = set.rowStart; row < set.rowEnd; row++) {
      const from = startMs[row];
      const to = endMs[row];
      // Of times in order, the outer ones decide; comparisons with NaN are false.
      if (from >= earliest && to <= latest && (from < to || (from === to && start.lo[row] <= end.lo[row]))) {
        replaced[row] = 0;
        continue;
      }
      if (!Number.isNaN(from) && !Number.isNaN(to)) this.fallbacks++;
      startMs[row] = exported;
      endMs[row] = exported;
      start.lo[row] = 0;
      end.lo[row] = 0;
      replaced[row] = 1;
      count++;
    }
    return count;
  }

  #isWide(position: number): boolean {
    return this.#plan.columns[position].storage === 'u64';
  }
}

/** Both ends from one source where some source has both, else each from the best there is. */
function flowEnds(columns: PlanColumns): { first: End | null; last: End | null } {
  for (const source of SOURCES) {
    const first = firstOf(columns, [source], 'start');
    const last = firstOf(columns, [source], 'end');
    if (first !== null && last !== null) return { first, last };
  }
  return { first: firstOf(columns, SOURCES, 'start'), last: firstOf(columns, SOURCES, 'end') };
}

function firstOf(columns: PlanColumns, sources: readonly TimeElement[], which: 'start' | 'end'): End | null {
  for (const source of sources) {
    const position = columns.find(source[which], source.type);
    if (position >= 0) return { position, read: source.read };
  }
  return null;
}
