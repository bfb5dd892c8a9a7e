import { STORE_LIMITS, type StoredItem } from '../templates/store.ts';
import { ENTRY_LIMITS } from './entries.ts';
import type { FleetKeys } from './fleet-keys.ts';
import type { LogPosition } from './log-gate.ts';
import type { RedisConnection, Reply } from './redis-client.ts';
import type { ScriptName } from './scripts.ts';
import type { PoisonFault, StoreStatus } from './store-status.ts';

export type StoreLimits = { readonly [limit in keyof typeof STORE_LIMITS]: number };

export const READ_LIMITS = Object.freeze({
  /** Octets and entries of one answer; the octets may be overrun by one value. */
  pageBytes: 1024 * 1024,
  pageEntries: 256,
  /** Scopes asked for at once. */
  pageScopes: 128,
  /** Octets of the values of one scope. */
  scopeBytes: 64 * 1024 * 1024,
  /** Scopes named in a store; collectors keep to maxScopes. */
  scopes: 4 * STORE_LIMITS.maxScopes,
});

/** Where the log of a Redis stands. */
export interface LogState extends LogPosition {
  readonly level: number;
}

export interface LogPage extends LogState {
  /** Chain at the index asked for; empty when it is not retained. */
  readonly chainHere: string;
  readonly entries: readonly StreamEntry[];
}

export interface StreamEntry {
  readonly index: number;
  readonly chain: string;
  readonly envelope: Uint8Array;
  /** Milliseconds since the Unix epoch, by the clock of Redis; and how long ago. */
  readonly writtenAtMs: number;
  readonly ageMs: number;
}

/** Reads from one connection, by scripts that look at sizes before they load anything. */
export class RedisReader {
  readonly #connection: RedisConnection;
  readonly #keys: FleetKeys;
  readonly #limits: StoreLimits;
  readonly #status: StoreStatus;

  constructor(connection: RedisConnection, keys: FleetKeys, limits: StoreLimits, status: StoreStatus) {
    this.#connection = connection;
    this.#keys = keys;
    this.#limits = limits;
    this.#status = status;
  }

  /** The state of the log; begins one under the given incarnation where there is none, unless that is empty. */
  async open(incarnation: string): Promise<LogState> {
    const { meta, log, scopes } = this.#keys;
    const reply = await this.#run('open', [meta, log, scopes], [incarnation]);
    return {
      incarnation: text(reply[0]),
      index: whole(reply[1]),
      chain: text(reply[2]),
      level: whole(reply[3]),
    };
  }

  async tail(after: number): Promise<LogPage> {
    const reply = await this.#run(
      'tail',
      [this.#keys.meta, this.#keys.log],
      [after, READ_LIMITS.pageEntries, ENTRY_LIMITS.maxBytes, READ_LIMITS.pageBytes],
    );
    const nowMs = whole(reply[4]);
    return {
      incarnation: text(reply[0]),
      index: whole(reply[1]),
      chain: text(reply[2]),
      level: whole(reply[3]),
      chainHere: text(reply[5]),
      entries: list(reply[6]).map((one) => {
        const [index, chain, writtenAt, envelope] = list(one);
        const writtenAtMs = whole(writtenAt);
        return {
          index: whole(index),
          chain: text(chain),
          envelope: octets(envelope),
          writtenAtMs,
          ageMs: Math.max(0, nowMs - writtenAtMs),
        };
      }),
    };
  }

  /** Names of scopes with the time of Redis at which each was last announced; all, or those idle for longer. */
  async scopeNames(idleMs: number | null, most: number): Promise<{ scope: string; announcedMs: number }[]> {
    const args = [most, STORE_LIMITS.maxScopeNameBytes, idleMs ?? ''];
    const reply = await this.#run('scopeNames', [this.#keys.scopes], args);
    if (idleMs === null && whole(reply[1]) > most) this.#poisoned('too-many-scopes');
    this.#poisoned('name-invalid', whole(reply[2]));
    const flat = list(reply[3]);
    const names: { scope: string; announcedMs: number }[] = [];
    for (let i = 0; i < flat.length; i += 2)
      names.push({ scope: octets(flat[i]).toString('utf8'), announcedMs: whole(flat[i + 1]) });
    return names;
  }

  async item(scope: string, item: string): Promise<StoredItem | null> {
    const reply = await this.#readScopes([scope], '', item);
    return itemsOf(reply, 0)[0] ?? null;
  }

  /** Scope by scope, each with its items in the order of their names. */
  async *scopes(scopes: readonly string[]): AsyncGenerator<[scope: string, items: StoredItem[]]> {
    let items: StoredItem[] = [];
    for (let at = 0, after = ''; at < scopes.length; ) {
      const reply = await this.#readScopes(scopes.slice(at, at + READ_LIMITS.pageScopes), after, '');
      const complete = Math.min(whole(reply[1]), scopes.length - at);
      for (let i = 0; i < complete; i++) {
        yield [scopes[at + i], [...items, ...itemsOf(reply, i)]];
        items = [];
      }
      at += complete;
      // What follows is the beginning of a scope that did not fit.
      const next = octets(reply[2]).toString('utf8');
      if (next !== '') items.push(...itemsOf(reply, complete));
      const stuck = complete === 0 && next === after;
      after = next;
      if (stuck || bytesOf(items) > READ_LIMITS.scopeBytes) {
        this.#poisoned('scope-too-large');
        yield [scopes[at], items];
        items = [];
        after = '';
        at++;
      }
    }
  }

  async #readScopes(scopes: readonly string[], after: string, only: string): Promise<readonly Reply[]> {
    const { maxValueBytes, maxItemNameBytes, maxItemsPerScope } = this.#limits;
    const args = [maxValueBytes, maxItemNameBytes, maxItemsPerScope, READ_LIMITS.pageBytes, after, only];
    const keys = scopes.flatMap((scope) => this.#keys.ofScope(scope));
    const reply = await this.#run('readScopes', keys, args);
    for (const [i, fault] of READ_FAULTS.entries()) this.#poisoned(fault, whole(list(reply[3])[i]));
    return reply;
  }

  async #run(
    script: ScriptName,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<readonly Reply[]> {
    this.#status.commands++;
    this.#status.reads++;
    return list(await this.#connection.run(script, keys, args.map(String)));
  }

  #poisoned(fault: PoisonFault, count = 1): void {
    this.#status.poisoned[fault] += count;
  }
}

/** In the order in which read-scopes.lua counts them. */
const READ_FAULTS = ['value-too-large', 'name-invalid', 'too-many-items', 'wrong-type'] as const;

function itemsOf(reply: readonly Reply[], scope: number): StoredItem[] {
  const nowMs = whole(reply[0]);
  return list(list(reply[4])[scope] ?? []).map((one) => {
    const [item, value, seenMs] = list(one);
    return {
      item: octets(item).toString('utf8'),
      value: octets(value),
      idleMs: Math.max(0, nowMs - whole(seenMs)),
    };
  });
}

const bytesOf = (items: readonly StoredItem[]): number =>
  items.reduce((sum, { value }) => sum + value.length, 0);

/** Parts of answers, as the scripts at their tops say; whatever else it is becomes nothing. */
export function list(reply: Reply): readonly Reply[] {
  return Array.isArray(reply) ? reply : [];
}
export function whole(reply: Reply): number {
  return typeof reply === 'number'
    ? reply
    : Buffer.isBuffer(reply)
      ? Number(reply.toString('latin1')) || 0
      : 0;
}
export function octets(reply: Reply): Buffer {
  return Buffer.isBuffer(reply) ? reply : Buffer.alloc(0);
}
export function text(reply: Reply): string {
  return octets(reply).toString('latin1');
}
