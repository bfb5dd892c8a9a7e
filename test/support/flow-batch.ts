/**
 * Decoded batches without a decoder: columns are filled by hand from a list of fields and rows of values.
 */
import { parseAddress } from '../../src/base/ip.ts';
import { FlowBatch, type SetContext } from '../../src/decode/batch.ts';
import { createLayout, type Dialect } from '../../src/decode/layout.ts';
import { createPlan } from '../../src/decode/plan.ts';
import { standardElements } from '../../src/elements/registry.ts';
import type { Field } from './bytes.ts';

/** A number or bigint for integers, NTP times (64 bits) and floats; text for addresses; octets or text for the rest. */
export type CellValue = number | bigint | string | Uint8Array;

export interface BatchSpec {
  dialect?: Dialect;
  /** Leading scope fields; more than 0 makes options records. */
  scopes?: number;
  fields: readonly Field[];
  rows: readonly (readonly CellValue[])[];
  /** One set of all rows, or several sets with so many rows each. */
  set?: Partial<SetContext>;
  sets?: readonly (Partial<SetContext> & { rows: number })[];
}

export const EXPORT_MS = 1_700_000_000_000;
export const RECEIVED_MS = EXPORT_MS + 250;

let nextUid = 1000;

export function flowBatch(spec: BatchSpec): FlowBatch {
  const dialect = spec.dialect ?? 10;
  const fields = spec.fields.map(([id, length, pen]) => ({ pen: pen ?? 0, id, length }));
  const layout = createLayout(nextUid++, dialect, spec.scopes ?? 0, fields, standardElements);
  const batch = new FlowBatch(createPlan(layout, standardElements), Math.max(1, spec.rows.length));
  for (const { rows, ...context } of spec.sets ?? [{ rows: spec.rows.length, ...spec.set }]) {
    const set = batch.beginSet();
    Object.assign(set, setDefaults(dialect, (spec.scopes ?? 0) > 0), context);
    for (let i = 0; i < rows; i++) {
      for (const [column, value] of spec.rows[batch.rows].entries()) put(batch, column, batch.rows, value);
      batch.rows++;
    }
    set.rowEnd = batch.rows;
  }
  return batch;
}

function setDefaults(dialect: Dialect, options: boolean): Partial<SetContext> {
  const exporter = new Uint8Array(16);
  parseAddress('192.0.2.1', exporter);
  return {
    version: dialect,
    exporter,
    exporterPort: 2055,
    observationDomainId: 1,
    templateId: dialect < 9 ? 0 : 256,
    options,
    sequence: 7,
    exportTimeMs: EXPORT_MS,
    sysUptimeMs: dialect === 10 ? -1 : 100_000,
    receivedAtMs: RECEIVED_MS,
  };
}

function put(batch: FlowBatch, column: number, row: number, value: CellValue): void {
  const { storage, render } = batch.plan.columns[column];
  const data = batch.columns[column];
  switch (storage) {
    case 'heap': {
      const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : (value as Uint8Array);
      const at = batch.reserveHeap(bytes.length);
      batch.heap.set(bytes, at);
      batch.heapUsed += bytes.length;
      data.lo[row] = at;
      data.hi[row] = bytes.length;
      return;
    }
    case 'b16':
      if (typeof value === 'string') parseAddress(value, data.wide, row * 16);
      else data.wide.set(value as Uint8Array, row * 16);
      return;
    case 'f64':
      data.f64[row] = Number(value);
      return;
    default: {
      const bits = BigInt.asUintN(64, integerOf(value, render));
      data.lo[row] = Number(bits & 0xffffffffn);
      if (data.hi.length > 0) data.hi[row] = Number(bits >> 32n);
    }
  }
}

function integerOf(value: CellValue, render: string): bigint {
  if (typeof value !== 'string') return BigInt(value as number | bigint);
  if (render === 'mac') return BigInt(`0x${value.replaceAll(':', '')}`);
  const bytes = new Uint8Array(16);
  if (!parseAddress(value, bytes)) throw new Error(`"${value}" is no address`);
  return BigInt(new DataView(bytes.buffer).getUint32(12));
}
