import type { Clock } from '../base/clock.ts';
import type { DecodeLimits } from '../decode/limits.ts';
import { InTransit } from '../fleet/in-transit.ts';
import type { FromStore, ToStore } from '../fleet/messages.ts';
import type { SharedBlocks } from '../memory/heap.ts';
import { ExporterState } from '../templates/exporter-state.ts';
import type { Scope, TemplateEntry, TemplateKind } from '../templates/scope.ts';
import { readTemplate, templatePayload } from '../templates/shared-template.ts';
import type { StateTotal } from '../templates/state-table.ts';
import { type ClearWhat, STORE_LIMITS, type StoreChange, type StoredItem } from '../templates/store.ts';
import { itemTemplateId, parseScopeName, scopeName, templateItem } from '../templates/store-key.ts';
import { decodeValue, encodeValue, isCleared, sameContent, ValueKind } from '../templates/stored-value.ts';
import type { TemplateAction } from '../templates/template-registry.ts';
import type { MessageHeader } from '../wire/header.ts';
import type { Scanner, Sharing } from './scanner.ts';
import { type SharedScope, SharedScopes, type SharingCompanion, type SharingScope } from './shared-scopes.ts';

export interface ReplicaParts {
  limits: DecodeLimits;
  templateTtlMs: number;
  /** Where exporter state is published; null where nobody wants it. */
  heap: SharedBlocks | null;
  /** A template of a scope that is live here has come from the store, or was dropped because the store dropped it. */
  restored: (templateId: number, kind: TemplateKind) => void;
  removed: (templateId: number) => void;
  clock: Clock;
  /** Names this collector in stored values, 8 octets. */
  writer: Uint8Array;
  /** Whether a template that is pushed out here is removed from the store, too. */
  evictionsShared: boolean;
  note: (kind: string, text: () => string) => void;
}

/** What the replica met, since the start. */
export interface ReplicaCounters {
  /** Values from the store that are none, by no means usable, or of a key that is none. */
  values_refused: number;
  /** Scopes and items for which there was no room. */
  unshared_full: number;
  /** Templates found here at the first data or after a local eviction. */
  recalled: number;
  /** Resets after which the store was told everything again. */
  announced_again: number;
}

/** A template is touched in the store so many times in its life time, at most. */
const TOUCHES_PER_LIFE = 8;
/** Misses of a scope are told once in so long. */
const MISS_INTERVAL_MS = 1_000;

/**
 * What the fleet knows about exporters, kept on the main thread: a scope that is seen for the first time finds its templates
 * and sampling rates at once. Changes from the store come in their order, between two datagrams; what is learned here is
 * written through. Local limits drop only what is in use here, never what is known.
 */
export class Replica implements Sharing<SharingCompanion> {
  readonly #parts: ReplicaParts;
  readonly #scopes = new SharedScopes();
  readonly #states: StateTotal = { entries: 0 };
  readonly #touchMs: number;
  #scanner!: Scanner<SharingCompanion>;
  #outbox: ToStore[] = [];
  readonly #inTransit = new InTransit();
  /** Whether changes come by themselves; else misses are told. */
  synced = false;
  /** Scopes that a reset has brought so far. */
  #reset: { lost: boolean; seen: Set<string> } | null = null;
  /** Watermark: index of the last change whose effects are all visible. */
  applied = 0;
  readonly #counters = { values_refused: 0, recalled: 0, announced_again: 0 };

  constructor(parts: ReplicaParts) {
    this.#parts = parts;
    this.#touchMs = parts.templateTtlMs / TOUCHES_PER_LIFE;
  }

  attach(scanner: Scanner<SharingCompanion>): void {
    this.#scanner = scanner;
    if (this.#parts.evictionsShared) scanner.templates.onEvicted = (entry) => this.#evicted(entry);
  }

  get counters(): ReplicaCounters {
    return { ...this.#counters, unshared_full: this.#scopes.refused };
  }

  get scopes(): number {
    return this.#scopes.size;
  }

  #request(request: ToStore): void {
    this.#inTransit.handOver(request);
    this.#outbox.push(request);
  }

  /** What is to be told to the store; empty for nothing. */
  takeRequests(): ToStore[] {
    const requests = this.#outbox;
    if (requests.length > 0) this.#outbox = [];
    return requests;
  }

  // Sharing: what the scanner finds.

  opened(scope: SharingScope): void {
    const shared = this.#scopes.size === 0 ? undefined : this.#scopes.get(nameOf(scope));
    if (shared === undefined) return;
    this.#link(shared, scope);
    for (const templateId of shared.templates.keys()) this.#restore(shared, templateId);
  }

  announced(entry: TemplateEntry, scope: SharingScope, action: TemplateAction, header: MessageHeader): void {
    const nowMs = entry.refreshedAtMs;
    if (action === 'refreshed' && isAhead(entry.nextTouchMs, nowMs, this.#touchMs)) return;
    const shared = this.#shared(scope);
    if (shared === null) return;
    entry.nextTouchMs = nowMs + this.#touchMs;
    const { templateId } = entry;
    const item = templateItem(templateId);
    const known = shared.templates.get(templateId);
    const value = encodeValue(shared.name, item, {
      kind: entry.kind === 'data' ? ValueKind.data : ValueKind.options,
      learnedAtMs: nowMs,
      exportTimeMs: header.exportTimeMs,
      sequence: header.sequence,
      writer: this.#parts.writer,
      payload: templatePayload(entry.layout),
    });
    if (known !== undefined && sameContent(known.value, value)) {
      known.seenAtMs = nowMs;
      this.#request({ type: 'touch', scope: shared.name, item });
      return;
    }
    if (!this.#scopes.keep(shared, templateId, { value, seenAtMs: nowMs })) return;
    this.#request({ type: 'put', scope: shared.name, item, value, arrivedAtMs: nowMs });
  }

  withdrawn(
    scope: SharingScope,
    kind: TemplateKind,
    templateId: number | 'all',
    header: MessageHeader,
  ): void {
    const shared = scope.companion.shared;
    if (shared === null) return;
    const ids = templateId === 'all' ? [...shared.templates.keys()] : [templateId];
    const { exportTimeMs, sequence } = header;
    const said = { arrivedAtMs: scope.lastSeenMs, exportTimeMs, sequence };
    for (const id of ids) {
      // Of all, what is newer here has stayed; what is newer elsewhere stays in the store.
      if (scope.templates.has(id) || !this.#knows(shared, id, kind)) continue;
      this.#scopes.lose(shared, id);
      const item = templateItem(id);
      this.#request({ type: 'remove', scope: shared.name, item, reason: 'withdrawn', said });
    }
  }

  recall(scope: SharingScope, templateId: number, nowMs: number): TemplateEntry | undefined {
    const shared = scope.companion.shared;
    if (shared?.templates.has(templateId) && this.#restore(shared, templateId)) {
      this.#counters.recalled++;
      return this.#scanner.templates.find(scope, templateId, nowMs);
    }
    const { companion } = scope;
    if (!this.synced && !isAhead(companion.nextMissMs, nowMs, MISS_INTERVAL_MS)) {
      companion.nextMissMs = nowMs + MISS_INTERVAL_MS;
      this.#request({ type: 'miss', scope: nameOf(scope) });
    }
    return undefined;
  }

  /** The exporter state of a scope whose options data are about to be read. */
  stateOf(scope: SharingScope): ExporterState {
    const shared = this.#shared(scope);
    if (shared === null) return new ExporterState(this.#states);
    return this.#state(shared);
  }

  /** The scope was dropped here; what is known of its exporter stays. */
  closed(scope: SharingScope): void {
    const { shared, state } = scope.companion;
    const { heap } = this.#parts;
    if (heap !== null) {
      if (shared === null) state?.release(heap);
      else state?.unpublish(heap);
    }
    if (shared === null) return;
    shared.live = null;
    this.#scopes.tidy(shared);
  }

  // What the store tells.

  apply(message: FromStore): void {
    switch (message.type) {
      case 'resetBegin':
        this.#reset = { lost: message.lost, seen: new Set() };
        if (message.lost && this.#scopes.size > 0) this.#counters.announced_again++;
        break;
      case 'resetScope':
        this.#resetScope(message.scope, message.items);
        break;
      case 'resetEnd':
        this.#resetEnd();
        this.applied = message.index;
        break;
      case 'changed':
        this.#change(message.change);
        this.applied = Math.max(this.applied, message.index);
        break;
      case 'passed':
        this.applied = Math.max(this.applied, message.index);
        break;
      case 'received':
        this.#inTransit.received(message.requests);
        break;
      case 'filled':
        this.#fill(message.scope, message.items);
        break;
      case 'again':
        for (const name of message.scopes) this.#announceAgain(name);
    }
  }

  #resetScope(name: string, items: readonly StoredItem[]): void {
    const reset = this.#reset!;
    reset.seen.add(name);
    const shared = this.#scopes.get(name);
    if (shared !== undefined) {
      const inStore = new Set(items.map(({ item }) => item));
      this.#forgetMissing(shared, inStore, reset.lost);
      if (reset.lost) this.#announceDiffering(shared, items);
    }
    this.#put(name, items);
  }

  #resetEnd(): void {
    const reset = this.#reset!;
    this.#reset = null;
    for (const shared of this.#scopes.all()) {
      if (!reset.seen.has(shared.name)) this.#forgetMissing(shared, new Set(), reset.lost);
    }
  }

  /** What the store does not have was dropped while nobody told us; a store that lost its content is told again. */
  #forgetMissing(shared: SharedScope, inStore: ReadonlySet<string>, lost: boolean): void {
    for (const { item, value, seenAtMs } of this.#itemsOf(shared)) {
      if (inStore.has(item)) continue;
      if (lost) this.#request({ type: 'put', scope: shared.name, item, value, arrivedAtMs: seenAtMs });
      else this.#drop(shared, item);
    }
    this.#scopes.tidy(shared);
  }

  /** What a store that has lost something has may be what stood there before: it decides anew. */
  #announceDiffering(shared: SharedScope, items: readonly StoredItem[]): void {
    for (const { item, value: inStore } of items) {
      const known = shared.templates.get(itemTemplateId(item));
      if (known === undefined || sameContent(known.value, inStore)) continue;
      const { value, seenAtMs } = known;
      this.#request({ type: 'put', scope: shared.name, item, value, arrivedAtMs: seenAtMs });
    }
  }

  #announceAgain(name: string): void {
    const shared = this.#scopes.get(name);
    if (shared !== undefined) this.#forgetMissing(shared, new Set(), true);
  }

  #change(change: StoreChange): void {
    if (change.type === 'put') {
      this.#put(change.scope, change.items);
      return;
    }
    const shared = this.#scopes.get(change.scope);
    if (shared === undefined) return;
    if (change.type === 'remove') for (const item of change.items) this.#drop(shared, item);
    else this.#clear(shared, change.what);
    this.#parts.note(
      'store',
      () => `${change.type} of ${change.scope} by the template store: ${change.reason}`,
    );
    this.#scopes.tidy(shared);
  }

  #clear(shared: SharedScope, what: ClearWhat): void {
    for (const { item, value } of this.#itemsOf(shared)) {
      if (isCleared(value, what)) this.#drop(shared, item);
    }
  }

  #fill(name: string, items: readonly StoredItem[]): void {
    const shared = this.#scopes.get(name);
    const absent = items.filter(({ item }) => shared?.templates.has(itemTemplateId(item)) !== true);
    this.#put(name, absent);
  }

  #put(name: string, items: readonly StoredItem[]): void {
    if (items.length === 0) return;
    const shared = this.#scopes.get(name) ?? this.#open(name);
    if (shared === null) return;
    // Asked for each in its turn: what comes in may push out what would come next, and that is told to the store, too.
    const counts = (item: string): boolean => !this.#inTransit.has(name, item);
    // Rates and names first: templates release data that need them.
    for (const one of items)
      if (itemTemplateId(one.item) < 0 && counts(one.item)) this.#putState(shared, one);
    for (const one of items)
      if (itemTemplateId(one.item) >= 0 && counts(one.item)) this.#putTemplate(shared, one);
    this.#scopes.tidy(shared);
  }

  #putTemplate(shared: SharedScope, { item, value, idleMs }: StoredItem): void {
    const templateId = itemTemplateId(item);
    const seenAtMs = this.#parts.clock.wallMs() - idleMs;
    const known = shared.templates.get(templateId);
    if (known !== undefined && sameContent(known.value, value)) {
      known.seenAtMs = Math.max(known.seenAtMs, seenAtMs);
      return;
    }
    if (!this.#usable(shared, item, value)) {
      // Whoever announces it next puts it right.
      const entry = shared.live?.templates.get(templateId);
      if (entry !== undefined) entry.nextTouchMs = 0;
      this.#scopes.lose(shared, templateId);
      return;
    }
    if (!this.#scopes.keep(shared, templateId, { value, seenAtMs })) return;
    if (shared.live !== null) this.#restore(shared, templateId);
  }

  #putState(shared: SharedScope, { item, value }: StoredItem): void {
    if (this.#parts.heap === null) return;
    const decoded = decodeValue(shared.name, item, value);
    const sound = typeof decoded !== 'string' && decoded.kind === ValueKind.state;
    const outcome = sound ? this.#state(shared).restore(item, decoded.payload) : 'unsound';
    if (outcome === 'unsound') this.#refuse(shared, item);
    if (outcome === 'full') this.#scopes.refused++;
  }

  #usable(shared: SharedScope, item: string, value: Uint8Array): boolean {
    const decoded = decodeValue(shared.name, item, value);
    const { limits } = this.#parts;
    if (typeof decoded !== 'string') {
      const template = readTemplate(itemTemplateId(item), decoded, 0, limits);
      if (typeof template !== 'string') return true;
    }
    this.#refuse(shared, item);
    return false;
  }

  #refuse(shared: SharedScope, item: string): void {
    this.#counters.values_refused++;
    this.#parts.note('store-value', () => `the template store has no sound value for ${shared.name} ${item}`);
  }

  /** Puts a known template into the scope here; false when it is too old or there is no room. */
  #restore(shared: SharedScope, templateId: number): boolean {
    const { value, seenAtMs } = shared.templates.get(templateId)!;
    const { limits, clock, templateTtlMs } = this.#parts;
    const nowMs = clock.wallMs();
    if (nowMs - seenAtMs > templateTtlMs) return false;
    const decoded = decodeValue(shared.name, templateItem(templateId), value);
    if (typeof decoded === 'string') return false;
    const template = readTemplate(templateId, decoded, seenAtMs, limits);
    if (typeof template === 'string') return false;
    const result = this.#scanner.restore(shared.live!, template, nowMs);
    if (result === 'refreshed') return true;
    if (result !== 'learned' && result !== 'redefined') return false;
    this.#parts.restored(templateId, template.kind);
    return true;
  }

  #drop(shared: SharedScope, item: string): void {
    if (this.#inTransit.has(shared.name, item)) return;
    const templateId = itemTemplateId(item);
    if (templateId < 0) {
      shared.state?.forget(item);
      return;
    }
    this.#scopes.lose(shared, templateId);
    if (shared.live !== null && this.#scanner.takeBack(shared.live, templateId))
      this.#parts.removed(templateId);
  }

  #evicted({ scope, templateId }: TemplateEntry): void {
    const shared = (scope as SharingScope).companion.shared;
    if (shared === null || !this.#scopes.lose(shared, templateId)) return;
    const item = templateItem(templateId);
    this.#request({ type: 'remove', scope: shared.name, item, reason: 'evicted', said: null });
  }

  #knows(shared: SharedScope, templateId: number, kind: TemplateKind): boolean {
    const known = shared.templates.get(templateId);
    return known !== undefined && isCleared(known.value, kind);
  }

  *#itemsOf(shared: SharedScope): Iterable<{ item: string; value: Uint8Array; seenAtMs: number }> {
    for (const [templateId, { value, seenAtMs }] of [...shared.templates])
      yield { item: templateItem(templateId), value, seenAtMs };
    if (shared.state === null) return;
    const seenAtMs = this.#parts.clock.wallMs();
    const items: [string, Uint8Array][] = [];
    shared.state.forEachItem((item, payload) => items.push([item, payload]));
    for (const [item, payload] of items)
      yield { item, value: this.#stateValue(shared, item, payload), seenAtMs };
  }

  #stateValue(shared: SharedScope, item: string, payload: Uint8Array): Uint8Array {
    const { writer, clock } = this.#parts;
    const value = { kind: ValueKind.state, learnedAtMs: clock.wallMs(), exportTimeMs: 0, sequence: 0 };
    return encodeValue(shared.name, item, { ...value, writer, payload });
  }

  #state(shared: SharedScope): ExporterState {
    if (shared.state !== null) return shared.state;
    const state = new ExporterState(this.#states);
    this.#adopt(shared, state);
    if (shared.live !== null) shared.live.companion.state = state;
    return state;
  }

  #adopt(shared: SharedScope, state: ExporterState): void {
    shared.state = state;
    const scope = shared.name;
    state.onChange = (item, payload) => {
      if (payload === null) this.#request({ type: 'remove', scope, item, reason: 'withdrawn', said: null });
      else {
        const value = this.#stateValue(shared, item, payload);
        this.#request({ type: 'put', scope, item, value, arrivedAtMs: this.#parts.clock.wallMs() });
      }
    };
  }

  /** What is shared of a scope that is live here; null when there is no room for another. */
  #shared(scope: SharingScope): SharedScope | null {
    if (scope.companion.shared !== null) return scope.companion.shared;
    const shared = this.#scopes.create(nameOf(scope));
    if (shared !== null) this.#link(shared, scope);
    return shared;
  }

  /** A scope that the store tells of. */
  #open(name: string): SharedScope | null {
    const key = name.length > STORE_LIMITS.maxScopeNameBytes ? null : parseScopeName(name);
    if (key === null) {
      this.#counters.values_refused++;
      return null;
    }
    const shared = this.#scopes.create(name);
    const live = this.#scanner.scopes.find(key.version, key.address, 0, key.port, key.domain);
    if (shared !== null && live !== undefined) this.#link(shared, live);
    return shared;
  }

  #link(shared: SharedScope, scope: SharingScope): void {
    shared.live = scope;
    scope.companion.shared = shared;
    const { companion } = scope;
    if (shared.state === null) {
      if (companion.state !== null) this.#adopt(shared, companion.state);
    } else if (companion.state !== shared.state) {
      if (this.#parts.heap !== null) companion.state?.release(this.#parts.heap);
      companion.state = shared.state;
    }
  }
}

/** Whether a time that was set an interval ahead is still to come; when it is farther ahead, the clock was set back. */
function isAhead(atMs: number, nowMs: number, intervalMs: number): boolean {
  return nowMs < atMs && atMs - nowMs <= intervalMs;
}

function nameOf({ version, address, port, domain }: Scope): string {
  return scopeName(version, address, port, domain);
}
