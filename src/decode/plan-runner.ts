import { Budget, FlowBatch } from './batch.ts';
import { canCompile, compilePlan, type DecodeSet } from './compile.ts';
import { interpretSet, SetCursor } from './interpret.ts';
import type { Plan } from './plan.ts';

/** Records of a layout after which its plan is worth compiling. */
const COMPILE_AFTER_RECORDS = 32;
/** Sets after compiling whose result is compared with the interpreter's, and from then on every so many. */
const CHECK_FIRST_SETS = 8;
const CHECK_EVERY_SETS = 4_096;
/** Compiled plans that a thread keeps; further ones are interpreted. */
const MAX_COMPILED_PLANS = 4_096;

/** `auto`: plans are compiled once they are used; `off`: never; `eager`: before they are used, for tests. */
export const JIT_MODES = ['auto', 'off', 'eager'] as const;
export type JitMode = (typeof JIT_MODES)[number];

/** What the plans of a thread share: whether code may be made, and what became of it. */
export class Jit {
  readonly mode: JitMode;
  readonly maxCompiled: number;
  /** Compiled plans that are in use. */
  compiled = 0;
  /** Plans that were too large or too many. */
  refused = 0;
  /** Sets in which compiled code and interpreter disagreed. */
  mismatches = 0;

  constructor(mode: JitMode, maxCompiled = MAX_COMPILED_PLANS) {
    this.mode = canCompile ? mode : 'off';
    this.maxCompiled = maxCompiled;
  }
}

/**
 * Decodes the sets of one layout: with the interpreter at first, then with compiled code whose results are compared with
 * the interpreter's, always in the beginning and now and then later. When the two disagree the interpreter is right, and
 * stays.
 */
export class PlanRunner {
  readonly batch: FlowBatch;
  readonly #plan: Plan;
  readonly #jit: Jit;
  readonly #compiler: typeof compilePlan;
  #compiled: DecodeSet | null = null;
  #compilable: boolean;
  #records = 0;
  #sets = 0;
  #reference: FlowBatch | null = null;

  constructor(batch: FlowBatch, jit: Jit, compiler = compilePlan) {
    this.batch = batch;
    this.#plan = batch.plan;
    this.#jit = jit;
    this.#compiler = compiler;
    this.#compilable = jit.mode !== 'off';
    if (jit.mode === 'eager') this.#compile();
  }

  /** Decodes into `batch`; see interpretSet. */
  decode(bytes: Uint8Array, view: DataView, cursor: SetCursor, budget: Budget): boolean {
    const decodeSet = this.#compiled;
    if (decodeSet === null) return this.#interpret(bytes, view, cursor, budget);
    this.#sets++;
    if (this.#sets <= CHECK_FIRST_SETS || this.#sets % CHECK_EVERY_SETS === 0) {
      return this.#checked(decodeSet, bytes, view, cursor, budget);
    }
    return decodeSet(this.#plan, this.batch, bytes, view, cursor, budget);
  }

  /** The runner is not used any more: another plan may be compiled in place of this one. */
  close(): void {
    if (this.#compiled !== null) this.#jit.compiled--;
    this.#compiled = null;
    this.#reference = null;
  }

  #interpret(bytes: Uint8Array, view: DataView, cursor: SetCursor, budget: Budget): boolean {
    const before = cursor.records;
    const done = interpretSet(this.#plan, this.batch, bytes, view, cursor, budget);
    this.#records += cursor.records - before;
    if (this.#compilable && this.#records >= COMPILE_AFTER_RECORDS) this.#compile();
    return done;
  }

  #compile(): void {
    this.#compilable = false;
    if (this.#jit.compiled < this.#jit.maxCompiled) this.#compiled = this.#compiler(this.#plan);
    if (this.#compiled === null) this.#jit.refused++;
    else this.#jit.compiled++;
  }

  #checked(
    decodeSet: DecodeSet,
    bytes: Uint8Array,
    view: DataView,
    cursor: SetCursor,
    budget: Budget,
  ): boolean {
    const { batch } = this;
    const firstRow = batch.rows;
    const firstHeap = batch.heapUsed;
    const expected = this.#start(cursor, budget);
    const reference = (this.#reference ??= new FlowBatch(this.#plan, batch.capacity));
    reference.rows = firstRow;
    const expectedDone = interpretSet(this.#plan, reference, bytes, view, expected.cursor, expected.budget);
    const again = this.#start(cursor, budget);
    const done = decodeSet(this.#plan, batch, bytes, view, cursor, budget);
    const same =
      done === expectedDone &&
      batch.rows === reference.rows &&
      sameCursor(cursor, expected.cursor) &&
      budget.values === expected.budget.values &&
      budget.contentBytes === expected.budget.contentBytes &&
      sameRows(batch, firstHeap, reference, firstRow);
    reference.reset();
    if (same) return done;
    this.#jit.mismatches++;
    this.close();
    batch.rows = firstRow;
    batch.heapUsed = firstHeap;
    Object.assign(cursor, again.cursor);
    Object.assign(budget, again.budget);
    return interpretSet(this.#plan, batch, bytes, view, cursor, budget);
  }

  #start(cursor: SetCursor, budget: Budget): { cursor: SetCursor; budget: Budget } {
    return { cursor: Object.assign(new SetCursor(), cursor), budget: Object.assign(new Budget(), budget) };
  }
}

function sameCursor(a: SetCursor, b: SetCursor): boolean {
  return (
    a.position === b.position && a.records === b.records && a.fault === b.fault && a.faultAt === b.faultAt
  );
}

/** Compares the rows from firstRow on; heap offsets of a are relative to firstHeap. */
function sameRows(a: FlowBatch, firstHeap: number, b: FlowBatch, firstRow: number): boolean {
  for (let c = 0; c < a.columns.length; c++) {
    const x = a.columns[c];
    const y = b.columns[c];
    for (let row = firstRow; row < a.rows; row++) {
      switch (a.plan.columns[c].storage) {
        case 'u32':
        case 'i32':
          if (x.lo[row] !== y.lo[row]) return false;
          break;
        case 'u64':
        case 'i64':
          if (x.lo[row] !== y.lo[row] || x.hi[row] !== y.hi[row]) return false;
          break;
        case 'f64':
          if (!Object.is(x.f64[row], y.f64[row])) return false;
          break;
        case 'b16':
          for (let k = row * 16; k < row * 16 + 16; k++) if (x.wide[k] !== y.wide[k]) return false;
          break;
        case 'heap':
          if (x.hi[row] !== y.hi[row] || x.lo[row] - firstHeap !== y.lo[row]) return false;
          for (let k = 0; k < x.hi[row]; k++)
            if (a.heap[x.lo[row] + k] !== b.heap[y.lo[row] + k]) return false;
          break;
      }
    }
  }
  return true;
}
