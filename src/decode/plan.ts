import type { Element, ElementLookup, ElementType } from '../elements/element.ts';
import { type FieldSpecifier, type Layout, VARIABLE_LENGTH } from './layout.ts';

/**
 * How the values of a column are kept in a FlowBatch, one row after another.
 *
 * | storage | lo (Uint32Array)                        | hi (Uint32Array) | f64 | wide (Uint8Array) |
 * |---------|-----------------------------------------|------------------|-----|-------------------|
 * | u32     | the value                               |                  |     |                   |
 * | i32     | the value, two's complement             |                  |     |                   |
 * | u64     | lower 32 bits                           | upper 32 bits    |     |                   |
 * | i64     | lower 32 bits                           | upper 32 bits    |     |                   |
 * | f64     |                                         |                  | it  |                   |
 * | b16     |                                         |                  |     | 16 bytes a row    |
 * | heap    | offset of the bytes in the batch's heap | their length     |     |                   |
 */
export type Storage = 'u32' | 'i32' | 'u64' | 'i64' | 'f64' | 'b16' | 'heap';

/**
 * What the stored bits mean, and so how they are shown:
 * unsigned, signed, float; boolean (1 true, 2 false, RFC 7011 section 6.1.5); ipv4 (u32) and ipv6 (b16); address (b16,
 * IPv4 in mapped form); mac (u64, lower 48 bits); string (heap, UTF-8); octets (heap); seconds and millis since the Unix
 * epoch (u32 or u64); micros and nanos in NTP format (u64, RFC 7011 sections 6.1.9 and 6.1.10); list (heap, RFC 6313).
 */
export type Render =
  | 'unsigned'
  | 'signed'
  | 'float'
  | 'boolean'
  | 'ipv4'
  | 'ipv6'
  | 'address'
  | 'mac'
  | 'string'
  | 'octets'
  | 'seconds'
  | 'millis'
  | 'micros'
  | 'nanos'
  | 'list';

/** One column of a plan: one field of the layout, or one value of the message header (v5, v7). */
export interface Column {
  /** Field key: IANA name, `reverse…`, `scope…` or `<pen>.<id>`. */
  readonly key: string;
  /** Undefined where the dictionary has none. */
  readonly element: Element | undefined;
  /** Private enterprise number, 0 for none. */
  readonly pen: number;
  /** As in FieldSpecifier. */
  readonly id: number;
  /** Whether this is a scope field of an options record. */
  readonly scope: boolean;
  /** Which arrays of ColumnData have the values. */
  readonly storage: Storage;
  /** What the stored bits mean. */
  readonly render: Render;
  /** Octets on the wire; 65535 (VARIABLE_LENGTH) for variable length. */
  readonly length: number;
  /**
   * Octet offset in the record where no variable-length field stands in front, else -1. For header values: octet offset in
   * the message header.
   */
  readonly offset: number;
  /** Where the value is read. `header` columns repeat one value of the message header in every row. */
  readonly source: 'record' | 'header' | 'v5-sampling-mode' | 'v5-sampling-interval';
}

/** What has to be done to decode records of a layout: columns in wire order. Immutable, one per layout and thread. */
export interface Plan {
  /** What it is made for. */
  readonly layout: Layout;
  /** Those of the layout, then those of the message header. */
  readonly columns: readonly Column[];
  /** Fields in the order of their first appearance; a repeated element has several columns. */
  readonly fields: readonly PlanField[];
}

/** A field of records as objects. */
export interface PlanField {
  /** Key of the columns. */
  readonly key: string;
  /** Positions in `columns`, in wire order. */
  readonly columns: readonly number[];
}

/** NetFlow v9 scope field types of RFC 3954 section 6.1. */
const V9_SCOPES: Readonly<Record<number, string>> = {
  1: 'scopeSystem',
  2: 'scopeInterface',
  3: 'scopeLineCard',
  4: 'scopeCache',
  5: 'scopeTemplate',
};

/** The two flag fields of a v7 record by their offset: they have no number in the IANA registry. */
const V7_FLAGS: Readonly<Record<number, string>> = { 36: 'v7Flags', 46: 'v7FlagsExtended' };

export function createPlan(layout: Layout, elements: ElementLookup): Plan {
  const columns: Column[] = [];
  let offset = 0;
  for (let i = 0; i < layout.fields.length; i++) {
    const field = layout.fields[i];
    columns.push(fieldColumn(layout, field, i < layout.scopeCount, offset, elements));
    if (field.length === VARIABLE_LENGTH) offset = -1;
    else if (offset >= 0) offset += field.length;
  }
  if (layout.dialect === 5) columns.push(...v5HeaderColumns(elements));

  const positions = new Map<string, number[]>();
  columns.forEach((column, i) => {
    // The padding octets of v5 records are part of their stride, not values anybody wants.
    if (layout.dialect === 5 && column.key === 'paddingOctets') return;
    const known = positions.get(column.key);
    if (known === undefined) positions.set(column.key, [i]);
    else known.push(i);
  });
  const fields = [...positions].map(([key, at]) => ({ key, columns: at }));
  return { layout, columns, fields };
}

function fieldColumn(
  layout: Layout,
  field: FieldSpecifier,
  scope: boolean,
  offset: number,
  elements: ElementLookup,
): Column {
  const common = {
    pen: field.pen,
    id: field.id,
    scope,
    length: field.length,
    offset,
    source: 'record' as const,
  };
  if (scope && layout.dialect === 9) {
    const key = V9_SCOPES[field.id] ?? `scope.${field.id}`;
    return { ...common, key, element: undefined, ...representation('unsigned64', field.length) };
  }
  const element = elements.lookup(field.pen, field.id);
  if (layout.dialect === 7 && element?.name === 'paddingOctets') {
    const key = V7_FLAGS[offset];
    return { ...common, key, element: undefined, ...representation('unsigned16', field.length) };
  }
  const key = element?.name ?? `${field.pen}.${field.id}`;
  return { ...common, key, element, ...representation(element?.type ?? 'octetArray', field.length) };
}

/**
 * Storage and meaning of a field by its abstract type and its octets on the wire. A width that the type does not allow is
 * kept as octets (RFC 7011 section 6.2 allows reduced sizes for integers and float64 only). Integers of variable length
 * are kept as 64 bits; larger values saturate.
 */
export function representation(type: ElementType, length: number): { storage: Storage; render: Render } {
  const octets = { storage: 'heap', render: 'octets' } as const;
  switch (type) {
    case 'unsigned8':
    case 'unsigned16':
    case 'unsigned32':
    case 'unsigned64':
    case 'unsigned256':
      return integer(length, 'unsigned') ?? octets;
    case 'signed8':
    case 'signed16':
    case 'signed32':
    case 'signed64':
      if (!isIntegerWidth(length)) return octets;
      return { storage: length <= 4 ? 'i32' : 'i64', render: 'signed' };
    case 'float32':
    case 'float64':
      return length === 4 || length === 8 ? { storage: 'f64', render: 'float' } : octets;
    case 'boolean':
      return length === 1 ? { storage: 'u32', render: 'boolean' } : octets;
    case 'ipv4Address':
      return length === 4 ? { storage: 'u32', render: 'ipv4' } : octets;
    case 'ipv6Address':
      return length === 16 ? { storage: 'b16', render: 'ipv6' } : octets;
    case 'macAddress':
      return length === 6 ? { storage: 'u64', render: 'mac' } : octets;
    case 'dateTimeSeconds':
      return integer(length, 'seconds') ?? octets;
    case 'dateTimeMilliseconds':
      return integer(length, 'millis') ?? octets;
    case 'dateTimeMicroseconds':
      return length === 8 ? { storage: 'u64', render: 'micros' } : octets;
    case 'dateTimeNanoseconds':
      return length === 8 ? { storage: 'u64', render: 'nanos' } : octets;
    case 'string':
      return { storage: 'heap', render: 'string' };
    case 'basicList':
    case 'subTemplateList':
    case 'subTemplateMultiList':
      return { storage: 'heap', render: 'list' };
    case 'octetArray':
      return octets;
  }
}

function integer(
  length: number,
  render: 'unsigned' | 'seconds' | 'millis',
): { storage: Storage; render: Render } | undefined {
  if (!isIntegerWidth(length)) return undefined;
  return { storage: length <= 4 ? 'u32' : 'u64', render };
}

function isIntegerWidth(length: number): boolean {
  return (length >= 1 && length <= 8) || length === VARIABLE_LENGTH;
}

/** Engine and sampling of the v5 header as values of each record, under the names RFC 7012 gives them. */
function v5HeaderColumns(elements: ElementLookup): Column[] {
  const column = (id: number, offset: number, length: number, source: Column['source']): Column => {
    const element = elements.lookup(0, id);
    const key = element?.name ?? `0.${id}`;
    return {
      key,
      element,
      pen: 0,
      id,
      scope: false,
      storage: 'u32',
      render: 'unsigned',
      length,
      offset,
      source,
    };
  };
  return [
    column(38, 20, 1, 'header'), // engineType
    column(39, 21, 1, 'header'), // engineId
    column(34, 22, 2, 'v5-sampling-interval'),
    column(35, 22, 2, 'v5-sampling-mode'),
  ];
}
