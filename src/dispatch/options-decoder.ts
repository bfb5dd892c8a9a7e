import { Budget } from '../decode/batch.ts';
import { BatchCache } from '../decode/batch-cache.ts';
import { SetCursor } from '../decode/interpret.ts';
import { type DecodeLimits, maxHeldValues } from '../decode/limits.ts';
import { Jit } from '../decode/plan-runner.ts';
import type { ElementLookup } from '../elements/element.ts';
import type { SharedMemory } from '../memory/shared-memory.ts';
import type { ExporterState } from '../templates/exporter-state.ts';
import type { TemplateEntry } from '../templates/scope.ts';
import { MessageHeader } from '../wire/header.ts';

const BATCH_ROWS = 256;

/** Decodes options data on the main thread, in wire order, because what they say holds for the data that follow. */
export class OptionsDecoder {
  readonly #limits: DecodeLimits;
  readonly #memory: SharedMemory;
  readonly #batches: BatchCache;
  readonly #cursor = new SetCursor();
  readonly #datagramBudget = new Budget();
  readonly #heldBudget = new Budget();
  readonly #header = new MessageHeader();

  constructor(elements: ElementLookup, limits: DecodeLimits, memory: SharedMemory) {
    this.#limits = limits;
    this.#memory = memory;
    // They are rare: what compiled code would save is not worth having it on the main thread, too.
    this.#batches = new BatchCache(elements, BATCH_ROWS, new Jit('off'));
  }

  beginDatagram(): void {
    const { maxValuesPerDatagram, maxContentBytesPerDatagram } = this.#limits;
    this.#datagramBudget.reset(maxValuesPerDatagram, maxContentBytesPerDatagram);
  }

  /**
   * Teaches a state the options records of a set: the datagram's payload, its message header and the set's content are at
   * these addresses of shared memory. A set that was held has limits of its own. The
   * cursor that is returned says how many records there were and what was wrong; it is used again by the next call.
   */
  learn(
    state: ExporterState,
    entry: TemplateEntry,
    payload: number,
    header: number,
    start: number,
    end: number,
  ): SetCursor {
    const { bytes, view } = this.#memory;
    const runner = this.#batches.get(entry.layout.uid, () => entry.layout);
    const { batch } = runner;
    const cursor = this.#cursor;
    const held = payload >= this.#memory.offsets.heap;
    const budget = held ? this.#heldBudget : this.#datagramBudget;
    if (held) budget.reset(maxHeldValues(this.#limits, end - start), this.#limits.maxContentBytesPerDatagram);
    this.#header.read(view, header, payload + 0xffff);
    cursor.begin(header, start, end, this.#limits.maxRecordsPerSet);
    for (let done = false; !done; ) {
      batch.reset();
      const context = batch.beginSet();
      context.version = this.#header.version;
      context.observationDomainId = this.#header.observationDomainId;
      context.templateId = entry.templateId;
      context.options = true;
      context.exportTimeMs = this.#header.exportTimeMs;
      context.sysUptimeMs = this.#header.sysUptimeMs;
      done = runner.decode(bytes, view, cursor, budget);
      context.rowEnd = batch.rows;
      state.learn(batch, context);
    }
    return cursor;
  }
}
