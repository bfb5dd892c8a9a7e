/**
 * Compression of file outputs. Blocks become independent gzip members or zstd frames, which may follow each other in one
 * file: so a file is readable up to its last whole block whatever happened, a failed write can be taken back, and the
 * blocks of one write are compressed side by side. No compression runs on the main thread: node:zlib uses the thread pool
 * of libuv; zstd, where node:zlib does not have it (before Node 22.15), WebAssembly in a thread of its own.
 */
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import zlib from 'node:zlib';
import type { Compression } from './output-uri.ts';

export const COMPRESS_BLOCK_BYTES = 256 * 1024;
/** Blocks in work at a time: what the thread pool has threads by default. */
const BLOCKS_AT_ONCE = 4;
/** The default level of gzip, 6, takes about twice the time for about an eighth fewer bytes. */
const GZIP_LEVEL = 3;
const ZSTD_LEVEL = 3;

export interface Compressor {
  /** One member or frame of the block, whose memory may be taken over. */
  compress(block: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** node:zlib of Node 22.15 and later. */
type ZstdCompress = (
  block: Uint8Array,
  options: object,
  done: (error: Error | null, frame: Uint8Array) => void,
) => void;

export function createCompressor(compression: Exclude<Compression, 'none'>): Compressor {
  if (compression === 'gzip') {
    const gzip = promisify(zlib.gzip);
    return { compress: (block) => gzip(block, { level: GZIP_LEVEL }), close: async () => {} };
  }
  const { zstdCompress } = zlib as { zstdCompress?: ZstdCompress };
  if (zstdCompress === undefined) return new ZstdThread();
  const params = { [(zlib.constants as Record<string, number>)['ZSTD_c_compressionLevel']]: ZSTD_LEVEL };
  return {
    compress: (block) =>
      new Promise((resolve, reject) => {
        zstdCompress(block, { params }, (error, frame) => (error === null ? resolve(frame) : reject(error)));
      }),
    close: async () => {},
  };
}

interface Pending {
  resolve(frame: Uint8Array): void;
  reject(error: Error): void;
}

/** zstd in a worker thread that starts with the first block, and again when it died. */
export class ZstdThread implements Compressor {
  #worker: Worker | null = null;
  #pending: Pending[] = [];

  compress(block: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#worker ??= this.#start();
      this.#pending.push({ resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ block, level: ZSTD_LEVEL }, [block.buffer]);
    });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('../../workers/compress.js', import.meta.url));
    worker.on('message', (answer: Uint8Array | Error) => {
      const asked = this.#pending.shift();
      if (this.#pending.length === 0) worker.unref();
      if (answer instanceof Error) asked?.reject(answer);
      else asked?.resolve(answer);
    });
    worker.on('error', (error) => this.#ended(worker, error));
    worker.on('exit', () => this.#ended(worker, new Error('the compression thread ended')));
    return worker;
  }

  #ended(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    for (const asked of this.#pending.splice(0)) asked.reject(error);
  }
}

/** The bytes of the chunks as compressed blocks of at most 256 KiB before compression, of about equal size. */
export async function compressChunks(
  compressor: Compressor,
  chunks: readonly Uint8Array[],
): Promise<Uint8Array[]> {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const blocks = cutBlocks(chunks, Math.ceil(total / Math.max(1, Math.ceil(total / COMPRESS_BLOCK_BYTES))));
  const compressed: Uint8Array[] = [];
  for (;;) {
    const batch: Promise<Uint8Array>[] = [];
    while (batch.length < BLOCKS_AT_ONCE) {
      const next = blocks.next();
      if (next.done) break;
      batch.push(compressor.compress(next.value));
    }
    if (batch.length === 0) return compressed;
    compressed.push(...(await Promise.all(batch)));
  }
}

/** The chunks copied into blocks of their own, all but the last of blockBytes. */
function* cutBlocks(
  chunks: readonly Uint8Array[],
  blockBytes: number,
): Generator<Uint8Array<ArrayBuffer>, void> {
  let left = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  let block = new Uint8Array(Math.min(blockBytes, left));
  let filled = 0;
  for (const chunk of chunks) {
    for (let from = 0; from < chunk.length; ) {
      const bytes = Math.min(chunk.length - from, block.length - filled);
      block.set(chunk.subarray(from, from + bytes), filled);
      from += bytes;
      filled += bytes;
      left -= bytes;
      if (filled < block.length) continue;
      yield block;
      block = new Uint8Array(Math.min(blockBytes, left));
      filled = 0;
    }
  }
}
