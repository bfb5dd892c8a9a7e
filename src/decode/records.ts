import type { ElementLookup } from '../elements/element.ts';
import { standardElements } from '../elements/registry.ts';
import { Budget, type FlowBatch, type SetContext } from './batch.ts';
import { type FieldValues, Materializer } from './lists.ts';

/** One record as an object. */
export interface DecodedRecord {
  /** 0 for v5 and v7. */
  templateId: number;
  /** As in SetContext. */
  observationDomainId: number;
  /** Export time of the message header, ms since the epoch. */
  exportTimeMs: number;
  /** Values by the keys of the columns. */
  fields: FieldValues;
}

/** One row as an object. */
export function recordOf(
  batch: FlowBatch,
  row: number,
  set: SetContext,
  materializer: Materializer,
): DecodedRecord {
  return {
    templateId: set.templateId,
    observationDomainId: set.observationDomainId,
    exportTimeMs: set.exportTimeMs,
    fields: materializer.fields(batch, row, set),
  };
}

/**
 * The records of a batch as objects, options records among them (`batch.sets` tells which rows these are). elements: the
 * dictionary of the decoder that made the batch, for what is inside of structured data.
 */
export function* recordsOf(
  batch: FlowBatch,
  elements: ElementLookup = standardElements,
): Generator<DecodedRecord> {
  const materializer = new Materializer(elements);
  for (let i = 0; i < batch.setCount; i++) {
    const set = { ...batch.sets[i] };
    // What lists may be decoded into is counted down, and has to be there the next time again.
    set.budget = Object.assign(new Budget(), set.budget);
    for (let row = set.rowStart; row < set.rowEnd; row++) yield recordOf(batch, row, set, materializer);
  }
}
