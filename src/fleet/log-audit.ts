import { StoreContent } from '../templates/store-content.ts';
import { changeOf } from './appliers.ts';
import { type BatchEntry, decodeEntry, type Entry, EntryKind } from './entries.ts';
import { decodeEnvelope, type EnvelopeFault } from './envelope.ts';
import { chainAfter, firstChain } from './log-gate.ts';
import { READ_LIMITS, type RedisReader, type StreamEntry } from './redis-reader.ts';

/** An entry of the log for people. */
export interface LogRecord {
  readonly index: number;
  readonly chain: string;
  /** Milliseconds since the Unix epoch, by the clock of Redis. */
  readonly writtenAtMs: number;
  readonly kind: number;
  readonly critical: boolean;
  /** Null when the kind is not known, or the body is none of it. */
  readonly entry: Entry | null;
  readonly fault: EnvelopeFault | null;
}

export interface LogVerdict {
  readonly incarnation: string;
  /** First and last entry looked at; 0 for an empty log. */
  readonly first: number;
  readonly last: number;
  /** Whether nothing was trimmed yet. */
  readonly complete: boolean;
  readonly broken: readonly { readonly index: number; readonly reason: string }[];
  /** Only a complete log that is not broken says what the content has to be. */
  readonly content: 'equal' | 'different' | 'not-checked';
  /** Scope and item of what differs, the first ones. */
  readonly differences: readonly string[];
}

const MAX_DIFFERENCES = 20;
const MAX_BROKEN = 100;
/** Attempts at reading log and content while nobody writes. */
const ATTEMPTS = 3;

/** Reads the log for people and checks it. */
export class LogAudit {
  readonly #open: () => Promise<RedisReader>;

  constructor(open: () => Promise<RedisReader>) {
    this.#open = open;
  }

  /** Up to `count` entries after an index; a negative index counts from the end. */
  async read(after: number, count: number): Promise<LogRecord[]> {
    const reader = await this.#open();
    const from = after >= 0 ? after : Math.max(0, (await reader.tail(0)).index + after);
    const records: LogRecord[] = [];
    for await (const one of entriesAfter(reader, from)) {
      records.push(recordOf(one));
      if (records.length >= count) break;
    }
    return records;
  }

  /** Follows the chain over all retained entries and, where none was trimmed, compares their fold with the content. */
  async verify(): Promise<LogVerdict> {
    const reader = await this.#open();
    for (let attempt = 1; ; attempt++) {
      const verdict = await verifyOnce(reader);
      const now = await reader.open('');
      const still = now.incarnation === verdict.incarnation && now.index === verdict.last;
      if (still) return verdict;
      // Somebody wrote meanwhile: log and content are not of one moment.
      if (attempt === ATTEMPTS) return { ...verdict, content: 'not-checked', differences: [] };
    }
  }
}

async function verifyOnce(reader: RedisReader): Promise<LogVerdict> {
  const state = await reader.open('');
  const broken: { index: number; reason: string }[] = [];
  const content = new StoreContent();
  let first = 0;
  let last = 0;
  let chain = firstChain(state.incarnation);
  for await (const one of entriesAfter(reader, 0)) {
    if (first === 0) first = one.index;
    const follows = last === 0 ? one.index === 1 : one.index === last + 1;
    if (!follows && last !== 0) broken.push({ index: one.index, reason: `follows ${last}` });
    else if (follows && chainAfter(chain, one.envelope) !== one.chain)
      broken.push({ index: one.index, reason: 'chain does not fit' });
    const { fault, entry } = recordOf(one);
    if (fault !== null) broken.push({ index: one.index, reason: fault });
    if (entry !== null) fold(content, entry);
    last = one.index;
    chain = one.chain;
    if (broken.length >= MAX_BROKEN) break;
  }
  if (last !== state.index && broken.length === 0 && last !== 0)
    broken.push({ index: state.index, reason: `the log ends at ${last}` });
  const complete = first <= 1 && (last > 0 || state.index === 0);
  const verdict = {
    incarnation: state.incarnation,
    first,
    last: Math.max(last, state.index),
    complete,
    broken,
  };
  if (!complete || broken.length > 0) return { ...verdict, content: 'not-checked', differences: [] };
  const differences = differ(linesOf(content), linesOf(await contentOf(reader)));
  return {
    ...verdict,
    content: differences.length === 0 ? 'equal' : 'different',
    differences: differences.slice(0, MAX_DIFFERENCES),
  };
}

async function* entriesAfter(reader: RedisReader, index: number): AsyncGenerator<StreamEntry> {
  for (let at = index; ; ) {
    const { entries } = await reader.tail(at);
    yield* entries;
    const next = entries.at(-1)?.index ?? at;
    if (next <= at) return;
    at = next;
  }
}

function recordOf({ index, chain, writtenAtMs, envelope }: StreamEntry): LogRecord {
  const opened = decodeEnvelope(envelope);
  const about = { index, chain, writtenAtMs };
  if (typeof opened === 'string') return { ...about, kind: 0, critical: false, entry: null, fault: opened };
  const { kind, critical, body } = opened;
  return { ...about, kind, critical, entry: decodeEntry(kind, body), fault: null };
}

function fold(content: StoreContent, entry: Entry): void {
  if (entry.kind === EntryKind.batch) foldBatch(content, entry);
  const change = changeOf(entry, 0);
  if (change !== null) content.fold(change, 0);
}

function foldBatch(content: StoreContent, batch: BatchEntry): void {
  for (const bytes of batch.entries) {
    const opened = decodeEnvelope(bytes);
    const entry = typeof opened === 'string' ? null : decodeEntry(opened.kind, opened.body);
    if (entry !== null && entry.kind !== EntryKind.batch) fold(content, entry);
  }
}

async function contentOf(reader: RedisReader): Promise<StoreContent> {
  const content = new StoreContent();
  const names = await reader.scopeNames(null, READ_LIMITS.scopes);
  for await (const [scope, items] of reader.scopes(names.map((one) => one.scope)))
    content.fold({ type: 'put', scope, items }, 0);
  return content;
}

function linesOf(content: StoreContent): string[] {
  const line = (scope: string, item: string, value: Uint8Array): string =>
    `${scope}\t${item}\t${Buffer.from(value).toString('hex')}`;
  return content
    .scopeNames()
    .flatMap((scope) => content.items(scope).map(([item, { value }]) => line(scope, item, value)));
}

/** Scope and item of lines that only one side has. */
function differ(a: readonly string[], b: readonly string[]): string[] {
  const [left, right] = [new Set(a), new Set(b)];
  const lines = [...a.filter((line) => !right.has(line)), ...b.filter((line) => !left.has(line))];
  return [...new Set(lines.map((line) => line.slice(0, line.lastIndexOf('\t')).replace('\t', ' ')))].sort();
}
