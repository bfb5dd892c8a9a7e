import type { ColumnData, FlowBatch, SetContext } from '../decode/batch.ts';
import type { PlanColumns, Rule } from './plan-columns.ts';
import type { ElementRef } from './record.ts';
import type { Scratch } from './scratch.ts';
import type { ExporterStateSource, StateOfSet } from './state-source.ts';
import { RowValue } from './values.ts';

type FindName = (state: ExporterStateSource, id: number) => Uint8Array | null;

interface NameField {
  readonly key: string;
  /** Elements that carry the name itself. */
  readonly sent: readonly ElementRef[];
  /** Elements that carry the id. */
  readonly ids: readonly ElementRef[];
  readonly find: FindName;
}

const SAMPLER: FindName = (state, id) => state.samplerName(id);
const INTERFACE: FindName = (state, id) => state.interfaceName(id);
const DESCRIPTION: FindName = (state, id) => state.interfaceDescription(id);
const VRF: FindName = (state, id) => state.vrfName(id);

export const NAME_FIELDS: readonly NameField[] = [
  { key: 'sampler_name', sent: [84, 335], ids: [48, 302], find: SAMPLER },
  { key: 'in_if_name', sent: [], ids: [10, 252], find: INTERFACE },
  { key: 'out_if_name', sent: [], ids: [14, 253], find: INTERFACE },
  { key: 'in_if_desc', sent: [], ids: [10, 252], find: DESCRIPTION },
  { key: 'out_if_desc', sent: [], ids: [14, 253], find: DESCRIPTION },
  { key: 'in_vrf_name', sent: [], ids: [234], find: VRF },
  { key: 'out_vrf_name', sent: [], ids: [235], find: VRF },
];

/** Remembered answers of a set's state; a power of two. */
const SLOTS = 64;

/** A name that the record carries, or that options data gave to a number in the record. */
export class NameRule implements Rule {
  readonly values: readonly RowValue[];
  readonly #value: RowValue;
  readonly #scratch: Scratch;
  readonly #states: StateOfSet;
  readonly #find: FindName;
  readonly #sent: number;
  readonly #id: number;
  readonly #names = new NameSlots();

  constructor(field: NameField, columns: PlanColumns, scratch: Scratch, states: StateOfSet) {
    this.#scratch = scratch;
    this.#states = states;
    this.#find = field.find;
    this.#sent = columns.take(columns.first(field.sent, 'text'));
    this.#id = columns.plan.layout.scopeCount > 0 ? -1 : columns.first(field.ids, 'u64');
    this.#value =
      this.#sent >= 0
        ? RowValue.decoded(field.key, columns.plan, [this.#sent])
        : RowValue.computed(field.key, 'heap', 'string');
    this.values = this.#sent >= 0 || this.#id >= 0 ? [this.#value] : [];
  }

  bind(batch: FlowBatch): void {
    if (this.values.length === 0) return;
    if (this.#sent >= 0) {
      this.#value.bind(batch);
      return;
    }
    const ids = batch.columns[this.#id];
    const wide = batch.plan.columns[this.#id].storage === 'u64';
    bindFound(batch, this.#value, this.#scratch, this.#states, (set, state, lo, hi, present) => {
      this.#names.clear();
      return this.#fill(ids, wide, set, state, lo, hi, present);
    });
  }

  #fill(
    ids: ColumnData,
    wide: boolean,
    set: SetContext,
    state: ExporterStateSource,
    lo: Uint32Array,
    hi: Uint32Array,
    present: Uint8Array,
  ): number {
    const names = this.#names;
    let count = 0;
    for (let row = set.rowStart; row < set.rowEnd; row++) {
      const id = ids.lo[row];
      const slot = id & (SLOTS - 1);
      if (names.used[slot] === 0 || names.id[slot] !== id) names.remember(slot, id, this.#find(state, id), this.#scratch);
      lo[row] = names.start[slot];
      hi[row] = names.length[slot];
      present[row] = names.length[slot] > 0 && !(wide && ids.hi[row] > 0) ? 1 : 0;
      count += present[row];
    }
    return count;
  }
}

/** Names asked for in a set, by the lower bits of the id; a later id takes the place of another. */
class NameSlots {
  readonly used = new Uint8Array(SLOTS);
  readonly id = new Uint32Array(SLOTS);
  readonly start = new Uint32Array(SLOTS);
  readonly length = new Uint32Array(SLOTS);

  clear(): void {
    this.used.fill(0);
  }

  remember(slot: number, id: number, name: Uint8Array | null, scratch: Scratch): void {
    this.used[slot] = 1;
    this.id[slot] = id;
    this.start[slot] = scratch.textUsed;
    this.length[slot] = appendText(scratch, name);
  }
}

const APPLICATION_ID = 95;
const APPLICATION_NAME = 96;

/** app_name: from the record, or what options data say about the application id. */
export class ApplicationNameRule implements Rule {
  readonly values: readonly RowValue[];
  readonly #value: RowValue;
  readonly #scratch: Scratch;
  readonly #states: StateOfSet;
  readonly #sent: number;
  readonly #id: number;

  constructor(columns: PlanColumns, scratch: Scratch, states: StateOfSet) {
    this.#scratch = scratch;
    this.#states = states;
    this.#sent = columns.take(columns.find(APPLICATION_NAME, 'text'));
    this.#id = columns.plan.layout.scopeCount > 0 ? -1 : columns.find(APPLICATION_ID, 'octets');
    this.#value =
      this.#sent >= 0
        ? RowValue.decoded('app_name', columns.plan, [this.#sent])
        : RowValue.computed('app_name', 'heap', 'string');
    this.values = this.#sent >= 0 || this.#id >= 0 ? [this.#value] : [];
  }

  bind(batch: FlowBatch): void {
    if (this.values.length === 0) return;
    if (this.#sent >= 0) {
      this.#value.bind(batch);
      return;
    }
    const ids = batch.columns[this.#id];
    bindFound(batch, this.#value, this.#scratch, this.#states, (set, state, lo, hi, present) => {
      let count = 0;
      for (let row = set.rowStart; row < set.rowEnd; row++) {
        lo[row] = this.#scratch.textUsed;
        hi[row] = appendText(this.#scratch, state.applicationName(batch.heap, ids.lo[row], ids.hi[row]));
        present[row] = hi[row] > 0 ? 1 : 0;
        count += present[row];
      }
      return count;
    });
  }
}

type FillSet = (
  set: SetContext,
  state: ExporterStateSource,
  lo: Uint32Array,
  hi: Uint32Array,
  present: Uint8Array,
) => number;

/** Fills a text value for the sets that have exporter state; fill returns in how many rows it found a name. */
function bindFound(batch: FlowBatch, value: RowValue, scratch: Scratch, states: StateOfSet, fill: FillSet): void {
  let known = false;
  for (let i = 0; i < batch.setCount && !known; i++) known = states.of(batch.sets[i]) !== null;
  value.absent = !known;
  if (!known) return;
  const { rows } = batch;
  const lo = scratch.u32(rows);
  const hi = scratch.u32(rows);
  const present = scratch.u8(rows);
  let count = 0;
  for (let i = 0; i < batch.setCount; i++) {
    const set = batch.sets[i];
    const state = states.of(set);
    if (state === null) present.fill(0, set.rowStart, set.rowEnd);
    else count += fill(set, state, lo, hi, present);
  }
  value.columns[0].data.lo = lo;
  value.columns[0].data.hi = hi;
  value.present = present;
  value.absent = count === 0;
}

/** Appends a name to the scratch text and returns its length; 0 for none. */
function appendText(scratch: Scratch, name: Uint8Array | null): number {
  if (name === null || name.length === 0) return 0;
  const at = scratch.reserveText(name.length);
  scratch.text.set(name, at);
  scratch.textUsed += name.length;
  return name.length;
}
