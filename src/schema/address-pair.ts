import { writeMapped } from '../base/ip.ts';
import type { FlowBatch } from '../decode/batch.ts';
import type { PlanColumns, Rule } from './plan-columns.ts';
import type { RecordField } from './record.ts';
import type { Scratch } from './scratch.ts';
import { RowValue } from './values.ts';

/** 'both': the template has both forms and the row decides. */
export type Families = 'v4' | 'v6' | 'both' | 'none';

const SOURCE_IPV4 = 8;
const DESTINATION_IPV4 = 12;
const IP_VERSION = 60;

/**
 * A value with an IPv4 and an IPv6 element. A template that has both sends 0.0.0.0 where the flow is IPv6; the form that does not
 * hold stands in `ext` when it says anything. Where neither does, the flow decides: a host that asks for an address sends from
 * 0.0.0.0 or from ::.
 */
export class AddressPair implements Rule {
  readonly values: readonly RowValue[];
  readonly families: Families;
  /** After bind, when the template has both: 1 for rows that are IPv6. */
  isV6: Uint8Array = new Uint8Array(0);
  readonly #value: RowValue | null;
  readonly #scratch: Scratch;
  readonly #v4: number;
  readonly #v6: number;
  readonly #otherV6: RowValue | null = null;
  readonly #version: number;
  /** The IPv4 addresses of the flow. */
  readonly #flowV4: readonly number[];

  constructor(field: RecordField, columns: PlanColumns, scratch: Scratch) {
    this.#scratch = scratch;
    this.#version = columns.find(IP_VERSION, 'u8');
    const flowV4 = [SOURCE_IPV4, DESTINATION_IPV4].map((element) => columns.find(element, 'address'));
    this.#flowV4 = flowV4.filter((position) => position >= 0);
    const [v4, v6, ...alsoV4] = field.elements!;
    this.#v4 = columns.take(columns.first([v4, ...alsoV4], 'address'));
    this.#v6 = columns.take(columns.find(v6, 'address'));
    if (this.#v4 >= 0 && this.#v6 >= 0) {
      this.families = 'both';
      this.#value = RowValue.computed(field.key, 'b16', 'address');
      this.#otherV6 = columns.sometimes(this.#v6);
    } else {
      const only = Math.max(this.#v4, this.#v6);
      this.families = only < 0 ? 'none' : this.#v4 >= 0 ? 'v4' : 'v6';
      this.#value = only < 0 ? null : RowValue.decoded(field.key, columns.plan, [only]);
    }
    this.values = this.#value === null ? [] : [this.#value];
  }

  bind(batch: FlowBatch): void {
    if (this.#value === null) return;
    if (this.#otherV6 === null) {
      this.#value.bind(batch);
      return;
    }
    const { rows } = batch;
    const v4 = batch.columns[this.#v4].lo;
    const v6 = batch.columns[this.#v6].wide;
    const wide = this.#scratch.u8(rows * 16);
    const isV6 = this.#scratch.u8(rows);
    const other = this.#scratch.u8(rows);
    for (let row = 0; row < rows; row++) {
      const at = row * 16;
      other[row] = 0;
      isV6[row] = v4[row] === 0 && !(isZero(v6, at) && this.#isIpv4(batch, row)) ? 1 : 0;
      if (isV6[row] === 1) {
        for (let i = 0; i < 16; i++) wide[at + i] = v6[at + i];
        continue;
      }
      writeMapped(wide, at, v4[row]);
      if (!isZero(v6, at)) other[row] = 1;
    }
    this.isV6 = isV6;
    this.#value.columns[0].data.wide = wide;
    this.#otherV6.present = other;
  }

  /** Whether a flow is IPv4, by its version or one of its addresses. */
  #isIpv4({ columns }: FlowBatch, row: number): boolean {
    const version = this.#version < 0 ? 0 : columns[this.#version].lo[row];
    return (
      version === 4 || (version !== 6 && this.#flowV4.some((position) => columns[position].lo[row] !== 0))
    );
  }
}

/** A number with an IPv4 and an IPv6 element, chosen by the address it belongs to. */
export class NumberPair implements Rule {
  readonly values: readonly RowValue[];
  readonly #value: RowValue | null;
  readonly #scratch: Scratch;
  readonly #decidedBy: AddressPair;
  readonly #v4: number;
  readonly #v6: number;
  /** The forms as they stand in `ext` where the other one holds. */
  readonly #others: readonly [RowValue, RowValue] | null = null;

  constructor(field: RecordField, columns: PlanColumns, scratch: Scratch, decidedBy: AddressPair) {
    this.#scratch = scratch;
    this.#decidedBy = decidedBy;
    const [v4, v6] = field.elements!;
    this.#v4 = columns.find(v4, 'u8');
    this.#v6 = columns.find(v6, 'u8');
    const two = this.#v4 >= 0 && this.#v6 >= 0;
    if (two && decidedBy.families === 'both') {
      this.#others = [columns.sometimes(columns.take(this.#v4)), columns.sometimes(columns.take(this.#v6))];
      this.#value = RowValue.computed(field.key, 'u32', 'unsigned');
    } else {
      const preferred = decidedBy.families === 'v6' ? this.#v6 : this.#v4;
      const only = two ? preferred : Math.max(this.#v4, this.#v6);
      this.#value = only < 0 ? null : RowValue.decoded(field.key, columns.plan, [columns.take(only)]);
    }
    this.values = this.#value === null ? [] : [this.#value];
  }

  bind(batch: FlowBatch): void {
    if (this.#value === null) return;
    if (this.#others === null) {
      this.#value.bind(batch);
      return;
    }
    const { rows } = batch;
    const v4 = batch.columns[this.#v4].lo;
    const v6 = batch.columns[this.#v6].lo;
    const { isV6 } = this.#decidedBy;
    const lo = this.#scratch.u32(rows);
    const otherV4 = this.#scratch.u8(rows);
    const otherV6 = this.#scratch.u8(rows);
    for (let row = 0; row < rows; row++) {
      const six = isV6[row] === 1;
      lo[row] = six ? v6[row] : v4[row];
      otherV4[row] = six && v4[row] !== 0 ? 1 : 0;
      otherV6[row] = !six && v6[row] !== 0 ? 1 : 0;
    }
    this.#value.columns[0].data.lo = lo;
    this.#others[0].present = otherV4;
    this.#others[1].present = otherV6;
  }
}

const ETHERNET_TYPE = 256;
const ETHERNET_IPV4 = 0x0800;
const ETHERNET_IPV6 = 0x86dd;

/** etype: as sent, else from the IP version, else from the form of the addresses. */
export class EtypeRule implements Rule {
  readonly values: readonly RowValue[];
  readonly #value: RowValue;
  readonly #sent: number;
  readonly #version: number;
  readonly #versionUnused: RowValue | null = null;
  readonly #address: AddressPair;
  readonly #scratch: Scratch;

  /** address: the pair that decides, one that the template has if there is any. */
  constructor(columns: PlanColumns, scratch: Scratch, address: AddressPair) {
    this.#scratch = scratch;
    this.#address = address;
    this.#sent = columns.take(columns.find(ETHERNET_TYPE, 'u16'));
    this.#version = this.#sent >= 0 ? -1 : columns.take(columns.find(IP_VERSION, 'u8'));
    if (this.#version >= 0) this.#versionUnused = columns.sometimes(this.#version);
    this.#value =
      this.#sent >= 0
        ? RowValue.decoded('etype', columns.plan, [this.#sent])
        : RowValue.computed('etype', 'u32', 'unsigned');
    const known = this.#sent >= 0 || this.#version >= 0 || address.families !== 'none';
    this.values = known ? [this.#value] : [];
  }

  bind(batch: FlowBatch): void {
    if (this.values.length === 0) return;
    if (this.#sent >= 0) {
      this.#value.bind(batch);
      return;
    }
    const { rows } = batch;
    const lo = this.#scratch.u32(rows);
    this.#value.columns[0].data.lo = lo;
    this.#byAddress(lo, rows);
    if (this.#version < 0) return;

    const version = batch.columns[this.#version].lo;
    const present = this.#scratch.u8(rows);
    const unused = this.#scratch.u8(rows);
    for (let row = 0; row < rows; row++) {
      const known = version[row] === 4 || version[row] === 6;
      if (known) lo[row] = version[row] === 4 ? ETHERNET_IPV4 : ETHERNET_IPV6;
      present[row] = lo[row] === 0 ? 0 : 1;
      unused[row] = known ? 0 : 1;
    }
    this.#value.present = present;
    this.#versionUnused!.present = unused;
  }

  /** 0 where there are no addresses. */
  #byAddress(lo: Uint32Array, rows: number): void {
    const { families, isV6 } = this.#address;
    if (families !== 'both') {
      lo.fill(families === 'v4' ? ETHERNET_IPV4 : families === 'v6' ? ETHERNET_IPV6 : 0, 0, rows);
      return;
    }
    for (let row = 0; row < rows; row++) lo[row] = isV6[row] === 1 ? ETHERNET_IPV6 : ETHERNET_IPV4;
  }
}

function isZero(bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < 16; i++) if (bytes[offset + i] !== 0) return false;
  return true;
}
