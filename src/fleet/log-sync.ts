import type { StoreState, StoreWatcher } from '../templates/store.ts';
import { FEATURE_LEVEL, registerAppliers } from './appliers.ts';
import { decodeEnvelope } from './envelope.ts';
import { type LogEntry, LogGate, type LogPosition } from './log-gate.ts';
import { RedisError } from './redis-faults.ts';
import { type LogPage, READ_LIMITS, type RedisReader } from './redis-reader.ts';
import type { StoreStatus } from './store-status.ts';

/** More resets than this in one round mean that Redis contradicts itself; the next check tries again. */
const MAX_RESETS = 3;

/** How what is here and what Redis has belong together. */
export const RELATIONS = ['follows', 'trimmed', 'diverged', 'regressed', 'other-incarnation'] as const;
export type Relation = (typeof RELATIONS)[number];

/** Whether the log that a page comes from continues what was applied here. */
export function relate(here: LogPosition, page: LogPage): Relation {
  if (page.incarnation !== here.incarnation) return 'other-incarnation';
  if (page.index < here.index) return 'regressed';
  const chain = page.index === here.index ? page.chain : page.chainHere;
  if (chain !== here.chain && (chain !== '' || page.index === here.index)) return 'diverged';
  const follows = page.index === here.index || page.entries[0]?.index === here.index + 1;
  return follows ? 'follows' : 'trimmed';
}

const RESET_REASONS: Readonly<Record<Exclude<Relation, 'follows'>, string>> = {
  trimmed: 'the log was trimmed past what was applied here',
  diverged: 'Redis has another history than was applied here',
  regressed: 'Redis has lost what was applied here',
  'other-incarnation': 'Redis was wiped or replaced',
};

/** Says what a copy of an entry on the channel says; null when it is none. The envelope may be missing: it was large. */
export function parseCopy(octets: Buffer): LogEntry | null {
  const head = /^([0-9a-f]{32}) (\d{1,15}) ([0-9a-f]{40}) /.exec(octets.subarray(0, 96).toString('latin1'));
  if (head === null) return null;
  const [all, incarnation, index, chain] = head;
  return { incarnation, index: Number(index), chain, envelope: octets.subarray(all.length), ageMs: 0 };
}

/**
 * Keeps a watcher at the end of the fleet log. The stream is the truth and is read from the watermark on; copies on the
 * channel are applied at once where they follow directly, and wake the reading otherwise. One reading at a time.
 */
export class LogSync {
  readonly gate: LogGate;
  readonly #watcher: StoreWatcher;
  readonly #status: StoreStatus;
  readonly #newIncarnation: () => string;
  readonly #nowMs: () => number;
  readonly #maxLevel: number;
  /** Whether content was taken over that the watermark belongs to. */
  #loaded = false;
  #lost = false;
  #reading: Promise<void> | null = null;
  #again = false;
  #state: StoreState | null = null;
  #said = '';
  #caughtUp = false;
  #impediment: string | null = null;
  #warning = '';

  /** newIncarnation: for a log that is not there; empty to leave it alone and take the content as it is. */
  constructor(
    watcher: StoreWatcher,
    status: StoreStatus,
    newIncarnation: () => string,
    nowMs: () => number,
    maxLevel = FEATURE_LEVEL,
  ) {
    this.#watcher = watcher;
    this.#status = status;
    this.#newIncarnation = newIncarnation;
    this.#nowMs = nowMs;
    this.#maxLevel = maxLevel;
    this.gate = new LogGate(status);
    registerAppliers(this.gate, (change, index) => watcher.changed(change, index), maxLevel);
  }

  get loaded(): boolean {
    return this.#loaded;
  }

  /** What the watcher was told last. */
  get said(): string {
    return this.#said;
  }

  /** Tells the watcher a state, unless he has been told just that. */
  say(state: StoreState, reason: string): void {
    this.#caughtUp = false;
    this.#tell(state, reason);
  }

  #tell(state: StoreState, reason: string): void {
    if (state === this.#state && reason === this.#said) return;
    this.#state = state;
    this.#said = reason;
    this.#watcher.state(state, reason);
  }

  /** Why Redis takes no writes, or null; a warning for who reads that all is well. */
  impede(impediment: string | null, warning: string): void {
    this.#impediment = impediment;
    this.#warning = warning;
    if (this.#caughtUp) this.#sayCaughtUp();
  }

  /** Takes a copy from the channel. Whether the stream has to be read. */
  copy(octets: Buffer): boolean {
    const entry = parseCopy(octets);
    if (entry === null) return true;
    if (this.#reading !== null || !this.#loaded) {
      this.#again = true;
      return false;
    }
    // What is missing or damaged in a copy may be whole in the stream.
    if (typeof decodeEnvelope(entry.envelope) === 'string') return true;
    const offered = this.gate.offer(entry);
    if (offered === 'gap') this.#status.gaps++;
    if (offered !== 'applied') return offered !== 'duplicate';
    this.#status.index = Math.max(this.#status.index, entry.index);
    this.#status.lastSyncMs = this.#nowMs();
    return false;
  }

  /** Reads until the end of the log is applied or blocked; a call during another's reading makes that one look again. */
  read(reader: RedisReader): Promise<void> {
    this.#again = true;
    this.#reading ??= this.#readAll(reader).finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readAll(reader: RedisReader): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await this.#round(reader);
    }
  }

  async #round(reader: RedisReader): Promise<void> {
    for (let resets = 0; ; ) {
      if (!this.#loaded) {
        if (resets++ === MAX_RESETS)
          throw new RedisError('the log of the fleet changes while it is read', 'reply');
        if (!(await this.#load(reader))) return;
        if (this.gate.position.incarnation === '') return this.#catchUp();
      }
      const page = await reader.tail(this.gate.position.index);
      this.#status.index = page.index;
      const relation = relate(this.gate.position, page);
      if (relation !== 'follows') this.#startOver(relation);
      else if (this.#applyPage(page)) return;
    }
  }

  /** Whether there is nothing more to read now. */
  #applyPage(page: LogPage): boolean {
    for (const entry of page.entries) {
      const offered = this.gate.offer({ ...entry, incarnation: page.incarnation });
      if (offered === 'blocked') {
        this.say('blocked', this.gate.obstacle ?? '');
        return true;
      }
      if (offered === 'diverged') this.#startOver('diverged');
      else if (offered === 'gap') this.#startOver('trimmed');
      if (!this.#loaded) return false;
    }
    if (this.gate.position.index < page.index) return false;
    this.#catchUp();
    return true;
  }

  #catchUp(): void {
    this.#status.lastSyncMs = this.#nowMs();
    this.#caughtUp = true;
    this.#sayCaughtUp();
  }

  #sayCaughtUp(): void {
    if (this.#impediment !== null) this.#tell('degraded', this.#impediment);
    else this.#tell('synced', `all changes are applied${this.#warning}`);
  }

  #startOver(relation: Exclude<Relation, 'follows'>): void {
    if (relation === 'diverged') this.#status.diverged++;
    if (relation === 'regressed') this.#status.regressed++;
    this.#loaded = false;
    this.#lost ||= relation !== 'trimmed';
    this.say('syncing', RESET_REASONS[relation]);
  }

  /**
   * Takes over what is in Redis: first the position, then all items, so that entries after that position may be in the items
   * already; they set what they say, so applying them again ends in the same. Whether this release may.
   */
  async #load(reader: RedisReader): Promise<boolean> {
    const state = await reader.open(this.#newIncarnation());
    if (state.level > this.#maxLevel) {
      this.say(
        'blocked',
        `the fleet is at feature level ${state.level}, this release knows ${this.#maxLevel}`,
      );
      return false;
    }
    const { incarnation } = this.gate.position;
    this.#lost ||= incarnation !== '' && incarnation !== state.incarnation;
    this.say('syncing', 'reading all content');
    const names = await reader.scopeNames(null, READ_LIMITS.scopes);
    this.#watcher.resetBegin(this.#lost);
    for await (const [scope, items] of reader.scopes(names.map(({ scope }) => scope)))
      if (items.length > 0) this.#watcher.resetScope(scope, items);
    this.gate.reset(state);
    this.#status.index = state.index;
    this.#status.resets++;
    this.#watcher.resetEnd(state.index);
    this.#loaded = true;
    this.#lost = false;
    return true;
  }
}
