import type { OptionValues } from '../../config/options.ts';
import { type Entry, EntryKind } from '../../fleet/entries.ts';
import type { LogRecord } from '../../fleet/log-audit.ts';
import { RedisStore } from '../../fleet/redis-store.ts';
import { escapeHidden } from '../../output/utf8.ts';
import { StoreError } from '../../templates/store.ts';
import { complain, ExitCode, say, usageError } from '../errors.ts';
import { timeText } from '../stored-templates.ts';
import { printable } from '../text.ts';
import { useStore } from '../use-store.ts';

type Values = OptionValues<'log'>;
const TAIL_ENTRIES = 20;
const MAX_TAIL_ENTRIES = 100_000;
const SYNTAX = 'allowed are tail [N], show INDEX and verify';
const KIND_NAMES = new Map<number, string>(Object.entries(EntryKind).map(([name, kind]) => [kind, name]));
/** Items that a line names. */
const SHOWN_ITEMS = 5;

/** Reads the log of a fleet. Returns the exit code. */
export async function log(args: readonly string[], values: Values): Promise<number> {
  const [name, number, ...more] = args;
  const fits = { tail: true, show: number !== undefined, verify: number === undefined }[name];
  if (fits !== true || more.length > 0) throw usageError(`log ${name}: ${SYNTAX}`);
  const wanted = number === undefined ? TAIL_ENTRIES : numberOf(name, number);
  return await useStore(values.templateStore, true, async (store) => {
    if (!(store instanceof RedisStore)) {
      throw new StoreError(
        'this template store has no log; a store on Redis has one: --templates redis://HOST',
        true,
      );
    }
    if (name === 'verify') return await verify(store, values);
    const records =
      name === 'tail' ? await store.audit.read(-wanted, wanted) : await store.audit.read(wanted - 1, 1);
    const found = name === 'tail' ? records : records.filter(({ index }) => index === wanted);
    for (const record of found) {
      process.stdout.write(
        values.json || name === 'show' ? `${jsonOf(record, values.json)}\n` : `${lineOf(record)}\n`,
      );
    }
    if (name === 'tail') return ExitCode.ok;
    if (found.length === 0) say(`there is no entry ${wanted} in the log`);
    return found.length > 0 ? ExitCode.ok : ExitCode.failed;
  });
}

async function verify(store: RedisStore, values: Values): Promise<number> {
  const verdict = await store.audit.verify();
  const { first, last, complete, broken, content, differences } = verdict;
  const sound = broken.length === 0 && content !== 'different';
  if (values.json) process.stdout.write(`${escapeHidden(JSON.stringify({ sound, ...verdict }))}\n`);
  else {
    const entries = last === 0 ? 'the log is empty' : `entries ${first} to ${last}`;
    process.stdout.write(
      `${entries}${complete ? '' : ', older ones are trimmed'}: ${sound ? 'sound' : 'NOT SOUND'}\n`,
    );
    process.stdout.write(`content of the store: ${content}\n`);
    for (const { index, reason } of broken) complain(`entry ${index}: ${reason}`);
    for (const difference of differences) complain(`differs: ${difference}`);
  }
  return sound ? ExitCode.ok : ExitCode.failed;
}

function numberOf(name: string, text: string): number {
  const most = name === 'tail' ? MAX_TAIL_ENTRIES : Number.MAX_SAFE_INTEGER;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= most) return value;
  throw usageError(`log ${name} ${JSON.stringify(text)}: allowed is a whole number from 1 to ${most}`);
}

/** `index  time  collector  what`, on one line without control characters, whatever the entry holds. */
function lineOf({ index, writtenAtMs, kind, entry, fault }: LogRecord): string {
  const what =
    fault !== null ? `damaged: ${fault}` : entry === null ? `kind ${kind}, not known here` : textOf(entry);
  const note = entry?.note === undefined ? '' : ` (${entry.note})`;
  const line = `${index}  ${timeText(writtenAtMs)}  ${entry?.by ?? '?'.padEnd(16)}  ${what}${note}`;
  return printable(line);
}

function textOf(entry: Entry): string {
  switch (entry.kind) {
    case EntryKind.put:
      return `put ${entry.scope}: ${namesText(entry.items.map(({ item }) => item))}`;
    case EntryKind.remove:
      return `remove ${entry.scope}: ${namesText(entry.items)}, ${entry.reason}`;
    case EntryKind.clear:
      return `clear ${entry.scope}: ${entry.what}, ${entry.reason}`;
    case EntryKind.batch:
      return `batch: ${entry.entries.length} in one`;
    case EntryKind.level:
      return `feature level ${entry.level}`;
  }
}

function namesText(items: readonly string[]): string {
  const rest = items.length - SHOWN_ITEMS;
  return items.slice(0, SHOWN_ITEMS).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

function jsonOf({ kind, ...record }: LogRecord, line: boolean): string {
  const octets = (_key: string, value: unknown): unknown => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
    // A Buffer has become an object by its own toJSON when it comes here.
    const json = value as { type?: unknown; data?: unknown } | null;
    if (json?.type === 'Buffer' && Array.isArray(json.data)) return Buffer.from(json.data).toString('base64');
    return value;
  };
  const named = { ...record, kind: KIND_NAMES.get(kind) ?? kind, writtenAt: timeText(record.writtenAtMs) };
  return escapeHidden(JSON.stringify(named, octets, line ? undefined : 2));
}
