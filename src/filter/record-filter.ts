import { type Cidr, parseAddress } from '../base/ip.ts';
import type { FLOW_TYPES } from '../schema/record.ts';
import { expressionOf, type Filter } from './parser.ts';
import { type RowNumber, type RowSource, type RowTest, rowTest } from './row-test.ts';

/** A native record (schema millrace) as JSON has it, or as frames of columnar files give it: large integers are text or bigint. */
export type JsonRecord = Readonly<Record<string, unknown>>;

const VERSIONS: Readonly<Record<(typeof FLOW_TYPES)[number], number>> = {
  netflow_v5: 5,
  netflow_v7: 7,
  netflow_v9: 9,
  ipfix: 10,
};

/** Applies a filter to records one by one, where there are no batches any more. Says the same as BatchFilter, more slowly. */
export class RecordFilter implements RowSource {
  readonly #test: RowTest;
  #record: JsonRecord = {};
  readonly #address = new Uint8Array(16);

  constructor(filter: Filter) {
    this.#test = rowTest(expressionOf(filter), this);
  }

  /** Whether a record passes; options records always do. */
  matches(record: JsonRecord): boolean {
    this.#record = record;
    return record.record === 'options' || this.#test(0);
  }

  /** @internal */
  numbers(key: string): readonly RowNumber[] {
    switch (key) {
      case 'version':
        return [() => VERSIONS[this.#record.flow_type as keyof typeof VERSIONS] ?? Number.NaN];
      case 'time_source':
        return [() => (this.#record.time_source === undefined ? Number.NaN : 0)];
      case 'src_mac':
      case 'dst_mac':
        return [() => macNumber(this.#record[key])];
      case 'mpls_labels':
        return Array.from({ length: MAX_LABELS }, (_, i) => () => {
          const labels = this.#record.mpls_labels;
          return Array.isArray(labels) ? jsonNumber(labels[i]) : Number.NaN;
        });
      default:
        return [() => jsonNumber(this.#record[key])];
    }
  }

  /** @internal */
  within(key: string, range: Cidr): RowTest {
    return () => {
      const text = this.#record[key];
      return typeof text === 'string' && parseAddress(text, this.#address) && range.contains(this.#address);
    };
  }
}

const MAX_LABELS = 10;

function jsonNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'string' && value !== '' ? Number(value) : Number.NaN;
}

function macNumber(value: unknown): number {
  return typeof value === 'string' ? Number.parseInt(value.replaceAll(':', ''), 16) : Number.NaN;
}
