import { isUint8Array } from 'node:util/types';
import { systemClock } from './base/clock.ts';
import { parseAddress } from './base/ip.ts';
import {
  Budget,
  type FlowBatch,
  NO_TEMPLATES,
  type SetContext,
  type TemplateResolver,
} from './decode/batch.ts';
import { BatchCache } from './decode/batch-cache.ts';
import { SetCursor } from './decode/interpret.ts';
import {
  type DecodeLimits,
  MAX_RELEASED_VALUES,
  maxHeldValues,
  RELEASED_VALUES_PER_RECORD,
} from './decode/limits.ts';
import { Materializer } from './decode/lists.ts';
import { Jit } from './decode/plan-runner.ts';
import { type DecodedRecord, recordOf } from './decode/records.ts';
import { type DecoderOptions, scannerOptions } from './dispatch/decoder-options.ts';
import { IGNORE_ALL } from './dispatch/ignore-all.ts';
import { KeptBatches } from './dispatch/kept-batches.ts';
import { type ScanHandler, Scanner } from './dispatch/scanner.ts';
import type { SharingCompanion } from './dispatch/shared-scopes.ts';
import { TemplateShare } from './dispatch/template-share.ts';
import type { ElementLookup } from './elements/element.ts';
import { standardElements } from './elements/registry.ts';
import type { HeldSet } from './templates/pending.ts';
import type { Scope, TemplateEntry, TemplateKind } from './templates/scope.ts';
import type { TemplateStore } from './templates/store.ts';
import { LOCAL_ENTRIES } from './templates/template-registry.ts';
import { TemplateSnapshot } from './templates/template-snapshot.ts';
import { FAULT_CODES, Fault, type FaultCode } from './wire/fault.ts';
import { MessageHeader } from './wire/header.ts';

/** Where a datagram came from, and when. */
export interface DatagramSource {
  /** IP address of the exporter as text, with or without a zone; ::ffff:192.0.2.1 is 192.0.2.1. */
  address: string;
  /** UDP source port; default 0. */
  port?: number;
  /** Arrival, ms since the epoch; default now. The only clock: life times are measured with it. */
  receivedAtMs?: number;
}

/** A datagram with its source, for many at a time. */
export interface Datagram extends DatagramSource {
  /** The UDP payload; may be used again once the next datagram is asked for. */
  payload: Uint8Array;
}

export type { DecodedRecord } from './decode/records.ts';
export type { DecoderOptions } from './dispatch/decoder-options.ts';

/** What became of a template. */
export interface TemplateEvent {
  /** `restored`: came from the template store. `refused`: is not used. */
  action: 'learned' | 'refreshed' | 'redefined' | 'restored' | 'withdrawn' | 'refused';
  /** Whether it is an options template. */
  kind: TemplateKind;
  /** Its id. */
  templateId: number;
  /** Why it was refused, one of REFUSAL_REASONS. */
  reason?: string;
}

/** What one datagram brought, or a change of others (`share`). */
export interface DecodeResult {
  /** Header version of the first message, null when it cannot be told. */
  version: number | null;
  /** Flow records in wire order; those of released sets follow the set that released them. */
  records: DecodedRecord[];
  /** Options records, in the same order. */
  optionsRecords: DecodedRecord[];
  /** What became of templates. */
  templates: TemplateEvent[];
  /** Sets whose template is not known. */
  missing: MissingEvent[];
  /** What was malformed. */
  faults: FaultEvent[];
}

/** Data without a template. */
export interface MissingEvent {
  /** The template it asks for. */
  templateId: number;
  /** `held`: decoded as soon as the template comes, if it comes in time. */
  action: 'held' | 'dropped';
}

/** What was malformed, with the octet offset in the datagram; for a released set, in the datagram that brought it. */
export interface FaultEvent {
  /** What is wrong. */
  code: FaultCode;
  /** Octets from the start of the datagram. */
  offset: number;
}

/** Where an event belongs. */
export interface InBatch {
  /** Position of the datagram in the call, from 0. */
  datagram: number;
}

/** What `decodeBatch` met beside records. */
export interface BatchReport {
  /** As in DecodeResult. */
  templates: (TemplateEvent & InBatch)[];
  /** As in DecodeResult. */
  missing: (MissingEvent & InBatch)[];
  /** As in DecodeResult. */
  faults: (FaultEvent & InBatch)[];
}

interface DecoderCompanion extends SharingCompanion {
  snapshot: TemplateSnapshot | null;
}

const BATCH_ROWS = 256;
/** Rows of a batch that is kept, at most. */
const KEPT_ROWS = 1024;

/**
 * Decodes NetFlow v5, v7, v9 and IPFIX datagrams, one after another, in one thread and without I/O. Never throws on
 * bytes. Keeps templates and held data between calls, within its limits.
 */
export class Decoder {
  readonly #elements: ElementLookup;
  readonly #limits: DecodeLimits;
  readonly #jit: Jit;
  readonly #scanner: Scanner<DecoderCompanion>;
  readonly #templateTtlMs: number;
  readonly #materializer: Materializer;
  readonly #batches: BatchCache;
  readonly #budget = new Budget();
  #releasedValuesLeft = 0;
  readonly #cursor = new SetCursor();
  readonly #heldHeader = new MessageHeader();
  readonly #address = new Uint8Array(16);
  /** For the next decodeBatch; null while one is at work. */
  #idle: KeptBatches | null = null;
  /** Where the sets of the datagram go; null: into the result, as objects. */
  #kept: KeptBatches | null = null;
  #share: TemplateShare | null = null;
  #source: Required<DatagramSource> = { address: '', port: 0, receivedAtMs: 0 };
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #result: DecodeResult = emptyResult();

  /** Throws a MillraceError (CONFIG_INVALID) for an option that is none. */
  constructor(options: DecoderOptions = {}) {
    const scanned = scannerOptions(options);
    this.#elements = options.elements ?? standardElements;
    this.#limits = scanned.limits;
    this.#templateTtlMs = scanned.templateTtlMs;
    this.#materializer = new Materializer(this.#elements);
    this.#jit = new Jit(options.jit ?? 'auto');
    this.#batches = new BatchCache(this.#elements, BATCH_ROWS, this.#jit);
    this.#scanner = new Scanner<DecoderCompanion>(scanned, this.#elements, LOCAL_ENTRIES, this.#handler());
  }

  /** Sets in which compiled code and interpreter disagreed; what the interpreter made was used. Anything but 0 is an error of ours. */
  get planMismatches(): number {
    return this.#jit.mismatches;
  }

  /**
   * Decodes one datagram. The result has copies of all that it needs: datagram and source may be used again. Throws only a
   * TypeError, when the datagram is no Uint8Array (a Buffer is one) or the source has no IP address, or a port or time that is none.
   */
  decode(datagram: Uint8Array, source: DatagramSource): DecodeResult {
    const result = emptyResult();
    this.#scan(datagram, source, result, null);
    result.version = this.#scanner.version || null;
    return result;
  }

  /**
   * Decodes datagrams into batches of columns: consecutive sets of one layout share a batch, of up to 1024 rows. They are in
   * wire order, options records among them, and their memory is their own; `recordsOf` makes objects of them. What else there
   * was is added to the report. Throws only as `decode` and the iterable do; what was decoded is lost then.
   */
  decodeBatch(datagrams: Iterable<Datagram>, report?: BatchReport): FlowBatch[] {
    const kept = this.#idle ?? new KeptBatches(new BatchCache(this.#elements, KEPT_ROWS, this.#jit));
    this.#idle = null;
    const result = emptyResult();
    try {
      let position = 0;
      for (const datagram of datagrams) {
        this.#scan(datagram.payload, datagram, result, kept);
        moveEvents(result, report, position++);
      }
      return kept.take();
    } finally {
      kept.take();
      this.#idle = kept;
    }
  }

  /**
   * Shares templates through a store from now on: what this decoder learns goes there, what others have learned comes from
   * there, between two calls. Resolves when the content of the store is here; best before the first datagram. onResult is
   * given what changes of others brought about: events, and records of data that waited. Ages in the store are by the wall clock,
   * so share only with times of now. Rejects with a StoreError, or with a TypeError for what is no store and when this decoder
   * has shared before; then it keeps its templates to itself, and the store is the caller's to close.
   */
  async share(
    store: TemplateStore,
    onResult: (result: DecodeResult) => void = () => {},
  ): Promise<TemplateShare> {
    if (this.#share !== null) throw new TypeError('this decoder shares its templates already');
    if (typeof store?.watch !== 'function')
      throw new TypeError('what is to be shared through is no template store');
    const share = new TemplateShare(store, {
      scanner: this.#scanner,
      limits: this.#limits,
      templateTtlMs: this.#templateTtlMs,
      restored: (templateId, kind) => this.#result.templates.push({ action: 'restored', kind, templateId }),
      applying: (apply) => {
        this.#result = emptyResult();
        this.#kept = null;
        this.#resetBudget();
        apply();
        const { records, optionsRecords, templates } = this.#result;
        if (records.length + optionsRecords.length + templates.length > 0) onResult(this.#result);
      },
    });
    this.#share = share;
    try {
      await share.start();
    } catch (error) {
      this.#share = null;
      throw error;
    }
    return share;
  }

  #scan(datagram: Uint8Array, source: DatagramSource, result: DecodeResult, kept: KeptBatches | null): void {
    if (!isUint8Array(datagram)) throw new TypeError('the datagram is no Uint8Array');
    const address = source?.address;
    const port = source?.port ?? 0;
    const receivedAtMs = source?.receivedAtMs ?? systemClock.wallMs();
    if ((port & 0xffff) !== port) throw new TypeError(`source.port is not 0 to 65535: ${String(port)}`);
    if (!Number.isFinite(receivedAtMs))
      throw new TypeError(`source.receivedAtMs is not a finite number: ${String(receivedAtMs)}`);
    if (address === '' || address !== this.#source.address) {
      if (typeof address !== 'string' || !parseAddress(address, this.#address)) {
        this.#source.address = '';
        throw new TypeError(`source.address is not an IP address: ${JSON.stringify(address)}`);
      }
    }
    this.#source = { address, port, receivedAtMs };
    this.#bytes = datagram;
    this.#view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
    this.#resetBudget();
    this.#result = result;
    this.#kept = kept;
    this.#scanner.receivedAtMs = receivedAtMs;
    this.#scanner.scan(this.#view, datagram, 0, datagram.length, this.#address, 0, port);
    this.#share?.tell();
  }

  #handler(): ScanHandler<DecoderCompanion> {
    return {
      ...IGNORE_ALL,
      companion: () => ({ snapshot: null, shared: null, state: null, nextMissMs: 0 }),
      scopeEvicted: (scope) => this.#share?.replica.closed(scope),
      bound: (entry, scope, header, start, end) => {
        this.#decodeSet(entry, scope, header, this.#bytes, this.#view, header.start, start, end);
      },
      released: (held, entry, scope) => this.#decodeHeld(held, entry, scope),
      template: (_scope, action, kind, templateId, reason) => {
        this.#result.templates.push(
          reason === undefined ? { action, kind, templateId } : { action, kind, templateId, reason },
        );
      },
      missing: (_scope, templateId, held) => {
        this.#result.missing.push({ templateId, action: held ? 'held' : 'dropped' });
      },
      fault: (fault, offset) => this.#fault(fault, offset),
    };
  }

  #decodeHeld(held: HeldSet, entry: TemplateEntry, scope: Scope<DecoderCompanion>): void {
    const { bytes } = held;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const header = this.#heldHeader;
    header.read(view, 0, 0x10000);
    // A set that was held has a budget of its own: it came in a datagram of its own.
    const { values, contentBytes } = this.#budget;
    const most = Math.min(
      maxHeldValues(this.#limits, bytes.length - held.headerBytes),
      Math.max(0, this.#releasedValuesLeft),
    );
    this.#budget.reset(most, this.#limits.maxContentBytesPerDatagram);
    // Faults are told by their place in the datagram in which the set came.
    this.#decodeSet(entry, scope, header, bytes, view, 0, held.headerBytes, bytes.length, held);
    this.#releasedValuesLeft -=
      most - this.#budget.values + RELEASED_VALUES_PER_RECORD * this.#cursor.records;
    this.#budget.reset(values, contentBytes);
  }

  #decodeSet(
    entry: TemplateEntry,
    scope: Scope<DecoderCompanion>,
    header: MessageHeader,
    bytes: Uint8Array,
    view: DataView,
    headerAt: number,
    start: number,
    end: number,
    held?: HeldSet,
  ): void {
    const kept = this.#kept;
    const runner = kept?.open(entry.layout) ?? this.#batches.get(entry.layout.uid, () => entry.layout);
    const { batch } = runner;
    const cursor = this.#cursor;
    const malformedLists = this.#materializer.malformed;
    const templates = entry.layout.structured ? this.#resolver(scope) : NO_TEMPLATES;
    const budget = this.#listBudget(entry, end - start, held);
    cursor.begin(headerAt, start, end, this.#limits.maxRecordsPerSet);
    for (let done = false; !done; ) {
      if (kept === null) batch.reset();
      const context = batch.beginSet();
      this.#fill(context, entry, scope, header, held);
      context.templates = templates;
      context.budget = budget;
      done = runner.decode(bytes, view, cursor, this.#budget);
      context.rowEnd = batch.rows;
      if (kept === null) this.#addRecords(batch, context);
      else kept.decoded(batch, !done);
    }
    const moved = held === undefined ? 0 : held.offset - held.headerBytes;
    if (cursor.fault !== 0) this.#fault(cursor.fault, cursor.faultAt + moved);
    if (this.#materializer.malformed > malformedLists) this.#fault(Fault['list-malformed'], start + moved);
  }

  #addRecords(batch: FlowBatch, set: SetContext): void {
    const into = set.options ? this.#result.optionsRecords : this.#result.records;
    for (let row = 0; row < batch.rows; row++) into.push(recordOf(batch, row, set, this.#materializer));
  }

  #fill(
    context: SetContext,
    entry: TemplateEntry,
    scope: Scope,
    header: MessageHeader,
    held: HeldSet | undefined,
  ): void {
    context.version = header.version;
    context.exporter = scope.address;
    context.exporterOffset = 0;
    context.exporterPort = held?.exporterPort ?? this.#source.port;
    context.observationDomainId = header.observationDomainId;
    context.templateId = entry.templateId;
    context.options = entry.kind === 'options';
    context.sequence = header.sequence;
    context.exportTimeMs = header.exportTimeMs;
    context.sysUptimeMs = header.sysUptimeMs;
    context.receivedAtMs = held?.receivedAtMs ?? this.#source.receivedAtMs;
  }

  /** The templates of a scope as they are now; for batches that are kept, also when they have changed. */
  #resolver(scope: Scope<DecoderCompanion>): TemplateResolver {
    const nowMs = this.#source.receivedAtMs;
    if (this.#kept !== null) {
      this.#scanner.templates.expire(scope, nowMs);
      const { companion } = scope;
      if (companion.snapshot?.revision !== scope.revision)
        companion.snapshot = new TemplateSnapshot(scope, this.#elements);
      return companion.snapshot;
    }
    return {
      plan: (templateId) => {
        const entry = this.#scanner.templates.find(scope, templateId, nowMs);
        return entry && this.#batches.get(entry.layout.uid, () => entry.layout).batch.plan;
      },
    };
  }

  /**
   * What the lists of a set may be decoded into: what the datagram has left, or where they are read later and maybe more than
   * once, a share of its own, by its part of the datagram.
   */
  #listBudget(entry: TemplateEntry, setBytes: number, held: HeldSet | undefined): Budget {
    if (this.#kept === null || !entry.layout.structured) return this.#budget;
    const { maxValuesPerDatagram, maxContentBytesPerDatagram } = this.#limits;
    const budget = new Budget();
    const share = setBytes / this.#bytes.length;
    if (held !== undefined) budget.reset(maxHeldValues(this.#limits, setBytes), maxContentBytesPerDatagram);
    else budget.reset(Math.ceil(maxValuesPerDatagram * share), Math.ceil(maxContentBytesPerDatagram * share));
    return budget;
  }

  #resetBudget(): void {
    this.#releasedValuesLeft = MAX_RELEASED_VALUES;
    this.#budget.reset(this.#limits.maxValuesPerDatagram, this.#limits.maxContentBytesPerDatagram);
  }

  #fault(fault: number, offset: number): void {
    this.#result.faults.push({ code: FAULT_CODES[fault], offset });
  }
}

function emptyResult(): DecodeResult {
  return { version: null, records: [], optionsRecords: [], templates: [], missing: [], faults: [] };
}

/** Moves events to the report, if there is one. */
function moveEvents(from: DecodeResult, report: BatchReport | undefined, datagram: number): void {
  for (const event of from.templates) report?.templates.push({ ...event, datagram });
  for (const event of from.missing) report?.missing.push({ ...event, datagram });
  for (const event of from.faults) report?.faults.push({ ...event, datagram });
  from.templates.length = 0;
  from.missing.length = 0;
  from.faults.length = 0;
}
