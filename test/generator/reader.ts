import assert from 'node:assert/strict';

/**
 * Reads datagrams field by field, written from the RFCs for the tests of the generator. Strict: whatever an exporter may
 * not do fails an assertion.
 */

export interface Specifier {
  id: number;
  length: number;
  pen: number;
}

export interface TemplateRead {
  id: number;
  scopes: number;
  fields: Specifier[];
}

export interface RecordRead {
  templateId: number;
  template: TemplateRead;
  /** Octets of the values, without length octets. */
  values: Uint8Array[];
  /** Octets of the whole record. */
  length: number;
}

export interface MessageRead {
  version: number;
  /** The second 16 bits of the header: count, or for IPFIX length. */
  count: number;
  uptimeMs: number;
  seconds: number;
  nanoseconds: number;
  sequence: number;
  /** Source id, observation domain, or engine type and id. */
  domain: number;
  sampling: number;
  templates: TemplateRead[];
  optionsTemplates: TemplateRead[];
  data: RecordRead[];
  optionsData: RecordRead[];
  /** Ids of all sets, in order. */
  sets: number[];
  paddings: number[];
  /** Data sets whose template the reader does not have. */
  unknown: number;
}

const number = (bytes: Uint8Array): number => bytes.reduce((sum, octet) => sum * 256 + octet, 0);

/** Reads the datagrams of one or more exporters in order and remembers their templates. */
export class Reader {
  readonly #templates = new Map<string, TemplateRead>();

  read(payload: Uint8Array): MessageRead {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    const version = view.getUint16(0);
    const ipfix = version === 10;
    const at = ipfix ? 4 : 8;
    const message: MessageRead = {
      version,
      count: view.getUint16(2),
      uptimeMs: ipfix ? -1 : view.getUint32(4),
      seconds: view.getUint32(at),
      nanoseconds: version < 9 ? view.getUint32(12) : 0,
      sequence: view.getUint32(version < 9 ? 16 : at + 4),
      domain: version === 5 ? view.getUint16(20) : version === 7 ? 0 : view.getUint32(at + 8),
      sampling: version === 5 ? view.getUint16(22) : 0,
      templates: [],
      optionsTemplates: [],
      data: [],
      optionsData: [],
      sets: [],
      paddings: [],
      unknown: 0,
    };
    if (version < 9) this.#readFixed(message, payload);
    else this.#readSets(message, payload, view, at + 12);
    return message;
  }

  #readFixed(message: MessageRead, payload: Uint8Array): void {
    const widths =
      message.version === 5
        ? [4, 4, 4, 2, 2, 4, 4, 4, 4, 2, 2, 1, 1, 1, 1, 2, 2, 1, 1, 2]
        : [4, 4, 4, 2, 2, 4, 4, 4, 4, 2, 2, 1, 1, 1, 1, 2, 2, 1, 1, 2, 4];
    const fields = widths.map((length, id) => ({ id, length, pen: 0 }));
    const template = { id: 0, scopes: 0, fields };
    let at = 24;
    for (let i = 0; i < message.count; i++) {
      const record = readRecord(template, payload, at, payload.length);
      message.data.push(record);
      at += record.length;
    }
    assert.equal(at, payload.length);
  }

  #readSets(message: MessageRead, payload: Uint8Array, view: DataView, at: number): void {
    const v9 = message.version === 9;
    while (at < payload.length) {
      assert.equal(at % 4, 0, 'sets begin at multiples of four');
      const id = view.getUint16(at);
      const length = view.getUint16(at + 2);
      assert.equal(length % 4, 0, 'sets are padded');
      assert.ok(length > 4 && at + length <= payload.length);
      message.sets.push(id);
      const end = at + length;
      at += 4;
      if (id === (v9 ? 0 : 2) || id === (v9 ? 1 : 3)) {
        const options = id % 2 === 1;
        while (end - at >= 4) at = this.#readTemplate(message, view, at, options);
      } else {
        assert.ok(id >= 256, `set id ${id}`);
        at = this.#readData(message, payload, at, end, id);
      }
      assert.ok(at <= end && end - at < 4, 'padding is shorter than four octets');
      message.paddings.push(end - at);
      assert.ok(payload.subarray(at, end).every((octet) => octet === 0));
      at = end;
    }
    assert.equal(at, payload.length);
  }

  #readTemplate(message: MessageRead, view: DataView, at: number, options: boolean): number {
    const id = view.getUint16(at);
    assert.ok(id >= 256);
    let count = view.getUint16(at + 2);
    let scopes = 0;
    at += 4;
    if (options) {
      scopes = view.getUint16(at);
      at += 2;
      if (message.version === 9) {
        count = (count + scopes) / 4;
        scopes = count - scopes / 4;
      }
      assert.ok(scopes > 0 && scopes <= count);
    }
    const fields: Specifier[] = [];
    for (let i = 0; i < count; i++) {
      const type = view.getUint16(at);
      const field = { id: type, length: view.getUint16(at + 2), pen: 0 };
      at += 4;
      if (message.version === 10 && type >= 0x8000) {
        field.id = type & 0x7fff;
        field.pen = view.getUint32(at);
        at += 4;
      }
      assert.ok(field.length > 0);
      fields.push(field);
    }
    const template = { id, scopes, fields };
    this.#templates.set(`${message.domain} ${id}`, template);
    (options ? message.optionsTemplates : message.templates).push(template);
    return at;
  }

  #readData(message: MessageRead, payload: Uint8Array, at: number, end: number, id: number): number {
    const template = this.#templates.get(`${message.domain} ${id}`);
    if (template === undefined) {
      message.unknown++;
      return end;
    }
    const shortest = template.fields.reduce((sum, { length }) => sum + (length === 0xffff ? 1 : length), 0);
    assert.ok(end - at >= shortest, 'a data set has a record');
    while (end - at >= shortest) {
      const record = readRecord(template, payload, at, end);
      (template.scopes > 0 ? message.optionsData : message.data).push(record);
      at += record.length;
    }
    return at;
  }
}

function readRecord(template: TemplateRead, payload: Uint8Array, start: number, end: number): RecordRead {
  const values: Uint8Array[] = [];
  let at = start;
  for (const field of template.fields) {
    let length = field.length;
    if (length === 0xffff) {
      length = payload[at++];
      if (length === 255) {
        length = payload[at] * 256 + payload[at + 1];
        assert.ok(length > 254, 'the long form is for long values');
        at += 2;
      }
    }
    values.push(payload.slice(at, at + length));
    at += length;
  }
  assert.ok(at <= end, 'records end inside their set');
  return { templateId: template.id, template, values, length: at - start };
}

/** Value of an element as a number. */
export function numberOf(record: RecordRead, id: number, pen = 0): number {
  return number(octetsOf(record, id, pen));
}

/** Value of an element as text, without the zeros that fill a fixed field up. */
export function textOf(record: RecordRead, id: number, pen = 0): string {
  return Buffer.from(octetsOf(record, id, pen))
    .toString('utf8')
    .replace(/\0+$/, '');
}

export function hasElement(record: RecordRead, id: number, pen = 0): boolean {
  return record.template.fields.some((field) => field.id === id && field.pen === pen);
}

export function octetsOf(record: RecordRead, id: number, pen = 0): Uint8Array {
  const index = record.template.fields.findIndex((field) => field.id === id && field.pen === pen);
  assert.ok(index >= 0, `the record has element ${pen}.${id}`);
  return record.values[index];
}

/** Value of the nth field of a v5 or v7 record as a number. */
export function fieldNumber(record: RecordRead, index: number): number {
  return number(record.values[index]);
}
