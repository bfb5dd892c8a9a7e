import { randomBytes, randomInt } from 'node:crypto';
import { type Clock, systemClock } from '../base/clock.ts';
import {
  type ClearWhat,
  type NewItem,
  type PutResult,
  type RemovalReason,
  type RemoveResult,
  STORE_LIMITS,
  type StoredItem,
  StoreError,
  type StoreWatcher,
  type TemplateStore,
  type Version,
} from '../templates/store.ts';
import { FEATURE_LEVEL } from './appliers.ts';
import { FleetKeys } from './fleet-keys.ts';
import { LogAudit } from './log-audit.ts';
import { LogSync } from './log-sync.ts';
import { Membership } from './membership.ts';
import type { RedisConnection } from './redis-client.ts';
import { RedisError } from './redis-faults.ts';
import { type LinkTimes, RedisLink } from './redis-link.ts';
import { RedisReader, type StoreLimits } from './redis-reader.ts';
import { parseRedisUri, type RedisTarget } from './redis-uri.ts';
import { RedisWriter } from './redis-writer.ts';
import { newStoreStatus, type StoreStatus } from './store-status.ts';

export interface StoreTimes extends LinkTimes {
  /** Between two looks at where the log stands, give or take a fifth. */
  readonly checkMs: number;
  /** Between two looks for scopes that are idle for too long. */
  readonly sweepMs: number;
}

export const STORE_TIMES: StoreTimes = Object.freeze({
  connectMs: 5_000,
  commandMs: 2_000,
  retryFirstMs: 250,
  retryLongestMs: 30_000,
  healthyMs: 60_000,
  checkMs: 5_000,
  sweepMs: 600_000,
});

/** Idle scopes evicted in one sweep. */
const SWEEP_SCOPES = 64;

export interface RedisStoreOptions {
  /** Octets that name this collector in values and entries. */
  readonly writer: Uint8Array;
  readonly clock?: Clock;
  readonly times?: Partial<StoreTimes>;
  readonly limits?: Partial<StoreLimits>;
  /** Highest feature level of entries that is understood. */
  readonly level?: number;
  /** Only to look: no member of the fleet, and a log that is not there is not begun. */
  readonly readOnly?: boolean;
}

/**
 * TemplateStore on Redis, shared by a fleet: docs/fleet.md. Connects with the first call. While Redis cannot be reached calls
 * reject at once, and a watcher is told and brought up to date afterwards.
 */
export class RedisStore implements TemplateStore {
  readonly status: StoreStatus = newStoreStatus();
  readonly members: Membership;
  readonly audit: LogAudit;
  readonly #target: RedisTarget;
  readonly #keys: FleetKeys;
  readonly #clock: Clock;
  readonly #times: StoreTimes;
  readonly #limits: StoreLimits;
  readonly #level: number;
  readonly #readOnly: boolean;
  readonly #link: RedisLink;
  readonly #writer: RedisWriter;
  readonly #by: string;
  #incarnation: string | null = null;
  #sync: LogSync | null = null;
  #warning = '';
  #timer: NodeJS.Timeout | null = null;
  #nextSweepMs = 0;
  #closed = false;

  /** Throws a MillraceError (CONFIG_INVALID) for a URI that is none. */
  constructor(uri: string, options: RedisStoreOptions) {
    this.#target = parseRedisUri(uri);
    this.#keys = new FleetKeys(this.#target.prefix, this.#target.fleet);
    this.#clock = options.clock ?? systemClock;
    this.#times = { ...STORE_TIMES, ...options.times };
    this.#limits = { ...STORE_LIMITS, ...options.limits };
    this.#level = options.level ?? FEATURE_LEVEL;
    this.#readOnly = options.readOnly ?? false;
    this.#by = Buffer.from(options.writer).toString('hex');
    this.#link = new RedisLink(this.#target, this.#times, this.#clock, this.status);
    const around = {
      connection: () => this.#link.connection(),
      incarnation: (connection: RedisConnection, after: string | null) =>
        this.#incarnationOf(connection, after),
      head: () => ({ by: this.#by, atMs: this.#clock.wallMs() }),
    };
    this.#writer = new RedisWriter(around, this.#keys, this.#limits, this.status);
    this.members = new Membership(around, this.#writer, this.#keys, this.status, this.#by, this.#level);
    this.audit = new LogAudit(async () => this.#reader(await this.#link.connection()));
  }

  get counters(): Record<string, number> {
    const { poisoned, ...numbers } = this.status;
    const faults = Object.entries(poisoned).map(([fault, count]) => [`poisoned_${fault}`, count]);
    return { ...numbers, ...Object.fromEntries(faults) };
  }

  /** The URI without secrets. */
  get display(): string {
    return this.#target.display;
  }

  get(scope: string, item: string): Promise<StoredItem | null> {
    return this.#call(async () => this.#reader(await this.#link.connection()).item(scope, item));
  }

  getScope(scope: string): Promise<StoredItem[]> {
    return this.#call(async () => {
      const reader = this.#reader(await this.#link.connection());
      for await (const [, items] of reader.scopes([scope])) return items;
      return [];
    });
  }

  put(scope: string, items: readonly NewItem[], replacing?: Uint8Array): Promise<PutResult> {
    return this.#write(() => this.#writer.put(scope, items, replacing));
  }

  touch(scope: string, items: readonly string[]): Promise<void> {
    return this.#write(() => this.#writer.touch(scope, items));
  }

  /** note: from the person who asked for it, goes into the log. */
  remove(
    scope: string,
    items: readonly string[],
    reason: RemovalReason,
    version?: Version,
    note?: string,
  ): Promise<RemoveResult> {
    return this.#write(() => this.#writer.remove(scope, items, reason, version, note));
  }

  clearScope(scope: string, what: ClearWhat, reason: RemovalReason, note?: string): Promise<RemoveResult> {
    return this.#write(() => this.#writer.clear(scope, what, reason, note));
  }

  /** Evicts scopes that nothing of was announced for longer than the limit. */
  sweep(): Promise<void> {
    return this.#write(async () => {
      const reader = this.#reader(await this.#link.connection());
      for (const { scope, announcedMs } of await reader.scopeNames(this.#limits.maxIdleMs, SWEEP_SCOPES))
        await this.#writer.evictScope(scope, String(announcedMs));
    });
  }

  async watch(watcher: StoreWatcher): Promise<void> {
    const nowMs = (): number => this.#clock.monotonicMs();
    const incarnation = this.#readOnly ? () => '' : newIncarnation;
    const sync = new LogSync(watcher, this.status, incarnation, nowMs, this.#level);
    this.#sync = sync;
    this.#nextSweepMs = nowMs() + this.#times.sweepMs;
    sync.say('connecting', this.display);
    this.#schedule();
    await this.#link.serve({
      up: (connection) => this.#up(sync, connection),
      down: (reason) => {
        if (this.#closed) return;
        sync.say(this.#link.proved ? 'degraded' : 'connecting', reason.message);
      },
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const connection = this.#link.current;
    if (this.#sync !== null && !this.#readOnly && connection !== null)
      await this.members.leave(connection).catch(() => {});
    await this.#link.close();
  }

  /** A new connection: first the subscription, so that nothing is missed between reading and listening. */
  async #up(sync: LogSync, connection: RedisConnection): Promise<void> {
    await connection.subscribe(this.#keys.log, (octets) => {
      if (!this.#closed && sync.copy(octets)) void this.#read(sync, connection);
    });
    this.#warning = await this.#policyWarning(connection);
    await sync.read(this.#reader(connection));
    if (!sync.loaded) throw new RedisError(`${this.display}: ${sync.said}`, 'config');
    this.#link.proved = true;
    try {
      if (!this.#readOnly) await this.members.announce(connection);
      sync.impede(null, this.#warning);
    } catch (error) {
      // Reading is worth something without writing; the next check tries again.
      if (!(error instanceof RedisError) || error.trouble === 'connection') throw error;
      sync.impede(error.message, this.#warning);
    }
  }

  /** Brings the watcher up to date. What Redis refuses is said and tried again at the next check. */
  async #read(sync: LogSync, connection: RedisConnection): Promise<void> {
    try {
      await sync.read(this.#reader(connection));
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      if (!this.#closed) sync.say('degraded', error.message);
    }
  }

  /** The regular look: are both connections alive, is there more in the log, does Redis take writes. */
  async #check(sync: LogSync): Promise<void> {
    const connection = this.#link.current;
    if (connection === null) return;
    try {
      await connection.ping();
      await this.#read(sync, connection);
      if (!this.#readOnly) await this.members.announce(connection);
      sync.impede(null, this.#warning);
      if (!this.#readOnly && this.#clock.monotonicMs() >= this.#nextSweepMs) {
        this.#nextSweepMs = this.#clock.monotonicMs() + this.#times.sweepMs;
        await this.sweep();
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      sync.impede(error.message, this.#warning);
      // Whoever has become a replica is left, to find the new master.
      if (error instanceof RedisError && error.trouble === 'readonly') connection.close(error);
    }
  }

  #schedule(): void {
    const { checkMs } = this.#times;
    const jitterMs = randomInt(Math.max(1, Math.round(checkMs * 0.4)));
    this.#timer = setTimeout(
      () => {
        const checked = this.#sync === null ? Promise.resolve() : this.#check(this.#sync);
        void checked.finally(() => {
          if (!this.#closed) this.#schedule();
        });
      },
      checkMs * 0.8 + jitterMs,
    );
  }

  async #incarnationOf(connection: RedisConnection, after: string | null): Promise<string> {
    if (this.#incarnation === null || this.#incarnation === after) {
      const { incarnation } = await this.#reader(connection).open(newIncarnation());
      this.#incarnation = incarnation;
      if (after !== null && this.#sync !== null) void this.#read(this.#sync, connection);
    }
    return this.#incarnation;
  }

  #reader(connection: RedisConnection): RedisReader {
    return new RedisReader(connection, this.#keys, this.#limits, this.status);
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      if (this.#sync === null) this.#link.proved = true;
      return result;
    } catch (error) {
      throw error instanceof RedisError ? this.#link.judge(error) : error;
    }
  }

  async #write<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await this.#call(work);
      this.#sync?.impede(null, this.#warning);
      return result;
    } catch (error) {
      if (error instanceof RedisError && error.trouble !== 'connection')
        this.#sync?.impede(error.message, this.#warning);
      throw error;
    }
  }

  /** Nothing here has a time to live, so a policy that evicts any key takes what collectors rely on. */
  async #policyWarning(connection: RedisConnection): Promise<string> {
    const memory = await connection.info('memory').catch(() => '');
    const policy = /^maxmemory_policy:(allkeys-[a-z]+)/m.exec(memory)?.[1];
    const limited = !/^maxmemory:0\b/m.test(memory);
    return policy === undefined || !limited
      ? ''
      : `; maxmemory-policy ${policy} will lose templates, use noeviction`;
  }
}

function newIncarnation(): string {
  return randomBytes(16).toString('hex');
}
