import {
  type ClearWhat,
  type NewItem,
  type PutOutcome,
  type PutResult,
  REORDER_WINDOW_MS,
  type RemovalReason,
  type RemoveResult,
  StoreError,
  type Version,
} from '../templates/store.ts';
import { ValueKind } from '../templates/stored-value.ts';
import { ENTRY_LIMITS, type EntryHead, EntryKind, encodeEntry } from './entries.ts';
import type { FleetKeys } from './fleet-keys.ts';
import type { RedisConnection, Reply } from './redis-client.ts';
import { list, octets, type StoreLimits, text, whole } from './redis-reader.ts';
import type { ScriptName } from './scripts.ts';
import type { StoreStatus } from './store-status.ts';

export const LOG_LIMITS = Object.freeze({
  /** Entries that are kept, roughly. */
  retention: 100_000,
  /** Larger entries are published without their envelope; it is read from the stream. */
  maxCopyBytes: 64 * 1024,
});

/** Attempts at a change whose preconditions others keep changing. */
const MAX_ATTEMPTS = 8;

/** What a writer needs from the store around it. */
export interface WriterSurroundings {
  connection(): Promise<RedisConnection>;
  /** Incarnation of the log; `after`: one that is known to be over. */
  incarnation(connection: RedisConnection, after: string | null): Promise<string>;
  head(): EntryHead;
}

type Arg = string | Buffer;

/** Makes changes in Redis. Each is one script, which decides, changes, appends to the log and publishes as one. */
export class RedisWriter {
  readonly #around: WriterSurroundings;
  readonly #keys: FleetKeys;
  readonly #limits: StoreLimits;
  readonly #status: StoreStatus;

  constructor(around: WriterSurroundings, keys: FleetKeys, limits: StoreLimits, status: StoreStatus) {
    this.#around = around;
    this.#keys = keys;
    this.#limits = limits;
    this.#status = status;
  }

  async put(scope: string, items: readonly NewItem[], replacing?: Uint8Array): Promise<PutResult> {
    this.#checkNames(scope, items);
    const stamped = items.map(({ item, value, ageMs }) => ({
      item,
      value,
      ageMs: Math.max(0, Math.round(ageMs)),
    }));
    const { maxValueBytes, maxItemsPerScope, maxScopes, maxItemsPerPut, maxItemNameBytes } = this.#limits;
    const envelope = encodeEntry({ kind: EntryKind.put, ...this.#around.head(), scope, items: stamped });
    const tooLarge = items.length > maxItemsPerPut || items.some(({ value }) => value.length > maxValueBytes);
    if (tooLarge || envelope.length > ENTRY_LIMITS.maxBytes) return this.#putResult('full', 0, null);
    const args = [scope, maxValueBytes, maxItemsPerScope, maxScopes, REORDER_WINDOW_MS, maxItemsPerPut].map(
      String,
    );
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const reply = await this.#change('put', scope, envelope, [
        ...args,
        buffer(replacing ?? new Uint8Array(0)),
        String(maxItemNameBytes),
        ...stamped.flatMap(({ item, value, ageMs }) => [item, buffer(value), String(ageMs)]),
      ]);
      const outcome = text(reply[0]);
      const index = whole(reply[1]);
      if (outcome === 'stored' || outcome === 'unchanged')
        this.#status.poisoned['wrong-type'] += whole(reply[2]);
      if (outcome === 'items-full') {
        const oldest = reply.slice(2).map((item) => octets(item).toString('utf8'));
        if (oldest.length === 0) return this.#putResult('full', index, null);
        const { removed } = await this.remove(scope, oldest, 'evicted');
        this.#status.evicted += removed;
      } else if (outcome === 'scopes-full') {
        await this.evictScope(octets(reply[2]).toString('utf8'), text(reply[3]));
      } else {
        const current = outcome === 'older' || outcome === 'newer-format' ? octets(reply[2]) : null;
        return this.#putResult(outcome as PutOutcome, index, current);
      }
    }
    return this.#putResult('full', 0, null);
  }

  async remove(
    scope: string,
    items: readonly string[],
    reason: RemovalReason,
    version?: Version,
    note?: string,
  ): Promise<RemoveResult> {
    this.#checkNames(
      scope,
      items.map((item) => ({ item })),
    );
    const { maxValueBytes, maxItemsPerScope, maxItemsPerPut } = this.#limits;
    const args = [scope, maxValueBytes, maxItemsPerScope, REORDER_WINDOW_MS, reason === 'withdrawn' ? 1 : 0];
    const versionArgs =
      version === undefined
        ? ['', '', '']
        : [Math.round(version.ageMs), version.exportTimeMs, version.sequence];
    let removed = 0;
    let index = 0;
    // An entry names what it removes, so the script says first what that would be where it is not all.
    const waiting = chunks([...new Set(items)], maxItemsPerPut);
    for (let attempt = 0; waiting.length > 0; attempt++) {
      const [names] = waiting;
      if (attempt > MAX_ATTEMPTS * (items.length + 1))
        throw new StoreError('others change what is to be removed');
      const entry = {
        kind: EntryKind.remove,
        ...this.#around.head(),
        ...noted(note),
        scope,
        items: names,
        reason,
      };
      const reply = await this.#change('remove', scope, encodeEntry(entry), [
        ...[...args, ...versionArgs].map(String),
        ...names,
      ]);
      index = whole(reply[1]);
      if (text(reply[0]) === 'only') {
        waiting[0] = reply.slice(2).map((item) => octets(item).toString('utf8'));
      } else {
        removed += whole(reply[2]);
        waiting.shift();
      }
    }
    if (removed > 0) this.#status.writes++;
    return { removed, index };
  }

  async clear(scope: string, what: ClearWhat, reason: RemovalReason, note?: string): Promise<RemoveResult> {
    this.#checkNames(scope, []);
    return this.#clear(scope, what, reason, '', note);
  }

  /** Evicts a scope, unless it was announced after the given time of Redis. */
  async evictScope(scope: string, announcedMs: string): Promise<void> {
    const { removed } = await this.#clear(scope, 'all', 'evicted', announcedMs);
    this.#status.evicted += removed;
  }

  async touch(scope: string, items: readonly string[]): Promise<void> {
    this.#checkNames(
      scope,
      items.map((item) => ({ item })),
    );
    const connection = await this.#around.connection();
    for (const names of chunks(items, this.#limits.maxItemsPerPut)) {
      this.#status.commands++;
      await connection.run('touch', [this.#keys.scopes, ...this.#keys.ofScope(scope)], [scope, ...names]);
    }
  }

  /** Runs a script that writes an entry; begins a new incarnation where the log is gone or damaged. */
  async append(
    script: ScriptName,
    keys: readonly string[],
    envelope: Uint8Array,
    args: readonly Arg[],
  ): Promise<readonly Reply[]> {
    let over: string | null = null;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const connection = await this.#around.connection();
      const incarnation = await this.#around.incarnation(connection, over);
      this.#status.commands++;
      try {
        const common = [
          incarnation,
          buffer(envelope),
          String(LOG_LIMITS.retention),
          String(LOG_LIMITS.maxCopyBytes),
        ];
        const reply = list(await connection.run(script, keys, [...common, ...args]));
        if (text(reply[0]) !== 'other-incarnation') return reply;
      } catch (error) {
        // Somebody else has written into the stream: no entry can follow.
        if (!/XADD is equal or smaller/.test((error as Error).message)) throw error;
      }
      over = incarnation;
    }
    throw new StoreError('Redis is wiped again and again');
  }

  async #clear(
    scope: string,
    what: ClearWhat,
    reason: RemovalReason,
    announcedMs: string,
    note?: string,
  ): Promise<RemoveResult> {
    const envelope = encodeEntry({
      kind: EntryKind.clear,
      ...this.#around.head(),
      ...noted(note),
      scope,
      what,
      reason,
    });
    const { maxValueBytes, maxItemsPerScope } = this.#limits;
    const kind = what === 'all' ? '' : String(ValueKind[what]);
    const args = [scope, String(maxValueBytes), String(maxItemsPerScope), kind, announcedMs];
    const reply = await this.#change('clear', scope, envelope, args);
    const removed = whole(reply[2]);
    if (removed > 0) this.#status.writes++;
    return { removed, index: whole(reply[1]) };
  }

  #change(
    script: ScriptName,
    scope: string,
    envelope: Uint8Array,
    args: readonly Arg[],
  ): Promise<readonly Reply[]> {
    const { meta, log, scopes } = this.#keys;
    return this.append(script, [meta, log, scopes, ...this.#keys.ofScope(scope)], envelope, args);
  }

  #putResult(outcome: PutOutcome, index: number, current: Uint8Array | null): PutResult {
    this.#status[PUT_COUNTERS[outcome]]++;
    return { outcome, index, current };
  }

  #checkNames(scope: string, items: readonly { readonly item: string }[]): void {
    const { maxScopeNameBytes, maxItemNameBytes } = this.#limits;
    const sound = (name: string, maxBytes: number): boolean =>
      name.length <= maxBytes && /^[\x21-\x7e]+$/.test(name);
    if (!sound(scope, maxScopeNameBytes) || !items.every(({ item }) => sound(item, maxItemNameBytes)))
      throw new StoreError(`names have 1 to ${maxItemNameBytes} printable ASCII characters`);
  }
}

const PUT_COUNTERS = {
  stored: 'writes',
  unchanged: 'unchanged',
  older: 'refusedOlder',
  'newer-format': 'refusedNewerFormat',
  full: 'refusedFull',
} as const satisfies Record<PutOutcome, keyof StoreStatus>;

const noted = (note: string | undefined): { note?: string } => (note === undefined ? {} : { note });
const buffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function chunks<T>(all: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let i = 0; i < all.length; i += size) parts.push(all.slice(i, i + size));
  return parts;
}
