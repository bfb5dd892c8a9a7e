import { createV5Layout, createV7Layout } from '../decode/builtin.ts';
import type { Dialect, FieldSpecifier, Layout } from '../decode/layout.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from '../decode/limits.ts';
import type { ElementLookup } from '../elements/element.ts';
import {
  DEFAULT_PENDING_LIMITS,
  type HeldSet,
  type PendingLimits,
  PendingSets,
} from '../templates/pending.ts';
import type { Scope, TemplateEntry, TemplateKind } from '../templates/scope.ts';
import { DEFAULT_SCOPE_LIMITS, RECENCY_MS, type ScopeLimits, ScopeTable } from '../templates/scope-table.ts';
import { type SharedTemplate, templateRefusal } from '../templates/shared-template.ts';
import {
  type Announcement,
  type EntryPublisher,
  type TemplateAction,
  TemplateRegistry,
} from '../templates/template-registry.ts';
import { Fault, REFUSAL_REASONS, type RefusalReason } from '../wire/fault.ts';
import { HEADER_BYTES, MessageHeader } from '../wire/header.ts';
import { allZero, MIN_TEMPLATE_ID, SET_HEADER_BYTES, SetId, soundEnd } from '../wire/set.ts';
import { RecordKind, TemplateReader } from '../wire/template.ts';

export interface ScannerOptions {
  limits: DecodeLimits;
  scopeLimits: ScopeLimits;
  /** null: data without a template is not held. */
  pending: PendingLimits | null;
  /** Header versions that are decoded; others are filtered. */
  allowedVersions: readonly number[];
  /** How long a template serves without being announced again, by arrival time. */
  templateTtlMs: number;
  honourUdpWithdrawals: boolean;
  exporterKey: ExporterKey;
}

/** Whether the UDP source port tells exporters apart. */
export const EXPORTER_KEYS = ['address', 'address+port'] as const;
/** One of EXPORTER_KEYS. */
export type ExporterKey = (typeof EXPORTER_KEYS)[number];

export const DEFAULT_TEMPLATE_TTL_MS = 30 * 60 * 1000;

export const DEFAULT_SCANNER_OPTIONS: Readonly<ScannerOptions> = {
  limits: DEFAULT_DECODE_LIMITS,
  scopeLimits: DEFAULT_SCOPE_LIMITS,
  pending: DEFAULT_PENDING_LIMITS,
  allowedVersions: [5, 7, 9, 10],
  templateTtlMs: DEFAULT_TEMPLATE_TTL_MS,
  honourUdpWithdrawals: true,
  exporterKey: 'address',
};

/** What a datagram turned out to be. */
export const Outcome = { decoded: 0, malformed: 1, unknownVersion: 2, filtered: 3 } as const;

/**
 * Told what the scanner finds, in wire order. Headers are reused: copy what is needed. Offsets are into the datagram's
 * buffer. C is what the handler keeps beside each scope.
 */
export interface ScanHandler<C> {
  companion(version: number, address: Uint8Array, port: number, domain: number): C;
  scopeEvicted(scope: Scope<C>): void;
  /** A data set, or the records of a v5 or v7 message, with the template valid at its place in the stream. */
  bound(entry: TemplateEntry, scope: Scope<C>, header: MessageHeader, start: number, end: number): void;
  /** A held set whose template has arrived. */
  released(held: HeldSet, entry: TemplateEntry, scope: Scope<C>): void;
  template(
    scope: Scope<C> | undefined,
    action: TemplateAction | 'withdrawn' | 'refused',
    kind: TemplateKind,
    templateId: number,
    reason?: RefusalReason,
  ): void;
  /** A data set without a template: held, or lost. */
  missing(scope: Scope<C> | undefined, templateId: number, held: boolean): void;
  /** A message that is sound; called before its sets. scope is undefined when it has none or there was no room. */
  message(scope: Scope<C> | undefined, header: MessageHeader): void;
  fault(fault: number, offset: number): void;
  withdrawalIgnored(): void;
  reservedSet(): void;
  emptySet(): void;
  heldExpired(sets: number): void;
  heldOverflowed(sets: number): void;
  heldWithdrawn(sets: number): void;
}

/** Told what exporters announce, and asked what others know: where templates are shared with a store. */
export interface Sharing<C> {
  /** A scope was made; what is known of it can be put into it. */
  opened(scope: Scope<C>): void;
  announced(entry: TemplateEntry, scope: Scope<C>, action: TemplateAction, header: MessageHeader): void;
  /** templateId: one template, or all of the kind. Called whether it was known here or not. */
  withdrawn(scope: Scope<C>, kind: TemplateKind, templateId: number | 'all', header: MessageHeader): void;
  /** Data came for a template that is not known here. Puts it into the scope and returns it, if it can. */
  recall(scope: Scope<C>, templateId: number, nowMs: number): TemplateEntry | undefined;
}

/**
 * Walks datagrams in arrival order and binds every data set to the template that is valid at its place in the stream.
 * Knows set headers and templates, never record contents. One thread: the main thread of a collector, or the caller of a
 * Decoder.
 */
export class Scanner<C> {
  readonly scopes: ScopeTable<C>;
  readonly templates: TemplateRegistry;
  readonly pending: PendingSets | null;
  readonly #options: ScannerOptions;
  readonly #handler: ScanHandler<C>;
  readonly #v5: Layout;
  readonly #v7: Layout;
  readonly #header = new MessageHeader();
  readonly #reader = new TemplateReader();
  readonly #learned: number[] = [];
  /** Ids for which the message at hand has a definition that came too late: its data are in a shape that is not known. */
  readonly #outdated = new Set<number>();
  /** Set before the first datagram, if ever. */
  sharing: Sharing<C> | null = null;
  /** When the datagram that is scanned next was received, ms since the epoch. Handed on, it would be a number on the heap. */
  receivedAtMs = 0;
  /** Version of the first message of the last datagram, 0 when it could not be told. */
  version = 0;

  // The datagram being scanned.
  #view!: DataView;
  #bytes!: Uint8Array;
  #origin = 0;
  #port = 0;

  constructor(
    options: ScannerOptions,
    elements: ElementLookup,
    publisher: EntryPublisher,
    handler: ScanHandler<C>,
  ) {
    this.#options = options;
    this.#handler = handler;
    this.#v5 = createV5Layout(elements);
    this.#v7 = createV7Layout(elements);
    this.templates = new TemplateRegistry(options.limits, options.templateTtlMs, elements, publisher);
    this.pending =
      options.pending &&
      new PendingSets(options.pending, {
        expired: (sets) => handler.heldExpired(sets),
        overflowed: (sets) => handler.heldOverflowed(sets),
        withdrawn: (sets) => handler.heldWithdrawn(sets),
      });
    this.scopes = new ScopeTable<C>(options.scopeLimits, {
      companion: (version, address, port, domain) => handler.companion(version, address, port, domain),
      opened: (scope) => {
        if (scope.version >= 9) this.sharing?.opened(scope);
      },
      evicted: (scope) => {
        this.pending?.drop(scope);
        this.templates.dropScope(scope);
        handler.scopeEvicted(scope);
      },
    });
  }

  /**
   * Scans one datagram at [start, end) of the buffer that view and bytes share. The exporter's 16-byte address is at
   * addressAt in address; receivedAtMs is set before. Returns an Outcome; everything else goes to the handler.
   */
  scan(
    view: DataView,
    bytes: Uint8Array,
    start: number,
    end: number,
    address: Uint8Array,
    addressAt: number,
    port: number,
  ): number {
    this.#view = view;
    this.#bytes = bytes;
    this.#origin = start;
    this.#port = port;
    const header = this.#header;
    this.version = 0;
    let outcome: number = Outcome.malformed;
    for (let at = start; ; at = header.end) {
      const first = at === start;
      const fault = header.read(view, at, end);
      if (first) this.version = header.version;
      if (fault !== 0) {
        this.#handler.fault(first || header.version !== 0 ? fault : Fault['trailing-bytes'], at);
        if (first && fault === Fault['unknown-version']) return Outcome.unknownVersion;
        return first ? Outcome.malformed : outcome;
      }
      if (!this.#options.allowedVersions.includes(header.version)) {
        this.#handler.fault(Fault['version-not-allowed'], at);
        if (first) outcome = Outcome.filtered;
      } else if (this.#message(address, addressAt, port)) outcome = Outcome.decoded;
      // v9 has no length and fills the datagram; other messages may be followed by more.
      if (header.end >= end || allZero(view, header.end, end)) return outcome;
    }
  }

  /** Drops held sets and templates whose time has passed; for idle moments. */
  expire(nowMs: number): void {
    this.pending?.expire(nowMs);
    for (const scope of this.scopes) if (scope.version >= 9) this.templates.expire(scope, nowMs);
  }

  /** Returns false when the message is malformed and nothing of it was used. */
  #message(address: Uint8Array, addressAt: number, port: number): boolean {
    const header = this.#header;
    if (header.version < 9) {
      const scope = this.#scope(address, addressAt, port);
      this.#handler.message(scope, header);
      if (scope === undefined) this.#handler.missing(undefined, 0, false);
      else this.#legacy(scope);
      return true;
    }
    const end = this.#soundSets();
    if (end < 0) return false;
    this.#outdated.clear();
    // A message without sets is sound, and no reason to remember anybody.
    const scope = end === header.body ? undefined : this.#scope(address, addressAt, port);
    this.#handler.message(scope, header);
    for (let at = header.body; end - at >= SET_HEADER_BYTES; ) {
      const length = this.#view.getUint16(at + 2);
      if (length < SET_HEADER_BYTES || at + length > end) break; // zero padding up to the end
      this.#set(scope, this.#view.getUint16(at), at + SET_HEADER_BYTES, at + length);
      at += length;
    }
    return true;
  }

  /** The scope of the message; undefined when there is no room for a new one. */
  #scope(address: Uint8Array, addressAt: number, port: number): Scope<C> | undefined {
    const { version, observationDomainId } = this.#header;
    const keyPort = this.#options.exporterKey === 'address+port' ? port : 0;
    const known = this.scopes.find(version, address, addressAt, keyPort, observationDomainId);
    // Asked here, because a time that is handed on is a number on the heap.
    if (known !== undefined && Math.abs(this.receivedAtMs - known.lastSeenMs) < RECENCY_MS) return known;
    return this.scopes.obtain(version, address, addressAt, keyPort, observationDomainId, this.receivedAtMs);
  }

  #legacy(scope: Scope<C>): void {
    const header = this.#header;
    const layout = header.version === 5 ? this.#v5 : this.#v7;
    const entry = scope.templates.get(0) ?? this.templates.install(scope, layout, this.receivedAtMs);
    if (entry === undefined) {
      this.#handler.missing(scope, 0, false);
      return;
    }
    this.scopes.sawData(scope, this.receivedAtMs);
    this.#handler.bound(entry, scope, header, header.body, header.end);
  }

  /**
   * Where the sound sets of the message end, or -1 when the message has to be discarded. An IPFIX message with any
   * nonsensical length is discarded whole (RFC 7011 section 9.1); of a v9 packet the sets in front of the fault are good.
   */
  #soundSets(): number {
    const header = this.#header;
    const view = this.#view;
    const end = soundEnd(view, header.body, header.end);
    if (end < header.end) this.#handler.fault(Fault['set-length-invalid'], end);
    if (header.version === 9) return end === header.body && end < header.end ? -1 : end;
    if (end < header.end) return -1;
    for (let at = header.body; end - at >= SET_HEADER_BYTES; ) {
      const id = view.getUint16(at);
      const length = view.getUint16(at + 2);
      if (length < SET_HEADER_BYTES) break;
      if (id === SetId.template || id === SetId.optionsTemplate) {
        const options = id === SetId.optionsTemplate;
        if (!this.#soundTemplates(at + SET_HEADER_BYTES, at + length, options)) return -1;
      }
      at += length;
    }
    return end;
  }

  /** Whether every record of an IPFIX template set lies within the set. */
  #soundTemplates(start: number, end: number, options: boolean): boolean {
    const reader = this.#reader;
    reader.begin(this.#view, start, end, options, false);
    for (;;) {
      const kind = reader.next(this.#view);
      if (kind === RecordKind.none) return true;
      if (kind !== RecordKind.truncated) continue;
      this.#handler.fault(Fault['template-truncated'], reader.recordAt);
      return false;
    }
  }

  #set(scope: Scope<C> | undefined, id: number, start: number, end: number): void {
    if (id >= MIN_TEMPLATE_ID) {
      this.#data(scope, id, start, end);
      return;
    }
    const ipfix = this.#header.version === 10;
    if (id === SetId.v9Template || id === SetId.v9OptionsTemplate) {
      // Some IPFIX exporters send template sets in NetFlow v9 form.
      this.#templates(scope, start, end, id === SetId.v9OptionsTemplate, 9);
    } else if (ipfix && (id === SetId.template || id === SetId.optionsTemplate)) {
      this.#templates(scope, start, end, id === SetId.optionsTemplate, 10);
    } else {
      this.#handler.reservedSet();
    }
  }

  #data(scope: Scope<C> | undefined, templateId: number, start: number, end: number): void {
    if (start === end) {
      this.#handler.emptySet();
      return;
    }
    if (this.#outdated.has(templateId)) {
      this.#handler.missing(scope, templateId, false);
      return;
    }
    const entry =
      scope &&
      (this.templates.find(scope, templateId, this.receivedAtMs) ??
        this.sharing?.recall(scope, templateId, this.receivedAtMs));
    if (scope !== undefined && entry !== undefined) {
      // Asked here, because a time that is handed on is a number on the heap.
      if (!scope.established) this.scopes.sawData(scope, this.receivedAtMs);
      this.#handler.bound(entry, scope, this.#header, start, end);
      return;
    }
    const held = scope !== undefined && this.pending !== null && this.#hold(scope, templateId, start, end);
    this.#handler.missing(scope, templateId, held);
  }

  #hold(scope: Scope<C>, templateId: number, start: number, end: number): boolean {
    const header = this.#header;
    const headerBytes = HEADER_BYTES[header.version];
    const copy = new Uint8Array(headerBytes + end - start);
    copy.set(this.#bytes.subarray(header.start, header.body));
    copy.set(this.#bytes.subarray(start, end), headerBytes);
    return this.pending!.hold(
      scope,
      templateId,
      copy,
      headerBytes,
      start - this.#origin,
      this.receivedAtMs,
      this.#port,
    );
  }

  #templates(
    scope: Scope<C> | undefined,
    start: number,
    end: number,
    options: boolean,
    dialect: Dialect,
  ): void {
    const reader = this.#reader;
    const kind = options ? 'options' : 'data';
    this.#learned.length = 0;
    reader.begin(this.#view, start, end, options, dialect === 9);
    for (let record = reader.next(this.#view); record !== RecordKind.none; record = reader.next(this.#view)) {
      if (record === RecordKind.withdrawal) this.#withdrawal(scope, kind);
      else if (record === RecordKind.template) this.#definition(scope, kind, dialect);
      else this.#handler.fault(Fault['template-truncated'], reader.recordAt);
    }
    if (scope === undefined || scope.held === null) return;
    for (const templateId of this.#learned) this.#release(scope, templateId, this.receivedAtMs);
  }

  #definition(scope: Scope<C> | undefined, kind: TemplateKind, dialect: Dialect): void {
    const reader = this.#reader;
    const { templateId } = reader;
    const refusal = this.#refusal(kind, dialect);
    const result = refusal ?? (scope === undefined ? 'too-many-scopes' : this.#learn(scope, kind, dialect));
    if (isRefusal(result)) {
      // What follows is in the new, unusable shape: the old definition must not be used on it.
      if (result === 'older-definition') this.#outdated.add(templateId);
      else if (scope !== undefined) this.templates.discard(scope, templateId);
      this.#handler.template(scope, 'refused', kind, templateId, result);
      return;
    }
    if (result === 'learned') this.#learned.push(templateId);
    this.#outdated.delete(templateId);
    this.#handler.template(scope, result, kind, templateId);
    if (this.sharing === null || scope === undefined) return;
    this.sharing.announced(scope.templates.get(templateId)!, scope, result, this.#header);
  }

  #said(): Announcement {
    const { exportTimeMs, sequence } = this.#header;
    return { nowMs: this.receivedAtMs, exportTimeMs, sequence };
  }

  #learn(scope: Scope<C>, kind: TemplateKind, dialect: Dialect): TemplateAction | RefusalReason {
    const { templates } = this;
    const reader = this.#reader;
    if (templates.refresh(scope, kind, dialect, reader, this.#view, this.#header, this.receivedAtMs))
      return 'refreshed';
    const { scopeCount, templateId } = reader;
    return templates.learn(scope, templateId, kind, dialect, scopeCount, this.#fields(), this.#said());
  }

  #refusal(kind: TemplateKind, dialect: Dialect): RefusalReason | undefined {
    const reader = this.#reader;
    if (reader.uneven) return reader.templateId < MIN_TEMPLATE_ID ? 'id-reserved' : 'field-length-invalid';
    return templateRefusal(reader, kind, dialect, this.#options.limits);
  }

  #fields(): FieldSpecifier[] {
    const reader = this.#reader;
    const fields: FieldSpecifier[] = [];
    let at = reader.fieldsAt;
    for (let i = 0; i < reader.fieldCount; i++) {
      const field = { pen: 0, id: 0, length: 0 };
      at = reader.field(this.#view, at, field);
      fields.push(field);
    }
    return fields;
  }

  /** Withdrawals (RFC 7011 section 8.1): one template, or all of a kind under the id of the set that carries them. */
  #withdrawal(scope: Scope<C> | undefined, kind: TemplateKind): void {
    const { templateId } = this.#reader;
    const all = templateId === (kind === 'data' ? SetId.template : SetId.optionsTemplate);
    if (scope === undefined || !this.#options.honourUdpWithdrawals) {
      this.#handler.withdrawalIgnored();
      return;
    }
    if (all) {
      this.#withdrawAll(scope, kind);
      return;
    }
    if (this.templates.isNewer(scope, templateId, this.#said())) {
      this.#handler.withdrawalIgnored();
      return;
    }
    if (this.templates.withdraw(scope, templateId, kind)) {
      this.#handler.template(scope, 'withdrawn', kind, templateId);
    } else {
      this.#handler.withdrawalIgnored();
    }
    this.pending?.withdraw(scope, templateId);
    this.sharing?.withdrawn(scope, kind, templateId, this.#header);
  }

  #withdrawAll(scope: Scope<C>, kind: TemplateKind): void {
    const ids = this.templates.withdrawAll(scope, kind, this.#said());
    if (ids.length === 0) this.#handler.withdrawalIgnored();
    for (const id of ids) this.#handler.template(scope, 'withdrawn', kind, id);
    // When it is late, what was announced after it has stayed, and nothing says what the data that wait are of.
    if (!this.templates.has(scope, kind)) this.pending?.withdrawAll(scope);
    this.sharing?.withdrawn(scope, kind, 'all', this.#header);
  }

  /** Takes a template that others have learned, with the life time it has left, and releases what waited for it. */
  restore(scope: Scope<C>, template: SharedTemplate, nowMs: number): TemplateAction | RefusalReason {
    const { templateId, kind, dialect, scopeCount, fields, exportTimeMs, sequence, seenAtMs } = template;
    const said = { nowMs, exportTimeMs, sequence };
    const { templates } = this;
    const result = templates.put(scope, templateId, kind, dialect, scopeCount, fields, said, seenAtMs);
    if (result === 'learned') this.#release(scope, templateId, nowMs);
    // What follows is in a shape that found no room: as with a definition from the wire, the one before it is over.
    else if (isRefusal(result)) templates.discard(scope, templateId);
    return result;
  }

  /** Drops a template that is taken back elsewhere, and what waits for it here. */
  takeBack(scope: Scope<C>, templateId: number): boolean {
    this.pending?.withdraw(scope, templateId);
    const entry = scope.templates.get(templateId);
    return entry !== undefined && this.templates.withdraw(scope, templateId, entry.kind);
  }

  #release(scope: Scope<C>, templateId: number, nowMs: number): void {
    const entry = scope.templates.get(templateId);
    if (entry === undefined) return;
    const released = this.pending?.release(scope, templateId, nowMs) ?? [];
    if (released.length > 0) this.scopes.sawData(scope, nowMs);
    for (const held of released) this.#handler.released(held, entry, scope);
  }
}

const REFUSALS: ReadonlySet<string> = new Set(REFUSAL_REASONS);

function isRefusal(result: TemplateAction | RefusalReason): result is RefusalReason {
  return REFUSALS.has(result);
}
