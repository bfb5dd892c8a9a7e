import type { Budget, FlowBatch } from './batch.ts';
import { interpretSet, type SetCursor } from './interpret.ts';
import { VARIABLE_LENGTH } from './layout.ts';
import type { Column, Plan } from './plan.ts';
import { type Code, code, join } from './source.ts';

/** Decodes records of a set, as `interpretSet` does. */
export type DecodeSet = (
  plan: Plan,
  batch: FlowBatch,
  bytes: Uint8Array,
  view: DataView,
  cursor: SetCursor,
  budget: Budget,
) => boolean;

/** Plans with more columns than this, or more source, stay with the interpreter. */
export const MAX_COMPILED_COLUMNS = 512;
export const MAX_SOURCE_BYTES = 128 * 1024;

/** Whether this process allows code to be made; some are started so that it does not. */
export const canCompile: boolean = (() => {
  try {
    return new Function('return 1')() === 1;
  } catch {
    return false;
  }
})();

/**
 * Straight-line code for a plan, or null when it is too large. The code knows the common case only: as soon as a record
 * does not fit (the set ends, the batch is full, a budget or a length is exceeded) it hands over to the interpreter at the
 * start of that record, which finishes, or says what is wrong.
 *
 * Nothing but integers of a checked plan ever becomes source text (source.ts).
 */
export function compilePlan(plan: Plan): DecodeSet | null {
  const source = planSource(plan);
  if (source === null) return null;
  return new Function('interpretSet', source)(interpretSet) as DecodeSet;
}

/** The source of the compiled plan, for people and tests; null when the plan is not compiled. */
export function planSource(plan: Plan): string | null {
  if (plan.columns.length > MAX_COMPILED_COLUMNS || plan.layout.minRecordBytes === 0) return null;
  const body = plan.layout.variable ? variableBody(plan) : fixedBody(plan);
  const source = code`'use strict';
return function decodeSet(plan, batch, bytes, view, cursor, budget) {
${body}
  return interpretSet(plan, batch, bytes, view, cursor, budget);
};
//# sourceURL=millrace-plan-${plan.layout.uid}.js
`.text;
  return source.length > MAX_SOURCE_BYTES ? null : source;
}

/** Columns as locals: what the loop writes to. */
function locals(plan: Plan): Code {
  return join(
    plan.columns.map((column, i) => {
      switch (column.storage) {
        case 'u32':
        case 'i32':
          return code`  const lo${i} = batch.columns[${i}].lo;\n`;
        case 'u64':
        case 'i64':
        case 'heap':
          return code`  const lo${i} = batch.columns[${i}].lo, hi${i} = batch.columns[${i}].hi;\n`;
        case 'f64':
          return code`  const f${i} = batch.columns[${i}].f64;\n`;
        default:
          return code`  const w${i} = batch.columns[${i}].wide;\n`;
      }
    }),
  );
}

/** Header values are the same in all records of a set. */
function headerValues(plan: Plan): Code {
  return join(
    plan.columns.map((column, i) => {
      if (column.source === 'record') return code``;
      const value = unsigned(code`cursor.header + ${column.offset}`, column.length);
      if (column.source === 'v5-sampling-mode') return code`  const h${i} = ${value} >>> 14;\n`;
      if (column.source === 'v5-sampling-interval') return code`  const h${i} = ${value} & 16383;\n`;
      return code`  const h${i} = ${value};\n`;
    }),
  );
}

/** All records have one length: how many fit is known before the loop, and the loop checks nothing. */
function fixedBody(plan: Plan): Code {
  const { minRecordBytes, fields } = plan.layout;
  const heapColumns = plan.columns.filter(({ storage }) => storage === 'heap');
  const heapBytes = heapColumns.reduce((sum, { length }) => sum + length, 0);
  const usesHeap = heapColumns.length > 0;
  const heap: Code = usesHeap
    ? code`  let used = batch.reserveHeap(count * ${heapBytes});\n  const heap = batch.heap;\n`
    : code``;
  return code`${locals(plan)}${headerValues(plan)}  let at = cursor.position;
  let row = batch.rows;
  const count = Math.max(0, Math.min(
    Math.floor((cursor.end - at) / ${minRecordBytes}), batch.capacity - row, cursor.recordsLeft,
    Math.floor(budget.values / ${fields.length}), Math.floor(budget.contentBytes / ${minRecordBytes})));
${heap}  for (const stop = row + count; row < stop; row++, at += ${minRecordBytes}) {
${join(plan.columns.map((column, i) => store(column, i, code`at + ${column.offset}`, heapFixed)))}  }
  batch.rows = row;
${usesHeap ? code`  batch.heapUsed = used;\n` : code``}  cursor.position = at;
  cursor.records += count;
  cursor.recordsLeft -= count;
  budget.values -= count * ${fields.length};
  budget.contentBytes -= count * ${minRecordBytes};`;
}

/** Records of variable length: lengths are read and checked field by field, runs of fixed fields at once. */
function variableBody(plan: Plan): Code {
  const parts: Code[] = [];
  let pending: { column: Column; index: number; offset: number }[] = [];
  let run = 0;
  const flush = () => {
    if (run > 0) {
      parts.push(code`    if (at + ${run} > end) break;\n`);
      for (const { column, index, offset } of pending) {
        parts.push(store(column, index, code`at + ${offset}`, heapVariable));
      }
      parts.push(code`    at += ${run};\n`);
    } else {
      // Fields of no length still have a value.
      for (const { column, index } of pending) parts.push(store(column, index, code`at`, heapVariable));
    }
    pending = [];
    run = 0;
  };
  let variable = 0;
  plan.columns.forEach((column, index) => {
    if (column.length !== VARIABLE_LENGTH || column.source !== 'record') {
      pending.push({ column, index, offset: run });
      run += column.source === 'record' ? column.length : 0;
      return;
    }
    flush();
    variable++;
    parts.push(code`    if (at >= end) break;
    length = view.getUint8(at++);
    if (length === 255) {
      if (at + 2 > end) break;
      length = view.getUint16(at);
      at += 2;
      prefix += 2;
    }
    if (at + length > end) break;
${variableValue(column, index)}    at += length;
`);
  });
  flush();
  const values = plan.layout.fields.length;
  return code`${locals(plan)}${headerValues(plan)}  const end = cursor.end;
  let start = cursor.position;
  let row = batch.rows;
  let used = batch.heapUsed;
  let heap = batch.heap;
  let length = 0;
  while (end - start >= ${plan.layout.minRecordBytes} && row < batch.capacity && cursor.recordsLeft > 0 && budget.values >= ${values}) {
    let at = start;
    let prefix = ${variable};
    batch.heapUsed = used;
${join(parts)}    const content = at - start - prefix;
    if (content > budget.contentBytes) break;
    budget.contentBytes -= content;
    budget.values -= ${values};
    cursor.records++;
    cursor.recordsLeft--;
    used = batch.heapUsed;
    row++;
    start = at;
    batch.rows = row;
    cursor.position = start;
  }
  batch.heapUsed = used;`;
}

/** Copies octets of a fixed number to the heap. */
type HeapCopy = (i: number, at: Code, length: number) => Code;

/** Stores a value of fixed length in row `row`. */
function store(column: Column, i: number, at: Code, heapCopy: HeapCopy): Code {
  const { length } = column;
  if (column.source !== 'record') return code`    lo${i}[row] = h${i};\n`;
  switch (column.storage) {
    case 'u32':
      return code`    lo${i}[row] = ${unsigned(at, length)};\n`;
    case 'i32':
      return code`    lo${i}[row] = ${signed(at, length)};\n`;
    case 'u64':
      return code`    hi${i}[row] = ${unsigned(at, length - 4)};\n    lo${i}[row] = view.getUint32(${at} + ${length - 4});\n`;
    case 'i64':
      return code`    hi${i}[row] = ${signed(at, length - 4)};\n    lo${i}[row] = view.getUint32(${at} + ${length - 4});\n`;
    case 'f64':
      return length === 4
        ? code`    f${i}[row] = view.getFloat32(${at});\n`
        : code`    f${i}[row] = view.getFloat64(${at});\n`;
    case 'b16':
      return code`    for (let k = 0; k < 16; k++) w${i}[row * 16 + k] = bytes[${at} + k];\n`;
    case 'heap':
      return heapCopy(i, at, length);
  }
}

/** Where the heap has room for all records of the loop. */
function heapFixed(i: number, at: Code, length: number): Code {
  return code`    lo${i}[row] = used;
    hi${i}[row] = ${length};
    for (let k = 0; k < ${length}; k++) heap[used + k] = bytes[${at} + k];
    used += ${length};
`;
}

function heapVariable(i: number, at: Code, length: number): Code {
  return code`    length = ${length};\n${heapOfLength(i, at)}`;
}

/** Copies `length` octets. */
function heapOfLength(i: number, at: Code): Code {
  return code`    lo${i}[row] = batch.reserveHeap(length);
    hi${i}[row] = length;
    heap = batch.heap;
    for (let k = 0, to = batch.heapUsed; k < length; k++) heap[to + k] = bytes[${at} + k];
    batch.heapUsed += length;
`;
}

/** Stores a value whose length is in `length`. */
function variableValue(column: Column, i: number): Code {
  if (column.storage === 'heap') return heapOfLength(i, code`at`);
  // Integers of variable length are rare: one that is not 4 or 8 octets long is left to the interpreter.
  if (column.storage === 'u64') {
    return code`    if (length === 4) { hi${i}[row] = 0; lo${i}[row] = view.getUint32(at); }
    else if (length === 8) { hi${i}[row] = view.getUint32(at); lo${i}[row] = view.getUint32(at + 4); }
    else break;
`;
  }
  return code`    break;\n`;
}

function unsigned(at: Code, length: number): Code {
  switch (length) {
    case 1:
      return code`view.getUint8(${at})`;
    case 2:
      return code`view.getUint16(${at})`;
    case 3:
      return code`(view.getUint16(${at}) << 8 | view.getUint8(${at} + 2))`;
    case 4:
      return code`view.getUint32(${at})`;
    default:
      return code`0`;
  }
}

function signed(at: Code, length: number): Code {
  const bits = 32 - 8 * length;
  return code`(${unsigned(at, length)} << ${bits} >> ${bits})`;
}
