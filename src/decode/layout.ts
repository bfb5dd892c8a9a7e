import { type ElementLookup, STRUCTURED_TYPES } from '../elements/element.ts';

/**
 * Length that says "variable" in an IPFIX field specifier (RFC 7011 section 7). Some NetFlow v9 exporters use it too; a
 * fixed field of that length could never be sent, so it has the same meaning in every dialect.
 */
export const VARIABLE_LENGTH = 0xffff;

/**
 * Whose field numbers a layout speaks: the header version of v5 and v7 records; 9 for templates in NetFlow v9 form, also
 * where they stand inside an IPFIX message; 10 for IPFIX templates.
 */
export type Dialect = 5 | 7 | 9 | 10;

/** One field of a template. */
export interface FieldSpecifier {
  /** Private enterprise number, 0 for none. */
  readonly pen: number;
  /** Element id (IPFIX: without the enterprise bit), v9 field type, or v9 scope type. */
  readonly id: number;
  /** Octets on the wire; 65535 (VARIABLE_LENGTH) for variable length. */
  readonly length: number;
}

/**
 * The shape of a record: what a template says without its id and owner. Templates with the same shape share one layout.
 * Immutable; `uid` is never used again in this process, so a cache keyed by it cannot answer with another shape.
 */
export interface Layout {
  /** Number of the layout in this process. */
  readonly uid: number;
  /** Whose field numbers these are. */
  readonly dialect: Dialect;
  /** Number of leading scope fields; 0 for data templates. */
  readonly scopeCount: number;
  /** In wire order, scope fields first. */
  readonly fields: readonly FieldSpecifier[];
  /** Octets of the shortest possible record; a variable-length field counts as its one length octet. */
  readonly minRecordBytes: number;
  /** Whether any field has variable length. */
  readonly variable: boolean;
  /** Whether a field holds structured data (RFC 6313), so that decoding needs the templates of the scope. */
  readonly structured: boolean;
}

export function createLayout(
  uid: number,
  dialect: Dialect,
  scopeCount: number,
  fields: readonly FieldSpecifier[],
  elements: ElementLookup,
): Layout {
  let minRecordBytes = 0;
  let variable = false;
  let structured = false;
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i];
    const variableField = field.length === VARIABLE_LENGTH;
    minRecordBytes += variableField ? 1 : field.length;
    variable ||= variableField;
    const type = elements.lookup(field.pen, field.id)?.type;
    if (type !== undefined && STRUCTURED_TYPES.has(type)) structured = true;
  }
  return { uid, dialect, scopeCount, fields, minRecordBytes, variable, structured };
}

/**
 * Canonical bytes of a layout, the same in every process: u8 dialect, u8 0, u16 scope count, u16 field count, then per
 * field u32 enterprise number, u16 id, u16 length; all big-endian. Equal bytes mean equal layouts.
 */
export function layoutBytes(
  dialect: Dialect,
  scopeCount: number,
  fields: readonly FieldSpecifier[],
): Uint8Array {
  const bytes = new Uint8Array(LAYOUT_HEADER_BYTES + fields.length * LAYOUT_FIELD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, dialect);
  view.setUint16(2, scopeCount);
  view.setUint16(4, fields.length);
  let at = LAYOUT_HEADER_BYTES;
  for (const field of fields) {
    view.setUint32(at, field.pen);
    view.setUint16(at + 4, field.id);
    view.setUint16(at + 6, field.length);
    at += LAYOUT_FIELD_BYTES;
  }
  return bytes;
}

export const LAYOUT_HEADER_BYTES = 6;
export const LAYOUT_FIELD_BYTES = 8;

/** Reads canonical layout bytes that this process wrote (shared memory): trusted, so it asserts nothing about lengths. */
export function readLayout(view: DataView, offset: number, uid: number, elements: ElementLookup): Layout {
  const dialect = view.getUint8(offset) as Dialect;
  const scopeCount = view.getUint16(offset + 2);
  const count = view.getUint16(offset + 4);
  const fields: FieldSpecifier[] = [];
  let at = offset + LAYOUT_HEADER_BYTES;
  for (let i = 0; i < count; i++, at += LAYOUT_FIELD_BYTES) {
    fields.push({ pen: view.getUint32(at), id: view.getUint16(at + 4), length: view.getUint16(at + 6) });
  }
  return createLayout(uid, dialect, scopeCount, fields, elements);
}
