import type { SetContext } from '../../src/decode/batch.ts';
import type { Dialect } from '../../src/decode/layout.ts';
import type { Field } from '../support/bytes.ts';
import { type EncodeOptions, type Json, jsonRecords } from '../support/encode.ts';
import { type CellValue, EXPORT_MS, flowBatch } from '../support/flow-batch.ts';

export interface TimeCase {
  dialect?: Dialect;
  fields: readonly Field[];
  row: readonly CellValue[];
  set?: Partial<SetContext>;
  options?: EncodeOptions;
}

/** The only record of a batch. */
export function record({ dialect, fields, row, set, options }: TimeCase): Json {
  return jsonRecords(flowBatch({ dialect, fields, rows: [row], set }), options)[0];
}

/** Start and end relative to the export time; the third is time_source. */
export function times(given: TimeCase): unknown[] {
  const { time_flow_start, time_flow_end, time_source } = record(given);
  const relative = [(time_flow_start as number) - EXPORT_MS, (time_flow_end as number) - EXPORT_MS];
  return time_source === undefined ? relative : [...relative, time_source];
}
