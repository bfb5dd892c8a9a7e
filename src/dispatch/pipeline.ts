import { Count, type Ledger, type OutputAccount } from '../accounting/ledger.ts';
import { SequenceTracker } from '../accounting/sequence.ts';
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Cidr } from '../base/ip.ts';
import type { ElementLookup } from '../elements/element.ts';
import type { SharedHeap } from '../memory/heap.ts';
import { LENGTH_OVERSIZE, RecordOffset } from '../memory/layout.ts';
import { type Ring, writeRecord } from '../memory/ring.ts';
import type { SharedMemory } from '../memory/shared-memory.ts';
import { WorkItems } from '../memory/work-items.ts';
import type { Sink } from '../output/sink.ts';
import { ExporterState } from '../templates/exporter-state.ts';
import type { HeldSet } from '../templates/pending.ts';
import type { Scope, TemplateEntry, TemplateKind } from '../templates/scope.ts';
import { SharedEntries } from '../templates/shared-entries.ts';
import type { TemplateAction } from '../templates/template-registry.ts';
import { FAULT_CODES, type RefusalReason } from '../wire/fault.ts';
import type { MessageHeader } from '../wire/header.ts';
import { MessageAccounts } from './message-accounts.ts';
import { OptionsDecoder } from './options-decoder.ts';
import type { DecodePool } from './pool.ts';
import type { Quarantine } from './quarantine.ts';
import { Outcome, type ScanHandler, Scanner, type ScannerOptions } from './scanner.ts';
import { Task, TaskQueue } from './task-queue.ts';

/** What the pipeline keeps beside each scope. */
export interface Companion {
  readonly sequence: SequenceTracker;
  /** Made with the first options record. */
  state: ExporterState | null;
  /** Template directory in the shared heap and the revision of the scope's templates it shows; 0 for none. */
  directory: number;
  directoryRevision: number;
}

export interface PipelineOutput {
  readonly sink: Sink;
  /** Position of its encoding in the worker setup. */
  readonly encoding: number;
  /** Records handed to the sink. */
  encoded: number;
}

export interface PipelineParts {
  memory: SharedMemory;
  elements: ElementLookup;
  scanner: ScannerOptions;
  pool: DecodePool;
  outputs: readonly PipelineOutput[];
  /** Whether any output wants options records. */
  optionsWanted: boolean;
  ledger: Ledger;
  clock: Clock;
  /** Address ranges that may send; empty: everybody. */
  allow: readonly Cidr[];
  quarantine: Quarantine | null;
  /** A notable event, for the log. kind is from a fixed set; text is made only when the line is written. */
  note: (kind: string, text: () => string) => void;
  /** Whether rings are filled by other threads, so that their words have to be watched. */
  watchRings: boolean;
  /** Called whenever slots became free. */
  onRelease: () => void;
}

/** A task is closed when it has so many datagrams or items. */
const TASK_DATAGRAMS = 128;
const TASK_ITEMS = 1_024;
/** Datagrams scanned before the event loop gets a turn. */
const PUMP_DATAGRAMS = 1_024;
/** Datagrams taken from one ring before the next has its turn. */
const TURN_DATAGRAMS = 64;
/** Items that one datagram may need for sets of its own; held sets that find no item are dropped and counted. */
const ITEMS_PER_DATAGRAM = 16_384;
/** A task on which a worker has spent so long is stuck. */
const STUCK_MS = 30_000;

/**
 * The main thread's part of the way of the data: takes datagrams from the rings in arrival order, binds their sets, gives
 * ranges to the decode workers, and retires them in the same order: bytes to the outputs, numbers to the ledger.
 */
export class Pipeline implements ScanHandler<Companion> {
  readonly scanner: Scanner<Companion>;
  /** Datagrams taken from the rings, and those of them that were longer than a slot. */
  scanned = 0;
  oversize = 0;
  readonly #parts: PipelineParts;
  readonly #ledger: Ledger;
  readonly #memory: SharedMemory;
  readonly #heap: SharedHeap;
  readonly #rings: readonly Ring[];
  readonly #items: WorkItems;
  readonly #entries: SharedEntries;
  readonly #options: OptionsDecoder;
  readonly #accounts = new MessageAccounts();
  readonly #tasks: TaskQueue;
  #open: Task;
  #scheduled = false;
  #pumping = false;
  #watching = false;
  #stopped = false;
  /** Address of the payload of the datagram being scanned. */
  #payload = 0;
  #idle: (() => void) | null = null;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#ledger = parts.ledger;
    this.#memory = parts.memory;
    this.#heap = parts.memory.heap();
    this.#rings = Array.from({ length: parts.memory.size.rings }, (_, i) => parts.memory.ring(i));
    this.#items = new WorkItems(parts.memory);
    this.#entries = new SharedEntries(this.#heap);
    this.#options = new OptionsDecoder(parts.elements, parts.scanner.limits, parts.memory);
    this.scanner = new Scanner(parts.scanner, parts.elements, this.#entries, this);
    this.#tasks = new TaskQueue(
      parts.pool,
      this.#items,
      {
        retire: (task) => this.#retire(task),
        taskFailed: (reason) => {
          this.#ledger.add(Count.tasks_failed);
          parts.note('worker', () => `a decode worker failed: ${reason}`);
        },
        taskRetried: () => this.#ledger.add(Count.tasks_retried),
        quarantine: (first, count) => this.#quarantine(first, count),
      },
      () => parts.clock.monotonicMs(),
    );
    this.#open = new Task(0, this.#rings.length);
    for (const { sink } of parts.outputs) sink.onReady = () => this.schedule();
    if (parts.watchRings) this.schedule();
  }

  /** Asks for the rings to be looked at; cheap, may be called for every datagram. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  /** Resolves when everything that was received is retired and handed to the outputs. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = resolve;
      this.schedule();
    });
  }

  /** For a timer: ends the worker that has spent too long on a task. */
  checkStuck(): void {
    this.#tasks.checkStuck(STUCK_MS);
  }

  /** Brings counters that are kept elsewhere into the ledger. */
  settle(): void {
    this.#ledger.set(Count.templates_expired, this.scanner.templates.expired);
    this.#ledger.set(Count.templates_evicted, this.scanner.templates.evicted);
    this.#ledger.set(Count.workers_lost, this.#parts.pool.lost);
    this.#ledger.set(Count.sets_unresolved, this.scanner.pending?.sets ?? 0);
  }

  outputAccounts(): OutputAccount[] {
    return this.#parts.outputs.map(({ sink, encoded }) => ({
      output: sink.name,
      encoded,
      written: sink.counts.written,
      dropped_queue_full: sink.counts.droppedQueueFull,
      dropped_failed: sink.counts.droppedFailed,
    }));
  }

  /** Bytes of the shared heap in use. */
  get heapBytes(): number {
    return this.#heap.usedBytes;
  }

  #pump(): void {
    // Retiring a task may ask for more; one pump at a time is enough.
    if (this.#pumping) return;
    this.#pumping = true;
    let left = PUMP_DATAGRAMS;
    let found = true;
    while (found && left > 0) {
      found = false;
      for (let ring = 0; ring < this.#rings.length; ring++) {
        const take = Math.min(this.#rings[ring].available(), TURN_DATAGRAMS, left);
        for (let i = 0; i < take && this.#mayScan(); i++) {
          this.#scan(ring);
          left--;
          found = true;
          if (this.#open.datagrams >= TASK_DATAGRAMS || this.#open.items >= TASK_ITEMS) this.#close();
        }
      }
    }
    if (!this.#open.empty && this.#tasks.hasRoom) this.#close();
    this.#pumping = false;
    if (left === 0) this.schedule();
    else if (this.#parts.watchRings) this.#watch();
    this.#settleIdle();
  }

  /** Sleeps until a receive thread has published something, one watch at a time. */
  #watch(): void {
    if (this.#watching || this.#stopped) return;
    const waits = this.#rings.map((ring) => ring.arrival());
    this.#watching = true;
    const awake = () => {
      this.#watching = false;
      for (const ring of this.#rings) ring.awake();
      this.schedule();
    };
    // What cannot be scanned now, for want of room, is looked at when a task is retired.
    if (waits.includes(null) && this.#mayScan()) awake();
    else void Promise.race(waits.filter((wait) => wait !== null)).then(awake);
  }

  /** Ends watching the rings; what is in them can still be drained. */
  stopWatching(): void {
    this.#stopped = true;
  }

  #mayScan(): boolean {
    if (this.#items.free < ITEMS_PER_DATAGRAM) return false;
    for (const { sink } of this.#parts.outputs) if (!sink.ready) return false;
    return true;
  }

  #settleIdle(): void {
    if (this.#idle === null || this.#tasks.length > 0 || !this.#open.empty) return;
    if (this.#rings.some((ring) => ring.available() > 0)) return;
    this.#idle();
    this.#idle = null;
  }

  #close(): void {
    const task = this.#open;
    this.#open = new Task(this.#items.made, this.#rings.length);
    task.messages = this.#accounts.take();
    this.#tasks.add(task);
  }

  #scan(ring: number): void {
    const { bytes, view } = this.#memory;
    const slot = this.#rings[ring].take();
    const open = this.#open;
    open.slots[ring]++;
    open.datagrams++;
    this.scanned++;
    const length = view.getUint32(slot + RecordOffset.length, true);
    if (length === LENGTH_OVERSIZE) {
      this.oversize++;
      return;
    }
    const address = slot + RecordOffset.address;
    if (!this.#admitted(bytes, address)) {
      this.#ledger.add(Count.datagrams_refused_not_admitted);
      return;
    }
    this.#payload = slot + RecordOffset.payload;
    this.#options.beginDatagram();
    const outcome = this.scanner.scan(
      view,
      bytes,
      this.#payload,
      this.#payload + length,
      bytes,
      address,
      view.getUint16(slot + RecordOffset.port),
      view.getFloat64(slot + RecordOffset.receivedAtMs, true),
    );
    if (outcome === Outcome.decoded) open.decoded++;
    else if (outcome === Outcome.malformed) this.#ledger.add(Count.datagrams_refused_malformed);
    else if (outcome === Outcome.unknownVersion) this.#ledger.add(Count.datagrams_refused_unknown_version);
    else this.#ledger.add(Count.datagrams_filtered);
  }

  #admitted(bytes: Uint8Array, offset: number): boolean {
    const { allow } = this.#parts;
    return allow.length === 0 || allow.some((range) => range.contains(bytes, offset));
  }

  // What the scanner finds.

  companion(version: number): Companion {
    const sequence = new SequenceTracker(version === 9 ? 'datagrams' : 'records');
    return { sequence, state: null, directory: 0, directoryRevision: -1 };
  }

  scopeEvicted(scope: Scope<Companion>): void {
    this.#ledger.add(Count.scopes_evicted);
    scope.companion.state?.release(this.#heap);
    if (scope.companion.directory !== 0) this.#heap.free(scope.companion.directory);
  }

  message(scope: Scope<Companion> | undefined, header: MessageHeader): void {
    const units = header.version === 9 ? 1 : header.count;
    this.#accounts.begin(scope?.companion.sequence ?? null, header, units, this.#items.made);
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
      if (!this.#parts.optionsWanted) return;
    }
    this.#makeItem(entry, scope, payload, header.start - payload, start - payload, end - payload);
  }

  released(held: HeldSet, entry: TemplateEntry, scope: Scope<Companion>): void {
    this.#ledger.add(Count.sets_replayed);
    const block = this.#items.free > 0 ? this.#heap.allocate(RecordOffset.payload + held.bytes.length) : 0;
    if (block === 0) {
      // Counted as replayed and lost at once: there was no room to decode it in.
      this.#ledger.add(Count.sets_abandoned);
      return;
    }
    writeRecord(this.#memory, block, held.bytes, scope.address, 0, held.exporterPort, held.receivedAtMs);
    this.#open.blocks.push(block);
    const payload = block + RecordOffset.payload;
    const end = payload + held.bytes.length;
    if (entry.kind === 'options') {
      this.#learnOptions(entry, scope, payload, 0, payload + held.headerBytes, end);
      if (!this.#parts.optionsWanted) return;
    }
    this.#makeItem(entry, scope, payload, 0, held.headerBytes, held.bytes.length);
  }

  missing(_scope: Scope<Companion> | undefined, templateId: number, held: boolean): void {
    this.#ledger.add(Count.sets_data);
    this.#ledger.add(held ? Count.sets_held : Count.sets_refused_no_template);
    this.#accounts.unsure();
    this.#parts.note('missing', () => `data without a template: ${this.#exporter()} template ${templateId}`);
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
    this.#parts.note(`template-${action}`, () => {
      const why = reason === undefined ? '' : ` (${reason})`;
      return `${kind} template ${templateId} ${action}${why}: ${this.#exporter()}`;
    });
  }

  fault(fault: number): void {
    this.#ledger.addFault(fault);
    this.#parts.note(FAULT_CODES[fault], () => `${FAULT_CODES[fault]}: ${this.#exporter()}`);
  }

  withdrawalIgnored(): void {
    this.#ledger.add(Count.withdrawals_ignored);
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

  #exporter(): string {
    return this.#options.describeExporter(this.#payload);
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
    scope.companion.state ??= new ExporterState();
    const cursor = this.#options.learn(scope.companion.state, entry, payload, payload + header, start, end);
    this.#ledger.add(Count.sets_decoded);
    this.#ledger.add(Count.records_options_decoded, cursor.records);
    if (cursor.fault !== 0) {
      this.#ledger.add(Count.sets_faulty);
      this.fault(cursor.fault);
      this.#accounts.unsure();
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
    const state = scope.companion.state?.publish(this.#heap) ?? 0;
    const directory = entry.layout.structured ? this.#directory(scope) : 0;
    this.#items.make(payload, header, start, end, options, entry.address, state, directory);
    this.#heap.itemsMade = this.#items.made;
    this.#open.items++;
  }

  #directory(scope: Scope<Companion>): number {
    const { companion } = scope;
    if (companion.directoryRevision !== scope.revision) {
      if (companion.directory !== 0) this.#heap.free(companion.directory);
      companion.directory = this.#entries.publishDirectory(scope);
      companion.directoryRevision = scope.revision;
    }
    return companion.directory;
  }

  // Retirement, in the order of arrival.

  #retire(task: Task): void {
    const items = this.#items;
    const ledger = this.#ledger;
    const end = task.firstItem + task.items;
    for (let item = task.firstItem; item < end; item++) {
      if (items.isOptions(item) || items.isSkipped(item)) continue;
      ledger.add(Count.sets_decoded);
      ledger.add(Count.records_decoded, items.records(item));
      const fault = items.fault(item);
      if (fault === 0) continue;
      ledger.add(Count.sets_faulty);
      ledger.addFault(fault);
      this.#parts.note(FAULT_CODES[fault], () => {
        return `${FAULT_CODES[fault]}: ${this.#options.describeExporter(items.payload(item))}`;
      });
    }
    ledger.add(Count.datagrams_decoded, task.decoded);
    this.#accounts.retire(task.messages, end, items, this.#memory.offsets.heap, ledger);
    if (task.result !== null) this.#write(task);
    for (const block of task.blocks) this.#heap.free(block);
    items.retired = end;
    this.#heap.reclaim(items.retired);
    for (let ring = 0; ring < this.#rings.length; ring++) {
      if (task.slots[ring] > 0) this.#rings[ring].release(task.slots[ring]);
    }
    this.#parts.onRelease();
    this.schedule();
  }

  #write(task: Task): void {
    const { chunks, rows, malformedLists, mismatches } = task.result!;
    this.#ledger.add(Count.lists_malformed, malformedLists);
    if (mismatches > 0) {
      this.#ledger.add(Count.plans_mismatched, mismatches);
      this.#parts.note(
        'plan',
        () => 'ALARM: compiled code and interpreter disagree; the interpreter is used. Please report this',
      );
    }
    for (const output of this.#parts.outputs) {
      const records = rows[output.encoding];
      if (records === 0) continue;
      output.encoded += records;
      output.sink.write(chunks[output.encoding], records);
    }
  }

  #quarantine(firstItem: number, count: number): void {
    const payload = this.#items.payload(firstItem);
    const held = payload >= this.#memory.offsets.heap;
    for (let item = firstItem; item < firstItem + count; item++) {
      if (!this.#items.isOptions(item)) this.#ledger.add(Count.sets_quarantined);
    }
    if (!held) {
      this.#ledger.add(Count.datagrams_quarantined);
      this.#ledger.add(Count.datagrams_decoded, -1);
    }
    this.#parts.note('quarantine', () => {
      return `a datagram ended a worker twice and is set aside: ${this.#options.describeExporter(payload)}`;
    });
    this.#parts.quarantine?.store(this.#memory, this.#items, firstItem, count);
  }
}

const TEMPLATE_COUNTS = {
  learned: Count.templates_learned,
  refreshed: Count.templates_refreshed,
  redefined: Count.templates_redefined,
  withdrawn: Count.templates_withdrawn,
} as const;
