/**
 * Template records, all integers big-endian.
 *
 * ```
 * data template, v9 and IPFIX      u16 template id, u16 field count, field specifiers
 * options template, IPFIX          u16 template id, u16 field count, u16 scope field count, field specifiers
 * options template, v9             u16 template id, u16 scope octets, u16 option octets, 4-octet specifiers
 * withdrawal, IPFIX, both kinds    u16 template id, u16 0                                        RFC 7011 section 8.1
 * field specifier, v9              u16 type, u16 length
 * field specifier, IPFIX           u16 element id, u16 length; with the highest bit of the id set also u32 enterprise
 * ```
 */
export const ENTERPRISE_BIT = 0x8000;

export const RecordKind = { none: 0, template: 1, withdrawal: 2, truncated: 3 } as const;

/**
 * Reads the template records of a set one by one: call `next` until it returns RecordKind.none or RecordKind.truncated.
 * Field specifiers are not kept but located: fields are at [fieldsAt, at) of the view. Reused from set to set.
 */
export class TemplateReader {
  templateId = 0;
  fieldCount = 0;
  scopeCount = 0;
  /** Sum of the fixed field lengths, a variable-length field counted as its one length octet. */
  minRecordBytes = 0;
  /** Where the field specifiers of the record start. */
  fieldsAt = 0;
  /** Offset of the record, and of what follows it. */
  recordAt = 0;
  at = 0;
  /** Octets of the record's field list that could not be split into fields (v9 options lengths not divisible by 4). */
  uneven = false;
  #end = 0;
  /** From here on the set is all zero: found once, so that a set of zeros costs no more than any other. */
  #zeroFrom = 0;
  #options = false;
  #v9 = false;
  readonly #field = { pen: 0, id: 0, length: 0 };

  begin(view: DataView, start: number, end: number, options: boolean, v9: boolean): void {
    this.at = start;
    this.#end = end;
    let zeroFrom = end;
    while (zeroFrom > start && view.getUint8(zeroFrom - 1) === 0) zeroFrom--;
    this.#zeroFrom = zeroFrom;
    this.#options = options;
    this.#v9 = v9;
  }

  next(view: DataView): number {
    const start = this.at;
    if (this.#end - start < 4 || start >= this.#zeroFrom) return RecordKind.none;
    this.recordAt = start;
    this.templateId = view.getUint16(start);
    const second = view.getUint16(start + 2);
    this.uneven = false;
    if (this.#v9 && this.#options) return this.#v9Options(view, second);
    if (second === 0 && !this.#v9) {
      this.at = start + 4;
      return RecordKind.withdrawal;
    }
    this.fieldCount = second;
    this.scopeCount = 0;
    this.fieldsAt = start + 4;
    if (this.#options) {
      if (this.#end - start < 6) return this.#truncated();
      this.scopeCount = view.getUint16(start + 4);
      this.fieldsAt = start + 6;
    }
    return this.#walkFields(view);
  }

  #v9Options(view: DataView, scopeBytes: number): number {
    const start = this.recordAt;
    if (this.#end - start < 6) return this.#truncated();
    const optionBytes = view.getUint16(start + 4);
    this.uneven = scopeBytes % 4 !== 0 || optionBytes % 4 !== 0;
    this.scopeCount = scopeBytes >>> 2;
    this.fieldCount = this.scopeCount + (optionBytes >>> 2);
    this.fieldsAt = start + 6;
    if (this.uneven) {
      this.at = this.fieldsAt + scopeBytes + optionBytes;
      return this.at > this.#end ? this.#truncated() : RecordKind.template;
    }
    return this.#walkFields(view);
  }

  /** Finds the end of the record and the shortest record it describes. */
  #walkFields(view: DataView): number {
    let at = this.fieldsAt;
    let minBytes = 0;
    for (let i = 0; i < this.fieldCount; i++) {
      if (this.#end - at < 4) return this.#truncated();
      const length = view.getUint16(at + 2);
      minBytes += length === 0xffff ? 1 : length;
      if (!this.#v9 && (view.getUint16(at) & ENTERPRISE_BIT) !== 0) {
        if (this.#end - at < 8) return this.#truncated();
        at += 8;
      } else at += 4;
    }
    this.minRecordBytes = minBytes;
    this.at = at;
    return RecordKind.template;
  }

  #truncated(): number {
    this.at = this.#end;
    return RecordKind.truncated;
  }

  /** Whether the record at hand has exactly these fields. */
  hasFields(
    view: DataView,
    fields: readonly { readonly pen: number; readonly id: number; readonly length: number }[],
  ): boolean {
    if (this.fieldCount !== fields.length) return false;
    const field = this.#field;
    let at = this.fieldsAt;
    for (let i = 0; i < fields.length; i++) {
      at = this.field(view, at, field);
      const { pen, id, length } = fields[i];
      if (field.id !== id || field.length !== length || field.pen !== pen) return false;
    }
    return true;
  }

  /** Enterprise number, id and length of the field specifier at offset; returns the offset of the next one. */
  field(view: DataView, offset: number, target: { pen: number; id: number; length: number }): number {
    const id = view.getUint16(offset);
    target.length = view.getUint16(offset + 2);
    if (!this.#v9 && (id & ENTERPRISE_BIT) !== 0) {
      target.id = id & ~ENTERPRISE_BIT;
      target.pen = view.getUint32(offset + 4);
      return offset + 8;
    }
    target.id = id;
    target.pen = 0;
    return offset + 4;
  }
}
