import type { FlowBatch } from '../decode/batch.ts';
import type { PlanColumns, Rule } from './plan-columns.ts';
import type { Scratch } from './scratch.ts';
import { RowValue } from './values.ts';

const PROTOCOL = 4;
const ICMP = 1;
const ICMP_V6 = 58;

const NO_U32 = new Uint32Array(0);

/** What one family has: type and code as elements of their own, or type × 256 + code in one element. */
class IcmpForm {
  /** Positions of the columns, that of the code only where it has its own. */
  readonly positions: readonly number[];
  #first: Uint32Array = NO_U32;
  #second: Uint32Array | null = null;

  private constructor(positions: readonly number[]) {
    this.positions = positions;
  }

  static of(columns: PlanColumns, type: number, code: number, combined: number): IcmpForm | null {
    const pair = [columns.find(type, 'u8'), columns.find(code, 'u8')];
    const positions = pair.includes(-1) ? [columns.find(combined, 'u16')] : pair;
    return positions.includes(-1) ? null : new IcmpForm(positions.map((at) => columns.take(at)));
  }

  bind({ columns }: FlowBatch): void {
    const [first, second] = this.positions;
    this.#first = columns[first].lo;
    this.#second = second === undefined ? null : columns[second].lo;
  }

  type(row: number): number {
    return this.#second === null ? this.#first[row] >>> 8 : this.#first[row];
  }

  code(row: number): number {
    return this.#second === null ? this.#first[row] & 255 : this.#second[row];
  }

  saysSomething(row: number): boolean {
    return this.#first[row] !== 0 || (this.#second !== null && this.#second[row] !== 0);
  }
}

/**
 * icmp_type and icmp_code. Templates are shared by all protocols, so flows that are not ICMP carry a zero there which would read
 * as an echo reply: it is left out where the record says that it is another protocol. Where the template has the elements of
 * both families the protocol decides, and the others stand in `ext` when they say anything.
 */
export class IcmpRule implements Rule {
  readonly values: readonly RowValue[];
  readonly #type = RowValue.computed('icmp_type', 'u32', 'unsigned');
  readonly #code = RowValue.computed('icmp_code', 'u32', 'unsigned');
  readonly #scratch: Scratch;
  readonly #v4: IcmpForm | null;
  readonly #v6: IcmpForm | null;
  readonly #protocol: number;
  /** The forms as they stand in `ext`; none where the template has one only. */
  readonly #unused: readonly [readonly RowValue[], readonly RowValue[]] = [[], []];

  constructor(columns: PlanColumns, scratch: Scratch) {
    this.#scratch = scratch;
    this.#protocol = columns.find(PROTOCOL, 'u8');
    this.#v4 = IcmpForm.of(columns, 176, 177, 32);
    this.#v6 = IcmpForm.of(columns, 178, 179, 139);
    if (this.#v4 !== null && this.#v6 !== null) {
      const inExt = (form: IcmpForm) => form.positions.map((position) => columns.sometimes(position));
      this.#unused = [inExt(this.#v4), inExt(this.#v6)];
    }
    this.values = this.#v4 === null && this.#v6 === null ? [] : [this.#type, this.#code];
  }

  bind(batch: FlowBatch): void {
    if (this.values.length === 0) return;
    const { rows } = batch;
    const v4 = this.#v4;
    const v6 = this.#v6;
    v4?.bind(batch);
    v6?.bind(batch);
    const protocol = this.#protocol < 0 ? null : batch.columns[this.#protocol].lo;
    const types = this.#scratch.u32(rows);
    const codes = this.#scratch.u32(rows);
    const present = this.#scratch.u8(rows);
    const unusedV4 = this.#scratch.u8(rows);
    const unusedV6 = this.#scratch.u8(rows);
    for (let row = 0; row < rows; row++) {
      const number = protocol === null ? -1 : protocol[row];
      const isV6 = v4 === null || (v6 !== null && choosesV6(v4, v6, row, number));
      const form = (isV6 ? v6 : v4)!;
      types[row] = form.type(row);
      codes[row] = form.code(row);
      const other = protocol !== null && number !== ICMP && number !== ICMP_V6;
      present[row] = other && !form.saysSomething(row) ? 0 : 1;
      unusedV4[row] = isV6 && v4?.saysSomething(row) ? 1 : 0;
      unusedV6[row] = !isV6 && v6?.saysSomething(row) ? 1 : 0;
    }
    this.#type.columns[0].data.lo = types;
    this.#code.columns[0].data.lo = codes;
    this.#type.present = present;
    this.#code.present = present;
    for (const value of this.#unused[0]) value.present = unusedV4;
    for (const value of this.#unused[1]) value.present = unusedV6;
  }
}

/** Exporters also send the type and code of ICMPv6 in the older element, so one that says nothing gives way. */
function choosesV6(v4: IcmpForm, v6: IcmpForm, row: number, protocol: number): boolean {
  if (protocol === ICMP) return false;
  if (protocol === ICMP_V6 && !v4.saysSomething(row)) return true;
  return v6.saysSomething(row) && (protocol === ICMP_V6 || !v4.saysSomething(row));
}
