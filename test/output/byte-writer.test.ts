import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ByteWriter } from '../../src/output/byte-writer.ts';

function append(writer: ByteWriter, count: number, value: number): void {
  writer.reserve(count);
  writer.bytes.fill(value, writer.at, writer.at + count);
  writer.at += count;
}

describe('ByteWriter', () => {
  it('keeps what was written when it grows', () => {
    const writer = new ByteWriter(4);
    append(writer, 3, 1);
    append(writer, 3, 2);
    append(writer, 100, 3);
    const expected = [1, 1, 1, 2, 2, 2, ...new Array(100).fill(3)];
    assert.deepEqual([...writer.take()], expected);
  });

  it('makes room exactly when there is none', () => {
    const writer = new ByteWriter(8);
    const { bytes } = writer;
    writer.reserve(8);
    assert.equal(writer.bytes, bytes);
    writer.reserve(9);
    assert.notEqual(writer.bytes, bytes);
    assert.ok(writer.bytes.length >= 9);
    assert.equal(writer.view.buffer, writer.bytes.buffer);
  });

  for (const [name, count] of [
    ['less than half', 30],
    ['more than half', 60],
  ] as const) {
    it(`gives away ${name} of its room in a buffer that can be transferred`, () => {
      const writer = new ByteWriter(100);
      append(writer, count, 1);
      const taken = writer.take();
      append(writer, 90, 2);
      assert.deepEqual([...taken], new Array(count).fill(1));
      structuredClone(taken, { transfer: [taken.buffer] });
      assert.equal(taken.length, 0);
      assert.deepEqual([...writer.take()], new Array(90).fill(2));
    });
  }

  it('gives nothing when nothing was written', () => {
    const writer = new ByteWriter();
    assert.equal(writer.take().length, 0);
    assert.equal(writer.take().length, 0);
  });
});
