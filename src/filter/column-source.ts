import type { Cidr } from '../base/ip.ts';
import type { SetContext } from '../decode/batch.ts';
import type { RowValue } from '../schema/values.ts';
import type { RecordView } from '../schema/view.ts';
import type { RowNumber, RowSource, RowTest } from './row-test.ts';

/** Reads the rows of batches of one plan, through a view that somebody else binds to them. */
export class ColumnSource implements RowSource {
  /** The set in which the rows are. */
  set!: SetContext;
  readonly #values: ReadonlyMap<string, RowValue>;

  constructor(view: RecordView) {
    this.#values = new Map(view.values.map((value) => [value.key, value]));
  }

  numbers(key: string): readonly RowNumber[] {
    switch (key) {
      case 'version':
        return [() => this.set.version];
      case 'observation_domain_id':
        return [() => this.set.observationDomainId];
      case 'template_id':
        // v5 and v7 have no templates.
        return [() => this.set.templateId || Number.NaN];
    }
    const value = this.#values.get(key);
    return value?.columns.map((_, i) => columnNumber(value, i)) ?? [];
  }

  within(key: string, range: Cidr): RowTest | null {
    if (key === 'exporter_addr') return () => range.contains(this.set.exporter, this.set.exporterOffset);
    const value = this.#values.get(key);
    if (value === undefined) return null;
    const [column] = value.columns;
    if (column.storage === 'u32') return v4Test(value, range);
    return (row) => has(value, row, 0) && range.contains(column.data.wide, row * 16);
  }
}

/** i: which of the columns of a list. */
function has(value: RowValue, row: number, i: number): boolean {
  return !value.absent && (value.present === null || value.present[row] > i);
}

function columnNumber(value: RowValue, i: number): RowNumber {
  const column = value.columns[i];
  if (column.storage === 'f64') return (row) => (has(value, row, i) ? column.data.f64[row] : Number.NaN);
  if (column.storage !== 'u64') return (row) => (has(value, row, i) ? column.data.lo[row] : Number.NaN);
  const high = column.render === 'mac' ? 0xffff : 0xffffffff;
  return (row) =>
    has(value, row, i) ? ((column.data.hi[row] & high) >>> 0) * 2 ** 32 + column.data.lo[row] : Number.NaN;
}

/** Offset of the IPv4 address in its IPv4-mapped form, and the bits in front of it. */
const V4_AT = 12;
const V4_BITS = 96;
const V4_MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0);

function v4Test(value: RowValue, range: Cidr): RowTest | null {
  const [column] = value.columns;
  if (range.bits <= V4_BITS) return range.contains(V4_MAPPED) ? (row) => has(value, row, 0) : null;
  if (!V4_MAPPED.subarray(0, V4_AT).every((octet, i) => octet === range.bytes[i])) return null;
  const mask = -1 << (128 - range.bits);
  const wanted = new DataView(range.bytes.buffer).getUint32(V4_AT) & mask;
  return (row) => (column.data.lo[row] & mask) === wanted && has(value, row, 0);
}
