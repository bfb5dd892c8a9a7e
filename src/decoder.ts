import { systemClock } from './base/clock.ts';
import { parseAddress } from './base/ip.ts';
import { Budget, type SetContext, type TemplateResolver } from './decode/batch.ts';
import { BatchCache } from './decode/batch-cache.ts';
import { SetCursor } from './decode/interpret.ts';
import type { DecodeLimits } from './decode/limits.ts';
import { type FieldValues, Materializer } from './decode/lists.ts';
import { Jit, type JitMode } from './decode/plan-runner.ts';
import { DEFAULT_SCANNER_OPTIONS, type ExporterKey, type ScanHandler, Scanner } from './dispatch/scanner.ts';
import type { ElementLookup } from './elements/element.ts';
import { standardElements } from './elements/registry.ts';
import { DEFAULT_PENDING_LIMITS, type HeldSet, type PendingLimits } from './templates/pending.ts';
import type { Scope, TemplateEntry, TemplateKind } from './templates/scope.ts';
import { LOCAL_ENTRIES } from './templates/template-registry.ts';
import { FAULT_CODES, Fault, type FaultCode } from './wire/fault.ts';
import { MessageHeader } from './wire/header.ts';

export interface DecoderOptions {
  limits?: Partial<DecodeLimits>;
  /** Header versions to decode; default 5, 7, 9 and 10. */
  allowedVersions?: readonly number[];
  /** How data that comes before its template is held; false: not at all. */
  pending?: Partial<PendingLimits> | false;
  /** Life time of a template that is not announced again, ms; default 30 minutes. */
  templateTtlMs?: number;
  /** Whether withdrawals are honoured, which RFC 7011 section 8.4 forbids to send over UDP; default true. */
  honourUdpWithdrawals?: boolean;
  /** Whether the UDP source port tells exporters apart; default `address`. */
  exporterKey?: ExporterKey;
  /** Whether the decoder makes code for the layouts it meets often; default `auto`. */
  jit?: JitMode;
  /** Dictionary of information elements; default IANA and vendors. */
  elements?: ElementLookup;
}

export interface DatagramSource {
  /** IP address of the exporter as text. */
  address: string;
  port?: number;
  /** Arrival, ms since the epoch; default now. The only clock: life times are measured with it. */
  receivedAtMs?: number;
}

export interface DecodedRecord {
  /** 0 for v5 and v7. */
  templateId: number;
  observationDomainId: number;
  exportTimeMs: number;
  fields: FieldValues;
}

export interface TemplateEvent {
  action: 'learned' | 'refreshed' | 'redefined' | 'withdrawn' | 'refused';
  kind: TemplateKind;
  templateId: number;
  reason?: string;
}

export interface DecodeResult {
  /** Header version of the first message, null when it cannot be told. */
  version: number | null;
  /** Flow records in wire order; those of released sets follow the set that released them. */
  records: DecodedRecord[];
  optionsRecords: DecodedRecord[];
  templates: TemplateEvent[];
  missing: { templateId: number; action: 'held' | 'dropped' }[];
  /** What was malformed, with the octet offset in the datagram; for a released set, in the datagram that brought it. */
  faults: { code: FaultCode; offset: number }[];
}

const BATCH_ROWS = 256;

/**
 * Decodes NetFlow v5, v7, v9 and IPFIX datagrams, one after another, in one thread and without I/O. Never throws on
 * bytes. Keeps templates and held data between calls, within its limits.
 */
export class Decoder {
  readonly #elements: ElementLookup;
  readonly #limits: DecodeLimits;
  readonly #scanner: Scanner<null>;
  readonly #materializer: Materializer;
  readonly #batches: BatchCache;
  readonly #budget = new Budget();
  readonly #cursor = new SetCursor();
  readonly #heldHeader = new MessageHeader();
  readonly #address = new Uint8Array(16);
  #source: Required<DatagramSource> = { address: '', port: 0, receivedAtMs: 0 };
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #result: DecodeResult = emptyResult();

  constructor(options: DecoderOptions = {}) {
    this.#elements = options.elements ?? standardElements;
    this.#limits = { ...DEFAULT_SCANNER_OPTIONS.limits, ...options.limits };
    this.#materializer = new Materializer(this.#elements);
    this.#batches = new BatchCache(this.#elements, BATCH_ROWS, new Jit(options.jit ?? 'auto'));
    const { allowedVersions, templateTtlMs, honourUdpWithdrawals, exporterKey } = options;
    const defaults = DEFAULT_SCANNER_OPTIONS;
    this.#scanner = new Scanner<null>(
      {
        limits: this.#limits,
        scopeLimits: defaults.scopeLimits,
        pending: options.pending === false ? null : { ...DEFAULT_PENDING_LIMITS, ...options.pending },
        allowedVersions: allowedVersions ?? defaults.allowedVersions,
        templateTtlMs: templateTtlMs ?? defaults.templateTtlMs,
        honourUdpWithdrawals: honourUdpWithdrawals ?? defaults.honourUdpWithdrawals,
        exporterKey: exporterKey ?? defaults.exporterKey,
      },
      this.#elements,
      LOCAL_ENTRIES,
      this.#handler(),
    );
  }

  /** Decodes one datagram. Throws only when source.address is no IP address. */
  decode(datagram: Uint8Array, source: DatagramSource): DecodeResult {
    if (source.address !== this.#source.address) {
      if (!parseAddress(source.address, this.#address)) {
        this.#source.address = '';
        throw new TypeError(`source.address is not an IP address: ${JSON.stringify(source.address)}`);
      }
    }
    this.#source = {
      address: source.address,
      port: source.port ?? 0,
      receivedAtMs: source.receivedAtMs ?? systemClock.wallMs(),
    };
    this.#bytes = datagram;
    this.#view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
    this.#resetBudget();
    const result = emptyResult();
    this.#result = result;
    const { port, receivedAtMs } = this.#source;
    this.#scanner.scan(this.#view, datagram, 0, datagram.length, this.#address, 0, port, receivedAtMs);
    result.version = this.#scanner.version || null;
    return result;
  }

  #handler(): ScanHandler<null> {
    return {
      companion: () => null,
      scopeEvicted: () => {},
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
      message: () => {},
      fault: (fault, offset) => this.#fault(fault, offset),
      withdrawalIgnored: () => {},
      reservedSet: () => {},
      emptySet: () => {},
      heldExpired: () => {},
      heldOverflowed: () => {},
    };
  }

  #decodeHeld(held: HeldSet, entry: TemplateEntry, scope: Scope): void {
    const { bytes } = held;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const header = this.#heldHeader;
    header.read(view, 0, 0x10000);
    // A set that was held has a budget of its own: it came in a datagram of its own.
    const { values, contentBytes } = this.#budget;
    this.#resetBudget();
    // Faults are told by their place in the datagram in which the set came.
    const moved = held.offset - held.headerBytes;
    this.#decodeSet(entry, scope, header, bytes, view, 0, held.headerBytes, bytes.length, moved);
    this.#budget.reset(values, contentBytes);
  }

  #decodeSet(
    entry: TemplateEntry,
    scope: Scope,
    header: MessageHeader,
    bytes: Uint8Array,
    view: DataView,
    headerAt: number,
    start: number,
    end: number,
    moved = 0,
  ): void {
    const runner = this.#batches.get(entry.layout.uid, () => entry.layout);
    const { batch } = runner;
    const cursor = this.#cursor;
    const into = entry.kind === 'options' ? this.#result.optionsRecords : this.#result.records;
    const malformedLists = this.#materializer.malformed;
    cursor.begin(headerAt, start, end, this.#limits.maxRecordsPerSet);
    for (let done = false; !done; ) {
      batch.reset();
      const context = batch.beginSet();
      this.#fill(context, entry, scope, header);
      done = runner.decode(bytes, view, cursor, this.#budget);
      context.rowEnd = batch.rows;
      for (let row = 0; row < batch.rows; row++) {
        into.push({
          templateId: entry.templateId,
          observationDomainId: context.observationDomainId,
          exportTimeMs: context.exportTimeMs,
          fields: this.#materializer.fields(batch, row, context),
        });
      }
    }
    if (cursor.fault !== 0) this.#fault(cursor.fault, cursor.faultAt + moved);
    if (this.#materializer.malformed > malformedLists) this.#fault(Fault['list-malformed'], start + moved);
  }

  #fill(context: SetContext, entry: TemplateEntry, scope: Scope, header: MessageHeader): void {
    context.version = header.version;
    context.observationDomainId = header.observationDomainId;
    context.templateId = entry.templateId;
    context.options = entry.kind === 'options';
    context.sequence = header.sequence;
    context.exportTimeMs = header.exportTimeMs;
    context.sysUptimeMs = header.sysUptimeMs;
    context.receivedAtMs = this.#source.receivedAtMs;
    context.budget = this.#budget;
    if (entry.layout.structured) context.templates = this.#resolver(scope);
  }

  #resolver(scope: Scope): TemplateResolver {
    return {
      plan: (templateId) => {
        const entry = this.#scanner.templates.find(scope, templateId, this.#source.receivedAtMs);
        return entry && this.#batches.get(entry.layout.uid, () => entry.layout).batch.plan;
      },
    };
  }

  #resetBudget(): void {
    this.#budget.reset(this.#limits.maxValuesPerDatagram, this.#limits.maxContentBytesPerDatagram);
  }

  #fault(fault: number, offset: number): void {
    this.#result.faults.push({ code: FAULT_CODES[fault], offset });
  }
}

function emptyResult(): DecodeResult {
  return { version: null, records: [], optionsRecords: [], templates: [], missing: [], faults: [] };
}
