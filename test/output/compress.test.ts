import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import {
  COMPRESS_BLOCK_BYTES,
  CompressionThread,
  type Compressor,
  compressChunks,
} from '../../src/output/compress.ts';
import { unzstd } from './zstd-frames.ts';

function lines(bytes: number, seed: number): Uint8Array<ArrayBuffer> {
  let text = '';
  for (let i = 0; text.length < bytes; i++) text += `{"seq":${i},"src":"10.${seed}.${i % 251}.1"}\n`;
  return new Uint8Array(Buffer.from(text.slice(0, bytes)));
}

/** Remembers the blocks instead of compressing them. */
class Blocks implements Compressor {
  readonly sizes: number[] = [];
  atOnce = 0;
  #inWork = 0;
  async compress(block: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    this.sizes.push(block.length);
    this.atOnce = Math.max(this.atOnce, ++this.#inWork);
    await null;
    this.#inWork--;
    return block;
  }
  async close(): Promise<void> {}
}

test('chunks are cut into even blocks of at most 256 KiB, in order', async () => {
  for (const [sizes, blocks] of [
    [[1], [1]],
    [[], []],
    [[0], []],
    [[COMPRESS_BLOCK_BYTES], [COMPRESS_BLOCK_BYTES]],
    [[COMPRESS_BLOCK_BYTES + 1], [COMPRESS_BLOCK_BYTES / 2 + 1, COMPRESS_BLOCK_BYTES / 2]],
    [
      [100_000, 0, 200_000, 5],
      [150_003, 150_002],
    ],
    [[COMPRESS_BLOCK_BYTES * 6], new Array<number>(6).fill(COMPRESS_BLOCK_BYTES)],
  ]) {
    const chunks = sizes.map(lines);
    const compressor = new Blocks();
    const out = await compressChunks(compressor, chunks);
    assert.deepEqual(compressor.sizes, blocks);
    assert.ok(compressor.atOnce <= 4);
    assert.ok(Buffer.concat(out).equals(Buffer.concat(chunks)));
  }
});

test('gzip members follow each other', async () => {
  const compressor = new CompressionThread('gzip');
  const chunks = [lines(300_000, 1), lines(10, 2), lines(400_000, 3)];
  const out = await compressChunks(compressor, chunks);
  assert.equal(out.length, 3);
  assert.ok(gunzipSync(Buffer.concat(out)).equals(Buffer.concat(chunks)));
  await compressor.close();
});

for (const [name, create] of [
  ['of this Node', () => new CompressionThread('zstd')],
  ['of WebAssembly', () => new CompressionThread('zstd', false)],
] as const) {
  test(`zstd frames follow each other: ${name}`, async () => {
    const compressor = create();
    const chunks = [lines(300_000, 1), lines(10, 2), lines(400_000, 3)];
    const expected = Buffer.concat(chunks);
    const out = await compressChunks(compressor, chunks);
    const { content, frames } = unzstd(Buffer.concat(out));
    assert.equal(frames, 3);
    assert.ok(content.equals(expected));
    assert.ok(Buffer.concat(out).length < expected.length / 4);
    await compressor.close();
  });
}

test('blocks in work are refused when the thread ends, and the next block gets another thread', async () => {
  const thread = new CompressionThread('zstd');
  const refused = assert.rejects(thread.compress(lines(1000, 1)), /the compression thread ended/);
  await thread.close();
  await refused;
  const { content } = unzstd(await thread.compress(lines(1000, 2)));
  assert.ok(content.equals(lines(1000, 2)));
  await thread.close();
});
