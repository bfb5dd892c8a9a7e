/**
 * The compression thread of one file output, where node:zlib has no zstd: blocks in, one zstd frame for each out, in
 * order. An Error instead of a frame means that the block could not be compressed.
 */
import { parentPort } from 'node:worker_threads';
import { compress, init } from '@bokuweb/zstd-wasm';

const port = parentPort;
if (port === null) throw new Error('compress is a worker thread');

await init();
port.on('message', ({ block, level }: { block: Uint8Array; level: number }) => {
  try {
    const frame = compress(block, level) as Uint8Array<ArrayBuffer>;
    port.postMessage(frame, [frame.buffer]);
  } catch (error) {
    port.postMessage(error instanceof Error ? error : new Error(String(error)));
  }
});
