import { countText } from '../../base/count-text.ts';
import { Budget, type SetContext } from '../../decode/batch.ts';
import { BatchCache } from '../../decode/batch-cache.ts';
import { SetCursor } from '../../decode/interpret.ts';
import { createLayout, type Dialect, VARIABLE_LENGTH } from '../../decode/layout.ts';
import { Materializer } from '../../decode/lists.ts';
import { type Column, createPlan } from '../../decode/plan.ts';
import { Jit } from '../../decode/plan-runner.ts';
import { IGNORE_ALL } from '../../dispatch/ignore-all.ts';
import { DEFAULT_SCANNER_OPTIONS, type ScanHandler, Scanner } from '../../dispatch/scanner.ts';
import type { ElementLookup } from '../../elements/element.ts';
import type { Scope, TemplateEntry } from '../../templates/scope.ts';
import { LOCAL_ENTRIES } from '../../templates/template-registry.ts';
import { FAULT_CODES, Fault } from '../../wire/fault.ts';
import { MessageHeader } from '../../wire/header.ts';
import { allZero, MIN_TEMPLATE_ID, SET_HEADER_BYTES, SetId } from '../../wire/set.ts';
import { RecordKind, TemplateReader } from '../../wire/template.ts';
import { headerParts, MESSAGE_NAMES } from './header-parts.ts';
import type { Dissection, Part } from './part.ts';
import { valueText } from './value-text.ts';

const SET_NAMES: Readonly<Record<number, string>> = {
  [SetId.v9Template]: 'template set (v9)',
  [SetId.v9OptionsTemplate]: 'options template set (v9)',
  [SetId.template]: 'template set',
  [SetId.optionsTemplate]: 'options template set',
};

/** What became of a template record, as the scanner said. */
interface TemplateFate {
  readonly templateId: number;
  readonly text: string;
}

/**
 * Takes datagrams apart, in their order, and remembers their templates. What is sound, what is learned and what the values
 * are is decided by the scanner and the interpreter that a collector uses; here is only where it stands.
 */
export class Dissector {
  readonly #elements: ElementLookup;
  readonly #scanner: Scanner<null>;
  readonly #runners: BatchCache;
  readonly #materializer: Materializer;
  readonly #header = new MessageHeader();
  readonly #reader = new TemplateReader();
  readonly #cursor = new SetCursor();
  readonly #budget = new Budget();

  // The datagram at hand.
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #found: Dissection = { parts: [], faults: [] };
  /** Parts of the data sets that were bound to a template, by the offset of their content. */
  readonly #data = new Map<number, Part[]>();
  /** Offsets of the messages that are sound. */
  readonly #sound = new Set<number>();
  #fates: TemplateFate[] = [];

  constructor(elements: ElementLookup) {
    this.#elements = elements;
    this.#materializer = new Materializer(elements);
    // One row at a time, so that it is known where each record begins.
    this.#runners = new BatchCache(elements, 1, new Jit('off'));
    const options = { ...DEFAULT_SCANNER_OPTIONS, pending: null, templateTtlMs: Number.POSITIVE_INFINITY };
    this.#scanner = new Scanner<null>(options, elements, LOCAL_ENTRIES, this.#handler());
  }

  /** address: source in its 16-byte form. The payload is not kept. */
  dissect(payload: Uint8Array, address: Uint8Array, port: number): Dissection {
    this.#bytes = payload;
    this.#view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
    this.#found = { parts: [], faults: [] };
    this.#data.clear();
    this.#sound.clear();
    this.#fates = [];
    const { limits } = DEFAULT_SCANNER_OPTIONS;
    this.#budget.reset(limits.maxValuesPerDatagram, limits.maxContentBytesPerDatagram);
    this.#scanner.scan(this.#view, payload, 0, payload.length, address, 0, port);
    this.#messages();
    this.#found.faults.sort((a, b) => a.at - b.at);
    return this.#found;
  }

  #handler(): ScanHandler<null> {
    return {
      ...IGNORE_ALL,
      companion: () => null,
      bound: (entry, scope, header, start, end) =>
        void this.#data.set(start, this.#records(entry, scope, header, start, end)),
      template: (_scope, action, _kind, templateId, reason) =>
        void this.#fates.push({ templateId, text: reason === undefined ? action : `${action}: ${reason}` }),
      message: (_scope, header) => void this.#sound.add(header.start),
      fault: (fault, offset) => this.#fault(fault, offset),
    };
  }

  #part(at: number, end: number, depth: number, name: string, value = ''): void {
    this.#found.parts.push({ at, octets: end - at, depth, name, value });
  }

  #fault(fault: number, at: number): void {
    this.#found.faults.push({ at, code: FAULT_CODES[fault] });
  }

  #messages(): void {
    const header = this.#header;
    const { length } = this.#bytes;
    for (let at = 0; at < length || at === 0; at = header.end) {
      if (at > 0 && allZero(this.#view, at, length)) {
        this.#part(at, length, 0, 'padding');
        return;
      }
      const fault = header.read(this.#view, at, length);
      const name = MESSAGE_NAMES[header.version] ?? 'no flow export';
      const end = fault === 0 ? header.end : length;
      this.#part(at, end, 0, name, countText(end - at, 'octet'));
      this.#found.parts.push(...headerParts(this.#view, at));
      if (fault !== 0) return;
      if (header.version >= 9) this.#sets();
      else this.#found.parts.push(...(this.#data.get(header.body) ?? []));
    }
  }

  #sets(): void {
    const { body, end } = this.#header;
    const view = this.#view;
    for (let at = body; at < end; ) {
      const length = end - at < SET_HEADER_BYTES ? 0 : view.getUint16(at + 2);
      if (length < SET_HEADER_BYTES || at + length > end) {
        const name = allZero(view, at, end) ? 'padding' : 'no set';
        this.#part(at, end, 1, name, countText(end - at, 'octet'));
        return;
      }
      this.#set(view.getUint16(at), at, at + length);
      at += length;
    }
  }

  #set(id: number, at: number, end: number): void {
    const start = at + SET_HEADER_BYTES;
    const octets = countText(end - at, 'octet');
    const v9 = id === SetId.v9Template || id === SetId.v9OptionsTemplate;
    if (v9 || (this.#header.version === 10 && (id === SetId.template || id === SetId.optionsTemplate))) {
      this.#part(at, end, 1, `set ${id}`, `${SET_NAMES[id]}, ${octets}`);
      this.#templates(
        start,
        end,
        id === SetId.v9OptionsTemplate || id === SetId.optionsTemplate,
        v9 ? 9 : 10,
      );
      return;
    }
    const data = this.#data.get(start);
    this.#part(at, end, 1, `set ${id}`, `${id < MIN_TEMPLATE_ID ? 'reserved id' : 'data set'}, ${octets}`);
    if (data !== undefined) this.#found.parts.push(...data);
    else if (start < end) this.#part(start, end, 2, 'not taken apart', this.#whyNot(id));
  }

  #whyNot(id: number): string {
    if (id < MIN_TEMPLATE_ID) return 'nothing is known of such sets';
    if (!this.#sound.has(this.#header.start)) return 'the message is refused as a whole';
    return `template ${id} was not defined before`;
  }

  #templates(start: number, end: number, options: boolean, dialect: Dialect): void {
    const reader = this.#reader;
    const view = this.#view;
    reader.begin(view, start, end, options, dialect === 9);
    for (let kind = reader.next(view); kind !== RecordKind.none; kind = reader.next(view)) {
      const { recordAt, templateId } = reader;
      const name = `${options ? 'options template' : 'template'} ${templateId}`;
      if (kind === RecordKind.truncated) {
        this.#part(recordAt, end, 2, name, 'cut short');
        return;
      }
      const fate = this.#fateOf(templateId);
      if (kind === RecordKind.withdrawal) this.#part(recordAt, reader.at, 2, name, `withdrawal, ${fate}`);
      else this.#template(name, fate, dialect);
    }
    if (reader.at < end) this.#part(reader.at, end, 2, 'padding', countText(end - reader.at, 'octet'));
  }

  #fateOf(templateId: number): string {
    const i = this.#fates.findIndex((fate) => fate.templateId === templateId);
    return i < 0 ? 'not used' : this.#fates.splice(i, 1)[0].text;
  }

  #template(name: string, fate: string, dialect: Dialect): void {
    const { recordAt, at: end, fieldCount, scopeCount, minRecordBytes, fieldsAt, uneven } = this.#reader;
    const least = `records of ${countText(minRecordBytes, 'octet')} or more`;
    this.#part(recordAt, end, 2, name, `${countText(fieldCount, 'field')}, ${least}, ${fate}`);
    if (uneven) return;
    const fields: { pen: number; id: number; length: number }[] = [];
    const offsets = [fieldsAt];
    for (let i = 0; i < fieldCount; i++) {
      fields.push({ pen: 0, id: 0, length: 0 });
      offsets.push(this.#reader.field(this.#view, offsets[i], fields[i]));
    }
    const plan = createPlan(createLayout(0, dialect, scopeCount, fields, this.#elements), this.#elements);
    plan.columns.forEach((column, i) => {
      this.#part(offsets[i], offsets[i + 1], 3, column.key, specifierText(column));
    });
  }

  /** The records of a data set, or of a v5 or v7 message. */
  #records(
    entry: TemplateEntry,
    scope: Scope<null>,
    header: MessageHeader,
    start: number,
    end: number,
  ): Part[] {
    const parts: Part[] = [];
    const runner = this.#runners.get(entry.layout.uid, () => entry.layout);
    const { batch } = runner;
    const { columns } = batch.plan;
    const cursor = this.#cursor;
    const malformed = this.#materializer.malformed;
    const depth = header.version < 9 ? 1 : 2;
    cursor.begin(header.start, start, end, DEFAULT_SCANNER_OPTIONS.limits.maxRecordsPerSet);
    let recordEnd = start;
    for (let done = false; !done; ) {
      batch.reset();
      const context = batch.beginSet();
      this.#fill(context, scope, header);
      done = runner.decode(this.#bytes, this.#view, cursor, this.#budget);
      if (batch.rows === 0) break;
      const at = recordEnd;
      recordEnd = cursor.position;
      parts.push({ at, octets: recordEnd - at, depth, name: `record ${cursor.records}`, value: '' });
      const offsets = this.#fields(at, columns);
      columns.forEach((column, c) => {
        if (column.source !== 'record') return;
        const value = valueText(this.#materializer.value(batch, c, 0, context), column.render);
        const octets = offsets[c + 1] - offsets[c];
        parts.push({ at: offsets[c], octets, depth: depth + 1, name: column.key, value });
      });
    }
    if (recordEnd < end) {
      const name = cursor.fault === 0 ? 'padding' : 'not taken apart';
      parts.push({
        at: recordEnd,
        octets: end - recordEnd,
        depth,
        name,
        value: countText(end - recordEnd, 'octet'),
      });
    }
    if (cursor.fault !== 0) this.#fault(cursor.fault, cursor.faultAt);
    if (this.#materializer.malformed > malformed) this.#fault(Fault['list-malformed'], start);
    return parts;
  }

  /** Where each field of a record that is there begins, and last where the record ends. */
  #fields(at: number, columns: readonly Column[]): number[] {
    const offsets = [at];
    for (const { source, length } of columns) {
      if (source !== 'record') continue;
      if (length !== VARIABLE_LENGTH) at += length;
      else if (this.#view.getUint8(at) < 255) at += 1 + this.#view.getUint8(at);
      else at += 3 + this.#view.getUint16(at + 1);
      offsets.push(at);
    }
    return offsets;
  }

  #fill(context: SetContext, scope: Scope<null>, header: MessageHeader): void {
    context.exportTimeMs = header.exportTimeMs;
    context.budget = this.#budget;
    context.templates = {
      plan: (templateId) => {
        const layout = scope.templates.get(templateId)?.layout;
        return layout && this.#runners.get(layout.uid, () => layout).batch.plan;
      },
    };
  }
}

function specifierText({ pen, id, length, scope }: Column): string {
  const octets = length === VARIABLE_LENGTH ? 'variable length' : countText(length, 'octet');
  return `${scope ? 'scope, ' : ''}${pen === 0 ? '' : `enterprise ${pen}, `}id ${id}, ${octets}`;
}
