import type { PathLike } from 'node:fs';
import fs, { type FileHandle } from 'node:fs/promises';
import type { FileSystem } from '../../src/output/output-file.ts';

export type Operation =
  | 'close'
  | 'link'
  | 'lstat'
  | 'mkdir'
  | 'open'
  | 'rename'
  | 'sync'
  | 'truncate'
  | 'unlink'
  | 'writev';

export function systemError(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${syscall}`), { code, syscall });
}

/** The real file system with faults in front. */
export class FileFaults {
  /** The error code an operation fails with, null when it may go on. */
  fault: (operation: Operation, path: string) => string | null = () => null;
  /** How many bytes at most the next writev takes before the fault decides about the rest. */
  takes: () => number = () => Number.POSITIVE_INFINITY;
  /** Every operation that was asked for. */
  readonly log: { operation: Operation; path: string }[] = [];

  readonly fs: FileSystem = {
    link: (from, to) => this.#run('link', to, () => fs.link(from, to)),
    lstat: ((path: PathLike) => this.#run('lstat', path, () => fs.lstat(path))) as FileSystem['lstat'],
    mkdir: ((path: PathLike, mode: number) =>
      this.#run('mkdir', path, () => fs.mkdir(path, mode))) as FileSystem['mkdir'],
    open: (path, flags) =>
      this.#run('open', path, async () => this.#handle(await fs.open(path, flags), String(path))),
    rename: (from, to) => this.#run('rename', to, () => fs.rename(from, to)),
    stat: fs.stat,
    unlink: (path) => this.#run('unlink', path, () => fs.unlink(path)),
  };

  #run<T>(operation: Operation, path: unknown, go: () => Promise<T>): Promise<T> {
    this.log.push({ operation, path: String(path) });
    const code = this.fault(operation, String(path));
    return code === null ? go() : Promise.reject(systemError(code, operation));
  }

  #handle(handle: FileHandle, path: string): FileHandle {
    const faulty = {
      writev: async (buffers: readonly Uint8Array[], position: number) => {
        const limit = this.takes();
        const all = Buffer.concat(buffers);
        if (all.length <= limit) return this.#run('writev', path, () => handle.writev(buffers, position));
        // What a full disk does: it takes some of the bytes, and refuses the rest.
        if (limit > 0) await handle.write(all, 0, limit, position);
        return limit > 0
          ? { bytesWritten: limit, buffers }
          : this.#run('writev', path, () => handle.writev(buffers, position));
      },
      stat: () => handle.stat(),
      truncate: (length: number) => this.#run('truncate', path, () => handle.truncate(length)),
      sync: () => this.#run('sync', path, () => handle.sync()),
      close: async () => {
        // The descriptor is closed also when the system reports an error, as close(2) does.
        await handle.close();
        return this.#run('close', path, async () => {});
      },
    };
    return faulty as unknown as FileHandle;
  }
}
