import { Count, type Ledger } from '../accounting/ledger.ts';
import type { Clock } from '../base/clock.ts';
import { Pace } from '../base/pace.ts';
import type { ElementLookup } from '../elements/element.ts';
import type { FromStore } from '../fleet/messages.ts';
import type { SharedHeap } from '../memory/heap.ts';
import { LENGTH_OVERSIZE, RecordOffset } from '../memory/layout.ts';
import type { Ring } from '../memory/ring.ts';
import type { SharedMemory } from '../memory/shared-memory.ts';
import type { Slabs } from '../memory/slabs.ts';
import { WorkItems } from '../memory/work-items.ts';
import { FAULT_CODES } from '../wire/fault.ts';
import { Admission, type Gatekeeper } from './admission.ts';
import { Binder, type Companion } from './binder.ts';
import { ChangeQueue } from './change-queue.ts';
import { MessageAccounts } from './message-accounts.ts';
import type { Note } from './note.ts';
import type { DecodePool } from './pool.ts';
import type { Quarantine } from './quarantine.ts';
import { Replica } from './replica.ts';
import { createRoute, type Destinations, deliver, type Route } from './route.ts';
import { Outcome, Scanner, type ScannerOptions } from './scanner.ts';
import type { StoreHost } from './store-host.ts';
import { TASK_DATAGRAMS, Task, TaskQueue } from './task-queue.ts';

export interface PipelineParts extends Destinations {
  memory: SharedMemory;
  slabs: Slabs;
  elements: ElementLookup;
  scanner: ScannerOptions;
  pool: DecodePool;
  /** Whether any output wants options records. */
  optionsWanted: boolean;
  ledger: Ledger;
  clock: Clock;
  gatekeeper: Gatekeeper;
  quarantine: Quarantine | null;
  note: Note;
  /** Whether rings are filled by other threads, so that their words have to be watched. */
  watchRings: boolean;
  /** Called whenever slots became free. */
  onRelease: () => void;
  /** The store that templates are shared with; null for none. */
  sharing: Pick<StoreHost, 'writer' | 'evictionsShared' | 'post'> | null;
}

/** What can be exchanged while the pipeline runs. */
export type ExchangedParts = Pick<PipelineParts, 'pool' | 'slabs' | keyof Destinations | 'optionsWanted'>;

/**
 * How long a task waits for more datagrams, at least: giving out tasks of a few costs several times what their decoding does
 * (perf-reports: dispatch by batch size).
 */
export const TASK_LINGER_MS = 12;
/** Datagrams scanned before the event loop gets a turn. */
export const PUMP_DATAGRAMS = 1_024;
/** Datagrams taken from one ring before the next has its turn. */
export const TURN_DATAGRAMS = 64;
/** Items that one datagram may need for sets of its own; held sets that find no item are dropped and counted. */
export const ITEMS_PER_DATAGRAM = 16_384;
/** A task on which a worker has spent so long is stuck. */
const STUCK_MS = 30_000;

/** How long the main thread pauses between two looks at rings of so many slots while datagrams keep coming. */
export function lookPace(slots: number): Pace {
  return new Pace(Math.min(2 * TASK_DATAGRAMS, slots / 4), 1, 16);
}

/**
 * The main thread's part of the way of the data: takes datagrams from the rings in arrival order, binds their sets, gives
 * ranges to the decode workers, and retires them in the same order: bytes to the outputs, numbers to the ledger.
 */
export class Pipeline {
  readonly scanner: Scanner<Companion>;
  /** What is shared with other collectors; null for nothing. */
  readonly replica: Replica | null;
  /** By ring: datagrams taken from it, and those of them that were longer than a slot. */
  readonly scanned: number[];
  readonly oversize: number[];
  /** Time that decode workers have spent on tasks, all together. */
  busyMs = 0;
  #parts: PipelineParts;
  readonly #ledger: Ledger;
  readonly #memory: SharedMemory;
  readonly #heap: SharedHeap;
  readonly #rings: readonly Ring[];
  readonly #items: WorkItems;
  readonly #binder: Binder;
  readonly #accounts = new MessageAccounts();
  readonly #tasks: TaskQueue;
  /** Of what is bound now. */
  #route: Route;
  #open: Task;
  readonly #changes = new ChangeQueue((change) => this.replica!.apply(change));
  #scheduled = false;
  #pumping = false;
  #paused = false;
  /** Whether the last look left something that can go on when a task is retired. */
  #stalled = false;
  readonly #pace: Pace;
  /** Datagrams taken from all rings, and how many of them before the last pause. */
  #datagrams = 0;
  #datagramsBefore = 0;
  #watching = false;
  #stopped = false;
  #idle: (() => void) | null = null;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#ledger = parts.ledger;
    this.#memory = parts.memory;
    this.#heap = parts.memory.heap();
    this.#rings = Array.from({ length: parts.memory.size.rings }, (_, i) => parts.memory.ring(i));
    this.#pace = lookPace(parts.memory.size.slots);
    this.scanned = this.#rings.map(() => 0);
    this.oversize = this.#rings.map(() => 0);
    this.#items = new WorkItems(parts.memory);
    this.replica =
      parts.sharing &&
      new Replica({
        limits: parts.scanner.limits,
        templateTtlMs: parts.scanner.templateTtlMs,
        heap: this.#heap,
        restored: () => this.#ledger.add(Count.templates_restored),
        removed: () => this.#ledger.add(Count.templates_removed),
        clock: parts.clock,
        writer: parts.sharing.writer,
        evictionsShared: parts.sharing.evictionsShared,
        note: parts.note,
      });
    this.#binder = new Binder({
      memory: parts.memory,
      heap: this.#heap,
      items: this.#items,
      elements: parts.elements,
      limits: parts.scanner.limits,
      accounts: this.#accounts,
      ledger: parts.ledger,
      optionsWanted: parts.optionsWanted,
      replica: this.replica,
      note: parts.note,
    });
    this.#route = createRoute(parts.pool, parts.slabs, parts);
    this.scanner = new Scanner(parts.scanner, parts.elements, this.#binder.entries, this.#binder);
    this.scanner.sharing = this.replica;
    this.replica?.attach(this.scanner);
    this.#tasks = new TaskQueue(
      parts.pool.capacity,
      this.#items,
      {
        retire: (task) => this.#retire(task),
        taskFailed: (reason) => {
          this.#ledger.add(Count.tasks_failed);
          parts.note('worker', () => `a decode worker failed: ${reason}`);
        },
        taskRetried: () => this.#ledger.add(Count.tasks_retried),
        quarantine: (items) => this.#quarantine(items),
      },
      () => parts.clock.monotonicMs(),
    );
    this.#open = new Task(0, this.#rings.length, this.#route);
    for (const { sink } of parts.outputs) sink.onReady = () => this.schedule();
    if (parts.watchRings) this.schedule();
  }

  /** Tasks that workers have, and slots of each ring that are not free. */
  get load(): { tasks: number; slotsUsed: number[] } {
    return { tasks: this.#tasks.running, slotsUsed: this.#rings.map((ring) => ring.used()) };
  }

  /** Datagrams in the rings that were not looked at yet. */
  get waiting(): number {
    return this.#rings.reduce((sum, ring) => sum + ring.available(), 0);
  }

  /** Bytes of the shared heap that are in use. */
  get heapBytes(): number {
    return this.#heap.usedBytes;
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

  /** Changes that others made; see ChangeQueue for when they take effect. */
  receiveChanges(changes: readonly FromStore[]): void {
    const positions = this.#rings.map((ring, i) => this.scanned[i] + ring.available());
    this.#changes.add(changes, positions);
    this.schedule();
  }

  /** Resolves when everything that was received is retired and handed to the outputs. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle = resolve;
      this.schedule();
    });
  }

  /**
   * What is bound from now on is decoded and written with these parts; what was bound before keeps the old ones to its end.
   * Resolves when all of that is retired, and the old parts are not needed any more.
   */
  exchange(parts: ExchangedParts): Promise<void> {
    if (!this.#open.empty) this.#close();
    const last = this.#tasks.last;
    this.#parts = { ...this.#parts, ...parts };
    this.#route = createRoute(parts.pool, parts.slabs, parts);
    this.#open = new Task(this.#items.made, this.#rings.length, this.#route);
    this.#binder.exchanged(parts.optionsWanted);
    for (const { sink } of parts.outputs) sink.onReady = () => this.schedule();
    // What waited for an output that is not there any more goes on.
    this.schedule();
    if (last === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      last.onRetired = resolve;
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
    this.#ledger.raise(Count.workers_lost, this.#parts.pool.lost);
    this.#ledger.set(Count.sets_unresolved, this.scanner.pending?.sets ?? 0);
  }

  #pump(): void {
    // Retiring a task may ask for more; one pump at a time is enough.
    if (this.#pumping) return;
    this.#pumping = true;
    let left = PUMP_DATAGRAMS;
    let found = true;
    while (found && left > 0) {
      const applied = this.#applyChanges();
      left -= applied;
      found = applied > 0;
      const limits = this.#changes.limits();
      for (let ring = 0; ring < this.#rings.length; ring++) {
        const most = limits === undefined ? left : Math.min(left, limits[ring] - this.scanned[ring]);
        const take = Math.min(this.#rings[ring].available(), TURN_DATAGRAMS, most);
        for (let i = 0; i < take && this.#mayScan(); i++) {
          this.#scan(ring);
          left--;
          found = true;
          if (this.#open.full) this.#close();
        }
      }
    }
    if (this.#mayClose()) this.#close();
    this.#tell();
    this.#pumping = false;
    this.#stalled = !this.#tasks.hasRoom || !this.#changes.empty || !this.#mayScan();
    if (left === 0) this.schedule();
    else if (!this.#open.empty || (this.#parts.watchRings && left < PUMP_DATAGRAMS)) this.#later();
    else if (this.#parts.watchRings) this.#watch();
    this.#settleIdle();
  }

  /** Applies changes of others that are due; returns how many. */
  #applyChanges(): number {
    const open = this.#open;
    if (this.#changes.empty) return 0;
    if (open.empty) open.openedAtMs = this.#parts.clock.monotonicMs();
    this.#binder.beginChange(open);
    // Changes release held sets, which need items.
    return this.#changes.apply(this.scanned, () => this.#mayScan());
  }

  /** Tells the store what was learned. */
  #tell(): void {
    const requests = this.replica?.takeRequests();
    if (requests !== undefined && requests.length > 0) this.#parts.sharing!.post(requests);
  }

  /** Whether the open task is worth a worker's attention, or has waited long enough for more datagrams. */
  #mayClose(): boolean {
    const open = this.#open;
    if (open.empty || !this.#tasks.hasRoom) return false;
    if (this.#idle !== null || open.datagrams * 2 >= this.#memory.size.slots || !this.#mayScan()) return true;
    return this.#parts.clock.monotonicMs() - open.openedAtMs >= TASK_LINGER_MS;
  }

  /** Looks again after a pause. While datagrams keep coming that costs less than being woken for each. */
  #later(): void {
    if (this.#paused) return;
    this.#paused = true;
    const came = this.#datagrams - this.#datagramsBefore;
    this.#datagramsBefore = this.#datagrams;
    setTimeout(() => {
      this.#paused = false;
      this.#pump();
    }, this.#pace.next(came));
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
    // Who changes a template or a name with every set leaves a trail of old blocks, which must not take the room of all others.
    if (this.#heap.crowded) this.#heap.reclaim(this.#items.retired);
    if (this.#heap.crowded) return false;
    for (const { sink } of this.#parts.outputs) if (!sink.ready) return false;
    return true;
  }

  #settleIdle(): void {
    if (this.#idle === null || !this.#changes.empty || this.#tasks.length > 0 || !this.#open.empty) return;
    if (this.#rings.some((ring) => ring.available() > 0)) return;
    this.#idle();
    this.#idle = null;
  }

  #close(): void {
    const task = this.#open;
    this.#open = new Task(this.#items.made, this.#rings.length, this.#route);
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
    this.#datagrams++;
    view.setUint32(slot + RecordOffset.number, this.#datagrams, true);
    const length = view.getUint32(slot + RecordOffset.length, true);
    if (length === LENGTH_OVERSIZE) {
      this.oversize[ring]++;
      return;
    }
    open.octets += length;
    const address = slot + RecordOffset.address;
    const receivedAtMs = view.getFloat64(slot + RecordOffset.receivedAtMs, true);
    const admission = this.#parts.gatekeeper.judge(bytes, address, receivedAtMs);
    if (admission !== Admission.admitted) {
      this.#refuse(admission, slot + RecordOffset.payload);
      return;
    }
    const payload = slot + RecordOffset.payload;
    this.#binder.beginDatagram(open, payload);
    this.scanner.receivedAtMs = receivedAtMs;
    const outcome = this.scanner.scan(
      view,
      bytes,
      payload,
      payload + length,
      bytes,
      address,
      view.getUint16(slot + RecordOffset.port),
    );
    if (outcome === Outcome.decoded) open.decoded++;
    else if (outcome === Outcome.malformed) this.#ledger.add(Count.datagrams_refused_malformed);
    else if (outcome === Outcome.unknownVersion) this.#ledger.add(Count.datagrams_refused_unknown_version);
    else this.#ledger.add(Count.datagrams_filtered);
  }

  #refuse(admission: number, payload: number): void {
    const overRate = admission === Admission.overRate;
    this.#ledger.add(overRate ? Count.datagrams_refused_over_rate : Count.datagrams_refused_not_admitted);
    this.#note(
      overRate ? 'over-rate' : 'not-admitted',
      () => `refused, ${overRate ? 'more than --exporter-rate' : 'not in --allow'}`,
      payload,
    );
  }

  #note(kind: string, text: () => string, payload: number): void {
    this.#parts.note(kind, text, () => this.#binder.identify(payload));
  }

  // Retirement, in the order of arrival.

  #retire(task: Task): void {
    const items = this.#items;
    const ledger = this.#ledger;
    const end = task.firstItem + task.items;
    for (let item = task.firstItem; item < end; item++) {
      if (items.isSkipped(item)) continue;
      const fault = items.fault(item);
      // Options data are counted where they are learned from.
      if (!items.isOptions(item)) {
        ledger.add(Count.sets_decoded);
        ledger.add(Count.records_decoded, items.records(item));
      }
      if (fault === 0) continue;
      ledger.add(Count.sets_faulty);
      ledger.addFault(fault);
      this.#note(FAULT_CODES[fault], () => FAULT_CODES[fault], items.payload(item));
    }
    ledger.add(Count.datagrams_decoded, task.decoded);
    this.#accounts.retire(task.messages, end, items, this.#memory.offsets.heap, ledger);
    if (task.result !== null) this.#write(task);
    else for (const slab of task.outputSlabs) task.route.slabs.release(slab);
    for (const block of task.blocks) this.#heap.free(block);
    items.retired = end;
    this.#heap.reclaim(items.retired);
    for (let ring = 0; ring < this.#rings.length; ring++) {
      if (task.slots[ring] > 0) this.#rings[ring].release(task.slots[ring]);
    }
    this.#parts.onRelease();
    task.onRetired?.();
    if (this.#stalled || this.#idle !== null) this.schedule();
  }

  #write(task: Task): void {
    const { flows, filtered, malformedLists, busyMs, mismatches, plansRefused } = task.result!;
    this.busyMs += busyMs;
    this.#ledger.add(Count.records_encoded, flows);
    this.#ledger.add(Count.records_filtered, filtered);
    this.#ledger.add(Count.lists_malformed, malformedLists);
    this.#ledger.add(Count.plans_refused, plansRefused);
    if (mismatches > 0) {
      this.#ledger.add(Count.plans_mismatched, mismatches);
      this.#parts.note(
        'plan',
        () => 'ALARM: compiled code and interpreter disagree; the interpreter is used. Please report this',
      );
    }
    deliver(task.route, task.outputSlabs, task.result!);
  }

  #quarantine(items: readonly number[]): void {
    const payload = this.#items.payload(items[0]);
    const held = payload >= this.#memory.offsets.heap;
    for (const item of items) if (!this.#items.isOptions(item)) this.#ledger.add(Count.sets_quarantined);
    if (!held) {
      this.#ledger.add(Count.datagrams_quarantined);
      this.#ledger.add(Count.datagrams_decoded, -1);
    }
    this.#note('quarantine', () => 'a datagram ended a worker twice and is set aside', payload);
    this.#parts.quarantine?.store(this.#memory, this.#items, items);
  }
}
