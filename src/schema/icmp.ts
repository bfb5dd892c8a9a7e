import type { FlowBatch } from '../decode/batch.ts';
import type { PlanColumns, Rule } from './plan-columns.ts';
import type { Scratch } from './scratch.ts';
import { RowValue } from './values.ts';

const PROTOCOL = 4;
const ICMP = 1;
const ICMP_V6 = 58;
/** Type and code as elements of their own, IPv4 and IPv6. */
const PAIRS = [
  [176, 177],
  [178, 179],
];
/** Type × 256 + code in one element. */
const COMBINED = [32, 139];

/**
 * icmp_type and icmp_code. Templates are shared by all protocols, so flows that are not ICMP carry a zero there which would read
 * as an echo reply: it is left out where the record says that it is another protocol.
 */
export class IcmpRule implements Rule {
  readonly values: readonly RowValue[];
  readonly #type = RowValue.computed('icmp_type', 'u32', 'unsigned');
  readonly #code = RowValue.computed('icmp_code', 'u32', 'unsigned');
  readonly #scratch: Scratch;
  readonly #typeAt: number;
  /** -1 where the type column holds both. */
  readonly #codeAt: number;
  readonly #protocol: number;

  constructor(columns: PlanColumns, scratch: Scratch) {
    this.#scratch = scratch;
    this.#protocol = columns.find(PROTOCOL, 'u8');
    const pair = PAIRS.find(([type, code]) => columns.find(type, 'u8') >= 0 && columns.find(code, 'u8') >= 0);
    this.#codeAt = pair === undefined ? -1 : columns.take(columns.find(pair[1], 'u8'));
    this.#typeAt = columns.take(
      pair === undefined ? columns.first(COMBINED, 'u16') : columns.find(pair[0], 'u8'),
    );
    this.values = this.#typeAt < 0 ? [] : [this.#type, this.#code];
  }

  bind(batch: FlowBatch): void {
    if (this.values.length === 0) return;
    const { rows } = batch;
    const first = batch.columns[this.#typeAt].lo;
    const second = this.#codeAt < 0 ? null : batch.columns[this.#codeAt].lo;
    const protocol = this.#protocol < 0 ? null : batch.columns[this.#protocol].lo;
    const types = this.#scratch.u32(rows);
    const codes = this.#scratch.u32(rows);
    const present = this.#scratch.u8(rows);
    for (let row = 0; row < rows; row++) {
      types[row] = second === null ? first[row] >>> 8 : first[row];
      codes[row] = second === null ? first[row] & 255 : second[row];
      const other = protocol !== null && protocol[row] !== ICMP && protocol[row] !== ICMP_V6;
      present[row] = other && types[row] === 0 && codes[row] === 0 ? 0 : 1;
    }
    this.#type.columns[0].data.lo = types;
    this.#code.columns[0].data.lo = codes;
    this.#type.present = present;
    this.#code.present = present;
  }
}
