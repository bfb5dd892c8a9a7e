import type { Dialect, FieldSpecifier, Layout } from '../decode/layout.ts';
import type { DecodeLimits } from '../decode/limits.ts';
import type { ElementLookup } from '../elements/element.ts';
import type { RefusalReason } from '../wire/fault.ts';
import type { TemplateReader } from '../wire/template.ts';
import { LayoutTable } from './layout-table.ts';
import type { Scope, TemplateEntry, TemplateKind } from './scope.ts';
import type { Version } from './store.ts';
import { supersedes } from './stored-value.ts';

export type TemplateAction = 'learned' | 'refreshed' | 'redefined';

/** When a definition was said: arrival here, and export time and sequence number of its message. */
export interface Announcement {
  readonly nowMs: number;
  readonly exportTimeMs: number;
  readonly sequence: number;
}

/** What templates may cost in all, over all scopes. */
export const MAX_TEMPLATE_BYTES_TOTAL = 64 * 1024 * 1024;
/** Rough cost of a template beside its fields. */
const ENTRY_BYTES = 128;
const FIELD_BYTES = 8;

/** Puts entries where decode threads can see them; without threads nothing has to be done. */
export interface EntryPublisher {
  /** Address for a new entry, or 0 when there is no room. */
  publish(scope: Scope, templateId: number, kind: TemplateKind, layout: Layout): number;
  /** The entry is not bound to sets any more. */
  retire(entry: TemplateEntry): void;
  /** No entry has this layout any more. */
  forget(layout: Layout): void;
}

export const LOCAL_ENTRIES: EntryPublisher = { publish: () => -1, retire: () => {}, forget: () => {} };

/**
 * Learns, replaces and forgets templates; the rules of their life are here and nowhere else.
 * One owner per template id over data and options templates: the last definition in wire order wins. Main thread.
 */
export class TemplateRegistry {
  readonly #limits: DecodeLimits;
  readonly #ttlMs: number;
  readonly #publisher: EntryPublisher;
  readonly #layouts: LayoutTable;
  #bytes = 0;
  #count = 0;
  /** Entries pushed out by a limit and entries that were not refreshed in time, since the start. */
  evicted = 0;
  expired = 0;
  /** Told of every entry that a limit pushes out. */
  onEvicted: ((entry: TemplateEntry) => void) | null = null;

  constructor(limits: DecodeLimits, ttlMs: number, elements: ElementLookup, publisher: EntryPublisher) {
    this.#limits = limits;
    this.#ttlMs = ttlMs;
    this.#publisher = publisher;
    this.#layouts = new LayoutTable(elements);
  }

  get size(): number {
    return this.#count;
  }

  get layouts(): number {
    return this.#layouts.size;
  }

  /** The template that data arriving now is decoded with. */
  find(scope: Scope, templateId: number, nowMs: number): TemplateEntry | undefined {
    const entry = scope.templates.get(templateId);
    if (entry === undefined) return undefined;
    if (nowMs - entry.refreshedAtMs <= this.#ttlMs) return entry;
    this.expired++;
    this.#forget(entry);
    return undefined;
  }

  /**
   * Takes the record that the reader has just read as an announcement of what is known already; false when it says something else.
   * Exporters repeat their templates all the time, so this allocates nothing.
   */
  refresh(
    scope: Scope,
    kind: TemplateKind,
    dialect: Dialect,
    reader: TemplateReader,
    view: DataView,
    { exportTimeMs, sequence }: { exportTimeMs: number; sequence: number },
    nowMs: number,
  ): boolean {
    const { templateId } = reader;
    const known = this.find(scope, templateId, nowMs);
    if (known === undefined || known.kind !== kind) return false;
    const { layout } = known;
    if (layout.dialect !== dialect || layout.scopeCount !== reader.scopeCount) return false;
    if (!reader.hasFields(view, layout.fields)) return false;
    known.refreshedAtMs = nowMs;
    known.exportTimeMs = exportTimeMs;
    known.sequence = sequence;
    scope.templates.delete(templateId);
    scope.templates.set(templateId, known);
    return true;
  }

  /** Takes a valid definition from the wire that is not a refresh. Returns what it was, or why it is not taken. */
  learn(
    scope: Scope,
    templateId: number,
    kind: TemplateKind,
    dialect: Dialect,
    scopeCount: number,
    fields: readonly FieldSpecifier[],
    said: Announcement,
  ): TemplateAction | RefusalReason {
    const known = this.find(scope, templateId, said.nowMs);
    const differs = known !== undefined && !isDefinition(known, kind, dialect, scopeCount, fields);
    if (differs && this.isNewer(scope, templateId, said)) return 'older-definition';
    return this.put(scope, templateId, kind, dialect, scopeCount, fields, said, said.nowMs);
  }

  /** Whether an id stands for something that was announced after what is said now, by the conflict rule. */
  isNewer(scope: Scope, templateId: number, said: Announcement): boolean {
    const known = scope.templates.get(templateId);
    if (known === undefined) return false;
    return !supersedes(version(said, 0), version(known, said.nowMs - known.refreshedAtMs));
  }

  /** Takes a valid definition whatever is there, with the life time it has left. */
  put(
    scope: Scope,
    templateId: number,
    kind: TemplateKind,
    dialect: Dialect,
    scopeCount: number,
    fields: readonly FieldSpecifier[],
    said: Announcement,
    refreshedAtMs: number,
  ): TemplateAction | RefusalReason {
    const { nowMs, exportTimeMs, sequence } = said;
    const known = this.find(scope, templateId, nowMs);
    if (known !== undefined && isDefinition(known, kind, dialect, scopeCount, fields)) {
      if (refreshedAtMs < known.refreshedAtMs) return 'refreshed';
      known.refreshedAtMs = refreshedAtMs;
      known.exportTimeMs = exportTimeMs;
      known.sequence = sequence;
      scope.templates.delete(templateId);
      scope.templates.set(templateId, known);
      return 'refreshed';
    }
    const bytes = cost(fields.length);
    if (this.#bytes + bytes > MAX_TEMPLATE_BYTES_TOTAL) return 'memory-exhausted';
    const layout = this.#layouts.acquire(dialect, scopeCount, fields);
    const address = this.#publisher.publish(scope, templateId, kind, layout);
    if (address === 0) {
      this.#release(layout);
      return 'memory-exhausted';
    }
    if (known !== undefined) this.#forget(known);
    else if (scope.templates.size >= this.#limits.maxTemplatesPerScope) this.#evictOldest(scope);
    const entry: TemplateEntry = {
      scope,
      templateId,
      kind,
      layout,
      learnedAtMs: refreshedAtMs,
      refreshedAtMs,
      exportTimeMs,
      sequence,
      nextTouchMs: nowMs,
      address,
    };
    scope.templates.set(templateId, entry);
    scope.revision++;
    this.#bytes += bytes;
    this.#count++;
    return known === undefined ? 'learned' : 'redefined';
  }

  /** Gives a scope the built-in layout of its version, under template id 0; undefined when there is no room. */
  install(scope: Scope, layout: Layout, nowMs: number): TemplateEntry | undefined {
    const address = this.#publisher.publish(scope, 0, 'data', layout);
    if (address === 0) return undefined;
    const entry: TemplateEntry = {
      scope,
      templateId: 0,
      kind: 'data',
      layout,
      learnedAtMs: nowMs,
      refreshedAtMs: nowMs,
      exportTimeMs: 0,
      sequence: 0,
      nextTouchMs: Number.POSITIVE_INFINITY,
      address,
    };
    scope.templates.set(0, entry);
    this.#bytes += cost(layout.fields.length);
    this.#count++;
    return entry;
  }

  /** Forgets whatever an id stood for. */
  discard(scope: Scope, templateId: number): void {
    const entry = scope.templates.get(templateId);
    if (entry === undefined) return;
    this.evicted++;
    this.#forget(entry);
  }

  /** Forgets one template; false when there is none of that kind. */
  withdraw(scope: Scope, templateId: number, kind: TemplateKind): boolean {
    const entry = scope.templates.get(templateId);
    if (entry === undefined || entry.kind !== kind) return false;
    this.#forget(entry);
    return true;
  }

  /** Forgets all templates of a kind but those that were announced after what is said now, and returns their ids. */
  withdrawAll(scope: Scope, kind: TemplateKind, said: Announcement): number[] {
    const ids: number[] = [];
    for (const entry of [...scope.templates.values()]) {
      if (entry.kind !== kind || this.isNewer(scope, entry.templateId, said)) continue;
      this.#forget(entry);
      ids.push(entry.templateId);
    }
    return ids;
  }

  has(scope: Scope, kind: TemplateKind): boolean {
    for (const entry of scope.templates.values()) if (entry.kind === kind) return true;
    return false;
  }

  /** Forgets all templates of a scope that is being dropped. */
  dropScope(scope: Scope): void {
    for (const entry of [...scope.templates.values()]) this.#evict(entry);
  }

  /** Forgets what was not refreshed in time, so that it costs no memory until data asks for it. */
  expire(scope: Scope, nowMs: number): void {
    for (const entry of scope.templates.values()) {
      if (nowMs - entry.refreshedAtMs <= this.#ttlMs) return;
      this.expired++;
      this.#forget(entry);
    }
  }

  #evictOldest(scope: Scope): void {
    for (const entry of scope.templates.values()) {
      this.#evict(entry);
      return;
    }
  }

  #evict(entry: TemplateEntry): void {
    this.evicted++;
    this.#forget(entry);
    this.onEvicted?.(entry);
  }

  #forget(entry: TemplateEntry): void {
    entry.scope.templates.delete(entry.templateId);
    entry.scope.revision++;
    this.#bytes -= cost(entry.layout.fields.length);
    this.#count--;
    this.#publisher.retire(entry);
    this.#release(entry.layout);
  }

  #release(layout: Layout): void {
    if (this.#layouts.release(layout)) this.#publisher.forget(layout);
  }
}

function cost(fields: number): number {
  return ENTRY_BYTES + fields * FIELD_BYTES;
}

function version({ exportTimeMs, sequence }: Announcement | TemplateEntry, ageMs: number): Version {
  return { ageMs, exportTimeMs, sequence };
}

function isDefinition(
  known: TemplateEntry,
  kind: TemplateKind,
  dialect: Dialect,
  scopeCount: number,
  fields: readonly FieldSpecifier[],
): boolean {
  const { layout } = known;
  if (known.kind !== kind) return false;
  if (layout.dialect !== dialect || layout.scopeCount !== scopeCount) return false;
  if (layout.fields.length !== fields.length) return false;
  for (let i = 0; i < fields.length; i++) {
    const a = layout.fields[i];
    const b = fields[i];
    if (a.id !== b.id || a.length !== b.length || a.pen !== b.pen) return false;
  }
  return true;
}
