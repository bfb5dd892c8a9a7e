import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordOffset, RingControl } from '../../src/memory/layout.ts';
import { writeRecord } from '../../src/memory/ring.ts';
import { SharedMemory } from '../../src/memory/shared-memory.ts';
import fc from '../support/fast-check.ts';

const memoryOf = (slots: number, maxDatagramBytes = 64): SharedMemory =>
  SharedMemory.create({ rings: 1, slots, maxDatagramBytes, items: 16_384, heapBytes: 4096 });

/** Both counters of the ring start here, so that wrapping is part of every test. */
const NEAR_WRAP = 0x7ffffff0;
const startAt = (memory: SharedMemory, count: number): void => {
  memory.words[(memory.offsets.rings + RingControl.head) >>> 2] = count;
  memory.words[(memory.offsets.rings + RingControl.tail) >>> 2] = count;
};

test('a ring behaves like a bounded queue, whatever the order of operations', () => {
  for (const slots of [1, 2, 4]) {
    for (const start of [0, NEAR_WRAP, -1, 0x7fffffff]) {
      fc.assert(
        fc.property(fc.array(fc.constantFrom('put', 'take', 'release'), { maxLength: 200 }), (operations) => {
          const memory = memoryOf(slots);
          startAt(memory, start);
          const producer = memory.ring(0);
          const consumer = memory.ring(0);
          const published: number[] = [];
          const taken: number[] = [];
          let next = 0;
          for (const operation of operations) {
            if (operation === 'put') {
              const slot = producer.claim();
              assert.equal(slot < 0, published.length + taken.length === slots);
              if (slot < 0) continue;
              memory.view.setUint32(slot + RecordOffset.payload, next);
              published.push(next++);
              producer.publish();
            } else if (operation === 'take') {
              assert.equal(consumer.available(), published.length);
              if (published.length === 0) continue;
              const expected = published.shift()!;
              assert.equal(memory.view.getUint32(consumer.take() + RecordOffset.payload), expected);
              taken.push(expected);
            } else if (taken.length > 0) {
              // What is taken may still be read until it is released.
              taken.shift();
              consumer.release(1);
            }
            assert.equal(consumer.used(), published.length + taken.length);
          }
        }),
        { numRuns: 50 },
      );
    }
  }
});

test('a record holds what was written, and no byte outside its slot changes', () => {
  const memory = memoryOf(4, 100);
  const ring = memory.ring(0);
  const address = new Uint8Array(16).fill(7);
  const payload = new Uint8Array(100).fill(9);
  const before = memory.bytes.slice();
  const slot = ring.claim();
  writeRecord(memory, slot, payload, address, 0, 65_535, 1_700_000_000_123.5);
  assert.equal(memory.view.getUint32(slot + RecordOffset.length, true), 100);
  assert.equal(memory.view.getUint16(slot + RecordOffset.port), 65_535);
  assert.equal(memory.view.getFloat64(slot + RecordOffset.receivedAtMs, true), 1_700_000_000_123.5);
  const end = slot + memory.offsets.slotBytes;
  assert.deepEqual(memory.bytes.subarray(0, slot), before.subarray(0, slot));
  assert.deepEqual(memory.bytes.subarray(end), before.subarray(end));
  assert.deepEqual(
    memory.bytes.subarray(slot + RecordOffset.payload, slot + RecordOffset.payload + 100),
    payload,
  );
});

test('attaching checks that the region is ours, of our layout and whole', () => {
  const memory = memoryOf(2);
  assert.equal(SharedMemory.attach(memory.buffer).offsets.total, memory.buffer.byteLength);
  for (const word of [0, 1, 4]) {
    const copy = new SharedArrayBuffer(memory.buffer.byteLength);
    new Uint8Array(copy).set(memory.bytes);
    new Int32Array(copy)[word] += word === 4 ? 2 : 1;
    assert.throws(() => SharedMemory.attach(copy), /assertion failed/);
  }
});

test('regions follow each other without overlap, control words on lines of their own', () => {
  const { offsets, size } = SharedMemory.create({
    rings: 3,
    slots: 8,
    maxDatagramBytes: 1500,
    items: 16_384,
    heapBytes: 1 << 20,
  });
  assert.equal(offsets.rings, 64);
  assert.equal(offsets.slotBytes % 64, 0);
  assert.ok(offsets.slotBytes >= RecordOffset.payload + 1500);
  assert.equal(offsets.items, offsets.rings + size.rings * (128 + 8 * offsets.slotBytes));
  assert.equal(offsets.heap, offsets.items + 16_384 * 32);
  assert.equal(offsets.total, offsets.heap + (1 << 20));
  assert.equal(RingControl.tail - RingControl.head, 64);
});

test('capacities that cannot work are refused', () => {
  const size = { rings: 1, slots: 4, maxDatagramBytes: 64, items: 16_384, heapBytes: 4096 };
  assert.throws(() => SharedMemory.create({ ...size, slots: 3 }), /powers of two/);
  assert.throws(() => SharedMemory.create({ ...size, items: 8_192 }), /item ring/);
  assert.throws(() => SharedMemory.create({ ...size, maxDatagramBytes: 65_536 }), /16 bits/);
  assert.throws(() => SharedMemory.create({ ...size, heapBytes: 2 ** 31 }), /more than/);
});
