import { threadId } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import {
  Budget,
  type FlowBatch,
  NO_TEMPLATES,
  type SetContext,
  type TemplateResolver,
} from '../decode/batch.ts';
import { BatchCache } from '../decode/batch-cache.ts';
import { SetCursor } from '../decode/interpret.ts';
import { type DecodeLimits, maxHeldValues } from '../decode/limits.ts';
import { Materializer } from '../decode/lists.ts';
import { Jit, type PlanRunner } from '../decode/plan-runner.ts';
import type { ElementLookup } from '../elements/element.ts';
import { BatchFilter } from '../filter/batch-filter.ts';
import { parseFilter } from '../filter/parser.ts';
import { ItemState, RecordOffset } from '../memory/layout.ts';
import { SharedMemory } from '../memory/shared-memory.ts';
import { NOT_WANTED, Slabs } from '../memory/slabs.ts';
import { WorkItems } from '../memory/work-items.ts';
import { createEncoder } from '../output/create-encoder.ts';
import type { Encoder } from '../output/encoder.ts';
import {
  directoryFind,
  entryIsOptions,
  entryLayout,
  entryLayoutUid,
  entryTemplateId,
} from '../templates/shared-entries.ts';
import { StateReader } from '../templates/state-view.ts';
import { MessageHeader } from '../wire/header.ts';
import type { DecodeTask, DecodeTaskResult, WorkerSetup } from './task.ts';

const BATCH_ROWS = 1024;

/**
 * The work of a decode thread: work items → batches of one layout → filter → bytes. Rows of consecutive items with the same layout
 * share a batch; encoding keeps the order of the items. Owns no socket, timer or file.
 */
export class TaskDecoder {
  readonly #elements: ElementLookup;
  readonly #memory: SharedMemory;
  readonly #items: WorkItems;
  readonly #slabs: Slabs;
  readonly #limits: DecodeLimits;
  readonly #batches: BatchCache;
  readonly #encoders: readonly Encoder[];
  readonly #rows: number[];
  readonly #filter: BatchFilter | null;
  #flows = 0;
  #filtered = 0;
  readonly #materializer: Materializer;
  readonly #header = new MessageHeader();
  readonly #cursor = new SetCursor();
  /** Of the datagram at hand, and of a set that was held: it came in a datagram of its own. */
  readonly #datagramBudget = new Budget();
  readonly #heldBudget = new Budget();
  #budget = this.#datagramBudget;
  /** The payload that the datagram's budget is for. */
  #datagram = -1;
  /** Items decoded into the batch that is open; not safe until it is encoded. */
  #batch: FlowBatch | null = null;
  #firstUnsafe = 0;
  #outputSlabs: readonly number[] = [];

  constructor(setup: WorkerSetup, elements: ElementLookup) {
    this.#elements = elements;
    this.#memory = SharedMemory.attach(setup.memory);
    this.#items = new WorkItems(this.#memory);
    this.#slabs = Slabs.attach(setup.slabs, setup.slabBytes);
    this.#limits = setup.limits;
    this.#batches = new BatchCache(elements, BATCH_ROWS, new Jit(setup.jit));
    this.#materializer = new Materializer(elements);
    const states = new StateReader(this.#memory);
    const state = (address: number) => (address === 0 ? null : states.at(address));
    const listToValue = this.#materializer.value.bind(this.#materializer);
    this.#encoders = setup.encodings.map((encoding) => createEncoder(encoding, { state, listToValue }));
    this.#rows = this.#encoders.map(() => 0);
    this.#filter = setup.filter === null ? null : new BatchFilter(parseFilter(setup.filter), state);
  }

  run(task: DecodeTask): DecodeTaskResult {
    try {
      return this.#run(task);
    } catch (error) {
      // The task is tried again: nothing of this attempt may be written with another.
      this.#batch?.reset();
      this.#batch = null;
      for (const encoder of this.#encoders) {
        encoder.giveBack();
        encoder.take();
      }
      throw error;
    }
  }

  #run(task: DecodeTask): DecodeTaskResult {
    const items = this.#items;
    const startedAtMs = systemClock.monotonicMs();
    const end = task.firstItem + task.items;
    this.#firstUnsafe = task.firstItem;
    this.#outputSlabs = task.slabs;
    this.#rows.fill(0);
    this.#flows = 0;
    this.#filtered = 0;
    this.#materializer.malformed = 0;
    const { mismatches, refused } = this.#batches.jit;
    for (let i = 0; i < this.#encoders.length; i++) {
      if (task.slabs[i] >= 0) this.#encoders[i].lend(this.#slabs.at(task.slabs[i]));
    }
    this.#datagram = -1;
    let payload = -1;
    for (let item = task.firstItem; item < end; item++) {
      if (items.progress(item) === ItemState.skip) continue;
      if (items.payload(item) !== payload) {
        if (task.careful) this.#flush(item);
        payload = items.payload(item);
        this.#budget = this.#budgetOf(item, payload);
      }
      items.setProgress(item, ItemState.started, threadId);
      this.#decode(item, payload);
    }
    this.#flush(end);
    return {
      chunks: this.#encoders.map((encoder, i) => take(encoder, task.slabs[i])),
      rows: [...this.#rows],
      flows: this.#flows,
      filtered: this.#filtered,
      malformedLists: this.#materializer.malformed,
      busyMs: systemClock.monotonicMs() - startedAtMs,
      mismatches: this.#batches.jit.mismatches - mismatches,
      plansRefused: this.#batches.jit.refused - refused,
    };
  }

  /** The datagram that brought the template of a held set goes on with what it had left. */
  #budgetOf(item: number, payload: number): Budget {
    const { maxValuesPerDatagram, maxContentBytesPerDatagram } = this.#limits;
    if (payload >= this.#memory.offsets.heap) {
      const setBytes = this.#items.end(item) - this.#items.start(item);
      this.#heldBudget.reset(maxHeldValues(this.#limits, setBytes), maxContentBytesPerDatagram);
      return this.#heldBudget;
    }
    if (payload !== this.#datagram)
      this.#datagramBudget.reset(maxValuesPerDatagram, maxContentBytesPerDatagram);
    this.#datagram = payload;
    return this.#datagramBudget;
  }

  #decode(item: number, payload: number): void {
    const { bytes, view } = this.#memory;
    const items = this.#items;
    const entry = items.entry(item);
    const cursor = this.#cursor;
    const runner = this.#open(entry, item);
    const { batch } = runner;
    const headerAt = payload + items.header(item);
    cursor.begin(
      headerAt,
      payload + items.start(item),
      payload + items.end(item),
      this.#limits.maxRecordsPerSet,
    );
    this.#header.read(view, headerAt, payload + 0xffff);
    for (;;) {
      const context = batch.beginSet();
      this.#fill(context, item, entry, payload);
      const done = runner.decode(bytes, view, cursor, this.#budget);
      context.rowEnd = batch.rows;
      if (done) break;
      this.#flush(item);
    }
    items.setResult(item, cursor.records, cursor.fault);
    // Lists are taken apart when they are encoded and count against the datagram's budget, which the next item may reset.
    if (batch.plan.layout.structured) this.#flush(item + 1);
  }

  /** The runner for the item's layout; rows of another layout are encoded first. */
  #open(entry: number, item: number): PlanRunner {
    const runner = this.#runnerOf(entry);
    if (runner.batch !== this.#batch) {
      this.#flush(item);
      this.#batch = runner.batch;
      runner.batch.reset();
    }
    return runner;
  }

  #runnerOf(entry: number): PlanRunner {
    const { view } = this.#memory;
    return this.#batches.get(entryLayoutUid(view, entry), () => entryLayout(view, entry, this.#elements));
  }

  /** Encodes what is decoded; items before `end` are safe then. */
  #flush(end: number): void {
    const batch = this.#batch;
    if (batch === null) return;
    if (this.#filter !== null) this.#filtered += this.#filter.apply(batch);
    if (batch.rows > 0) {
      this.#flows += flowRows(batch);
      this.#encode(batch);
    }
    batch.reset();
    for (; this.#firstUnsafe < end; this.#firstUnsafe++) {
      if (this.#items.progress(this.#firstUnsafe) === ItemState.started)
        this.#items.setProgress(this.#firstUnsafe, ItemState.done, 0);
    }
  }

  /** Every encoder takes lists apart for itself; what the most thorough one makes of them counts, once. */
  #encode(batch: FlowBatch): void {
    const { values, contentBytes } = this.#budget;
    const { malformed } = this.#materializer;
    let [leastValues, leastContent, mostMalformed] = [values, contentBytes, malformed];
    for (let i = 0; i < this.#encoders.length; i++) {
      if (this.#outputSlabs[i] === NOT_WANTED) continue;
      this.#budget.reset(values, contentBytes);
      this.#materializer.malformed = malformed;
      this.#rows[i] += this.#encoders[i].encode(batch);
      leastValues = Math.min(leastValues, this.#budget.values);
      leastContent = Math.min(leastContent, this.#budget.contentBytes);
      mostMalformed = Math.max(mostMalformed, this.#materializer.malformed);
    }
    this.#budget.reset(leastValues, leastContent);
    this.#materializer.malformed = mostMalformed;
  }

  #fill(context: SetContext, item: number, entry: number, payload: number): void {
    const { bytes, view } = this.#memory;
    const header = this.#header;
    const record = payload - RecordOffset.payload;
    context.version = header.version;
    context.exporter = bytes;
    context.exporterOffset = record + RecordOffset.address;
    context.exporterPort = view.getUint16(record + RecordOffset.port);
    context.observationDomainId = header.observationDomainId;
    context.templateId = entryTemplateId(view, entry);
    context.options = entryIsOptions(view, entry);
    context.sequence = header.sequence;
    context.exportTimeMs = header.exportTimeMs;
    context.sysUptimeMs = header.sysUptimeMs;
    context.receivedAtMs = view.getFloat64(record + RecordOffset.receivedAtMs, true);
    context.budget = this.#budget;
    context.stateAddress = this.#items.state(item);
    const directory = this.#items.directory(item);
    context.templates = directory === 0 ? NO_TEMPLATES : this.#resolver(directory);
  }

  #resolver(directory: number): TemplateResolver {
    return {
      plan: (templateId) => {
        const entry = directoryFind(this.#memory.view, directory, templateId);
        return entry === 0 ? undefined : this.#runnerOf(entry).batch.plan;
      },
    };
  }
}

function flowRows(batch: FlowBatch): number {
  let rows = 0;
  for (let i = 0; i < batch.setCount; i++) {
    const { options, rowStart, rowEnd } = batch.sets[i];
    if (!options) rows += rowEnd - rowStart;
  }
  return rows;
}

function take(encoder: Encoder, slab: number): number | Uint8Array<ArrayBuffer> {
  if (slab === NOT_WANTED) return 0;
  const bytes = slab < 0 ? -1 : encoder.giveBack();
  return bytes < 0 ? encoder.take() : bytes;
}
