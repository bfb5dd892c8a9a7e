/**
 * Where the bytes of a capture come from: a file, a stream such as standard input, or another source through gunzip.
 * Runs on the main thread; nothing here reads synchronously.
 */
import fs from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { createGunzip, type Gunzip } from 'node:zlib';
import { describeError, MillraceError } from '../../base/errors.ts';
import type { ByteSource } from './byte-stream.ts';

const CHUNK_BYTES = 128 * 1024;

/** A file, a named pipe or standard input. */
export interface Input extends ByteSource {
  /** NaN when it is no regular file. */
  readonly bytesTotal: number;
}

/** Opens the input at a path; '-' is standard input. Rejects with MillraceError INPUT_FAILED. */
export async function openInput(
  path: string,
  onBytes: OnBytes,
  stdin: NodeJS.ReadableStream = process.stdin,
): Promise<Input> {
  if (path === '-') {
    // node:process makes an empty stream of a directory.
    if (stdin === process.stdin && fs.fstatSync(0).isDirectory())
      throw inputFailed('standard input', new Error('is a directory'));
    return new StreamInput('standard input', stdin, onBytes);
  }
  try {
    if ((await stat(path)).isFIFO()) return new StreamInput(path, await openPipe(path), onBytes);
    return await FileSource.open(path, onBytes);
  } catch (error) {
    throw inputFailed(path, error);
  }
}

/** A file handle would hold a thread, and with it the process, until there is a writer and whenever it is silent. */
async function openPipe(path: string): Promise<Readable> {
  const fd = await promisify(fs.open)(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}

/** INPUT_FAILED that names the input and the reason, the path only once. */
function inputFailed(name: string, cause: unknown): MillraceError {
  let reason = describeError(cause);
  if (reason.endsWith(`: ${name}`)) reason = reason.slice(0, -name.length - 2);
  return new MillraceError('INPUT_FAILED', `cannot read ${name}: ${reason}`, { cause });
}

/** Told about every chunk that is read. */
export type OnBytes = (count: number) => void;

class FileSource implements Input {
  readonly fault = 'none';
  readonly bytesTotal: number;
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #onBytes: OnBytes;
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  #closed = false;

  private constructor(handle: FileHandle, path: string, bytesTotal: number, onBytes: OnBytes) {
    this.#handle = handle;
    this.#path = path;
    this.bytesTotal = bytesTotal;
    this.#onBytes = onBytes;
  }

  static async open(path: string, onBytes: OnBytes): Promise<FileSource> {
    const handle = await open(path, 'r');
    try {
      const stat = await handle.stat();
      if (stat.isDirectory()) throw new Error('is a directory');
      return new FileSource(handle, path, stat.isFile() ? stat.size : Number.NaN, onBytes);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async next(): Promise<Uint8Array | null> {
    if (this.#closed) return null;
    try {
      const { bytesRead } = await this.#handle.read(this.#chunk, 0, CHUNK_BYTES, null);
      if (bytesRead === 0) return null;
      this.#onBytes(bytesRead);
      return this.#chunk.subarray(0, bytesRead);
    } catch (error) {
      throw inputFailed(this.#path, error);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
  }
}

/** Pulls chunks out of a stream. Whatever the stream had buffered before it failed is given first. */
class StreamSource implements ByteSource {
  readonly fault = 'none';
  readonly #stream: Readable;
  readonly #onBytes: OnBytes;
  #ended: boolean;
  #error: unknown;
  #wake: (() => void) | null = null;

  constructor(stream: NodeJS.ReadableStream, onBytes: OnBytes) {
    this.#stream = stream as Readable;
    this.#onBytes = onBytes;
    // A stream that is over already will not say so again, nor why.
    this.#error = this.#stream.errored ?? undefined;
    this.#ended = this.#stream.readableEnded === true || this.#stream.destroyed === true;
    stream.on('readable', this.#notify);
    stream.on('end', this.#onEnd);
    stream.on('close', this.#onEnd);
    stream.on('error', this.#onError);
  }

  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const chunk = this.#stream.read() as Uint8Array | string | null;
      if (chunk !== null) {
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk;
        this.#onBytes(bytes.length);
        return bytes;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async close(): Promise<void> {
    // The error listener stays: a late error must not end the process.
    this.#stream.removeListener('readable', this.#notify);
    this.#stream.destroy();
    this.#onEnd();
  }

  readonly #notify = (): void => {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#notify();
  };

  readonly #onError = (error: unknown): void => {
    this.#error ??= error;
    this.#onEnd();
  };
}

/** Standard input, or what stands for it, and named pipes. */
class StreamInput extends StreamSource implements Input {
  readonly bytesTotal = Number.NaN;
  readonly #name: string;

  constructor(name: string, stream: NodeJS.ReadableStream, onBytes: OnBytes) {
    super(stream, onBytes);
    this.#name = name;
  }

  override async next(): Promise<Uint8Array | null> {
    try {
      return await super.next();
    } catch (error) {
      throw inputFailed(this.#name, error);
    }
  }
}

/**
 * Unpacks gzip, one member or several. The stream is fed one chunk at a time and waits while nobody reads, so what is
 * unpacked and not used stays small whatever the rate of compression.
 */
export class GunzipSource implements ByteSource {
  fault: ByteSource['fault'] = 'none';
  readonly #gunzip: Gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  readonly #unpacked = new StreamSource(this.#gunzip, () => {});
  readonly #packed: { take(): Promise<Uint8Array | null>; close(): Promise<void> };

  constructor(packed: { take(): Promise<Uint8Array | null>; close(): Promise<void> }) {
    this.#packed = packed;
    void this.#feed();
  }

  async next(): Promise<Uint8Array | null> {
    if (this.fault !== 'none') return null;
    try {
      return await this.#unpacked.next();
    } catch (error) {
      if (error instanceof MillraceError) throw error;
      this.fault = (error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR' ? 'truncated' : 'broken';
      return null;
    }
  }

  async close(): Promise<void> {
    await this.#unpacked.close();
    await this.#packed.close();
  }

  async #feed(): Promise<void> {
    const gunzip = this.#gunzip;
    try {
      for (;;) {
        const chunk = await this.#packed.take();
        if (gunzip.destroyed) return;
        if (chunk === null) break;
        // end() only after the last chunk is through: otherwise what a cut file still holds is lost with the error.
        await new Promise<void>((resolve, reject) => {
          gunzip.write(chunk, (error) => (error ? reject(error) : resolve()));
        });
      }
      gunzip.end();
    } catch (error) {
      gunzip.destroy(error as Error);
    }
  }
}
