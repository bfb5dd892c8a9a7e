import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedHeap } from '../../src/memory/heap.ts';
import fc from '../support/fast-check.ts';

const heapOf = (bytes: number): SharedHeap => {
  const buffer = new SharedArrayBuffer(bytes + 64);
  return new SharedHeap(new Uint8Array(buffer), new DataView(buffer), 64, bytes + 64);
};

test('a full heap answers 0 and works again after blocks came back', () => {
  const heap = heapOf(256);
  const blocks = [heap.allocate(100), heap.allocate(100)];
  assert.ok(blocks.every((block) => block > 0 && block % 8 === 0));
  assert.equal(heap.allocate(1), 0);
  heap.free(blocks[0]);
  assert.equal(heap.allocate(100), 0, 'freed but not reclaimed');
  heap.reclaim(0);
  assert.equal(heap.allocate(100), blocks[0]);
});

test('a block is not used again while an item made before its freeing is in flight', () => {
  const heap = heapOf(128);
  const block = heap.allocate(100);
  heap.itemsMade = 5;
  heap.free(block);
  heap.itemsMade = 9;
  heap.reclaim(4);
  assert.equal(heap.allocate(100), 0);
  heap.reclaim(5);
  assert.equal(heap.allocate(100), block);
});

test('a block that is freed twice is a defect, told before and after it was reclaimed', () => {
  const heap = heapOf(256);
  const blocks = [heap.allocate(100), heap.allocate(100)];
  for (const block of blocks) heap.free(block);
  for (const block of blocks) assert.throws(() => heap.free(block), /freed once/);
  heap.reclaim(0);
  for (const block of blocks) assert.throws(() => heap.free(block), /freed once/);
  assert.equal(heap.usedBytes, 0);
});

test('a heap is crowded while more than half of it waits for reclaim', () => {
  const heap = heapOf(256);
  const blocks = [heap.allocate(100), heap.allocate(10)];
  heap.itemsMade = 1;
  heap.free(blocks[0]);
  assert.equal(heap.crowded, false);
  heap.free(blocks[1]);
  assert.equal(heap.crowded, true);
  heap.reclaim(1);
  assert.equal(heap.crowded, false);
});

/** Takes all there is in blocks of one size, and gives it back. */
function fillAndEmpty(heap: SharedHeap, bytes: number): number {
  const blocks: number[] = [];
  for (let block = heap.allocate(bytes); block !== 0; block = heap.allocate(bytes)) blocks.push(block);
  for (const block of blocks) heap.free(block);
  heap.reclaim(0);
  return blocks.length;
}

test('memory that was full of blocks of one size can be had in blocks of another', () => {
  for (const [total, ...sizes] of [
    [64 * 1024, 9_000, 10, 4_000, 60_000],
    [200 * 1024, 10, 100_000, 300],
  ]) {
    const heap = heapOf(total);
    const fresh = sizes.map((bytes) => fillAndEmpty(heapOf(total), bytes));
    assert.deepEqual(
      sizes.map((bytes) => fillAndEmpty(heap, bytes)),
      fresh,
    );
    assert.equal(heap.usedBytes, 0);
  }
});

test('blocks in use never overlap and never change, whatever is allocated and freed', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          bytes: fc.integer({ min: 1, max: 3000 }),
          free: fc.nat(20),
          made: fc.nat(3),
          retire: fc.nat(4),
        }),
        { maxLength: 150 },
      ),
      (steps) => {
        const heap = heapOf(64 * 1024);
        // Blocks and the number of items that may read them; readable until those are retired.
        let live: { address: number; bytes: number; stamp: number; lastItem: number | null }[] = [];
        let retired = 0;
        let stamp = 0;
        for (const step of steps) {
          const address = heap.allocate(step.bytes);
          if (address !== 0) {
            stamp = (stamp + 1) & 255;
            heap.bytes.fill(stamp, address, address + step.bytes);
            live.push({ address, bytes: step.bytes, stamp, lastItem: null });
          }
          heap.itemsMade += step.made;
          const victim = live.filter(({ lastItem }) => lastItem === null)[step.free];
          if (victim !== undefined) {
            heap.free(victim.address);
            victim.lastItem = heap.itemsMade;
          }
          retired = Math.min(heap.itemsMade, retired + step.retire);
          heap.reclaim(retired);
          live = live.filter(({ lastItem }) => lastItem === null || lastItem > retired);
          for (const block of live) {
            const content = heap.bytes.subarray(block.address, block.address + block.bytes);
            assert.ok(content.every((byte) => byte === block.stamp));
          }
        }
        for (const { address, lastItem } of live) if (lastItem === null) heap.free(address);
        heap.reclaim(heap.itemsMade);
        assert.equal(heap.usedBytes, 0);
        assert.notEqual(heap.allocate(64 * 1024 - 8), 0, 'what is free is one block again');
      },
    ),
    { numRuns: 200 },
  );
});
