/** Batches of fields that filters look at. */

import { parseAddress } from '../../src/base/ip.ts';
import type { Field } from '../support/bytes.ts';
import fc from '../support/fast-check.ts';
import { type BatchSpec, type CellValue, EXPORT_MS } from '../support/flow-batch.ts';
import { ADDRESSES_V4, ADDRESSES_V6 } from './filter-arbitrary.ts';

const numbers = (...values: (number | bigint)[]): fc.Arbitrary<CellValue> => fc.constantFrom(...values);
const v4 = fc.constantFrom(...ADDRESSES_V4);
const v6 = fc.constantFrom(...ADDRESSES_V6);
const port = numbers(0, 53, 443, 65_535);
const time = fc.integer({ min: 0, max: 4_000 }).map((ms) => BigInt(EXPORT_MS - ms));
const label = fc.constantFrom(Uint8Array.of(0, 1, 1), Uint8Array.of(0, 1, 0), Uint8Array.of(255, 255, 241));

/** Fields that filters look at, with values that are often what they look for. */
const KINDS: readonly (readonly [Field, fc.Arbitrary<CellValue>])[] = [
  [[8, 4], v4],
  [[12, 4], v4],
  [[27, 16], v6],
  [[28, 16], v6],
  [[15, 4], v4],
  [[225, 4], v4],
  [[7, 2], port],
  [[11, 2], port],
  [[4, 1], numbers(1, 6, 17, 58)],
  [[1, 4], numbers(0, 40, 1_000, 1_500_000, 0xffffffff)],
  [[1, 8], numbers(0, 39, 4_000_000_000, (1n << 53n) - 1n, 1n << 53n, (1n << 64n) - 1n)],
  [[85, 8], numbers(0, 40)],
  [[2, 8], numbers(0, 1, 10, 1_001)],
  [[5, 1], numbers(0, 46)],
  [[6, 1], numbers(0, 2, 18, 63)],
  [[6, 2], numbers(2, 45, 511)],
  [[16, 4], numbers(0, 64_512, 4_200_000_000)],
  [[17, 2], numbers(0, 64_512)],
  [[128, 4], numbers(64_512, 1)],
  [[10, 4], numbers(1, 2, 3)],
  [[14, 2], numbers(1, 2, 3)],
  [[58, 2], numbers(1, 100)],
  [[9, 1], numbers(0, 24)],
  [[29, 1], numbers(0, 64)],
  [[32, 2], numbers(0, 0x0300, 0x0801)],
  [[56, 6], numbers(0x00005e005301, 0x3c52a1ff0002)],
  [[61, 1], numbers(0, 1, 255)],
  [[70, 3], label],
  [[71, 3], label],
  [[152, 8], time],
  [[153, 8], time],
  [[22, 4], fc.integer({ min: 95_000, max: 101_000 })],
  [[21, 4], fc.integer({ min: 95_000, max: 101_000 })],
  [[161, 4], numbers(0, 1_500)],
  [[256, 2], numbers(0x0800, 0x86dd, 0x8100)],
  [[60, 1], numbers(0, 4, 6)],
];

const exporter = fc.constantFrom(...ADDRESSES_V4, ...ADDRESSES_V6).map((text) => {
  const bytes = new Uint8Array(16);
  parseAddress(text, bytes);
  return bytes;
});
/** Address of the exporter state of sets that have one. */
export const STATE = 8;

/** Sets of 6 rows in all, some of them options records, some with a state at STATE. */
export const filterBatchSpec: fc.Arbitrary<BatchSpec> = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom(...KINDS), { minLength: 1, maxLength: 20 }),
    fc.constantFrom<9 | 10>(9, 10),
  )
  .chain(([kinds, dialect]) => {
    const row = fc.tuple(...kinds.map(([, values]) => values));
    return fc.record({
      dialect: fc.constant(dialect),
      fields: fc.constant(kinds.map(([field]) => field)),
      rows: fc.array(row, { minLength: 6, maxLength: 6 }),
      sets: fc
        .tuple(exporter, exporter, fc.constantFrom(0, STATE), fc.constantFrom(0, 2), fc.boolean())
        .map(([first, second, stateAddress, empty, options]) => [
          { rows: empty, exporter: first, stateAddress, observationDomainId: 0 },
          { rows: 1, options, exporter: first },
          { rows: 5 - empty, exporter: second, templateId: 300 },
        ]),
    });
  });
