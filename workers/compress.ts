/**
 * The compression thread of one file output: blocks in, a gzip member or zstd frame for each out, in order. An Error
 * instead means that the block could not be compressed.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { type CompressionSetting, createBlockCompressor } from '../src/output/block-compressor.ts';

const port = parentPort;
if (port === null) throw new Error('compress is the entry of a worker thread');

const compress = await createBlockCompressor(workerData as CompressionSetting);
port.on('message', (block: Uint8Array) => {
  try {
    // A copy: the memory of small results is a part of a pool, which cannot be transferred.
    const compressed = new Uint8Array(compress(block));
    port.postMessage(compressed, [compressed.buffer]);
  } catch (error) {
    port.postMessage(error instanceof Error ? error : new Error(String(error)));
  }
});
