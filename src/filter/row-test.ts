/** Closures that test one row, made once for a source of rows. Nothing is allocated while rows are tested. */
import type { Cidr } from '../base/ip.ts';
import type { Expression, FieldRef, ValueTest } from './expression.ts';

export type RowTest = (row: number) => boolean;
/** NaN where the row does not have the field: it passes no test. */
export type RowNumber = (row: number) => number;

/** What fields are read from, by the keys of the native record. */
export interface RowSource {
  /** The numbers of a field, several for a list; none when no row has it. Words count as present. */
  numbers(key: string): readonly RowNumber[];
  /** Whether an address lies in a range; null when no row has it. */
  within(key: string, range: Cidr): RowTest | null;
}

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
    case 'test':
      return some(expression.fields.flatMap((field) => fieldTests(field, expression.test, source)));
  }
}

function fieldTests(field: FieldRef, test: ValueTest, source: RowSource): RowTest[] {
  if (test.is !== 'within') return numbersOf(field, source).map((number) => numberTest(number, test));
  return test.ranges.flatMap((range) => source.within(field.key, range) ?? []);
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

function numbersOf({ key, index }: FieldRef, source: RowSource): readonly RowNumber[] {
  switch (key) {
    case 'duration':
      return durationOf(source);
    case 'pps':
      return rateOf(source, 'packets', 1_000, durationOf(source));
    case 'bps':
      return rateOf(source, 'bytes', 8_000, durationOf(source));
    case 'bpp':
      return rateOf(source, 'bytes', 1, source.numbers('packets'));
    case 'engine_type':
      return ofEngine(source, (domain) => domain >>> 8);
    case 'engine_id':
      return ofEngine(source, (domain) => domain & 0xff);
  }
  const numbers = source.numbers(key);
  return index === undefined ? numbers : numbers.slice(index, index + 1);
}

/** Rounded down; 0 where the divisor is 0. */
function rateOf(source: RowSource, key: string, factor: number, divisors: readonly RowNumber[]): RowNumber[] {
  const [number] = source.numbers(key);
  const [divisor] = divisors;
  if (number === undefined || divisor === undefined) return [];
  return [
    (row) => {
      const by = divisor(row);
      return by === 0 ? number(row) * 0 : Math.floor((number(row) * factor) / by);
    },
  ];
}

function ofEngine(source: RowSource, part: (domain: number) => number): RowNumber[] {
  const [version] = source.numbers('version');
  const [domain] = source.numbers('observation_domain_id');
  return [(row) => (version(row) === 5 ? part(domain(row)) : Number.NaN)];
}

/** Milliseconds; NaN where the flow times are those of the export. */
function durationOf(source: RowSource): RowNumber[] {
  const [start] = source.numbers('time_flow_start');
  const [end] = source.numbers('time_flow_end');
  const [replaced] = source.numbers('time_source');
  if (start === undefined || end === undefined || replaced === undefined) return [];
  return [(row) => (Number.isNaN(replaced(row)) ? end(row) - start(row) : Number.NaN)];
}
