import { writeFile } from 'node:fs/promises';
import { countText } from '../../base/count-text.ts';
import type { OptionValues } from '../../config/options.ts';
import { CLEAR_WHAT, type ClearWhat, type StoredItem, type TemplateStore } from '../../templates/store.ts';
import { parseScopeName, templateItem } from '../../templates/store-key.ts';
import { ExitCode, say, usageError } from '../errors.ts';
import {
  contentOf,
  describeTemplate,
  fieldDifference,
  type TemplateDescription,
  templateLine,
  templateText,
} from '../stored-templates.ts';
import { exportLines, isExportable, readExport } from '../template-export.ts';
import { historyText } from '../template-history.ts';
import { useStore } from '../use-store.ts';

type Values = OptionValues<'templates'>;

/** Items of an import that are on their way at a time. */
const ABREAST = 64;

interface Action {
  /** What follows its name. */
  readonly syntax: string;
  readonly arguments: readonly [least: number, most: number];
  readonly readOnly: boolean;
  run(store: TemplateStore, args: readonly string[], values: Values): Promise<number>;
}

const ACTIONS: Readonly<Record<string, Action>> = {
  list: { syntax: '', arguments: [0, 0], readOnly: true, run: list },
  show: { syntax: ' SCOPE [ID]', arguments: [1, 2], readOnly: true, run: show },
  diff: { syntax: ' SCOPE ID OTHER', arguments: [3, 3], readOnly: true, run: diff },
  withdraw: { syntax: ' SCOPE ID', arguments: [2, 2], readOnly: false, run: withdraw },
  clear: { syntax: ' SCOPE [data|options|all]', arguments: [1, 2], readOnly: false, run: clear },
  export: { syntax: ' FILE', arguments: [1, 1], readOnly: true, run: exportTo },
  import: { syntax: ' FILE', arguments: [1, 1], readOnly: false, run: importFrom },
};

/** Looks at a template store or changes it. Returns the exit code. */
export async function templates(args: readonly string[], values: Values): Promise<number> {
  const [name, ...rest] = args;
  if (!Object.hasOwn(ACTIONS, name)) {
    throw usageError(`templates ${JSON.stringify(name)}: allowed are ${Object.keys(ACTIONS).join(', ')}`);
  }
  const action = ACTIONS[name];
  const [least, most] = action.arguments;
  if (rest.length < least || rest.length > most) {
    throw usageError(`templates ${name}: allowed is millrace templates ${name}${action.syntax}`);
  }
  if (least > 0 && action.syntax.startsWith(' SCOPE')) checkScope(rest[0]);
  return await useStore(values.templateStore, action.readOnly, (store) => action.run(store, rest, values));
}

async function list(store: TemplateStore, _args: readonly string[], values: Values): Promise<number> {
  let templates = 0;
  let state = 0;
  const exporters = new Set<string>();
  for (const [scope, items] of await contentOf(store)) {
    const key = parseScopeName(scope);
    if (values.ofExporter !== undefined && (key === null || !values.ofExporter.contains(key.address)))
      continue;
    for (const stored of items) {
      const template = describeTemplate(scope, stored);
      if (template === null) state++;
      else {
        templates++;
        exporters.add(template.exporter ?? scope);
        print(template, values, templateLine);
      }
    }
  }
  if (!values.json) {
    say(
      `${countText(templates, 'template')} of ${countText(exporters.size, 'exporter')}, ` +
        `${countText(state, 'item')} of exporter state`,
    );
  }
  return ExitCode.ok;
}

async function show(store: TemplateStore, [scope, id]: readonly string[], values: Values): Promise<number> {
  const items = id === undefined ? await store.getScope(scope) : await oneItem(store, scope, idOf(id));
  const known = items.map((stored) => describeTemplate(scope, stored));
  const templates = known.filter((template) => template !== null);
  if (templates.length === 0) return nothing(scope, id);
  for (const template of templates) {
    const history =
      values.json || id === undefined ? '' : await historyText(store, scope, template.templateId);
    print(template, values, (one) => templateText(one) + history);
  }
  return ExitCode.ok;
}

/** Exit code 1 when they differ, as diff has it. */
async function diff(store: TemplateStore, args: readonly string[], values: Values): Promise<number> {
  const [scope, idText, other] = args;
  const id = idOf(idText);
  const mine = await fieldsIn(await oneItem(store, scope, id), scope);
  const theirs = await fieldsIn(await itemElsewhere(other, scope, id), scope);
  if (mine === null && theirs === null) return nothing(scope, idText);
  const lines = fieldDifference(mine?.fields ?? [], theirs?.fields ?? []);
  const same = lines.length === 0 && mine?.kind === theirs?.kind && mine?.fault === theirs?.fault;
  if (values.json) process.stdout.write(`${JSON.stringify({ same, here: mine, other: theirs })}\n`);
  else {
    const title = (template: TemplateDescription | null): string =>
      template === null ? 'absent' : (template.fault ?? `${template.kind}, learned ${template.learnedAt}`);
    const about = `template ${id} of ${scope}`;
    const text = [`--- ${about}: ${title(mine)}`, `+++ ${about}: ${title(theirs)}`, ...lines];
    process.stdout.write(same ? 'no difference\n' : `${text.join('\n')}\n`);
  }
  return same ? ExitCode.ok : ExitCode.failed;
}

async function withdraw(
  store: TemplateStore,
  [scope, id]: readonly string[],
  values: Values,
): Promise<number> {
  const item = templateItem(idOf(id));
  const { removed, index } = await store.remove(scope, [item], 'operator');
  if (removed === 0) return nothing(scope, id);
  report({ removed, index, scope, item }, `removed template ${id} of ${scope}`, values);
  return ExitCode.ok;
}

async function clear(store: TemplateStore, args: readonly string[], values: Values): Promise<number> {
  const [scope, what = 'all'] = args;
  if (!(CLEAR_WHAT as readonly string[]).includes(what)) {
    throw usageError(`templates clear ${JSON.stringify(what)}: allowed are ${CLEAR_WHAT.join(', ')}`);
  }
  const { removed, index } = await store.clearScope(scope, what as ClearWhat, 'operator');
  const noun = { all: 'item', data: 'data template', options: 'options template' }[what as ClearWhat];
  report({ removed, index, scope, what }, `removed ${countText(removed, noun)} of ${scope}`, values);
  return removed > 0 ? ExitCode.ok : ExitCode.failed;
}

async function exportTo(store: TemplateStore, [file]: readonly string[]): Promise<number> {
  const content = await contentOf(store);
  let damaged = 0;
  for (const [scope, items] of content) {
    const sound = items.filter((stored) => isExportable(scope, stored));
    damaged += items.length - sound.length;
    content.set(scope, sound);
  }
  const lines = [...exportLines(content)];
  if (file === '-') process.stdout.write(lines.join(''));
  else await writeFile(file, lines, { mode: 0o600 });
  const rest = damaged === 0 ? '' : `; ${countText(damaged, 'damaged item')} left out`;
  say(`exported ${countText(lines.length - 1, 'item')}${rest}`);
  return ExitCode.ok;
}

async function importFrom(store: TemplateStore, [file]: readonly string[], values: Values): Promise<number> {
  // Read to the end before anything is changed: a damaged file changes nothing.
  const items: { scope: string; stored: StoredItem }[] = [];
  for await (const item of readExport(file)) items.push(item);
  const counts: Record<string, number> = {};
  for (let at = 0; at < items.length; at += ABREAST) {
    const puts = items
      .slice(at, at + ABREAST)
      .map(({ scope, stored: { item, value, idleMs } }) =>
        store.put(scope, [{ item, value, ageMs: idleMs }]),
      );
    for (const { outcome } of await Promise.all(puts)) counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  const text = Object.entries(counts).map(([outcome, count]) => `${count} ${outcome}`);
  report(counts, `imported ${countText(items.length, 'item')}: ${text.join(', ') || 'nothing'}`, values);
  return ExitCode.ok;
}

async function oneItem(store: TemplateStore, scope: string, id: number): Promise<StoredItem[]> {
  const stored = await store.get(scope, templateItem(id));
  return stored === null ? [] : [stored];
}

/** From another store, or an exported file. */
async function itemElsewhere(other: string, scope: string, id: number): Promise<StoredItem[]> {
  if (/^[a-z][a-z+]+:/.test(other)) return await useStore(other, true, (store) => oneItem(store, scope, id));
  const found: StoredItem[] = [];
  for await (const one of readExport(other)) {
    if (one.scope === scope && one.stored.item === templateItem(id)) found.push(one.stored);
  }
  return found;
}

async function fieldsIn(items: readonly StoredItem[], scope: string): Promise<TemplateDescription | null> {
  return items.length === 0 ? null : describeTemplate(scope, items[0]);
}

function checkScope(scope: string): void {
  if (parseScopeName(scope) !== null) return;
  throw usageError(
    `${JSON.stringify(scope)}: allowed is a scope as millrace templates list shows it, such as ipfix/192.0.2.1/0/7`,
  );
}

function idOf(text: string): number {
  const id = /^\d{3,5}$/.test(text) ? Number(text) : 0;
  if (id >= 256 && id <= 0xffff) return id;
  throw usageError(`template ${JSON.stringify(text)}: allowed is a template id from 256 to 65535`);
}

function nothing(scope: string, id: string | undefined): number {
  say(id === undefined ? `nothing is known of ${scope}` : `there is no template ${id} of ${scope}`);
  return ExitCode.failed;
}

function print(
  template: TemplateDescription,
  values: Values,
  text: (one: TemplateDescription) => string,
): void {
  process.stdout.write(`${values.json ? JSON.stringify(template) : text(template)}\n`);
}

function report(result: object, text: string, values: Values): void {
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else say(text);
}
