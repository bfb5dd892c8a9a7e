/** Columnar files by their path, plain or compressed with gzip. Runs on the main thread. */

import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { onAbort } from '../../base/on-abort.ts';
import { ByteStream } from '../capture/byte-stream.ts';
import { isGzip } from '../capture/capture.ts';
import { GunzipSource, type Input, openInput } from '../capture/sources.ts';
import type { ColumnarFrame } from './frame.ts';
import { isColumnar } from './parse-frame.ts';
import { framesOfStream } from './reader.ts';

/** Counts of one file; they grow as it is read. */
export interface ColumnarFileStats {
  /** Bytes of the file or pipe, as stored (compressed). */
  bytesRead: number;
  /** Size of the file, NaN for a pipe. */
  bytesTotal: number;
  frames: number;
  /** Records that are no options records. */
  flows: number;
  optionsRecords: number;
}

export class ColumnarFile {
  readonly stats: ColumnarFileStats;
  readonly #stream: ByteStream;

  private constructor(stream: ByteStream, stats: ColumnarFileStats) {
    this.#stream = stream;
    this.stats = stats;
  }

  /**
   * '-' is standard input. The signal gives up opening it. Throws MillraceError INPUT_FAILED when it cannot be read.
   */
  static async open(path: string, signal?: AbortSignal, stdin?: Readable): Promise<ColumnarFile> {
    const stats = { bytesRead: 0, bytesTotal: Number.NaN, frames: 0, flows: 0, optionsRecords: 0 };
    const onBytes = (count: number): void => {
      stats.bytesRead += count;
    };
    const input = await openInput(path, onBytes, stdin);
    stats.bytesTotal = input.bytesTotal;
    const release = onAbort(signal, () => void input.close());
    try {
      return new ColumnarFile(await unpacked(input), stats);
    } finally {
      release();
    }
  }

  /** The frames in file order; closes the file at the end. Throws MillraceError INPUT_FAILED behind the last whole frame. */
  async *frames(): AsyncGenerator<ColumnarFrame> {
    for await (const frame of framesOfStream(this.#stream)) {
      const flows = flowsIn(frame);
      this.stats.frames++;
      this.stats.flows += flows;
      this.stats.optionsRecords += frame.rows - flows;
      yield frame;
    }
  }

  /** Gives up the file; safe to call at any time and more than once. */
  close(): Promise<void> {
    return this.#stream.close();
  }
}

/** Records of a frame that are no options records. */
export function flowsIn({ sets }: ColumnarFrame): number {
  return sets.reduce((sum, { options, rowStart, rowEnd }) => sum + (options ? 0 : rowEnd - rowStart), 0);
}

async function unpacked(source: Input): Promise<ByteStream> {
  const stream = new ByteStream(source);
  try {
    return (await isGzip(stream)) ? new ByteStream(new GunzipSource(stream)) : stream;
  } catch (error) {
    await stream.close();
    throw error;
  }
}

/**
 * Whether a file begins with a frame. False for what cannot be looked at without being used up: a pipe by its name, and
 * standard input that is compressed. The signal gives up standard input.
 */
export async function beginsColumnar(path: string, signal: AbortSignal, stdin?: Readable): Promise<boolean> {
  if (path === '-') return isColumnar(await peek(stdin ?? process.stdin, signal));
  try {
    if (!(await stat(path)).isFile()) return false;
    const stream = await unpacked(await openInput(path, () => {}));
    try {
      await stream.fill(4);
      return isColumnar(stream.bytes.subarray(stream.start, stream.end));
    } finally {
      await stream.close();
    }
  } catch {
    // Whoever opens it for good says why it cannot be read.
    return false;
  }
}

/** The first bytes of a stream, which are left in it. */
async function peek(stream: Readable, signal: AbortSignal): Promise<Uint8Array> {
  const release = onAbort(signal, () => void stream.destroy());
  try {
    while (!stream.readableEnded && !stream.destroyed) {
      const chunk = stream.read() as Uint8Array | null;
      if (chunk !== null) {
        stream.unshift(chunk);
        return chunk;
      }
      await changed(stream);
    }
    return new Uint8Array(0);
  } finally {
    release();
  }
}

/** Resolves when there is something to read, or nothing any more. */
function changed(stream: Readable): Promise<void> {
  return new Promise((resolve) => {
    const events = ['readable', 'end', 'close', 'error'];
    const done = (): void => {
      for (const event of events) stream.removeListener(event, done);
      resolve();
    };
    for (const event of events) stream.on(event, done);
  });
}
