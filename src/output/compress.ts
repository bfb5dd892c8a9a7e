/**
 * Compression of file outputs. Blocks become independent gzip members or zstd frames, which may follow each other in one
 * file: so a file is readable up to its last whole block whatever happened, and a failed write can be taken back. It runs
 * in a thread of its own: even the asynchronous node:zlib costs the calling thread several times what handing over does.
 */
import { Worker } from 'node:worker_threads';
import type { CompressionSetting } from './block-compressor.ts';

export const COMPRESS_BLOCK_BYTES = 256 * 1024;
/** Blocks handed over at a time, so that the copies of a large chunk are not all made at once. */
const BLOCKS_AT_ONCE = 4;

export interface Compressor {
  /** One member or frame of the block, whose memory is taken over. */
  compress(block: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
  close(): Promise<void>;
}

interface Pending {
  resolve(compressed: Uint8Array): void;
  reject(error: Error): void;
}

/** A worker thread that starts with the first block, and again when it died. Keeps the process alive only while it works. */
export class CompressionThread implements Compressor {
  readonly #setting: CompressionSetting;
  #worker: Worker | null = null;
  readonly #pending: Pending[] = [];

  constructor(compression: CompressionSetting['compression'], builtInZstd = true) {
    this.#setting = { compression, builtInZstd };
  }

  compress(block: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#worker ??= this.#start();
      this.#pending.push({ resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage(block, [block.buffer]);
    });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('../../workers/compress.js', import.meta.url), {
      workerData: this.#setting,
    });
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
