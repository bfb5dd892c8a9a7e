import { randomUUID } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '../base/errors.ts';
import { makeDirectory } from '../base/make-directory.ts';
import { syncDirectory } from '../base/sync-directory.ts';
import { numberedPath } from './file-name.ts';

/** What the file sink needs of node:fs/promises; tests put faults in between. */
export type FileSystem = Pick<
  typeof import('node:fs/promises'),
  'link' | 'lstat' | 'mkdir' | 'open' | 'rename' | 'stat' | 'unlink'
>;

/** File systems without hard links answer with one of these. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);
/**
 * One file from `<final name>.part` to its final name. While the `.part` exists, it also reserves the final name against
 * other sinks. What append() took is whole or not there; complete() makes it durable and visible at once, and never
 * replaces a file. Calls must not overlap.
 */
export class OutputFile {
  readonly #fs: FileSystem;
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #mark: '.' | '-';
  /** Where the file is until it is complete, and stays when it cannot be completed. */
  readonly partPath: string;
  #number: number;
  #length = 0;
  #torn = false;

  private constructor(fs: FileSystem, handle: FileHandle, path: string, number: number, mark: '.' | '-') {
    this.#fs = fs;
    this.#handle = handle;
    this.#path = path;
    this.#number = number;
    this.#mark = mark;
    this.partPath = `${numberedPath(path, number, mark)}.part`;
  }

  /**
   * Creates the file, and its directory when missing, under the first name that is free: the path itself, then with a
   * number from `firstNumber` on. A `.part` that is there already is of another run or sink and is left alone.
   */
  static async create(fs: FileSystem, path: string, mark: '.' | '-', firstNumber = 0): Promise<OutputFile> {
    await makeDirectory(fs, dirname(path));
    for (let number = firstNumber; ; number++) {
      const finalPath = numberedPath(path, number, mark);
      if (await exists(fs, finalPath)) continue;
      try {
        return new OutputFile(fs, await fs.open(`${finalPath}.part`, 'wx'), path, number, mark);
      } catch (error) {
        if (errorCode(error) !== 'EEXIST') throw error;
      }
    }
  }

  /** The number in the name, 0 for none. */
  get number(): number {
    return this.#number;
  }

  /** True when a failed append could not be taken back: the file ends in the middle of something and must not go on. */
  get torn(): boolean {
    return this.#torn;
  }

  /** Whether the file has no name any more: somebody has removed it, and what is written to it is lost. */
  async removed(): Promise<boolean> {
    return (await this.#handle.stat()).nlink === 0;
  }

  /** Hands all the buffers to the kernel, or throws with none of them in the file unless `torn`. */
  async append(buffers: readonly Uint8Array[]): Promise<void> {
    try {
      this.#length = await this.#writeFully(buffers);
    } catch (error) {
      await this.#handle.truncate(this.#length).catch(() => {
        this.#torn = true;
      });
      throw error;
    }
  }

  async #writeFully(buffers: readonly Uint8Array[]): Promise<number> {
    let position = this.#length;
    let rest = buffers.filter((buffer) => buffer.length > 0);
    while (rest.length > 0) {
      const { bytesWritten } = await this.#handle.writev(rest, position);
      if (bytesWritten === 0) throw new Error('the system took no bytes');
      position += bytesWritten;
      rest = withoutFirst(rest, bytesWritten);
    }
    return position;
  }

  /** Flushes and gives the file its final name. When it throws, the `.part` is left; the file is closed either way. */
  async complete(): Promise<void> {
    if (this.#length === 0) {
      await this.#handle.close();
      await this.#fs.unlink(this.partPath);
      return;
    }
    try {
      await this.#handle.sync();
    } finally {
      await this.#handle.close();
    }
    await this.#publish();
    await syncDirectory(this.#fs, dirname(this.partPath));
  }

  /** Closes the file and leaves it as `.part`. */
  async abandon(): Promise<void> {
    await this.#handle.close().catch(() => {});
  }

  /** A hard link refuses to replace a file, which a rename does not. */
  async #publish(): Promise<void> {
    const part = this.partPath;
    for (; ; this.#number++) {
      const finalPath = numberedPath(this.#path, this.#number, this.#mark);
      try {
        await this.#fs.link(part, finalPath);
        break;
      } catch (error) {
        if (errorCode(error) === 'EEXIST') continue;
        if (!NO_LINKS.has(errorCode(error))) throw error;
      }
      if (!(await exists(this.#fs, finalPath))) return await this.#fs.rename(part, finalPath);
    }
    await this.#fs.unlink(part);
  }
}

/** Throws unless files can be made in the directory, which is created when missing. */
export async function checkDirectory(fs: FileSystem, directory: string): Promise<void> {
  await makeDirectory(fs, directory);
  // Permission bits say little on network and read-only file systems, so a file is really made.
  const probe = `${directory}/.millrace-${randomUUID()}`;
  const handle = await fs.open(probe, 'wx').catch((error: unknown) => {
    // The directory is there, and the name of the file says nothing to anybody.
    throw errorCode(error) === 'ENOENT' ? new Error(`no file can be made in ${directory}`) : error;
  });
  await handle.close();
  await fs.unlink(probe);
}

/** Throws where a directory, device or the like has the name of a file: it would get a number, which nobody can have meant. */
export async function checkName(fs: Pick<FileSystem, 'stat'>, path: string): Promise<void> {
  const there = await fs.stat(path).catch(() => null);
  if (there === null || there.isFile()) return;
  throw new Error(`${there.isDirectory() ? 'is a directory' : 'is no regular file'}: ${path}`);
}

function withoutFirst(buffers: Uint8Array[], bytes: number): Uint8Array[] {
  let i = 0;
  while (i < buffers.length && bytes >= buffers[i].length) bytes -= buffers[i++].length;
  const rest = buffers.slice(i);
  if (bytes > 0) rest[0] = rest[0].subarray(bytes);
  return rest;
}

async function exists(fs: FileSystem, path: string): Promise<boolean> {
  try {
    await fs.lstat(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
