import { type Clock, systemClock } from '../base/clock.ts';
import {
  type ClearWhat,
  type NewItem,
  type PutOutcome,
  type PutResult,
  type RemovalReason,
  type RemoveResult,
  STORE_LIMITS,
  type StoreChange,
  type StoredItem,
  StoreError,
  type StoreState,
  type StoreWatcher,
  type TemplateStore,
  type Version,
} from './store.ts';
import { type ContentItem, isName, StoreContent, storedItem } from './store-content.ts';
import { headerFault, kindOf, sameContent, supersedes, ValueKind, versionOf } from './stored-value.ts';

/** Items that make room in a full scope. */
const EVICTED_AT_ONCE = 256;

/** How often scopes are looked for that nobody announces anything of. */
export const SWEEP_INTERVAL_MS = 60_000;

/**
 * The reference: says by example what the contract means. What is in it ends with the process. Its clock starts with the
 * wall clock and then never goes back.
 */
export class MemoryStore implements TemplateStore {
  protected readonly content: StoreContent;
  readonly #clock: Clock;
  readonly #offsetMs: number;
  #nextSweepMs: number;
  #watcher: StoreWatcher | null = null;
  /** Changes that the watcher has not been told yet; not empty only while it is being told one. */
  #untold: [StoreChange, number][] = [];
  #telling = false;
  #closed = false;

  /** startMs: time by the clock of the store that content was kept at; now is not before it. */
  constructor(clock: Clock = systemClock, content = new StoreContent(), startMs = 0) {
    this.content = content;
    this.#clock = clock;
    this.#offsetMs = Math.max(clock.wallMs(), startMs) - clock.monotonicMs();
    this.#nextSweepMs = this.nowMs();
  }

  /** By the clock of the store. */
  protected nowMs(): number {
    return this.#offsetMs + this.#clock.monotonicMs();
  }

  /** Called after the content has changed, and after something was announced again. */
  protected contentChanged(): void {}
  protected contentTouched(): void {}

  async get(scope: string, item: string): Promise<StoredItem | null> {
    const nowMs = this.#enter();
    const entry = this.content.item(scope, item);
    return entry === undefined ? null : storedItem(item, entry, nowMs);
  }

  async getScope(scope: string): Promise<StoredItem[]> {
    const nowMs = this.#enter();
    return this.#storedItems(scope, nowMs);
  }

  async put(scope: string, items: readonly NewItem[], replacing?: Uint8Array): Promise<PutResult> {
    const nowMs = this.#enterToWrite(scope, items);
    const stored: StoredItem[] = [];
    for (const { item, value, ageMs } of items) {
      const current = this.content.item(scope, item);
      const outcome = judge({ value, arrivedAtMs: nowMs - ageMs }, current, replacing, nowMs);
      if (outcome === 'older' || outcome === 'newer-format') return this.#decided(outcome, current);
      if (outcome === 'stored') stored.push({ item, value: value.slice(), idleMs: ageMs });
    }
    if (stored.length > 0 && !this.#makeRoom(scope, items, nowMs)) return this.#decided('full');
    for (const { item, ageMs } of items) this.content.touch(scope, item, nowMs - ageMs);
    if (stored.length > 0) this.#commit({ type: 'put', scope, items: stored }, nowMs);
    else this.contentTouched();
    return this.#decided(stored.length > 0 ? 'stored' : 'unchanged');
  }

  async touch(scope: string, items: readonly string[]): Promise<void> {
    const nowMs = this.#enterToWrite(scope, []);
    for (const item of items) this.content.touch(scope, item, nowMs);
    this.contentTouched();
  }

  async remove(
    scope: string,
    items: readonly string[],
    reason: RemovalReason,
    version?: Version,
  ): Promise<RemoveResult> {
    const nowMs = this.#enterToWrite(scope, []);
    const removed = [...new Set(items)].filter((item) => {
      const entry = this.content.item(scope, item);
      return entry !== undefined && (version === undefined || isNotNewer(entry, version, nowMs));
    });
    if (removed.length > 0) this.#commit({ type: 'remove', scope, items: removed, reason }, nowMs);
    return { removed: removed.length, index: this.content.index };
  }

  async clearScope(scope: string, what: ClearWhat, reason: RemovalReason): Promise<RemoveResult> {
    const nowMs = this.#enterToWrite(scope, []);
    const removed = this.content.cleared(scope, what).length;
    if (removed > 0) this.#commit({ type: 'clear', scope, what, reason }, nowMs);
    return { removed, index: this.content.index };
  }

  async watch(watcher: StoreWatcher): Promise<void> {
    const nowMs = this.#enter();
    if (this.#watcher !== null) throw new StoreError('the template store has a watcher already');
    this.#watcher = watcher;
    // Changes that the watcher itself makes come after the reset.
    this.#telling = true;
    const { index } = this.content;
    const scopes = this.content
      .scopeNames()
      .map((scope) => [scope, this.#storedItems(scope, nowMs)] as const);
    watcher.state('syncing', 'reading');
    watcher.resetBegin(this.lostContent());
    for (const [scope, items] of scopes) watcher.resetScope(scope, items);
    watcher.resetEnd(index);
    this.tellCondition();
    this.#tellAll();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watcher = null;
  }

  /** Whether something that was acknowledged is not there any more. */
  protected lostContent(): boolean {
    return false;
  }

  /** The state of a store whose content is known, and why. */
  protected condition(): readonly [StoreState, string] {
    return ['synced', 'all changes are known'];
  }

  protected tellCondition(): void {
    this.#watcher?.state(...this.condition());
  }

  #storedItems(scope: string, nowMs: number): StoredItem[] {
    return this.content.items(scope).map(([item, entry]) => storedItem(item, entry, nowMs));
  }

  #decided(outcome: PutOutcome, current?: ContentItem): PutResult {
    return { outcome, index: this.content.index, current: current?.value.slice() ?? null };
  }

  /** Every call begins here: what is too old is not there any more. Returns the time by the clock of the store. */
  #enter(): number {
    if (this.#closed) throw new StoreError('the template store is closed');
    const nowMs = this.nowMs();
    if (nowMs < this.#nextSweepMs) return nowMs;
    this.#nextSweepMs = nowMs + SWEEP_INTERVAL_MS;
    for (const scope of this.content.idleScopes(nowMs - STORE_LIMITS.maxIdleMs)) {
      this.#commit({ type: 'clear', scope, what: 'all', reason: 'evicted' }, nowMs);
    }
    return nowMs;
  }

  #enterToWrite(scope: string, items: readonly NewItem[]): number {
    const { maxScopeNameBytes, maxItemNameBytes } = STORE_LIMITS;
    if (!isName(scope, maxScopeNameBytes) || !items.every(({ item }) => isName(item, maxItemNameBytes))) {
      throw new StoreError(
        `names of scopes and items are 1 to ${maxItemNameBytes} printable ASCII characters`,
      );
    }
    for (const { item, value } of items) {
      const fault = headerFault(value);
      if (fault !== null && fault !== 'newer-version') throw new StoreError(`no value for ${item}: ${fault}`);
    }
    return this.#enter();
  }

  /** Evicts what was announced longest ago where there are too many; false when the items do not fit even so. */
  #makeRoom(scope: string, items: readonly NewItem[], nowMs: number): boolean {
    const tooLarge = items.some(({ value }) => value.length > STORE_LIMITS.maxValueBytes);
    if (tooLarge || items.length > STORE_LIMITS.maxItemsPerPut) return false;
    const excess = this.content.excess(scope, items);
    if (excess.scope) {
      const idlest = this.content.idlestScope();
      this.#commit({ type: 'clear', scope: idlest, what: 'all', reason: 'evicted' }, nowMs);
    }
    if (excess.items > 0) {
      const staying = new Set(items.map(({ item }) => item));
      // Some more than needed, so that a full scope is not sorted for each newcomer.
      const wanted = Math.max(excess.items, EVICTED_AT_ONCE);
      const oldest = this.content.oldestItems(scope, staying).slice(0, wanted);
      this.#commit({ type: 'remove', scope, items: oldest, reason: 'evicted' }, nowMs);
    }
    return this.content.fits(scope, items);
  }

  #commit(change: StoreChange, nowMs: number): void {
    const index = this.content.index + 1;
    this.content.apply(change, index, nowMs);
    this.contentChanged();
    if (this.#watcher === null) return;
    this.#untold.push([change, index]);
    if (!this.#telling) this.#tellAll();
  }

  #tellAll(): void {
    this.#telling = true;
    try {
      for (let next = this.#untold.shift(); next !== undefined; next = this.#untold.shift()) {
        this.#watcher?.changed(...next);
      }
    } finally {
      this.#telling = false;
    }
  }
}

/** What becomes of one item, but for limits. */
function judge(
  candidate: Pick<ContentItem, 'value' | 'arrivedAtMs'>,
  current: ContentItem | undefined,
  replacing: Uint8Array | undefined,
  nowMs: number,
): PutOutcome {
  if (current === undefined) return 'stored';
  const fault = headerFault(current.value);
  if (fault === 'newer-version') return 'newer-format';
  if (fault !== null || (replacing !== undefined && Buffer.compare(current.value, replacing) === 0)) {
    return 'stored';
  }
  if (sameContent(candidate.value, current.value)) return 'unchanged';
  // What a later release writes is for it to judge.
  if (headerFault(candidate.value) === 'newer-version') return 'stored';
  if (kindOf(candidate.value) === ValueKind.state) return 'stored';
  const version = ({ value, arrivedAtMs }: typeof candidate): Version =>
    versionOf(value, nowMs - arrivedAtMs);
  return supersedes(version(candidate), version(current)) ? 'stored' : 'older';
}

/** Whether a version takes away what is there; what a later release has written it does not. */
function isNotNewer({ value, arrivedAtMs }: ContentItem, version: Version, nowMs: number): boolean {
  const fault = headerFault(value);
  if (fault !== null) return fault !== 'newer-version';
  return supersedes(version, versionOf(value, nowMs - arrivedAtMs));
}
