import { strict as assert } from 'node:assert';
import { DEFAULT_DECODE_LIMITS } from '../../src/decode/limits.ts';
import { DecodePool } from '../../src/dispatch/pool.ts';
import { RecordOffset } from '../../src/memory/layout.ts';
import { WorkItems } from '../../src/memory/work-items.ts';
import type { Bench, Prepared, Size } from '../harness.ts';
import { boundSets } from './decoded.ts';
import { digest } from './input.ts';

export const BATCH_SIZES = [1, 16, 64, 128, 512];
const DATAGRAMS = 2048;
const RECORDS_PER_DATAGRAM = 23;

/**
 * Tasks of so many datagrams to one real decode thread and back, two in flight. Nothing is encoded: what is left is
 * dispatch and decoding, and decoding is the same for every size.
 */
export const dispatchBenches: Bench[] = BATCH_SIZES.map((datagrams) => ({
  name: `dispatch/${datagrams}-per-task`,
  unit: 'datagram',
  prepare: (size) => prepare(size, datagrams),
}));

async function prepare(size: Size, perTask: number): Promise<Prepared> {
  const { memory, sets, records, entry } = boundSets(size, {
    options: { version: 9, exporters: 20 },
    place: 0,
    records: DATAGRAMS * RECORDS_PER_DATAGRAM,
  });
  const items = new WorkItems(memory);
  for (const { slot, header, start, end } of sets) {
    const payload = slot + RecordOffset.payload;
    items.make(payload, header - payload, start - payload, end - payload, false, entry.address, 0, 0);
  }
  const setup = {
    memory: memory.buffer,
    encodings: [],
    elements: [],
    limits: DEFAULT_DECODE_LIMITS,
    jit: 'auto' as const,
    filter: null,
    slabs: new SharedArrayBuffer(0),
    slabBytes: 0,
  };
  const pool = new DecodePool(1, setup);

  async function run(): Promise<number> {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < sets.length) {
        const firstItem = next;
        const count = Math.min(perTask, sets.length - firstItem);
        next += count;
        await pool.run({ firstItem, items: count, careful: false, slabs: [] });
      }
    };
    await Promise.all(Array.from({ length: pool.capacity }, lane));
    return next;
  }

  return {
    unitsPerRun: sets.length,
    run,
    check() {
      sets.forEach((set, item) => {
        assert.equal(items.fault(item), 0);
        assert.equal(items.records(item), set.records);
      });
      assert.equal(
        sets.reduce((sum, _, item) => sum + items.records(item), 0),
        records.length,
      );
      assert.equal(pool.lost, 0);
    },
    hash: () => digest(...sets.map((_, item) => items.records(item))),
    close: () => pool.close(),
  };
}
