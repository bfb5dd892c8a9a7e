import { Activity } from '../accounting/activity.ts';
import { Count, type Ledger } from '../accounting/ledger.ts';
import { SequenceTracker } from '../accounting/sequence.ts';
import { assert } from '../base/assert.ts';
import { addressText } from '../base/ip.ts';
import type { DecodeLimits } from '../decode/limits.ts';
import type { ElementLookup } from '../elements/element.ts';
import type { SharedHeap } from '../memory/heap.ts';
import { RecordOffset } from '../memory/layout.ts';
import { writeRecord } from '../memory/ring.ts';
import type { SharedMemory } from '../memory/shared-memory.ts';
import type { WorkItems } from '../memory/work-items.ts';
import { ExporterState } from '../templates/exporter-state.ts';
import type { HeldSet } from '../templates/pending.ts';
import type { Scope, TemplateEntry, TemplateKind } from '../templates/scope.ts';
import { SharedEntries } from '../templates/shared-entries.ts';
import type { StateTotal } from '../templates/state-table.ts';
import type { TemplateAction } from '../templates/template-registry.ts';
import { FAULT_CODES, type RefusalReason } from '../wire/fault.ts';
import type { MessageHeader } from '../wire/header.ts';
import { SET_HEADER_BYTES } from '../wire/set.ts';
import type { MessageAccounts } from './message-accounts.ts';
import type { DatagramIdentity, Note } from './note.ts';
import { OptionsDecoder } from './options-decoder.ts';
import type { Replica } from './replica.ts';
import type { ScanHandler } from './scanner.ts';
import type { SharingCompanion } from './shared-scopes.ts';
import type { Task } from './task-queue.ts';

/** What a collector keeps beside each scope. */
export interface Companion extends SharingCompanion {
  readonly sequence: SequenceTracker;
  readonly activity: Activity;
  /** Made with the first options record. */
  state: ExporterState | null;
  /** Template directory in the shared heap and the revision of the scope's templates it shows; 0 for none. */
  directory: number;
  directoryRevision: number;
}

export interface BinderParts {
  memory: SharedMemory;
  heap: SharedHeap;
  items: WorkItems;
  elements: ElementLookup;
  limits: DecodeLimits;
  accounts: MessageAccounts;
  ledger: Ledger;
  /** Whether any output wants options records. */
  optionsWanted: boolean;
  /** What is shared with other collectors; null for nothing. */
  replica: Replica | null;
  note: Note;
}

/**
 * Makes work items of what the scanner finds, each with everything that is valid at its place in the stream: template
 * entry, exporter state, template directory. Options data are decoded here, because they change that state. Main thread.
 */
export class Binder implements ScanHandler<Companion> {
  readonly entries: SharedEntries;
  readonly #parts: BinderParts;
  readonly #ledger: Ledger;
  readonly #memory: SharedMemory;
  readonly #heap: SharedHeap;
  readonly #items: WorkItems;
  readonly #accounts: MessageAccounts;
  /** Of all exporters; where there is a replica, it has its own. */
  readonly #states: StateTotal = { entries: 0 };
  /** Sets that a datagram can have of its own: held sets that it releases leave that many items. */
  readonly #ownItems: number;
  #options: OptionsDecoder;
  #optionsWanted: boolean;
  /** The task that items are made for, and the payload of the datagram that is scanned. */
  #open!: Task;
  #payload = 0;

  constructor(parts: BinderParts) {
    this.#parts = parts;
    this.#ledger = parts.ledger;
    this.#memory = parts.memory;
    this.#heap = parts.heap;
    this.#items = parts.items;
    this.#accounts = parts.accounts;
    this.entries = new SharedEntries(parts.heap);
    this.#ownItems = Math.ceil(parts.memory.size.maxDatagramBytes / (SET_HEADER_BYTES + 1));
    this.#options = new OptionsDecoder(parts.elements, parts.limits, parts.memory);
    this.#optionsWanted = parts.optionsWanted;
  }

  /** Outputs want other things, and elements may mean other things. */
  exchanged(optionsWanted: boolean): void {
    this.#options = new OptionsDecoder(this.#parts.elements, this.#parts.limits, this.#memory);
    this.#optionsWanted = optionsWanted;
  }

  /** Sets that are released between two datagrams go into this task. */
  beginChange(task: Task): void {
    this.#open = task;
  }

  beginDatagram(task: Task, payload: number): void {
    this.#open = task;
    this.#payload = payload;
    this.#options.beginDatagram();
  }

  /** Which datagram has this payload, for a log line. */
  identify(payload: number): DatagramIdentity {
    const { bytes, view } = this.#memory;
    const record = payload - RecordOffset.payload;
    return {
      exporter: addressText(bytes, record + RecordOffset.address),
      exporterPort: view.getUint16(record + RecordOffset.port),
      datagram: view.getUint32(record + RecordOffset.number, true),
    };
  }

  companion(version: number): Companion {
    const sequence = new SequenceTracker(version === 9 ? 'datagrams' : 'records');
    return {
      sequence,
      activity: new Activity(),
      state: null,
      directory: 0,
      directoryRevision: -1,
      shared: null,
      nextMissMs: 0,
    };
  }

  scopeEvicted(scope: Scope<Companion>): void {
    this.#ledger.add(Count.scopes_evicted);
    const { replica } = this.#parts;
    if (replica !== null) replica.closed(scope);
    else scope.companion.state?.release(this.#heap);
    if (scope.companion.directory !== 0) this.#heap.free(scope.companion.directory);
  }

  message(scope: Scope<Companion> | undefined, header: MessageHeader): void {
    const units = header.version === 9 ? 1 : header.count;
    const { view } = this.#memory;
    const receivedAt = this.#payload - RecordOffset.payload + RecordOffset.receivedAtMs;
    scope?.companion.activity.observe(header, view.getFloat64(receivedAt, true));
    this.#accounts.begin(scope?.companion ?? null, header, units, this.#items.made);
  }

  bound(
    entry: TemplateEntry,
    scope: Scope<Companion>,
    header: MessageHeader,
    start: number,
    end: number,
  ): void {
    this.#ledger.add(Count.sets_data);
    this.#ledger.add(Count.sets_bound);
    const payload = this.#payload;
    if (entry.kind === 'options') {
      const records = this.#learnOptions(entry, scope, payload, header.start - payload, start, end);
      if (header.version === 10) this.#accounts.add(records);
      if (!this.#optionsWanted) return;
    }
    this.#makeItem(entry, scope, payload, header.start - payload, start - payload, end - payload);
  }

  released(held: HeldSet, entry: TemplateEntry, scope: Scope<Companion>): void {
    this.#ledger.add(Count.sets_replayed);
    const room = this.#items.free > this.#ownItems;
    const block = room ? this.#heap.allocate(RecordOffset.payload + held.bytes.length) : 0;
    if (block === 0) {
      // Counted as replayed and lost at once: there was no room to decode it in.
      this.#ledger.add(Count.sets_abandoned);
      return;
    }
    this.#memory.view.setUint32(block + RecordOffset.number, 0, true);
    writeRecord(this.#memory, block, held.bytes, scope.address, 0, held.exporterPort, held.receivedAtMs);
    const payload = block + RecordOffset.payload;
    const end = payload + held.bytes.length;
    if (entry.kind === 'options') {
      this.#learnOptions(entry, scope, payload, 0, payload + held.headerBytes, end);
      if (!this.#optionsWanted) {
        this.#heap.free(block);
        return;
      }
    }
    this.#open.blocks.push(block);
    this.#makeItem(entry, scope, payload, 0, held.headerBytes, held.bytes.length);
  }

  missing(scope: Scope<Companion> | undefined, templateId: number, held: boolean): void {
    this.#ledger.add(Count.sets_data);
    if (scope !== undefined) scope.companion.activity.setsWithoutTemplate++;
    this.#ledger.add(held ? Count.sets_held : Count.sets_refused_no_template);
    this.#accounts.unsure();
    this.#note('missing', () => `data without a template (${templateId})`);
  }

  template(
    _scope: Scope<Companion> | undefined,
    action: TemplateAction | 'withdrawn' | 'refused',
    kind: TemplateKind,
    templateId: number,
    reason?: RefusalReason,
  ): void {
    if (action === 'refused') this.#ledger.addRefusal(reason!);
    else this.#ledger.add(TEMPLATE_COUNTS[action]);
    if (action === 'refreshed' || action === 'learned') return;
    this.#note(`template-${action}`, () => {
      const why = reason === undefined ? '' : ` (${reason})`;
      return `${kind} template ${templateId} ${action}${why}`;
    });
  }

  fault(fault: number): void {
    this.#ledger.addFault(fault);
    this.#note(FAULT_CODES[fault], () => FAULT_CODES[fault]);
  }

  withdrawalIgnored(): void {
    this.#ledger.add(Count.withdrawals_ignored);
    this.#note('withdrawal-ignored', () => 'a template withdrawal is ignored');
  }
  reservedSet(): void {
    this.#ledger.add(Count.sets_reserved);
  }
  emptySet(): void {
    this.#ledger.add(Count.sets_data);
    this.#ledger.add(Count.sets_empty);
  }
  heldExpired(sets: number): void {
    this.#ledger.add(Count.sets_expired, sets);
  }
  heldOverflowed(sets: number): void {
    this.#ledger.add(Count.sets_overflowed, sets);
  }
  heldWithdrawn(sets: number): void {
    this.#ledger.add(Count.sets_withdrawn, sets);
  }

  /** About the datagram that is scanned. */
  #note(kind: string, text: () => string): void {
    this.#parts.note(kind, text, () => this.identify(this.#payload));
  }

  /** Options data change what is known about the exporter: decoded here and now. Returns the records. */
  #learnOptions(
    entry: TemplateEntry,
    scope: Scope<Companion>,
    payload: number,
    header: number,
    start: number,
    end: number,
  ): number {
    scope.companion.state ??= this.#parts.replica?.stateOf(scope) ?? new ExporterState(this.#states);
    const { counters } = scope.companion.state;
    const refusedBefore = counters.refusedNames + counters.refusedRates;
    const cursor = this.#options.learn(scope.companion.state, entry, payload, payload + header, start, end);
    const refused = counters.refusedNames + counters.refusedRates - refusedBefore;
    this.#ledger.add(Count.options_refused, refused);
    this.#ledger.add(Count.sets_decoded);
    this.#ledger.add(Count.records_options_decoded, cursor.records);
    if (cursor.fault !== 0) {
      // A worker that decodes the set for output finds the fault, too, or an earlier one: the limits of the datagram are
      // shared with its flow data, which only the worker has.
      if (!this.#optionsWanted) {
        this.#ledger.add(Count.sets_faulty);
        this.fault(cursor.fault);
      }
      // A set that was held is not of the message that released it.
      if (payload === this.#payload) this.#accounts.unsure();
    }
    return cursor.records;
  }

  #makeItem(
    entry: TemplateEntry,
    scope: Scope<Companion>,
    payload: number,
    header: number,
    start: number,
    end: number,
  ): void {
    assert(this.#items.free > 0, 'a datagram is scanned only when there is room for its items');
    const options = entry.kind === 'options';
    const { state } = scope.companion;
    const snapshot = state === null ? 0 : state.publish(this.#heap);
    const { structured } = entry.layout;
    const directory = structured ? this.#directory(scope) : 0;
    if (state?.outdated || (structured && directory === 0)) this.#ledger.add(Count.sets_heap_full);
    this.#items.make(payload, header, start, end, options, entry.address, snapshot, directory);
    this.#heap.itemsMade = this.#items.made;
    this.#open.items++;
  }

  #directory(scope: Scope<Companion>): number {
    const { companion } = scope;
    if (companion.directoryRevision !== scope.revision) {
      if (companion.directory !== 0) this.#heap.free(companion.directory);
      companion.directory = this.entries.publishDirectory(scope);
      // Without room for it the next set tries again.
      if (companion.directory !== 0) companion.directoryRevision = scope.revision;
    }
    return companion.directory;
  }
}

const TEMPLATE_COUNTS = {
  learned: Count.templates_learned,
  refreshed: Count.templates_refreshed,
  redefined: Count.templates_redefined,
  withdrawn: Count.templates_withdrawn,
} as const;
