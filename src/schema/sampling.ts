import type { ColumnData, FlowBatch, SetContext } from '../decode/batch.ts';
import type { PlanColumns, Rule } from './plan-columns.ts';
import { SAMPLING_SOURCES } from './record.ts';
import type { Scratch } from './scratch.ts';
import type { StateOfSet } from './state-source.ts';
import { RowValue } from './values.ts';

/** Elements that are the rate themselves. */
const RATES = [34, 50];
/** RFC 5477: interval packets are sampled, then space packets are not. */
const PACKET_INTERVAL = 305;
const PACKET_SPACE = 306;
/** RFC 5477: size packets are sampled out of a population. */
const SIZE = 309;
const POPULATION = 310;
const SAMPLER_IDS = [48];
const SELECTOR_IDS = [302];
const IN_INTERFACES = [10, 252];

const FROM_RECORD = SAMPLING_SOURCES.indexOf('record');
const FROM_OPTIONS = SAMPLING_SOURCES.indexOf('options');

/** sampling_rate and sampling_source: from the record if it says, else from what options data said. A rate of 0 says nothing. */
export class SamplingRule implements Rule {
  readonly values: readonly RowValue[];
  readonly #rate = RowValue.computed('sampling_rate', 'f64', 'rate');
  readonly #source = RowValue.computed('sampling_source', 'u32', 'word', SAMPLING_SOURCES);
  readonly #plan: PlanColumns['plan'];
  readonly #scratch: Scratch;
  readonly #states: StateOfSet;
  /** The rate is (dividend + added) / divisor; -1 for parts that are not there. */
  #dividend = -1;
  #added = -1;
  #divisor = -1;
  readonly #sampler: number;
  readonly #selector: number;
  readonly #inIf: number;

  constructor(columns: PlanColumns, scratch: Scratch, states: StateOfSet) {
    this.#plan = columns.plan;
    this.#scratch = scratch;
    this.#states = states;
    // In options records these describe a sampler, not the record.
    const options = columns.plan.layout.scopeCount > 0;
    if (!options) this.#findRate(columns);
    this.#sampler = columns.first(SAMPLER_IDS, 'u64');
    this.#selector = columns.first(SELECTOR_IDS, 'u64');
    this.#inIf = columns.first(IN_INTERFACES, 'u32');
    this.values = options ? [] : [this.#rate, this.#source];
  }

  #findRate(columns: PlanColumns): void {
    this.#dividend = columns.take(columns.first(RATES, 'u32'));
    if (this.#dividend >= 0) return;
    const interval = columns.find(PACKET_INTERVAL, 'u32');
    const space = columns.find(PACKET_SPACE, 'u32');
    const size = columns.find(SIZE, 'u32');
    const population = columns.find(POPULATION, 'u32');
    if (interval >= 0 && space >= 0) {
      this.#dividend = columns.take(interval);
      this.#added = columns.take(space);
      this.#divisor = interval;
    } else if (size >= 0 && population >= 0) {
      this.#dividend = columns.take(population);
      this.#divisor = columns.take(size);
    }
  }

  bind(batch: FlowBatch): void {
    if (this.values.length === 0) return;
    let known = this.#dividend >= 0;
    for (let i = 0; i < batch.setCount && !known; i++) known = this.#states.of(batch.sets[i]) !== null;
    this.#rate.absent = !known;
    this.#source.absent = !known;
    if (!known) return;

    const { rows } = batch;
    const rates = this.#scratch.f64(rows);
    const sources = this.#scratch.u32(rows);
    const present = this.#scratch.u8(rows);
    if (this.#dividend >= 0) this.#fromRecord(batch, rates);
    else rates.fill(0, 0, rows);
    let count = 0;
    for (let i = 0; i < batch.setCount; i++)
      count += this.#complete(batch, batch.sets[i], rates, sources, present);
    this.#rate.columns[0].data.f64 = rates;
    this.#source.columns[0].data.lo = sources;
    for (const value of this.values) {
      value.absent = count === 0;
      value.present = count === rows ? null : present;
    }
  }

  /** Rates of all rows; 0 where the record says nothing. */
  #fromRecord(batch: FlowBatch, rates: Float64Array): void {
    const dividend = batch.columns[this.#dividend].lo;
    const added = this.#added < 0 ? null : batch.columns[this.#added].lo;
    const divisor = this.#divisor < 0 ? null : batch.columns[this.#divisor].lo;
    for (let row = 0; row < batch.rows; row++) {
      const parts = dividend[row] + (added === null ? 0 : added[row]);
      const by = divisor === null ? 1 : divisor[row];
      rates[row] = by === 0 ? 0 : parts / by;
    }
  }

  /** Asks the exporter state where the rate is still 0; returns how many rows have a rate. */
  #complete(
    batch: FlowBatch,
    set: SetContext,
    rates: Float64Array,
    sources: Uint32Array,
    present: Uint8Array,
  ): number {
    const state = this.#states.of(set);
    const interfaces = state?.ratesOfInterfaces ? this.#inIf : -1;
    let count = 0;
    let lastSampler = -2;
    let lastSelector = -2;
    let lastInIf = -2;
    let lastRate = 0;
    for (let row = set.rowStart; row < set.rowEnd; row++) {
      if (rates[row] > 0) {
        sources[row] = FROM_RECORD;
        present[row] = 1;
        count++;
        continue;
      }
      if (state !== null) {
        const sampler = this.#number(batch.columns, this.#sampler, row);
        const selector = this.#number(batch.columns, this.#selector, row);
        const inIf = this.#number(batch.columns, interfaces, row);
        if (sampler !== lastSampler || selector !== lastSelector || inIf !== lastInIf) {
          lastSampler = sampler;
          lastSelector = selector;
          lastInIf = inIf;
          lastRate = state.samplingRate(sampler, selector, inIf, set.templateId);
        }
        rates[row] = lastRate;
      }
      sources[row] = FROM_OPTIONS;
      present[row] = rates[row] > 0 ? 1 : 0;
      count += present[row];
    }
    return count;
  }

  #number(columns: readonly ColumnData[], position: number, row: number): number {
    if (position < 0) return -1;
    const { lo, hi } = columns[position];
    return this.#plan.columns[position].storage === 'u64' ? hi[row] * 2 ** 32 + lo[row] : lo[row];
  }
}
