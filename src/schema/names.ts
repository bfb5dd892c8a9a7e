import type { ColumnData, FlowBatch, SetContext } from '../decode/batch.ts';
import type { StateText } from '../templates/state-view.ts';
import type { PlanColumns, Rule } from './plan-columns.ts';
import type { ElementRef } from './record.ts';
import type { NameSlots, Scratch } from './scratch.ts';
import type { ExporterStateSource, StateOfSet } from './state-source.ts';
import { RowValue } from './values.ts';

type FindName = (state: ExporterStateSource, id: number) => StateText | null;

interface NameField {
  readonly key: string;
  /** Elements that carry the name itself. */
  readonly sent: readonly ElementRef[];
  /** Elements that carry a number with a name; the first one that the template has is used. */
  readonly named: readonly (readonly [element: ElementRef, find: FindName])[];
}

// One is the older number of the other: an exporter may use one in options data and the other in flows.
const SAMPLER: FindName = (state, id) => state.samplerName(id) ?? state.selectorName(id);
const SELECTOR: FindName = (state, id) => state.selectorName(id) ?? state.samplerName(id);
const INTERFACE: FindName = (state, id) => state.interfaceName(id);
const DESCRIPTION: FindName = (state, id) => state.interfaceDescription(id);
const VRF: FindName = (state, id) => state.vrfName(id);

const IN_INTERFACES = [10, 252];
const OUT_INTERFACES = [14, 253];

const named = (key: string, elements: readonly ElementRef[], find: FindName): NameField => ({
  key,
  sent: [],
  named: elements.map((element) => [element, find] as const),
});

export const NAME_FIELDS: readonly NameField[] = [
  {
    key: 'sampler_name',
    sent: [84, 335],
    named: [
      [48, SAMPLER],
      [302, SELECTOR],
    ],
  },
  named('in_if_name', IN_INTERFACES, INTERFACE),
  named('out_if_name', OUT_INTERFACES, INTERFACE),
  named('in_if_desc', IN_INTERFACES, DESCRIPTION),
  named('out_if_desc', OUT_INTERFACES, DESCRIPTION),
  named('in_vrf_name', [234], VRF),
  named('out_vrf_name', [235], VRF),
];

/** A name that the record carries, or that options data gave to a number in the record. */
export class NameRule implements Rule {
  readonly values: readonly RowValue[];
  readonly #value: RowValue;
  readonly #scratch: Scratch;
  readonly #states: StateOfSet;
  readonly #sent: number;
  readonly #id: number = -1;
  readonly #find: FindName = () => null;

  constructor(field: NameField, columns: PlanColumns, scratch: Scratch, states: StateOfSet) {
    this.#scratch = scratch;
    this.#states = states;
    this.#sent = columns.take(columns.first(field.sent, 'text'));
    const options = columns.plan.layout.scopeCount > 0;
    const source = field.named.find(([element]) => columns.find(element, 'u64') >= 0);
    if (this.#sent < 0 && source !== undefined && !options) {
      this.#id = columns.find(source[0], 'u64');
      this.#find = source[1];
    }
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
    const names = this.#scratch.names();
    bindFound(batch, this.#value, this.#scratch, this.#states, (set, state, lo, hi, present) => {
      return this.#fill(ids, wide, names, set, state, lo, hi, present);
    });
  }

  /** Names of the rows of a set; returns how many rows have one. */
  #fill(
    ids: ColumnData,
    wide: boolean,
    names: NameSlots,
    set: SetContext,
    state: ExporterStateSource,
    lo: Uint32Array,
    hi: Uint32Array,
    present: Uint8Array,
  ): number {
    let count = 0;
    for (let row = set.rowStart; row < set.rowEnd; row++) {
      const id = wide ? ids.hi[row] * 2 ** 32 + ids.lo[row] : ids.lo[row];
      let slot = names.slotOf(set.stateAddress, id);
      if (slot < 0) {
        const start = this.#scratch.textUsed;
        const length = appendText(this.#scratch, this.#find(state, id));
        slot = names.remember(set.stateAddress, id, start, length);
      }
      lo[row] = names.start[slot];
      hi[row] = names.length[slot];
      present[row] = names.length[slot] > 0 ? 1 : 0;
      count += present[row];
    }
    return count;
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
function bindFound(
  batch: FlowBatch,
  value: RowValue,
  scratch: Scratch,
  states: StateOfSet,
  fill: FillSet,
): void {
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
function appendText(scratch: Scratch, name: StateText | null): number {
  if (name === null) return 0;
  const { bytes, start, length } = name;
  const at = scratch.reserveText(length);
  const { text } = scratch;
  // Names are short, and copies from shared memory cost a call.
  for (let i = 0; i < length; i++) text[at + i] = bytes[start + i];
  scratch.textUsed += length;
  return length;
}
