import { strict as assert } from 'node:assert';
import { Budget, type FlowBatch, NO_TEMPLATES } from '../../src/decode/batch.ts';
import type { DecodeSet } from '../../src/decode/compile.ts';
import { SetCursor } from '../../src/decode/interpret.ts';
import { DEFAULT_DECODE_LIMITS } from '../../src/decode/limits.ts';
import type { GeneratorOptions } from '../../src/generator/exporters.ts';
import { RecordOffset } from '../../src/memory/layout.ts';
import type { SharedMemory } from '../../src/memory/shared-memory.ts';
import type { Scope, TemplateEntry } from '../../src/templates/scope.ts';
import { MessageHeader } from '../../src/wire/header.ts';
import type { MessageRead, RecordRead } from '../../test/generator/reader.ts';
import type { Size } from '../harness.ts';
import {
  CountingHandler,
  createMemory,
  createScanner,
  type Datagram,
  digest,
  place,
  scanSlot,
  simulate,
  teach,
} from './input.ts';

/** Sets of one layout in slots of a ring, bound as the main thread binds them, and what an independent reader makes of them. */
export interface BoundSets {
  memory: SharedMemory;
  sets: BoundSet[];
  /** Records of all sets, in order. */
  records: RecordRead[];
  entry: TemplateEntry;
}

export interface BoundSet {
  /** Address of the datagram record, and of message header, start and end of the set's content. */
  slot: number;
  header: number;
  start: number;
  end: number;
  records: number;
}

export interface Shape {
  options: Partial<GeneratorOptions>;
  /** Template of the sets that are wanted: the first, second … of an exporter; 0 also for v5. */
  place: number;
  /** Whether sets of options records are wanted, by the element that they have. */
  optionsElement?: number;
  records: number;
}

/** Passes on the sets of one layout. */
class PickingHandler extends CountingHandler {
  readonly #pick: (entry: TemplateEntry, header: number, start: number, end: number) => void;
  constructor(pick: (entry: TemplateEntry, header: number, start: number, end: number) => void) {
    super();
    this.#pick = pick;
  }
  override bound(
    entry: TemplateEntry,
    _scope: Scope<null>,
    header: MessageHeader,
    start: number,
    end: number,
  ): void {
    this.#pick(entry, header.start, start, end);
  }
}

/** Collects at least so many records of a shape. */
export function boundSets(size: Size, shape: Shape): BoundSets {
  const memory = createMemory(size);
  const ring = memory.ring(0);
  const wanted = size === 'full' ? shape.records : Math.min(shape.records, 200);
  const sets: BoundSet[] = [];
  const records: RecordRead[] = [];
  let first: TemplateEntry | undefined;
  let current: { slot: number; datagram: Datagram } | undefined;
  const handler = new PickingHandler((entry, header, start, end) => {
    if (current === undefined || !isWanted(entry, shape)) return;
    first ??= entry;
    const found = recordsOf(current.datagram.message, entry);
    if (entry.layout.uid !== first.layout.uid || found.length === 0) return;
    sets.push({ slot: current.slot, header, start, end, records: found.length });
    records.push(...found);
  });
  const scanner = createScanner(memory, handler);
  for (const datagram of simulate(shape.options)) {
    if (!hasWanted(datagram.message, shape)) {
      teach(scanner, datagram);
      continue;
    }
    const slot = ring.claim();
    place(memory, slot, datagram);
    ring.publish();
    current = { slot, datagram };
    scanSlot(scanner, memory, slot);
    current = undefined;
    if (records.length >= wanted || ring.freeRun() === 0) break;
  }
  assert.equal(handler.surprises, 0);
  return { memory, sets, records, entry: first! };
}

const isWanted = (entry: TemplateEntry, { place: at, options, optionsElement }: Shape): boolean =>
  optionsElement === undefined
    ? entry.templateId === (options.version === 5 ? 0 : 256 + at)
    : entry.layout.fields.some(({ id }) => id === optionsElement);

/** Whether a datagram has sets that are wanted, of templates that were announced before it. */
function hasWanted({ templates, data, optionsData }: MessageRead, shape: Shape): boolean {
  if (templates.length > 0) return false;
  if (shape.options.version === 5) return true;
  return shape.optionsElement === undefined
    ? data.some(({ templateId }) => templateId === 256 + shape.place)
    : optionsData.some(({ template }) => template.fields.some(({ id }) => id === shape.optionsElement));
}

function recordsOf({ data, optionsData }: MessageRead, entry: TemplateEntry): RecordRead[] {
  return (entry.kind === 'options' ? optionsData : data).filter(
    ({ templateId }) => templateId === entry.templateId,
  );
}

/** Decodes sets one after another into batches, as a decode thread does. */
export class Decoding {
  readonly #input: BoundSets;
  readonly #decodeSet: DecodeSet;
  readonly #cursor = new SetCursor();
  readonly #budget = new Budget();
  readonly #header = new MessageHeader();
  readonly batch: FlowBatch;

  constructor(input: BoundSets, batch: FlowBatch, decodeSet: DecodeSet) {
    this.#input = input;
    this.batch = batch;
    this.#decodeSet = decodeSet;
  }

  /** Decodes all sets; whole is called with the batch whenever it is full, and at the end. Returns the records. */
  run(whole: (batch: FlowBatch) => void): number {
    const { sets, memory } = this.#input;
    const { batch } = this;
    const cursor = this.#cursor;
    let records = 0;
    batch.reset();
    for (let i = 0; i < sets.length; i++) {
      const { header, start, end } = sets[i];
      this.#budget.reset(
        DEFAULT_DECODE_LIMITS.maxValuesPerDatagram,
        DEFAULT_DECODE_LIMITS.maxContentBytesPerDatagram,
      );
      cursor.begin(header, start, end, DEFAULT_DECODE_LIMITS.maxRecordsPerSet);
      while (!this.#decodeSet(batch.plan, batch, memory.bytes, memory.view, cursor, this.#budget)) {
        whole(batch);
        batch.reset();
      }
      records += cursor.records;
    }
    whole(batch);
    return records;
  }

  /** Decodes so many sets from one on into the batch, with their contexts; for encoders. Returns the next set. */
  fill(from: number, stateOf: (domain: number) => number): number {
    const { sets, memory, entry } = this.#input;
    const { batch } = this;
    let at = from;
    for (; at < sets.length && batch.rows + sets[at].records <= batch.capacity; at++) {
      const { header, start, end, slot } = sets[at];
      this.#header.read(memory.view, header, memory.bytes.length);
      const context = batch.beginSet();
      context.version = this.#header.version;
      context.exporter = memory.bytes;
      context.exporterOffset = slot + RecordOffset.address;
      context.exporterPort = memory.view.getUint16(slot + RecordOffset.port);
      context.observationDomainId = this.#header.observationDomainId;
      context.templateId = entry.templateId;
      context.options = entry.kind === 'options';
      context.sequence = this.#header.sequence;
      context.exportTimeMs = this.#header.exportTimeMs;
      context.sysUptimeMs = this.#header.sysUptimeMs;
      context.receivedAtMs = memory.view.getFloat64(slot + RecordOffset.receivedAtMs, true);
      context.templates = NO_TEMPLATES;
      context.stateAddress = stateOf(this.#header.observationDomainId);
      this.#budget.reset(1e9, 1e9);
      this.#cursor.begin(header, start, end, 1e6);
      this.#decodeSet(batch.plan, batch, memory.bytes, memory.view, this.#cursor, this.#budget);
      context.rowEnd = batch.rows;
    }
    return at;
  }
}

/** Compares every value with the octets that the reader found. Columns that do not come from the record are left out. */
export function checkRows(batch: FlowBatch, records: readonly RecordRead[], from: number): void {
  for (let row = 0; row < batch.rows; row++) {
    const { values } = records[from + row];
    values.forEach((octets, column) => {
      const { storage, key } = batch.plan.columns[column];
      const { lo, hi, wide } = batch.columns[column];
      const where = `${key} of record ${from + row}`;
      if (storage === 'heap') {
        assert.deepEqual(batch.heap.subarray(lo[row], lo[row] + hi[row]), octets, where);
      } else if (storage === 'b16') {
        assert.deepEqual(wide.subarray(row * 16, row * 16 + 16), octets, where);
      } else {
        const high = storage === 'u64' ? BigInt(hi[row]) << 32n : 0n;
        assert.equal(high | BigInt(lo[row]), BigInt(`0x${Buffer.from(octets).toString('hex')}`), where);
      }
    });
  }
}

export function digestRows(batch: FlowBatch): string {
  const { rows } = batch;
  const parts = batch.columns.flatMap(({ lo, hi, wide }) => [
    lo.subarray(0, rows),
    hi.subarray(0, rows),
    wide.subarray(0, rows * 16),
  ]);
  return digest(...parts, batch.heap.subarray(0, batch.heapUsed));
}
