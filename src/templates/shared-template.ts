import {
  type Dialect,
  type FieldSpecifier,
  LAYOUT_FIELD_BYTES,
  LAYOUT_HEADER_BYTES,
  type Layout,
  layoutBytes,
  VARIABLE_LENGTH,
} from '../decode/layout.ts';
import type { DecodeLimits } from '../decode/limits.ts';
import type { RefusalReason } from '../wire/fault.ts';
import { MIN_TEMPLATE_ID } from '../wire/set.ts';
import type { TemplateKind } from './scope.ts';
import { type StoredValue, ValueKind } from './stored-value.ts';

/** A template as collectors tell it each other. */
export interface SharedTemplate {
  readonly templateId: number;
  readonly kind: TemplateKind;
  readonly dialect: Dialect;
  readonly scopeCount: number;
  readonly fields: readonly FieldSpecifier[];
  readonly exportTimeMs: number;
  readonly sequence: number;
  /** When it was last announced, milliseconds since the Unix epoch. */
  readonly seenAtMs: number;
}

/** What templateRefusal has to know of a definition. */
export interface TemplateShape {
  readonly templateId: number;
  readonly fieldCount: number;
  readonly scopeCount: number;
  /** Sum of the fixed field lengths, a variable-length field counted as its one length octet. */
  readonly minRecordBytes: number;
}

/** Why a definition cannot be used; undefined when it can. One rule for the wire and for the store. */
export function templateRefusal(
  shape: TemplateShape,
  kind: TemplateKind,
  dialect: Dialect,
  limits: DecodeLimits,
): RefusalReason | undefined {
  if (shape.templateId < MIN_TEMPLATE_ID) return 'id-reserved';
  if (shape.fieldCount === 0) return 'no-fields';
  if (shape.fieldCount > limits.maxFieldsPerTemplate) return 'too-many-fields';
  if (kind === 'options' && dialect === 10) {
    if (shape.scopeCount === 0 || shape.scopeCount > shape.fieldCount) return 'scope-count-invalid';
  }
  if (shape.minRecordBytes === 0) return 'record-empty';
  if (shape.minRecordBytes > limits.maxTemplateBytes) return 'record-too-long';
  return undefined;
}

/** The payload of a stored template: its canonical layout. The kind stands in the header of the value. */
export function templatePayload({
  dialect,
  scopeCount,
  fields,
}: Pick<Layout, 'dialect' | 'scopeCount' | 'fields'>): Uint8Array {
  return layoutBytes(dialect, scopeCount, fields);
}

/** A template out of a stored value; a reason when it is none that can be used. Trusts nothing. */
export function readTemplate(
  templateId: number,
  value: StoredValue,
  seenAtMs: number,
  limits: DecodeLimits,
): SharedTemplate | RefusalReason {
  const { payload, exportTimeMs, sequence } = value;
  if (value.kind !== ValueKind.data && value.kind !== ValueKind.options) return 'unknown-encoding';
  if (payload.length < LAYOUT_HEADER_BYTES) return 'unknown-encoding';
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const dialect = view.getUint8(0);
  const scopeCount = view.getUint16(2);
  const fieldCount = view.getUint16(4);
  if ((dialect !== 9 && dialect !== 10) || view.getUint8(1) !== 0) return 'unknown-encoding';
  if (payload.length !== LAYOUT_HEADER_BYTES + fieldCount * LAYOUT_FIELD_BYTES) return 'unknown-encoding';
  const kind = value.kind === ValueKind.data ? 'data' : 'options';
  if (scopeCount > fieldCount || (kind === 'data' && scopeCount > 0)) return 'scope-count-invalid';
  const fields: FieldSpecifier[] = [];
  let minRecordBytes = 0;
  for (let at = LAYOUT_HEADER_BYTES; at < payload.length; at += LAYOUT_FIELD_BYTES) {
    const field = { pen: view.getUint32(at), id: view.getUint16(at + 4), length: view.getUint16(at + 6) };
    if (dialect === 9 ? field.pen !== 0 : field.id > 0x7fff) return 'unknown-encoding';
    minRecordBytes += field.length === VARIABLE_LENGTH ? 1 : field.length;
    fields.push(field);
  }
  const refusal = templateRefusal(
    { templateId, fieldCount, scopeCount, minRecordBytes },
    kind,
    dialect,
    limits,
  );
  return refusal ?? { templateId, kind, dialect, scopeCount, fields, exportTimeMs, sequence, seenAtMs };
}
