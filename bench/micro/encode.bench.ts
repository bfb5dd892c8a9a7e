import { strict as assert } from 'node:assert';
import { FlowBatch } from '../../src/decode/batch.ts';
import { interpretSet } from '../../src/decode/interpret.ts';
import { createPlan } from '../../src/decode/plan.ts';
import { standardElements } from '../../src/elements/registry.ts';
import { Slabs } from '../../src/memory/slabs.ts';
import { createEncoder } from '../../src/output/create-encoder.ts';
import { FORMATS, type Format, SCHEMAS, type Schema } from '../../src/output/encoder.ts';
import { StateReader } from '../../src/templates/state-view.ts';
import type { Bench, Prepared, Size } from '../harness.ts';
import { boundSets, Decoding } from './decoded.ts';
import { checkEncoded } from './encoded.ts';
import { digest } from './input.ts';
import { batchRows } from './plan.bench.ts';
import { learnStates } from './states.ts';

const EXPORTERS = 20;
/** As large as a decode thread has them. */
const SLAB_BYTES = 4 * 1024 * 1024;
/** About what a task of 128 datagrams holds. */
const RECORDS = 3_000;
const TARGETS_NS: Partial<Record<Format, number>> = { ndjson: 350, msgpack: 250, columnar: 20 };

/** Batches of v9 records of 21 fields to bytes; `named`: with names and sampling rates from options data. */
export const encodeBenches: Bench[] = FORMATS.flatMap((format) => [
  ...SCHEMAS.map((schema) => bench(`encode/${format}-${schema}`, format, schema, false)),
  bench(`encode/${format}-millrace-named`, format, 'millrace', true),
]);

function bench(name: string, format: Format, schema: Schema, named: boolean): Bench {
  return {
    name,
    unit: 'record',
    targetNs: named ? undefined : TARGETS_NS[format],
    prepare: (size) => prepare(size, format, schema, named),
  };
}

/** Full batches of a decode thread, with the records in them. */
export function encodeInput(size: Size, named: boolean) {
  const input = boundSets(size, {
    options: { version: 9, exporters: EXPORTERS, options: named },
    place: 0,
    records: RECORDS,
  });
  const states = named ? learnStates(EXPORTERS) : null;
  const plan = createPlan(input.entry.layout, standardElements);
  const batches: FlowBatch[] = [];
  for (let at = 0; at < input.sets.length; ) {
    const batch = new FlowBatch(plan, batchRows(plan));
    at = new Decoding(input, batch, interpretSet).fill(at, (domain) => states?.addresses[domain - 1] ?? 0);
    batches.push(batch);
  }
  const reader = states === null ? null : new StateReader(states.memory);
  const state = (address: number) => (address === 0 || reader === null ? null : reader.at(address));
  return { batches, records: input.records, state };
}

function prepare(size: Size, format: Format, schema: Schema, named: boolean): Prepared {
  const { batches, records, state } = encodeInput(size, named);
  const encoder = createEncoder({ format, schema, options: false }, { state, listToValue: () => null });
  const slab = Slabs.create(1, SLAB_BYTES).at(0);
  let rows = 0;
  let written = 0;
  return {
    unitsPerRun: records.length,
    run() {
      rows = 0;
      encoder.lend(slab);
      for (const batch of batches) rows += encoder.encode(batch);
      written = encoder.giveBack();
      return written;
    },
    check() {
      assert.equal(rows, records.length);
      assert.ok(written > 0, 'a task fits into a slab');
      checkEncoded(slab.bytes.slice(0, written), format, schema, records);
    },
    hash: () => digest(slab.bytes.slice(0, written)),
  };
}
