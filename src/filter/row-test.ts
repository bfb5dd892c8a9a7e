/** Closures that test one row, made once for a plan. Nothing is allocated while rows are tested. */
import type { Cidr } from '../base/ip.ts';
import type { SetContext } from '../decode/batch.ts';
import type { RowValue } from '../schema/values.ts';
import type { Expression, FieldRef, ValueTest } from './expression.ts';

/** What rows are read from. The values are bound to the batch by their owner, who also says in which set the row is. */
export interface RowSource {
  value(key: string): RowValue | undefined;
  set: SetContext;
}

export type RowTest = (row: number) => boolean;
/** NaN where the row does not have the field: it passes no comparison but «not equal», which asks for it. */
type RowNumber = (row: number) => number;

const NEVER: RowTest = () => false;

export function rowTest(expression: Expression, source: RowSource): RowTest {
  switch (expression.kind) {
    case 'any':
      return () => true;
    case 'not': {
      const test = rowTest(expression.of, source);
      return (row) => !test(row);
    }
    case 'and':
      return every(expression.of.map((part) => rowTest(part, source)));
    case 'or':
      return some(expression.of.map((part) => rowTest(part, source)));
    case 'test': {
      const { fields, test } = expression;
      if (test.is === 'within')
        return some(fields.flatMap(({ key }) => addressTests(key, test.ranges, source)));
      return some(
        fields.flatMap((field) => numbersOf(field, source)).map((number) => numberTest(number, test)),
      );
    }
  }
}

function every(tests: readonly RowTest[]): RowTest {
  if (tests.length === 2) {
    const [first, second] = tests;
    return (row) => first(row) && second(row);
  }
  return (row) => {
    for (let i = 0; i < tests.length; i++) if (!tests[i](row)) return false;
    return true;
  };
}

function some(tests: readonly RowTest[]): RowTest {
  if (tests.length === 0) return NEVER;
  if (tests.length === 1) return tests[0];
  if (tests.length === 2) {
    const [first, second] = tests;
    return (row) => first(row) || second(row);
  }
  return (row) => {
    for (let i = 0; i < tests.length; i++) if (tests[i](row)) return true;
    return false;
  };
}

function numberTest(number: RowNumber, test: Exclude<ValueTest, { is: 'within' }>): RowTest {
  if (test.is === 'one-of') {
    const { values } = test;
    return (row) => values.has(number(row));
  }
  if (test.is === 'bits') {
    const { mask } = test;
    return (row) => {
      const value = number(row);
      return !Number.isNaN(value) && (value & mask) === mask;
    };
  }
  const { value } = test;
  switch (test.comparator) {
    case '=':
      return (row) => number(row) === value;
    case '!=':
      return (row) => {
        const found = number(row);
        return found !== value && !Number.isNaN(found);
      };
    case '<':
      return (row) => number(row) < value;
    case '<=':
      return (row) => number(row) <= value;
    case '>':
      return (row) => number(row) > value;
    case '>=':
      return (row) => number(row) >= value;
  }
}

/** The numbers of a field, more than one for a list; none when no row of the plan has it. */
function numbersOf({ key, index }: FieldRef, source: RowSource): RowNumber[] {
  switch (key) {
    case 'version':
      return [() => source.set.version];
    case 'observation_domain_id':
      return [() => source.set.observationDomainId];
    case 'template_id':
      // v5 and v7 have no templates.
      return [() => source.set.templateId || Number.NaN];
    case 'duration':
      return durationOf(source);
    case 'pps':
      return durationOf(source).flatMap((ms) => quotient(numbersOf({ key: 'packets' }, source), 1_000, ms));
    case 'bps':
      return durationOf(source).flatMap((ms) => quotient(numbersOf({ key: 'bytes' }, source), 8_000, ms));
    case 'bpp':
      return numbersOf({ key: 'packets' }, source).flatMap((packets) =>
        quotient(numbersOf({ key: 'bytes' }, source), 1, packets),
      );
  }
  const value = source.value(key);
  if (value === undefined) return [];
  if (index === undefined) return value.columns.map((_, i) => columnNumber(value, i));
  return index < value.columns.length ? [columnNumber(value, index)] : [];
}

function quotient(numbers: readonly RowNumber[], factor: number, divisor: RowNumber): RowNumber[] {
  return numbers.map((number) => (row) => {
    const by = divisor(row);
    return by === 0 ? number(row) * 0 : Math.floor((number(row) * factor) / by);
  });
}

/** Whole milliseconds; NaN where the times are those of the export. */
function durationOf(source: RowSource): RowNumber[] {
  const start = source.value('time_flow_start');
  const end = source.value('time_flow_end');
  const replaced = source.value('time_source');
  if (start === undefined || end === undefined || replaced === undefined) return [];
  const from = start.columns[0];
  const to = end.columns[0];
  return [
    (row) => {
      if (has(replaced, row, 0)) return Number.NaN;
      const nanoseconds = to.data.lo[row] - from.data.lo[row];
      return to.data.f64[row] - from.data.f64[row] + Math.floor(nanoseconds / 1e6);
    },
  ];
}

/** i: which of the columns of a list. */
function has(value: RowValue, row: number, i: number): boolean {
  return !value.absent && (value.present === null || value.present[row] > i);
}

function columnNumber(value: RowValue, i: number): RowNumber {
  const column = value.columns[i];
  if (column.storage === 'f64') return (row) => (has(value, row, i) ? column.data.f64[row] : Number.NaN);
  if (column.storage !== 'u64') return (row) => (has(value, row, i) ? column.data.lo[row] : Number.NaN);
  const high = column.render === 'mac' ? 0xffff : 0xffffffff;
  return (row) =>
    has(value, row, i) ? ((column.data.hi[row] & high) >>> 0) * 2 ** 32 + column.data.lo[row] : Number.NaN;
}

function addressTests(key: string, ranges: readonly Cidr[], source: RowSource): RowTest[] {
  if (key === 'exporter_addr')
    return ranges.map((range) => () => range.contains(source.set.exporter, source.set.exporterOffset));
  const value = source.value(key);
  if (value === undefined) return [];
  const [column] = value.columns;
  const test = (range: Cidr): RowTest => {
    if (column.storage === 'u32') return v4Test(value, range);
    return (row) => has(value, row, 0) && range.contains(column.data.wide, row * 16);
  };
  return ranges.map(test);
}

/** Offset of the IPv4 address in its IPv4-mapped form, and the bits in front of it. */
const V4_AT = 12;
const V4_BITS = 96;
const V4_MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0);

function v4Test(value: RowValue, range: Cidr): RowTest {
  const [column] = value.columns;
  if (range.bits <= V4_BITS) return range.contains(V4_MAPPED) ? (row) => has(value, row, 0) : NEVER;
  const mask = -1 << (128 - range.bits);
  const wanted = new DataView(range.bytes.buffer).getUint32(V4_AT) & mask;
  if (!V4_MAPPED.subarray(0, V4_AT).every((octet, i) => octet === range.bytes[i])) return NEVER;
  return (row) => (column.data.lo[row] & mask) === wanted && has(value, row, 0);
}
