import { countText } from '../base/count-text.ts';
import { type Entry, EntryKind } from '../fleet/entries.ts';
import { RedisStore } from '../fleet/redis-store.ts';
import type { TemplateStore } from '../templates/store.ts';
import { templateItem } from '../templates/store-key.ts';
import { describeTemplate, type FieldDescription, fieldDifference, timeText } from './stored-templates.ts';
import { printable } from './text.ts';

/** Changes of one template that are shown. */
const SHOWN = 10;
/** Entries read at a time. */
const PAGE = 1_000;

/** What the log of a fleet says about a template, the last changes; empty where there is no log. */
export async function historyText(store: TemplateStore, scope: string, templateId: number): Promise<string> {
  if (!(store instanceof RedisStore)) return '';
  const lines: string[][] = [];
  let fields: readonly FieldDescription[] | null = null;
  for (let after = 0; ; ) {
    const records = await store.audit.read(after, PAGE);
    for (const { writtenAtMs, entry } of records) {
      if (entry === null || !('scope' in entry) || entry.scope !== scope) continue;
      const what = effectOn(entry, templateId);
      if (what === null) continue;
      const before: readonly FieldDescription[] | null = fields;
      fields = what.fields;
      const difference = before === null || fields === null ? [] : fieldDifference(before, fields);
      if (before !== null && fields !== null && difference.length === 0) continue;
      const changed = difference.filter((line) => !line.startsWith(' ')).map((line) => `      ${line}`);
      lines.push([`    ${timeText(writtenAtMs)} by ${printable(entry.by)}: ${what.text}`, ...changed]);
    }
    if (records.length === 0) break;
    after = records[records.length - 1].index;
  }
  return lines.length === 0 ? '' : ['\n  changes in the log', ...lines.slice(-SHOWN).flat()].join('\n');
}

/** What an entry does to a template; null when it does nothing to it, or may have done nothing. */
function effectOn(
  entry: Entry,
  templateId: number,
): { text: string; fields: readonly FieldDescription[] | null } | null {
  const item = templateItem(templateId);
  switch (entry.kind) {
    case EntryKind.put: {
      const put = entry.items.find((one) => one.item === item);
      if (put === undefined) return null;
      const { fields = null, fault } = describeTemplate(entry.scope, { ...put, idleMs: 0 })!;
      return { text: fault ?? `defined, ${countText(fields?.length ?? 0, 'field')}`, fields };
    }
    case EntryKind.remove:
      return entry.items.includes(item) ? { text: `removed, ${entry.reason}`, fields: null } : null;
    case EntryKind.clear:
      return { text: `${entry.what} of the scope cleared, ${entry.reason}`, fields: null };
    default:
      return null;
  }
}
