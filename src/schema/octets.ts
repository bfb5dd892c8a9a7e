import type { FlowBatch } from '../decode/batch.ts';
import type { PlanColumns, Rule } from './plan-columns.ts';
import type { Scratch } from './scratch.ts';
import { RowValue, ValueColumn } from './values.ts';

const FIRST_LABEL_SECTION = 70;
const LABEL_SECTIONS = 10;

/**
 * mpls_labels: the label stack from the top, to the section with the bottom-of-stack bit or the first empty one. A section is 20
 * bits of label, 3 of traffic class and the bottom bit (RFC 3032).
 */
export class LabelsRule implements Rule {
  readonly values: readonly RowValue[];
  readonly #scratch: Scratch;
  readonly #sections: number[] = [];

  constructor(columns: PlanColumns, scratch: Scratch) {
    this.#scratch = scratch;
    for (let i = 0; i < LABEL_SECTIONS; i++) {
      const position = columns.find(FIRST_LABEL_SECTION + i, 'octets');
      if (position < 0) break;
      this.#sections.push(columns.take(position));
    }
    const labels = this.#sections.map(() => new ValueColumn('u32', 'unsigned'));
    this.values = labels.length === 0 ? [] : [new RowValue('mpls_labels', labels, true)];
  }

  bind(batch: FlowBatch): void {
    if (this.#sections.length === 0) return;
    const value = this.values[0];
    const present = this.#scratch.u8(batch.rows);
    value.present = present;
    for (const column of value.columns) column.data.lo = this.#scratch.u32(batch.rows);
    const { heap } = batch;
    for (let row = 0; row < batch.rows; row++) {
      let count = 0;
      while (count < this.#sections.length) {
        const { lo, hi } = batch.columns[this.#sections[count]];
        if (hi[row] < 3) break;
        const at = lo[row];
        const section = (heap[at] << 16) | (heap[at + 1] << 8) | heap[at + 2];
        if (section === 0) break;
        value.columns[count].data.lo[row] = section >>> 4;
        count++;
        if ((section & 1) === 1) break;
      }
      present[row] = count;
    }
  }
}

/** Appends the text of octets to the scratch text; false, with nothing appended, when they have no such text. */
type AppendText = (scratch: Scratch, heap: Uint8Array, offset: number, length: number) => boolean;

/** A text made of the octets of one element, row by row; the octets stay in `ext` where it cannot be made. */
export class OctetsText implements Rule {
  readonly values: readonly RowValue[];
  readonly #scratch: Scratch;
  readonly #append: AppendText;
  readonly #position: number;
  readonly #value: RowValue;
  readonly #unused: RowValue | null;

  constructor(key: string, element: number, append: AppendText, columns: PlanColumns, scratch: Scratch) {
    this.#scratch = scratch;
    this.#append = append;
    this.#position = columns.take(columns.find(element, 'octets'));
    this.#value = RowValue.computed(key, 'heap', 'string');
    this.#unused = this.#position < 0 ? null : columns.sometimes(this.#position);
    this.values = this.#position < 0 ? [] : [this.#value];
  }

  bind(batch: FlowBatch): void {
    if (this.#position < 0) return;
    const { rows, heap } = batch;
    const from = batch.columns[this.#position];
    const lo = this.#scratch.u32(rows);
    const hi = this.#scratch.u32(rows);
    const present = this.#scratch.u8(rows);
    const unused = this.#scratch.u8(rows);
    for (let row = 0; row < rows; row++) {
      const start = this.#scratch.textUsed;
      const made = this.#append(this.#scratch, heap, from.lo[row], from.hi[row]);
      lo[row] = start;
      hi[row] = this.#scratch.textUsed - start;
      present[row] = made ? 1 : 0;
      unused[row] = made || from.hi[row] === 0 ? 0 : 1;
    }
    this.#value.columns[0].data.lo = lo;
    this.#value.columns[0].data.hi = hi;
    this.#value.present = present;
    this.#unused!.present = unused;
  }
}

/** Longest text of the two below: `255.255.255.255:65535` and `255:281474976710655`. */
const MAX_TEXT_BYTES = 24;
const COLON = 58;
const DOT = 46;

/** RFC 6759: one octet of classification engine, then the selector as a number. */
export const appendApplicationId: AppendText = (scratch, heap, offset, length) => {
  if (length < 2 || length > 7) return false;
  const selector = bigEndian(heap, offset + 1, length - 1);
  scratch.reserveText(MAX_TEXT_BYTES);
  appendDecimal(scratch, heap[offset]);
  scratch.text[scratch.textUsed++] = COLON;
  appendDecimal(scratch, selector);
  return true;
};

/** RFC 4364 section 4.2: two octets of type, then administrator and number in 2+4, 4+2 (address) or 4+2 (AS) octets. */
export const appendRouteDistinguisher: AppendText = (scratch, heap, offset, length) => {
  if (length !== 8) return false;
  const type = (heap[offset] << 8) | heap[offset + 1];
  if (type > 2) return false;
  scratch.reserveText(MAX_TEXT_BYTES);
  if (type === 1) {
    for (let i = 2; i < 6; i++) {
      if (i > 2) scratch.text[scratch.textUsed++] = DOT;
      appendDecimal(scratch, heap[offset + i]);
    }
  } else {
    appendDecimal(scratch, bigEndian(heap, offset + 2, type === 0 ? 2 : 4));
  }
  const number = type === 0 ? bigEndian(heap, offset + 4, 4) : bigEndian(heap, offset + 6, 2);
  scratch.text[scratch.textUsed++] = COLON;
  appendDecimal(scratch, number);
  return true;
};

function bigEndian(heap: Uint8Array, offset: number, length: number): number {
  let value = 0;
  for (let i = 0; i < length; i++) value = value * 256 + heap[offset + i];
  return value;
}

/** value: an integer from 0 to 2^48. The caller has reserved the room. */
function appendDecimal(scratch: Scratch, value: number): void {
  let digits = 1;
  for (let limit = 10; limit <= value; limit *= 10) digits++;
  for (let at = scratch.textUsed + digits - 1; at >= scratch.textUsed; at--) {
    const rest = Math.floor(value / 10);
    scratch.text[at] = 48 + value - rest * 10;
    value = rest;
  }
  scratch.textUsed += digits;
}
