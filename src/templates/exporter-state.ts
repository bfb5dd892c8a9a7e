import type { FlowBatch, SetContext } from '../decode/batch.ts';
import type { SharedBlocks } from '../memory/heap.ts';
import { describeTable, type ExporterStateDescription } from './describe-state.ts';
import { NameText } from './name-text.ts';
import { type NameColumns, numberAt, type OptionsColumns, optionsColumns } from './options-columns.ts';
import { samplingRateOf } from './sampling-rate.ts';
import { FIRST_NAME_KIND, NUMBER_KEY_BYTES, RATE_VALUE_BYTES, StateKind } from './state-block.ts';
import { STATE_LIMITS } from './state-limits.ts';
import { Put, StateTable, type StateTotal } from './state-table.ts';
import { parseStateItem, SYSTEM_INIT_ITEM, SYSTEM_RATE_ITEM, stateItem } from './store-key.ts';

/** Kinds whose key is an application id as sent; the keys of all others are numbers. */
const APPLICATION_KINDS: ReadonlySet<number> = new Set([
  StateKind.applicationName,
  StateKind.applicationDescription,
]);

/** Largest time a Date can hold. */
const MAX_TIME_MS = 8.64e15;

/** What limits did; each is a number of times, so a name that is announced again counts again. */
export interface StateCounters {
  /** Names for which there was no room, and applications with an id of no or too many octets. */
  refusedNames: number;
  /** Sampling rates for which there was no room. */
  refusedRates: number;
  /** Names kept in part. */
  cutNames: number;
}

// One name, key and value at a time, on one thread.
const text = new NameText();
const key = new Uint8Array(STATE_LIMITS.maxApplicationIdBytes);
const keyView = new DataView(key.buffer);
const value = new Uint8Array(RATE_VALUE_BYTES);
const valueView = new DataView(value.buffer);

/**
 * What the options data of one exporter and observation domain told: sampling rates, the time the system came up, names of
 * interfaces, VRFs, applications and samplers. Main thread; decode workers read its snapshots (state-view.ts).
 *
 * A record's rate belongs to the selector or sampler it names (to both if it names both), else to its template, else to
 * its interface, else, if its scope is the exporter as a whole, to the system. An empty name takes back an earlier one.
 */
export class ExporterState {
  readonly counters: StateCounters = { refusedNames: 0, refusedRates: 0, cutNames: 0 };
  /** Told of every item (store-key.ts) that the exporter has changed: its new value, or null when it was taken back. */
  onChange: ((item: string, payload: Uint8Array | null) => void) | null = null;
  readonly #total: StateTotal;
  /** null until there is something to keep: most scopes send no options data. */
  #table: StateTable | null = null;
  #systemAlgorithm = 0;

  /** total: shared with the other exporters of the collector. */
  constructor(total: StateTotal) {
    this.#total = total;
  }

  /** After publish: whether the shared heap was full, so that the snapshot is one before the last change, or none. */
  get outdated(): boolean {
    return this.#table?.changed ?? false;
  }

  /** Whether nothing is known. */
  get isEmpty(): boolean {
    return this.#table?.isEmpty ?? true;
  }

  /** Learns from the rows of a set of options records. */
  learn(batch: FlowBatch, set: SetContext): void {
    const columns = optionsColumns(batch.plan);
    if (!columns.useful) return;
    this.#table ??= new StateTable(this.#total);
    for (let row = set.rowStart; row < set.rowEnd; row++) this.#learnRow(this.#table, batch, columns, row);
  }

  /**
   * Address of an immutable snapshot of what is known, 0 for nothing. The same address as long as nothing changed; also
   * when the heap is full, so that what changed is seen later or not at all, but nothing old is lost.
   */
  publish(blocks: SharedBlocks): number {
    return this.#table === null ? 0 : this.#table.publish(blocks);
  }

  /** Gives back all shared memory and keeps what is known, for when the exporter is seen again. */
  unpublish(blocks: SharedBlocks): void {
    this.#table?.unpublish(blocks);
  }

  /** Calls visit for every item that is known. */
  forEachItem(visit: (item: string, payload: Uint8Array) => void): void {
    const table = this.#table;
    if (table === null) return;
    if (table.systemRate > 0) visit(SYSTEM_RATE_ITEM, ratePayload(table.systemRate, this.#systemAlgorithm));
    if (!Number.isNaN(table.systemInitMs)) visit(SYSTEM_INIT_ITEM, timePayload(table.systemInitMs));
    table.forEach((kind, itemKey, payload) => {
      visit(stateItem(kind, itemKey), payload.slice());
    });
  }

  /** Takes an item that another collector has learned. Trusts nothing. */
  restore(item: string, payload: Uint8Array): 'kept' | 'unsound' | 'full' {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    this.#table ??= new StateTable(this.#total);
    if (item === SYSTEM_INIT_ITEM) {
      if (payload.length !== 8 || !isTime(view.getFloat64(0))) return 'unsound';
      this.#table.systemInitMs = view.getFloat64(0);
      return 'kept';
    }
    if (item === SYSTEM_RATE_ITEM) {
      if (!isRatePayload(view)) return 'unsound';
      this.#table.systemRate = view.getFloat64(0);
      this.#systemAlgorithm = view.getUint32(8);
      return 'kept';
    }
    const parsed = parseStateItem(item);
    if (parsed === null) return 'unsound';
    const isApplication = APPLICATION_KINDS.has(parsed.kind);
    const { maxApplicationIdBytes, maxNameBytes } = STATE_LIMITS;
    const { length } = parsed.key;
    if (isApplication ? length > maxApplicationIdBytes : length !== NUMBER_KEY_BYTES) return 'unsound';
    if (parsed.kind < FIRST_NAME_KIND) {
      if (!isRatePayload(view)) return 'unsound';
      return kept(this.#table.put(parsed.kind, parsed.key, length, payload, RATE_VALUE_BYTES));
    }
    const textBytes = payload.length > maxNameBytes ? 0 : text.set(payload, 0, payload.length);
    if (textBytes === 0) return 'unsound';
    return kept(this.#table.put(parsed.kind, parsed.key, length, text.bytes, textBytes));
  }

  /** Drops an item that was taken back elsewhere. */
  forget(item: string): void {
    const table = this.#table;
    if (table === null) return;
    if (item === SYSTEM_INIT_ITEM) table.systemInitMs = Number.NaN;
    else if (item === SYSTEM_RATE_ITEM) {
      table.systemRate = 0;
      this.#systemAlgorithm = 0;
    } else {
      const parsed = parseStateItem(item);
      if (parsed !== null) table.remove(parsed.kind, parsed.key, parsed.key.length);
    }
  }

  /** Gives back all shared memory and forgets everything: the scope is gone. */
  release(blocks: SharedBlocks): void {
    this.#table?.release(blocks);
    this.#systemAlgorithm = 0;
  }

  /** Packets per sampled packet for the exporter as a whole (0: unknown), and how many rates and names are kept. */
  get summary(): { systemRate: number; rates: number; names: number } {
    const table = this.#table;
    if (table === null) return { systemRate: 0, rates: 0, names: 0 };
    const rates = table.counts.subarray(0, FIRST_NAME_KIND).reduce((a, b) => a + b, 0);
    const names = table.counts.subarray(FIRST_NAME_KIND).reduce((a, b) => a + b, 0);
    return { systemRate: table.systemRate, rates, names };
  }

  /** What is known as plain data, for people. */
  describe(): ExporterStateDescription {
    return describeTable(this.#table, this.#systemAlgorithm);
  }

  #learnRow(table: StateTable, batch: FlowBatch, columns: OptionsColumns, row: number): void {
    if (columns.systemInitMs >= 0) {
      const ms = numberAt(batch, columns.systemInitMs, row);
      if (isTime(ms) && ms !== table.systemInitMs) {
        table.systemInitMs = ms;
        this.onChange?.(SYSTEM_INIT_ITEM, timePayload(ms));
      }
    }
    if (columns.rate !== null) {
      const rate = samplingRateOf(batch, columns.rate, row);
      if (rate > 0) this.#learnRate(table, batch, columns, row, rate);
    }
    for (let i = 0; i < columns.names.length; i++) this.#learnName(table, batch, columns.names[i], row);
  }

  #learnRate(table: StateTable, batch: FlowBatch, columns: OptionsColumns, row: number, rate: number): void {
    // NaN, where there is none, becomes 0.
    const algorithm = numberAt(batch, columns.rate!.algorithm, row) >>> 0;
    if (columns.selector >= 0 || columns.sampler >= 0) {
      this.#putRate(table, StateKind.selectorRate, numberAt(batch, columns.selector, row), rate, algorithm);
      this.#putRate(table, StateKind.samplerRate, numberAt(batch, columns.sampler, row), rate, algorithm);
    } else if (columns.template >= 0) {
      this.#putRate(table, StateKind.templateRate, numberAt(batch, columns.template, row), rate, algorithm);
    } else if (columns.interface >= 0) {
      this.#putRate(table, StateKind.interfaceRate, numberAt(batch, columns.interface, row), rate, algorithm);
    } else if (columns.systemWide) {
      const known = algorithm === 0 ? this.#systemAlgorithm : algorithm;
      if (rate === table.systemRate && known === this.#systemAlgorithm) return;
      table.systemRate = rate;
      this.#systemAlgorithm = known;
      this.onChange?.(SYSTEM_RATE_ITEM, ratePayload(rate, known));
    }
  }

  #putRate(table: StateTable, kind: number, id: number, rate: number, algorithm: number): void {
    if (!writeNumberKey(id)) return;
    if (algorithm === 0) {
      // A record that does not tell the algorithm does not take back what another one told.
      const known = table.get(kind, key, NUMBER_KEY_BYTES);
      if (known !== null) algorithm = known.getUint32(8);
    }
    valueView.setFloat64(0, rate);
    valueView.setUint32(8, algorithm);
    const put = table.put(kind, key, NUMBER_KEY_BYTES, value, RATE_VALUE_BYTES);
    if (put === Put.refused) this.counters.refusedRates++;
    if (put === Put.changed) this.#changed(kind, NUMBER_KEY_BYTES, value.slice(0, RATE_VALUE_BYTES));
  }

  #learnName(table: StateTable, batch: FlowBatch, columns: NameColumns, row: number): void {
    if (batch.plan.columns[columns.text].storage !== 'heap') return;
    const keyBytes = APPLICATION_KINDS.has(columns.kind)
      ? this.#writeApplicationKey(batch, columns.key, row)
      : writeNumberKey(numberAt(batch, columns.key, row)) && NUMBER_KEY_BYTES;
    if (!keyBytes) return;
    const source = batch.columns[columns.text];
    const length = text.set(batch.heap, source.lo[row], source.hi[row]);
    if (text.cut) this.counters.cutNames++;
    if (length === 0) {
      if (this.onChange !== null && table.get(columns.kind, key, keyBytes) !== null)
        this.#changed(columns.kind, keyBytes, null);
      table.remove(columns.kind, key, keyBytes);
      return;
    }
    const put = table.put(columns.kind, key, keyBytes, text.bytes, length);
    if (put === Put.refused) this.counters.refusedNames++;
    if (put === Put.changed) this.#changed(columns.kind, keyBytes, text.bytes.slice(0, length));
  }

  #changed(kind: number, keyBytes: number, payload: Uint8Array | null): void {
    this.onChange?.(stateItem(kind, key.subarray(0, keyBytes)), payload);
  }

  /** Returns the number of octets of the key, 0 when the id is none that can be kept. */
  #writeApplicationKey(batch: FlowBatch, column: number, row: number): number {
    if (batch.plan.columns[column].storage !== 'heap') return 0;
    const { lo, hi } = batch.columns[column];
    const length = hi[row];
    if (length < 1 || length > STATE_LIMITS.maxApplicationIdBytes) {
      this.counters.refusedNames++;
      return 0;
    }
    for (let i = 0; i < length; i++) key[i] = batch.heap[lo[row] + i];
    return length;
  }
}

function kept(put: number): 'kept' | 'full' {
  return put === Put.refused ? 'full' : 'kept';
}

function isTime(ms: number): boolean {
  return ms > 0 && ms <= MAX_TIME_MS;
}

function isRatePayload(view: DataView): boolean {
  if (view.byteLength !== RATE_VALUE_BYTES) return false;
  const rate = view.getFloat64(0);
  return rate > 0 && rate <= STATE_LIMITS.maxRate;
}

function timePayload(ms: number): Uint8Array {
  const payload = new Uint8Array(8);
  new DataView(payload.buffer).setFloat64(0, ms);
  return payload;
}

function ratePayload(rate: number, algorithm: number): Uint8Array {
  const payload = new Uint8Array(RATE_VALUE_BYTES);
  const view = new DataView(payload.buffer);
  view.setFloat64(0, rate);
  view.setUint32(8, algorithm);
  return payload;
}

/** False for what is no exact, whole number from 0 up. */
function writeNumberKey(id: number): boolean {
  if (!(Number.isSafeInteger(id) && id >= 0)) return false;
  keyView.setUint32(0, Math.floor(id / 2 ** 32));
  keyView.setUint32(4, id >>> 0);
  return true;
}
