/** What is in a template store, for people and for programs. */

import { countText } from '../base/count-text.ts';
import { addressText } from '../base/ip.ts';
import { type FieldSpecifier, VARIABLE_LENGTH } from '../decode/layout.ts';
import { DEFAULT_DECODE_LIMITS } from '../decode/limits.ts';
import { standardElements } from '../elements/registry.ts';
import { readTemplate } from '../templates/shared-template.ts';
import type { StoredItem, StoreWatcher, TemplateStore } from '../templates/store.ts';
import { itemTemplateId, parseScopeName } from '../templates/store-key.ts';
import { decodeValue } from '../templates/stored-value.ts';

export interface FieldDescription {
  readonly name: string;
  readonly pen: number;
  readonly id: number;
  /** Octets, or variable. */
  readonly length: number | 'variable';
  /** null: not known. */
  readonly type: string | null;
  readonly scope: boolean;
}

export interface TemplateDescription {
  readonly scope: string;
  /** Null when the name of the scope is none of ours. */
  readonly exporter: string | null;
  readonly templateId: number;
  /** Milliseconds since it was last announced. */
  readonly idleMs: number;
  /** Why the value cannot be used; nothing else is known then. */
  readonly fault?: string;
  readonly kind?: 'data' | 'options';
  /** ISO times. learnedAt by the clock of the collector that learned it. */
  readonly learnedAt?: string;
  readonly exportTime?: string;
  readonly sequence?: number;
  /** The collector that learned it: 16 hexadecimal digits. */
  readonly learnedBy?: string;
  readonly fields?: readonly FieldDescription[];
}

/** All that is in a store now. */
export async function contentOf(store: TemplateStore): Promise<Map<string, readonly StoredItem[]>> {
  const content = new Map<string, StoredItem[]>();
  let complete = false;
  const watcher: StoreWatcher = {
    resetBegin: () => content.clear(),
    resetScope: (scope, items) => {
      if (!complete) content.set(scope, [...(content.get(scope) ?? []), ...items]);
    },
    resetEnd: () => {
      complete = true;
    },
    changed: () => {},
    state: () => {},
  };
  await store.watch(watcher);
  return new Map([...content].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A template of a store; null for an item that is no template. */
export function describeTemplate(scope: string, stored: StoredItem): TemplateDescription | null {
  const templateId = itemTemplateId(stored.item);
  if (templateId < 0) return null;
  const key = parseScopeName(scope);
  const exporter = key === null ? null : addressText(key.address, 0);
  const about = { scope, exporter, templateId, idleMs: Math.round(stored.idleMs) };
  const value = decodeValue(scope, stored.item, stored.value);
  if (typeof value === 'string') return { ...about, fault: value };
  const template = readTemplate(templateId, value, 0, DEFAULT_DECODE_LIMITS);
  if (typeof template === 'string') return { ...about, fault: template };
  return {
    ...about,
    kind: template.kind,
    learnedAt: timeText(value.learnedAtMs),
    exportTime: timeText(value.exportTimeMs),
    sequence: value.sequence,
    learnedBy: Buffer.from(value.writer).toString('hex'),
    fields: template.fields.map((field, i) => describeField(field, i < template.scopeCount)),
  };
}

function describeField({ pen, id, length }: FieldSpecifier, scope: boolean): FieldDescription {
  const element = standardElements.lookup(pen, id);
  return {
    name: element?.name ?? `${pen}.${id}`,
    pen,
    id,
    length: length === VARIABLE_LENGTH ? 'variable' : length,
    type: element?.type ?? null,
    scope,
  };
}

/** ISO text of a time; what is no time a computer can have says so. */
export function timeText(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : 'no time';
}

/** `3 min ago` and the like. */
export function agoText(ms: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
  ] as const;
  const unit = units.find(([, unitMs]) => ms >= unitMs) ?? (['s', 1_000] as const);
  return `${Math.floor(ms / unit[1])} ${unit[0]} ago`;
}

export function fieldText({ name, pen, id, length, type, scope }: FieldDescription): string {
  const number = name === `${pen}.${id}` ? '' : ` (${pen === 0 ? id : `${pen}.${id}`})`;
  const size = length === 'variable' ? 'variable' : String(length);
  return `${size.padStart(8)}  ${(type ?? '?').padEnd(20)}  ${name}${number}${scope ? ', scope' : ''}`;
}

export function templateText(template: TemplateDescription): string {
  const { scope, templateId, fault, kind, fields = [] } = template;
  const title = `template ${templateId} of ${scope}`;
  if (fault !== undefined) return `${title}\n  cannot be used: ${fault}`;
  return [
    `${title}: ${kind}, ${countText(fields.length, 'field')}`,
    `  last announced ${agoText(template.idleMs)}`,
    `  learned ${template.learnedAt} by collector ${template.learnedBy}`,
    `  from a message exported ${template.exportTime}, sequence number ${template.sequence}`,
    '   #    length  type                  element',
    ...fields.map((field, i) => `${String(i + 1).padStart(4)}  ${fieldText(field)}`),
  ].join('\n');
}

/** One line of a list. */
export function templateLine({
  scope,
  templateId,
  fault,
  kind,
  fields,
  idleMs,
}: TemplateDescription): string {
  const what = fault ?? `${kind?.padEnd(7)}  ${countText(fields!.length, 'field')}`;
  return `${scope.padEnd(32)}  ${String(templateId).padStart(5)}  ${what.padEnd(20)}  ${agoText(idleMs)}`;
}

/** How one list of fields becomes another: lines that begin with -, + or a space. Empty when they are the same. */
export function fieldDifference(
  before: readonly FieldDescription[],
  after: readonly FieldDescription[],
): string[] {
  const [old, now] = [before.map(fieldText), after.map(fieldText)];
  let head = 0;
  while (head < Math.min(old.length, now.length) && old[head] === now[head]) head++;
  if (head === old.length && head === now.length) return [];
  let tail = 0;
  while (tail < Math.min(old.length, now.length) - head && old.at(-1 - tail) === now.at(-1 - tail)) tail++;
  return [
    ...old.slice(0, head).map((line) => `  ${line}`),
    ...old.slice(head, old.length - tail).map((line) => `- ${line}`),
    ...now.slice(head, now.length - tail).map((line) => `+ ${line}`),
    ...now.slice(now.length - tail).map((line) => `  ${line}`),
  ];
}
