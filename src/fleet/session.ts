import { backoffMs } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import {
  type NewItem,
  STORE_LIMITS,
  type StoreChange,
  type StoredItem,
  type StoreState,
  type StoreWatcher,
  type TemplateStore,
} from '../templates/store.ts';
import { decodeValue } from '../templates/stored-value.ts';
import type { FromStore, StoreStatus, ToStore } from './messages.ts';
import { type Settled, Shadows } from './shadows.ts';
import { type Operation, WriteQueue } from './write-queue.ts';

/** Writes at the same time, of different scopes. */
const MAX_WRITES = 128;
/** Pause after a write that failed, doubled with each further one. */
const PAUSE_MS = 250;
const MAX_PAUSE_MS = 30_000;
/** Times a working store may refuse a write. */
const MAX_REFUSALS = 8;
/** A scope that was read on a miss is not read again for so long; at most so many reads in that time. */
const MISS_INTERVAL_MS = 10_000;
const MAX_MISSES = 64;

/**
 * Between a store and the main thread: changes one way, writes the other, each in order. A write that cannot be made waits
 * in bounded memory. While a write of an item is under way, changes of that item from others wait for its result, because
 * the main thread has the new value already and must not fall back to one that is older in the store's order.
 */
export class StoreSession implements StoreWatcher {
  readonly #store: TemplateStore;
  readonly #post: (changes: FromStore[]) => void;
  readonly #clock: Clock;
  readonly #queue = new WriteQueue();
  readonly #shadows = new Shadows();
  readonly #readUntil = new Map<string, number>();
  #missesUntilMs = 0;
  #outbox: FromStore[] = [];
  /** Requests so far. */
  #received: number;
  #writing = 0;
  #failures = 0;
  #pause: NodeJS.Timeout | null = null;
  #index = 0;
  #state: StoreState = 'connecting';
  #reason = 'not reached yet';
  #whenIdle: (() => void) | null = null;
  readonly #onState: () => void;
  readonly counters = {
    puts: 0,
    stored: 0,
    unchanged: 0,
    refused_older: 0,
    refused_newer_format: 0,
    refused_full: 0,
    removes: 0,
    touches: 0,
    misses_read: 0,
    misses_not_read: 0,
    writes_failed: 0,
    writes_given_up: 0,
    writes_overflowed: 0,
    resets: 0,
    changes: 0,
  };

  /** received: requests that went to a session before this one. */
  constructor(
    store: TemplateStore,
    post: (changes: FromStore[]) => void,
    clock: Clock,
    onState: () => void = () => {},
    received = 0,
  ) {
    this.#store = store;
    this.#post = post;
    this.#clock = clock;
    this.#onState = onState;
    this.#received = received;
    this.#emit({ type: 'received', requests: received });
  }

  get status(): StoreStatus {
    return {
      state: this.#state,
      reason: this.#reason,
      index: this.#index,
      queued: this.#queue.length,
      counters: { ...this.counters, ...this.#store.counters },
    };
  }

  receive(requests: readonly ToStore[]): void {
    this.#received += requests.length;
    // Said at once: a store that is away may give no other occasion for long.
    this.#emit({ type: 'received', requests: this.#received });
    for (const request of requests) {
      if (request.type === 'miss') void this.#miss(request.scope);
      else this.#enqueue(request);
    }
    this.#pump();
  }

  /**
   * The end: makes the writes that wait. One that fails now is not tried again, and a store that was never reached is not
   * waited for. Resolves when nothing is under way any more, or when the time is over; returns the writes that are left.
   */
  async flush(deadlineMs: number): Promise<number> {
    this.#whenIdle = () => {};
    if (this.#queue.length === 0 || this.#state === 'connecting') return this.#queue.length;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
      timer = setTimeout(resolve, deadlineMs);
      this.#resume();
    });
    clearTimeout(timer);
    return this.#queue.length;
  }

  // What the store tells.

  resetBegin(lost: boolean): void {
    this.counters.resets++;
    this.#shadows.reset();
    this.#emit({ type: 'resetBegin', lost });
  }

  /** What is on its way into the store or out of it counts as done. */
  resetScope(scope: string, items: readonly StoredItem[]): void {
    this.#emit({ type: 'resetScope', scope, items: this.#queue.after(scope, items) });
    this.#shadows.sawScope(scope);
  }

  resetEnd(index: number): void {
    for (const scope of this.#queue.scopes()) {
      if (!this.#shadows.scopeSeen(scope)) this.resetScope(scope, []);
    }
    this.#index = index;
    this.#shadows.passed(index);
    this.#emit({ type: 'resetEnd', index });
    // Answered in the meantime: the content may be older, and their own changes will not be told.
    for (const settled of this.#shadows.settledAfter(index))
      this.#tell(settled.scope, settled, settled.index);
  }

  changed(change: StoreChange, index: number): void {
    this.counters.changes++;
    this.#index = index;
    const visible = this.#shadows.filter(change, index);
    if (visible === null) this.#emit({ type: 'passed', index });
    else this.#emit({ type: 'changed', change: visible, index });
    for (const settled of this.#shadows.clearedTooMuch(change, index))
      this.#tell(change.scope, settled, index);
    this.#shadows.passed(index);
  }

  state(state: StoreState, reason: string): void {
    this.#state = state;
    this.#reason = reason;
    this.#onState();
    if (state !== 'synced') return;
    this.#resume();
    this.#tellOverflowed();
  }

  #tellOverflowed(): void {
    const scopes = this.#queue.takeOverflowed();
    if (scopes.length > 0) this.#emit({ type: 'again', scopes });
  }

  // What the main thread wants.

  #enqueue(request: Exclude<ToStore, { type: 'miss' }>): void {
    const added = this.#queue.add(request);
    if (added === 'full') this.counters.writes_overflowed++;
    if (added !== 'added') return;
    if (request.type !== 'touch') this.#shadows.begin(request.scope, request.item);
  }

  #pump(): void {
    while (this.#pause === null && this.#writing < MAX_WRITES) {
      const operation = this.#queue.take();
      if (operation === null) break;
      this.#writing++;
      void this.#write(operation);
    }
    if (this.#writing > 0) return;
    // A store that works all the time says nothing after which this could be told.
    if (this.#queue.length === 0 && this.#state === 'synced') this.#tellOverflowed();
    this.#whenIdle?.();
  }

  async #write(operation: Operation): Promise<void> {
    try {
      await this.#perform(operation);
      this.#queue.done(operation);
      this.#failures = 0;
    } catch {
      // The store's own state says why; what it refuses time and again although it works is given up.
      this.counters.writes_failed++;
      if (this.#state === 'synced') operation.refused = (operation.refused ?? 0) + 1;
      if ((operation.refused ?? 0) >= MAX_REFUSALS) this.#giveUp(operation);
      else if (this.#whenIdle === null) {
        this.#queue.giveBack(operation);
        this.#breathe();
      }
    } finally {
      this.#writing--;
      this.#pump();
    }
  }

  async #perform(operation: Operation): Promise<void> {
    const { scope } = operation;
    const store = this.#store;
    if (operation.type === 'put') {
      const items = operation.items.map((put) => this.#newItem(put));
      this.counters.puts++;
      let result = await store.put(scope, items);
      if (result.outcome === 'older' && result.current !== null && isDamaged(scope, items[0], result.current))
        result = await store.put(scope, items, result.current);
      const { outcome, index, current } = result;
      const lost = outcome === 'older' && current !== null;
      for (const { item, value } of items) this.#settle(scope, item, lost ? current : value, index, lost);
      this.counters[PUT_COUNTERS[result.outcome]]++;
    } else if (operation.type === 'touch') {
      this.counters.touches++;
      await store.touch(scope, operation.items);
    } else {
      this.counters.removes++;
      const { item, said, reason } = operation;
      const version = said && { ...said, ageMs: this.#age(said.arrivedAtMs) };
      const { removed, index } = await store.remove(scope, [item], reason, version ?? undefined);
      // What was not removed is newer than what was taken back: it has to come again.
      const kept = removed > 0 ? null : await store.get(scope, item);
      this.#settle(scope, item, kept?.value ?? null, index, kept !== null);
    }
  }

  #giveUp(operation: Operation): void {
    this.counters.writes_given_up++;
    this.#queue.done(operation);
    const { scope } = operation;
    if (operation.type === 'put')
      for (const { item, value } of operation.items) this.#settle(scope, item, value, this.#index, false);
    if (operation.type === 'remove') this.#settle(scope, operation.item, null, this.#index, false);
  }

  /** A write was decided at index, with this value in the store then; tell: the main thread has another one. */
  #settle(scope: string, item: string, value: Uint8Array | null, index: number, tell: boolean): void {
    const settled = this.#shadows.end(scope, item, index, value, this.#index);
    if (settled !== null) this.#tell(scope, settled, index);
    else if (tell && !this.#shadows.isOpen(scope, item)) this.#tell(scope, { item, value }, index);
  }

  #tell(scope: string, { item, value }: Settled, index: number): void {
    const change: StoreChange =
      value === null
        ? { type: 'remove', scope, items: [item], reason: 'withdrawn' }
        : { type: 'put', scope, items: [{ item, value, idleMs: 0 }] };
    this.#emit({ type: 'changed', change, index });
  }

  /** Reads a scope because of a miss: only while changes do not come by themselves. */
  async #miss(scope: string): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#readUntil.size > 0 && nowMs >= this.#missesUntilMs) this.#readUntil.clear();
    const wanted = this.#state === 'blocked' || this.#state === 'degraded';
    if (!wanted || this.#readUntil.has(scope) || this.#readUntil.size >= MAX_MISSES || this.#pause !== null) {
      this.counters.misses_not_read++;
      return;
    }
    if (this.#readUntil.size === 0) this.#missesUntilMs = nowMs + MISS_INTERVAL_MS;
    this.#readUntil.set(scope, nowMs);
    this.counters.misses_read++;
    try {
      const items = await this.#store.getScope(scope);
      if (items.length > 0) this.#emit({ type: 'filled', scope, items });
    } catch {
      this.#breathe();
    }
  }

  #newItem({ item, value, arrivedAtMs }: { item: string; value: Uint8Array; arrivedAtMs: number }): NewItem {
    return { item, value, ageMs: this.#age(arrivedAtMs) };
  }

  #age(arrivedAtMs: number): number {
    return Math.max(0, this.#clock.wallMs() - arrivedAtMs);
  }

  #breathe(): void {
    if (this.#pause !== null) return;
    const ms = backoffMs(this.#failures++, PAUSE_MS, MAX_PAUSE_MS);
    // A program that has nothing else to do ends.
    this.#pause = setTimeout(() => this.#resume(), ms).unref();
  }

  #resume(): void {
    if (this.#pause !== null) clearTimeout(this.#pause);
    this.#pause = null;
    this.#pump();
  }

  #emit(message: FromStore): void {
    if (this.#outbox.length === 0) setImmediate(() => this.#send());
    this.#outbox.push(message);
  }

  #send(): void {
    const changes = this.#outbox;
    this.#outbox = [];
    this.#post(changes);
  }
}

const PUT_COUNTERS = {
  stored: 'stored',
  unchanged: 'unchanged',
  older: 'refused_older',
  'newer-format': 'refused_newer_format',
  full: 'refused_full',
} as const;

/** Whether what stands in the store in place of an item is no value at all. */
function isDamaged(scope: string, { item }: NewItem, current: Uint8Array): boolean {
  const fault =
    current.length > STORE_LIMITS.maxValueBytes ? 'length-wrong' : decodeValue(scope, item, current);
  return typeof fault === 'string' && fault !== 'newer-version';
}
