import assert from 'node:assert/strict';
import type { SetContext } from '../../src/decode/batch.ts';
import type { Dialect } from '../../src/decode/layout.ts';
import type { Field } from '../support/bytes.ts';
import { type EncodeOptions, type Json, jsonRecords, msgpackRecords } from '../support/encode.ts';
import { type CellValue, flowBatch } from '../support/flow-batch.ts';

export interface RecordCase {
  dialect?: Dialect;
  scopes?: number;
  fields: readonly Field[];
  rows: readonly (readonly CellValue[])[];
  set?: Partial<SetContext>;
}

/** Keys that every record has, or that time.test.ts looks at. */
const HEADER = [
  'flow_type',
  'record',
  'time_received',
  'time_exported',
  'exporter_addr',
  'exporter_port',
  'observation_domain_id',
  'template_id',
  'sequence',
  'time_flow_start',
  'time_flow_end',
  'time_source',
];

/** The records without what every record has. Both formats must have the same keys. */
export function values(given: RecordCase, options: EncodeOptions = {}): Json[] {
  const batch = flowBatch(given);
  const records = jsonRecords(batch, options);
  assert.deepEqual(
    msgpackRecords(batch, options).map((record) => Object.keys(record)),
    records.map((record) => Object.keys(record)),
  );
  for (const record of records) for (const key of HEADER) delete record[key];
  return records;
}

/** The values of a single record. */
export const one = (fields: readonly Field[], row: readonly CellValue[]): Json =>
  values({ fields, rows: [row] })[0];
