import type { FlowBatch, SetContext } from '../decode/batch.ts';
import type { HeaderValue, RowValue } from './values.ts';

/**
 * What an encoder writes for a batch, whatever the schema: values of the set's header, then values of the row. A view is made
 * once per plan, where names, positions and kinds are settled; `bind` computes what depends on the rows. Lives in one thread.
 */
export interface RecordView {
  readonly schema: 'millrace' | 'iana';
  /** Name of the object that holds the values of `grouped`. */
  readonly group: 'ext' | 'fields';
  /** Whether the object is written when it is empty. */
  readonly groupAlways: boolean;
  /** Values that are the same for all rows of a set, in output order; filled by `header`. */
  readonly headers: readonly HeaderValue[];
  /** Values of a row at the top level of the record, in output order; filled by `bind`. */
  readonly values: readonly RowValue[];
  /** Values of a row inside the group, in output order; filled by `bind`. They follow the others. */
  readonly grouped: readonly RowValue[];
  /** Computes times, sampling, names and whatever else is no plain column, over all rows of the batch. */
  bind(batch: FlowBatch): void;
  /** Fills `headers` from a set of the batch. */
  header(set: SetContext): void;
}
