import type { FlowBatch } from '../decode/batch.ts';
import type { Column, Plan } from '../decode/plan.ts';
import type { ElementRef, FieldType } from './record.ts';
import { RowValue } from './values.ts';

/** A part of a view that computes values of the native record. */
export interface Rule {
  /** What it computes, under keys of the record table. */
  readonly values: readonly RowValue[];
  /** Computes them for all rows of the batch. */
  bind(batch: FlowBatch): void;
}

const PADDING_OCTETS = 'paddingOctets';

/** Which columns of a plan the native record uses; what nobody took is left for `ext`. Used while a view is made. */
export class PlanColumns {
  readonly plan: Plan;
  readonly #taken = new Set<number>();
  readonly #sometimes = new Map<number, RowValue>();

  constructor(plan: Plan) {
    this.plan = plan;
  }

  /** Position of the first column of an element if it fits the type, -1 otherwise. */
  find(element: ElementRef, type: FieldType | 'octets' | 'any'): number {
    const pen = typeof element === 'number' ? 0 : element[0];
    const id = typeof element === 'number' ? element : element[1];
    const position = this.plan.columns.findIndex(
      (column) => column.id === id && column.pen === pen && column.element !== undefined,
    );
    return position >= 0 && fits(this.plan.columns[position], type) ? position : -1;
  }

  /** Position of the first of several elements that is there and fits, -1 when none is. */
  first(elements: readonly ElementRef[], type: FieldType | 'octets' | 'any'): number {
    for (const element of elements) {
      const position = this.find(element, type);
      if (position >= 0) return position;
    }
    return -1;
  }

  take(position: number): number {
    if (position >= 0) this.#taken.add(position);
    return position;
  }

  /**
   * For a column taken by a rule that does not use it in every row: the value as it stands in `ext`. The rule sets `present`, the
   * view binds it.
   */
  sometimes(position: number): RowValue {
    const value = RowValue.decoded(this.plan.columns[position].key, this.plan, [position]);
    this.#sometimes.set(position, value);
    return value;
  }

  /** The values of `ext` in field order: what nobody took, and all values of a repeated element. */
  rest(): RowValue[] {
    const values: RowValue[] = [];
    for (const { key, columns } of this.plan.fields) {
      const { pen, scope } = this.plan.columns[columns[0]];
      if (pen === 0 && key === PADDING_OCTETS && !scope) continue;
      if (columns.length > 1 || !this.#taken.has(columns[0]))
        values.push(RowValue.decoded(key, this.plan, columns));
      else if (this.#sometimes.has(columns[0])) values.push(this.#sometimes.get(columns[0])!);
    }
    return values;
  }
}

/** A mapped field of another representation than its element has (a width that the type does not allow) stays in `ext`. */
function fits({ render }: Column, type: FieldType | 'octets' | 'any'): boolean {
  switch (type) {
    case 'u8':
    case 'u16':
    case 'u32':
    case 'u64':
      return render === 'unsigned';
    case 'address':
      return render === 'ipv4' || render === 'ipv6';
    case 'mac':
      return render === 'mac';
    case 'text':
      return render === 'string';
    case 'octets':
      return render === 'octets';
    case 'time':
      return render === 'seconds' || render === 'millis' || render === 'micros' || render === 'nanos';
    case 'any':
      return true;
    default:
      return false;
  }
}
