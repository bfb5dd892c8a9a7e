/** Batches of any fields with any values, for properties. */

import type { Field } from './bytes.ts';
import fc from './fast-check.ts';
import { type BatchSpec, type CellValue, EXPORT_MS, flowBatch } from './flow-batch.ts';

const u64 = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.constantFrom(0n, (1n << 32n) - 1n, 1n << 32n, (1n << 53n) - 1n, 1n << 53n, (1n << 64n) - 1n),
  fc.nat().map(BigInt),
);
const u32 = fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 300 }));
const i64 = fc.oneof(
  fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }),
  fc.integer().map(BigInt),
  fc.constantFrom(-(1n << 53n) + 1n, -(1n << 53n), -(1n << 32n), -(1n << 63n), (1n << 53n) - 1n, 1n << 53n),
);
const octets = fc.uint8Array({ maxLength: 40 });
const text = fc.oneof(
  octets,
  fc.string({ unit: 'binary' }).map((value) => new TextEncoder().encode(value)),
  fc.string({ minLength: 30, maxLength: 300 }).map((value) => new TextEncoder().encode(value)),
);

/** A field of each storage and meaning, with its values. List fields are not among them. */
const KINDS: readonly (readonly [Field, fc.Arbitrary<CellValue>])[] = [
  [[1, 8], u64],
  [[2, 4], u32],
  [[434, 4], fc.integer()],
  [[434, 8], i64],
  [[311, 8], fc.double()],
  [[276, 1], fc.nat(255)],
  [[8, 4], u32],
  [[27, 16], fc.uint8Array({ minLength: 16, maxLength: 16 })],
  [[56, 6], fc.bigInt({ min: 0n, max: (1n << 48n) - 1n })],
  [[82, 65535], text],
  [[70, 3], octets],
  [[150, 4], u32],
  [[322, 8], u64],
  [[152, 8], u64],
  [[153, 4], u32],
  [[154, 8], u64],
  [[156, 8], u64],
  // Without an element, and with one that comes several times in different widths.
  [[777, 65535, 99_999], octets],
  [[85, 4], u32],
  [[85, 8], u64],
];

export const anyBatchSpec: fc.Arbitrary<BatchSpec> = fc
  .array(fc.constantFrom(...KINDS), { minLength: 1, maxLength: 12 })
  .chain((kinds) =>
    fc.record({
      fields: fc.constant(kinds.map(([field]) => field)),
      rows: fc.array(fc.tuple(...kinds.map(([, values]) => values)), { minLength: 1, maxLength: 4 }),
      set: fc.record({
        exportTimeMs: fc.constantFrom(EXPORT_MS, 0, Date.UTC(2040, 0, 1)),
        sequence: u32,
        observationDomainId: u32,
      }),
    }),
  );

export const anyBatch = anyBatchSpec.map(flowBatch);
