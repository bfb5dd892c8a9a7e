import type { ElementLookup } from '../elements/element.ts';
import { FlowBatch, type SetContext } from './batch.ts';
import { interpretSet, SetCursor } from './interpret.ts';
import { createLayout } from './layout.ts';
import { MAX_LIST_DEPTH } from './limits.ts';
import { createPlan, type Plan } from './plan.ts';
import { type Value, valueAt } from './value.ts';

/**
 * A basicList: values of one element. Structured data (RFC 6313) as objects is made of the following, all integers big-endian.
 *
 * ```
 * basicList             u8 semantic, u16 element id (highest bit: enterprise), u16 element length, [u32 enterprise], values
 * subTemplateList       u8 semantic, u16 template id, records
 * subTemplateMultiList  u8 semantic, then per entry u16 template id, u16 length with these four octets, records
 * ```
 */
export interface BasicList {
  /** How the values belong together. */
  semantic: Semantic;
  /** Key of the element: its name or `<pen>.<id>`. */
  element: string;
  /** In wire order. */
  values: Value[];
}
/** A subTemplateList: records of one template. */
export interface SubTemplateList {
  /** How the records belong together. */
  semantic: Semantic;
  /** The template of the records. */
  templateId: number;
  /** Absent, with the octets as hex instead, when the template is unknown. */
  records?: FieldValues[];
  /** The content as hex when the template is unknown. */
  octets?: string;
}
/** A subTemplateMultiList: records of several templates. */
export interface SubTemplateMultiList {
  /** How the entries belong together. */
  semantic: Semantic;
  /** In wire order. */
  entries: Omit<SubTemplateList, 'semantic'>[];
}
/** Structured data. Lists that are malformed or nested too deeply are hex of their octets instead. */
export type ListValue = BasicList | SubTemplateList | SubTemplateMultiList;
/** Field values of a record by their keys; a repeated element is an array in wire order. */
export type FieldValues = Record<string, FieldValue>;
/** The value of a key: one, or those of a repeated element. */
export type FieldValue = Value | ListValue | (Value | ListValue)[];

/** Semantics of a list (RFC 6313 section 4.4). */
export type Semantic = 'noneOf' | 'exactlyOneOf' | 'oneOrMoreOf' | 'allOf' | 'ordered' | 'undefined';

/** By number. All others, and 255, are `undefined`, which the RFC makes the default. */
const SEMANTICS: readonly Semantic[] = ['noneOf', 'exactlyOneOf', 'oneOrMoreOf', 'allOf', 'ordered'];

const BASIC_LIST_HEADER = 5;
const SUB_TEMPLATE_HEADER = 3;
const MULTI_ENTRY_HEADER = 4;
/** Rows of a list that are decoded at a time, and the values they have together. */
const SCRATCH_ROWS = 64;
const SCRATCH_VALUES = 4096;
/** Different basicList elements whose plans are remembered. */
const MAX_LIST_PLANS = 256;

/**
 * Turns rows into field values, lists included. Not reentrant across threads; one per decoder. Lists that are malformed or
 * nested too deeply come out as hex of their octets and are counted in `malformed`.
 */
export class Materializer {
  malformed = 0;
  readonly #elements: ElementLookup;
  readonly #listPlans = new Map<string, Plan>();
  readonly #scratch: SetCursor[] = [];

  constructor(elements: ElementLookup) {
    this.#elements = elements;
  }

  fields(batch: FlowBatch, row: number, set: SetContext, depth = 0): FieldValues {
    const result: FieldValues = {};
    for (const { key, columns } of batch.plan.fields) {
      const value =
        columns.length === 1
          ? this.value(batch, columns[0], row, set, depth)
          : columns.map((column) => this.value(batch, column, row, set, depth) as Value | ListValue);
      // A plain assignment to __proto__ would set the prototype; keys come from dictionaries, so it cannot happen there.
      result[key] = value;
    }
    return result;
  }

  value(batch: FlowBatch, column: number, row: number, set: SetContext, depth = 0): Value | ListValue {
    if (batch.plan.columns[column].render !== 'list') return valueAt(batch, column, row, set.exportTimeMs);
    const start = batch.columns[column].lo[row];
    const bytes = batch.heap.subarray(start, start + batch.columns[column].hi[row]);
    const type = batch.plan.columns[column].element?.type;
    const list = depth < MAX_LIST_DEPTH ? this.#list(type, bytes, set, depth) : undefined;
    if (list !== undefined) return list;
    this.malformed++;
    return hex(bytes);
  }

  #list(type: string | undefined, bytes: Uint8Array, set: SetContext, depth: number): ListValue | undefined {
    if (bytes.length === 0) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const semantic = SEMANTICS[bytes[0]] ?? 'undefined';
    if (type === 'basicList') return this.#basicList(semantic, bytes, view, set, depth);
    if (type === 'subTemplateList') {
      if (bytes.length < SUB_TEMPLATE_HEADER) return undefined;
      const entry = this.#subTemplate(view.getUint16(1), bytes.subarray(SUB_TEMPLATE_HEADER), set, depth);
      return entry && { semantic, ...entry };
    }
    const entries: SubTemplateMultiList['entries'] = [];
    for (let at = 1; at < bytes.length; ) {
      if (bytes.length - at < MULTI_ENTRY_HEADER) return undefined;
      const length = view.getUint16(at + 2);
      if (length < MULTI_ENTRY_HEADER || at + length > bytes.length) return undefined;
      const content = bytes.subarray(at + MULTI_ENTRY_HEADER, at + length);
      const entry = this.#subTemplate(view.getUint16(at), content, set, depth);
      if (entry === undefined) return undefined;
      entries.push(entry);
      at += length;
    }
    return { semantic, entries };
  }

  #basicList(
    semantic: Semantic,
    bytes: Uint8Array,
    view: DataView,
    set: SetContext,
    depth: number,
  ): BasicList | undefined {
    if (bytes.length < BASIC_LIST_HEADER) return undefined;
    const enterprise = (view.getUint16(1) & 0x8000) !== 0;
    const header = BASIC_LIST_HEADER + (enterprise ? 4 : 0);
    if (bytes.length < header) return undefined;
    const id = view.getUint16(1) & 0x7fff;
    const length = view.getUint16(3);
    const plan = this.#elementPlan(enterprise ? view.getUint32(5) : 0, id, length);
    const element = plan.columns[0].key;
    if (bytes.length === header) return { semantic, element, values: [] };
    const values: Value[] = [];
    const ok = this.#decode(plan, bytes.subarray(header), set, depth, (batch, row) =>
      values.push(this.value(batch, 0, row, set, depth + 1) as Value),
    );
    return ok ? { semantic, element, values } : undefined;
  }

  #subTemplate(
    templateId: number,
    content: Uint8Array,
    set: SetContext,
    depth: number,
  ): Omit<SubTemplateList, 'semantic'> | undefined {
    const plan = set.templates.plan(templateId);
    if (plan === undefined) return { templateId, octets: hex(content) };
    if (content.length === 0) return { templateId, records: [] };
    const records: FieldValues[] = [];
    const ok = this.#decode(plan, content, set, depth, (batch, row) =>
      records.push(this.fields(batch, row, set, depth + 1)),
    );
    return ok ? { templateId, records } : undefined;
  }

  /** Decodes content as records of a plan. False when it is not a whole number of records, or too much. */
  #decode(
    plan: Plan,
    content: Uint8Array,
    set: SetContext,
    depth: number,
    visit: (batch: FlowBatch, row: number) => void,
  ): boolean {
    const { fields, minRecordBytes } = plan.layout;
    if (minRecordBytes === 0 || content.length < minRecordBytes) return false;
    // Asked before there is room for rows, because for many lists of a wide template the room is what costs.
    if (set.budget.values < fields.length) return false;
    const rows = Math.min(SCRATCH_ROWS, content.length / minRecordBytes, SCRATCH_VALUES / fields.length);
    const cursor = (this.#scratch[depth] ??= new SetCursor());
    const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
    const batch = new FlowBatch(plan, Math.max(1, Math.floor(rows)));
    cursor.begin(0, 0, content.length, content.length);
    for (let done = false; !done; ) {
      batch.reset();
      done = interpretSet(plan, batch, content, view, cursor, set.budget);
      for (let row = 0; row < batch.rows; row++) visit(batch, row);
    }
    return cursor.fault === 0 && cursor.position === content.length;
  }

  #elementPlan(pen: number, id: number, length: number): Plan {
    const key = `${pen}.${id}.${length}`;
    let plan = this.#listPlans.get(key);
    if (plan === undefined) {
      if (this.#listPlans.size >= MAX_LIST_PLANS) this.#listPlans.clear();
      plan = createPlan(createLayout(0, 10, 0, [{ pen, id, length }], this.#elements), this.#elements);
      this.#listPlans.set(key, plan);
    }
    return plan;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
