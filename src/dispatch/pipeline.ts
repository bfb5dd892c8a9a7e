import { Count, type Ledger, type OutputAccount } from '../accounting/ledger.ts';
import type { Clock } from '../base/clock.ts';
import type { Cidr } from '../base/ip.ts';
import type { ElementLookup } from '../elements/element.ts';
import type { SharedHeap } from '../memory/heap.ts';
import { LENGTH_OVERSIZE, RecordOffset } from '../memory/layout.ts';
import type { Ring } from '../memory/ring.ts';
import type { SharedMemory } from '../memory/shared-memory.ts';
import { NO_SLAB, NOT_WANTED, type Slabs } from '../memory/slabs.ts';
import { WorkItems } from '../memory/work-items.ts';
import type { Sink } from '../output/sink.ts';
import type { Tail } from '../output/tail.ts';
import { FAULT_CODES } from '../wire/fault.ts';
import { Binder, type Companion } from './binder.ts';
import { MessageAccounts } from './message-accounts.ts';
import type { DecodePool } from './pool.ts';
import type { Quarantine } from './quarantine.ts';
import { Outcome, Scanner, type ScannerOptions } from './scanner.ts';
import { Task, TaskQueue } from './task-queue.ts';

export interface PipelineOutput {
  readonly sink: Sink;
  /** Position of its encoding in the worker setup. */
  readonly encoding: number;
  /** Records handed to the sink. */
  encoded: number;
}

export interface PipelineParts {
  memory: SharedMemory;
  slabs: Slabs;
  elements: ElementLookup;
  scanner: ScannerOptions;
  pool: DecodePool;
  outputs: readonly PipelineOutput[];
  /** Who watches flows, with the position of their encoding, which an output may share. */
  tail: { readonly tail: Tail; readonly encoding: number } | null;
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
/**
 * How long a task waits for more datagrams: giving out tasks of a few costs several times what their decoding does
 * (perf-reports: dispatch by batch size).
 */
const TASK_LINGER_MS = 10;
/** Between two looks at the rings while datagrams keep coming. */
const PAUSE_MS = 1;
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
export class Pipeline {
  readonly scanner: Scanner<Companion>;
  /** By ring: datagrams taken from it, and those of them that were longer than a slot. */
  readonly scanned: number[];
  readonly oversize: number[];
  /** Time that decode workers have spent on tasks, all together. */
  busyMs = 0;
  readonly #parts: PipelineParts;
  readonly #ledger: Ledger;
  readonly #memory: SharedMemory;
  readonly #heap: SharedHeap;
  readonly #rings: readonly Ring[];
  readonly #items: WorkItems;
  readonly #binder: Binder;
  readonly #accounts = new MessageAccounts();
  readonly #tasks: TaskQueue;
  /** Outputs by encoding. */
  readonly #encodings: readonly (readonly PipelineOutput[])[];
  #open: Task;
  #scheduled = false;
  #pumping = false;
  #paused = false;
  #watching = false;
  #stopped = false;
  #idle: (() => void) | null = null;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#ledger = parts.ledger;
    this.#memory = parts.memory;
    this.#heap = parts.memory.heap();
    this.#rings = Array.from({ length: parts.memory.size.rings }, (_, i) => parts.memory.ring(i));
    this.scanned = this.#rings.map(() => 0);
    this.oversize = this.#rings.map(() => 0);
    this.#items = new WorkItems(parts.memory);
    this.#binder = new Binder({
      memory: parts.memory,
      heap: this.#heap,
      items: this.#items,
      elements: parts.elements,
      limits: parts.scanner.limits,
      accounts: this.#accounts,
      ledger: parts.ledger,
      optionsWanted: parts.optionsWanted,
      note: parts.note,
    });
    const encodings =
      Math.max(parts.tail?.encoding ?? -1, ...parts.outputs.map(({ encoding }) => encoding)) + 1;
    this.#encodings = Array.from({ length: encodings }, (_, i) => {
      return parts.outputs.filter(({ encoding }) => encoding === i);
    });
    this.scanner = new Scanner(parts.scanner, parts.elements, this.#binder.entries, this.#binder);
    this.#tasks = new TaskQueue(
      parts.pool,
      this.#items,
      {
        acquireSlabs: () => this.#acquireSlabs(),
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

  /** Tasks that workers have, and slots of each ring that are not free. */
  get load(): { tasks: number; slotsUsed: number[] } {
    return { tasks: this.#tasks.running, slotsUsed: this.#rings.map((ring) => ring.used()) };
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
    if (this.#mayClose()) this.#close();
    this.#pumping = false;
    if (left === 0) this.schedule();
    else if (!this.#open.empty || (this.#parts.watchRings && left < PUMP_DATAGRAMS)) this.#later();
    else if (this.#parts.watchRings) this.#watch();
    this.#settleIdle();
  }

  /** Whether the open task is worth a worker's attention, or has waited long enough for more datagrams. */
  #mayClose(): boolean {
    const open = this.#open;
    if (open.empty || !this.#tasks.hasRoom) return false;
    if (this.#idle !== null || open.datagrams * 2 >= this.#memory.size.slots) return true;
    return this.#parts.clock.monotonicMs() - open.openedAtMs >= TASK_LINGER_MS;
  }

  /** Looks again after a pause. While datagrams keep coming that costs less than being woken for each. */
  #later(): void {
    if (this.#paused) return;
    this.#paused = true;
    setTimeout(() => {
      this.#paused = false;
      this.#pump();
    }, PAUSE_MS);
  }

  /** Sleeps until a receive thread has published something, one watch at a time. */
  #watch(): void {
    if (this.#watching || this.#stopped) return;
    const waits = this.#rings.map((ring) => ring.arrival());
    if (waits.includes(null)) {
      // There is something already. What cannot be scanned now, for want of room, is looked at when a task is retired.
      for (const ring of this.#rings) ring.awake();
      if (this.#mayScan()) this.schedule();
      return;
    }
    this.#watching = true;
    void Promise.race(waits).then(() => {
      this.#watching = false;
      for (const ring of this.#rings) ring.awake();
      this.schedule();
    });
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
    if (open.datagrams === 0) open.openedAtMs = this.#parts.clock.monotonicMs();
    open.slots[ring]++;
    open.datagrams++;
    this.scanned[ring]++;
    const length = view.getUint32(slot + RecordOffset.length, true);
    if (length === LENGTH_OVERSIZE) {
      this.oversize[ring]++;
      return;
    }
    const address = slot + RecordOffset.address;
    if (!this.#admitted(bytes, address)) {
      this.#ledger.add(Count.datagrams_refused_not_admitted);
      return;
    }
    const payload = slot + RecordOffset.payload;
    this.#binder.beginDatagram(open, payload);
    const outcome = this.scanner.scan(
      view,
      bytes,
      payload,
      payload + length,
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

  // Retirement, in the order of arrival.

  #retire(task: Task): void {
    const items = this.#items;
    const ledger = this.#ledger;
    const recordsBefore = ledger.get(Count.records_decoded);
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
        return `${FAULT_CODES[fault]}: ${this.#binder.describeExporter(items.payload(item))}`;
      });
    }
    ledger.add(Count.datagrams_decoded, task.decoded);
    this.#accounts.retire(task.messages, end, items, this.#memory.offsets.heap, ledger);
    if (task.result !== null) this.#write(task, ledger.get(Count.records_decoded) - recordsBefore);
    else for (const slab of task.outputSlabs) this.#parts.slabs.release(slab);
    for (const block of task.blocks) this.#heap.free(block);
    items.retired = end;
    this.#heap.reclaim(items.retired);
    for (let ring = 0; ring < this.#rings.length; ring++) {
      if (task.slots[ring] > 0) this.#rings[ring].release(task.slots[ring]);
    }
    this.#parts.onRelease();
    this.schedule();
  }

  /** records: what the task's data sets held. */
  #write(task: Task, records: number): void {
    const { chunks, rows, malformedLists, mismatches, busyMs } = task.result!;
    this.busyMs += busyMs;
    this.#ledger.add(Count.lists_malformed, malformedLists);
    if (mismatches > 0) {
      this.#ledger.add(Count.plans_mismatched, mismatches);
      this.#parts.note(
        'plan',
        () => 'ALARM: compiled code and interpreter disagree; the interpreter is used. Please report this',
      );
    }
    for (let encoding = 0; encoding < chunks.length; encoding++) {
      const chunk = chunks[encoding];
      const slab = task.outputSlabs[encoding];
      if (slab === NOT_WANTED) {
        this.#parts.tail?.tail.pass(records);
        continue;
      }
      const inSlab = typeof chunk === 'number';
      const bytes = inSlab ? this.#parts.slabs.at(slab).bytes.subarray(0, chunk) : chunk;
      this.#deliver(encoding, bytes, rows[encoding], slab);
    }
  }

  /** Gives bytes to every output of their encoding; their slab is free again when the last has written them. */
  #deliver(encoding: number, bytes: Uint8Array, records: number, slab: number): void {
    if (records > 0 && this.#parts.tail?.encoding === encoding) this.#parts.tail.tail.show(bytes, records);
    const outputs = records === 0 ? [] : this.#encodings[encoding];
    let users = outputs.length;
    if (users === 0) this.#parts.slabs.release(slab);
    const release = () => {
      if (--users === 0) this.#parts.slabs.release(slab);
    };
    for (const output of outputs) {
      output.encoded += records;
      output.sink.write(bytes, records, release);
    }
  }

  /** What only a tail wants is sent by message, and is encoded only while somebody watches. */
  #acquireSlabs(): number[] {
    return this.#encodings.map((outputs) => {
      if (outputs.length > 0) return this.#parts.slabs.acquire();
      return this.#parts.tail?.tail.wanted ? NO_SLAB : NOT_WANTED;
    });
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
      return `a datagram ended a worker twice and is set aside: ${this.#binder.describeExporter(payload)}`;
    });
    this.#parts.quarantine?.store(this.#memory, this.#items, firstItem, count);
  }
}
