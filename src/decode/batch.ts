import type { Column, Plan, Storage } from './plan.ts';

/** Values of one column; which arrays are in use depends on its `storage` (Storage). Unused ones are empty. */
export interface ColumnData {
  /** Integers, their lower 32 bits, or offsets in the heap. */
  lo: Uint32Array;
  /** Upper 32 bits of integers, or octets in the heap. */
  hi: Uint32Array;
  /** Floating point numbers. */
  f64: Float64Array;
  /** 16 octets a row. */
  wide: Uint8Array;
}

const MIN_HEAP_BYTES = 1024;
const NO_U32 = new Uint32Array(0);
const NO_F64 = new Float64Array(0);
const NO_U8 = new Uint8Array(0);

/** Values for rows [0, capacity). */
export function columnData(storage: Storage, capacity: number): ColumnData {
  const two = storage === 'u64' || storage === 'i64' || storage === 'heap';
  const one = two || storage === 'u32' || storage === 'i32';
  return {
    lo: one ? new Uint32Array(capacity) : NO_U32,
    hi: two ? new Uint32Array(capacity) : NO_U32,
    f64: storage === 'f64' ? new Float64Array(capacity) : NO_F64,
    wide: storage === 'b16' ? new Uint8Array(capacity * 16) : NO_U8,
  };
}

/** What was sent with a set: the same for all its records. */
export interface SetContext {
  /** Rows [rowStart, rowEnd) of the batch. */
  rowStart: number;
  /** The first row behind the set. */
  rowEnd: number;
  /** Header version: 5, 7, 9 or 10. */
  version: number;
  /** Holds the 16-byte form of the exporter's address, IPv4 in its IPv4-mapped form. Shared, so to be read only; see addressText. */
  exporter: Uint8Array;
  /** Where the 16 octets of the address begin in `exporter`. */
  exporterOffset: number;
  /** UDP source port. */
  exporterPort: number;
  /** Observation domain of IPFIX, source id of v9; engine type * 256 + engine id of v5, 0 of v7. */
  observationDomainId: number;
  /** 0 for v5 and v7. */
  templateId: number;
  /** Whether the records are options records. */
  options: boolean;
  /** Sequence number of the message header. */
  sequence: number;
  /** Export time of the message header, ms since the epoch. */
  exportTimeMs: number;
  /** sysUptime of the message header in ms; -1 for IPFIX, which has none. */
  sysUptimeMs: number;
  /** Arrival of the datagram, ms since the epoch. */
  receivedAtMs: number;
  /** Finds the layouts of the scope as they were when the set was bound; for structured data. */
  templates: TemplateResolver;
  /** What the datagram may still be decoded into; lists count here when they are taken apart. @internal */
  budget: Budget;
  /** Address of the exporter state bound to the set in the shared heap, 0 for none. @internal */
  stateAddress: number;
}

/** Finds the templates of a scope. */
export interface TemplateResolver {
  /** Undefined for a template that is not known. */
  plan(templateId: number): Plan | undefined;
}

/** What one datagram may still be decoded into. Shared by all its sets, so that small datagrams cannot grow large. */
export class Budget {
  values = 0;
  contentBytes = 0;

  reset(values: number, contentBytes: number): void {
    this.values = values;
    this.contentBytes = contentBytes;
  }
}

const NO_BUDGET = new Budget();

/** The heap that a batch of this thread gave back, for the next one that needs one: few are in use at a time. */
let spareHeap: Uint8Array = NO_U8;

export const NO_TEMPLATES: TemplateResolver = { plan: () => undefined };

/**
 * Decoded records of one layout, column by column. Reused: `reset` keeps the memory of the columns. Written by the interpreter or the
 * compiled plan, read by encoders, both in the same thread.
 */
export class FlowBatch {
  /** What the columns mean. */
  readonly plan: Plan;
  /** Rows for which there is room. */
  readonly capacity: number;
  /** In the order of `plan.columns`. */
  readonly columns: readonly ColumnData[];
  /** Rows in use, from 0. */
  rows = 0;
  /** Octets that columns of storage `heap` point into. */
  heap: Uint8Array;
  /** Octets of the heap in use. */
  heapUsed = 0;
  /** The heap where it was made here: what somebody else has put there is theirs. */
  #grown: Uint8Array = NO_U8;
  /** Contexts in row order; only the first setCount are in use, the others wait to be used again. */
  readonly sets: SetContext[] = [];
  /** Contexts in use. */
  setCount = 0;

  /** columns: for values that are kept elsewhere. */
  constructor(plan: Plan, capacity: number, columns?: readonly ColumnData[]) {
    this.plan = plan;
    this.capacity = capacity;
    this.columns = columns ?? plan.columns.map((column: Column) => columnData(column.storage, capacity));
    this.heap = NO_U8;
  }

  /** Forgets all rows, and gives the heap back. */
  reset(): void {
    this.rows = 0;
    this.heapUsed = 0;
    this.setCount = 0;
    if (this.heap === this.#grown && this.heap.length > spareHeap.length) spareHeap = this.heap;
    this.heap = NO_U8;
    this.#grown = NO_U8;
  }

  /** The context for the rows that are decoded next; the caller fills it and sets rowEnd when the set is done. */
  beginSet(): SetContext {
    let context = this.sets[this.setCount];
    if (context === undefined) {
      context = {
        rowStart: 0,
        rowEnd: 0,
        version: 0,
        exporter: NO_U8,
        exporterOffset: 0,
        exporterPort: 0,
        observationDomainId: 0,
        templateId: 0,
        options: false,
        sequence: 0,
        exportTimeMs: 0,
        sysUptimeMs: -1,
        receivedAtMs: 0,
        templates: NO_TEMPLATES,
        budget: NO_BUDGET,
        stateAddress: 0,
      };
      this.sets.push(context);
    }
    this.setCount++;
    context.rowStart = this.rows;
    context.rowEnd = this.rows;
    return context;
  }

  /** Makes room for so many more bytes and returns where they go; the caller adds to heapUsed what it wrote. */
  reserveHeap(bytes: number): number {
    const need = this.heapUsed + bytes;
    if (need > this.heap.length) {
      const larger = largerHeap(need, this.heap.length * 2);
      if (this.heapUsed > 0) larger.set(this.heap.subarray(0, this.heapUsed));
      this.heap = larger;
      this.#grown = larger;
    }
    return this.heapUsed;
  }
}

function largerHeap(need: number, wanted: number): Uint8Array {
  const spare = spareHeap;
  if (spare.length < need) return new Uint8Array(Math.max(need, wanted, MIN_HEAP_BYTES));
  spareHeap = NO_U8;
  return spare;
}
