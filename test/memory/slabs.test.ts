import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_SLAB, Slabs } from '../../src/memory/slabs.ts';
import { ByteWriter } from '../../src/output/byte-writer.ts';

test('slabs are given out once, do not overlap, and come back', () => {
  const slabs = Slabs.create(3, 64);
  const taken = [slabs.acquire(), slabs.acquire(), slabs.acquire()];
  assert.deepEqual([...taken].sort(), [0, 1, 2]);
  assert.equal(slabs.acquire(), NO_SLAB);
  for (const slab of taken) slabs.at(slab).bytes.fill(slab + 1);
  const other = Slabs.attach(slabs.buffer, 64);
  for (const slab of taken) assert.ok(other.at(slab).bytes.every((byte) => byte === slab + 1));
  slabs.release(taken[1]);
  slabs.release(NO_SLAB);
  assert.equal(slabs.available, 1);
  assert.equal(slabs.acquire(), taken[1]);
});

test('a writer fills lent memory to its last byte, and goes on in its own when there is more', () => {
  const { bytes, view } = Slabs.create(1, 100).at(0);
  const writer = new ByteWriter(16);
  const write = (count: number): void => {
    writer.reserve(count);
    writer.bytes.fill(7, writer.at, writer.at + count);
    writer.at += count;
  };
  writer.lend({ bytes, view });
  write(60);
  write(40);
  assert.equal(writer.giveBack(), 100);
  assert.ok(bytes.every((byte) => byte === 7));

  bytes.fill(0);
  writer.lend({ bytes, view });
  write(60);
  write(41);
  assert.equal(writer.giveBack(), -1);
  assert.deepEqual(writer.take(), new Uint8Array(101).fill(7));

  // An encoder that ended in the middle leaves nothing behind.
  writer.lend({ bytes, view });
  write(10);
  writer.lend({ bytes, view });
  write(5);
  assert.equal(writer.giveBack(), 5);
  write(3);
  assert.equal(writer.take().length, 3);
});
