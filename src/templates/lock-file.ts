import { randomUUID } from 'node:crypto';
import type fsPromises from 'node:fs/promises';
import { errorCode } from '../base/errors.ts';
import { StoreError } from './store.ts';

type FileSystem = Pick<typeof fsPromises, 'link' | 'open' | 'readFile' | 'rename' | 'unlink'>;

/** Others may come and go while we try; each of them ends the wait of one try. */
const TRIES = 10;

/**
 * A file that says which process uses something: its id, and what tells it from a later process with the same id. The lock
 * of a process that has ended is taken over.
 */
export class LockFile {
  readonly #fs: FileSystem;
  readonly #path: string;

  private constructor(fs: FileSystem, path: string) {
    this.#fs = fs;
    this.#path = path;
  }

  /** what: named in the error. Rejects with a fatal StoreError when a living process has the lock. */
  static async acquire(fs: FileSystem, path: string, what: string): Promise<LockFile> {
    const mine = `${path}.${randomUUID()}`;
    const handle = await fs.open(mine, 'wx', 0o600);
    try {
      await handle.writev([Buffer.from(`${process.pid} ${await incarnationOf(fs, process.pid)}\n`)], 0);
    } finally {
      await handle.close();
    }
    try {
      for (let tries = TRIES; ; tries--) {
        if (await linked(fs, mine, path)) return new LockFile(fs, path);
        const owner = tries > 0 ? await removeStale(fs, path) : 0;
        if (owner === null) continue;
        const who = owner === 0 ? 'other processes' : `process ${owner}`;
        throw new StoreError(`${what} is in use by ${who}; one process at a time can have it`, true);
      }
    } finally {
      await fs.unlink(mine).catch(() => {});
    }
  }

  async release(): Promise<void> {
    await this.#fs.unlink(this.#path).catch(() => {});
  }
}

/** A link appears with its content, and only where there is nothing. */
async function linked(fs: FileSystem, from: string, to: string): Promise<boolean> {
  try {
    await fs.link(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the lock if its process has ended; else returns the id of the process. */
async function removeStale(fs: FileSystem, path: string): Promise<number | null> {
  const text = await textOf(fs, path);
  if (text === null) return null;
  const owner = await livingOwner(fs, text);
  if (owner !== null) return owner;
  // Somebody else may have removed it and taken the lock since it was read: then it goes back.
  const aside = `${path}.${randomUUID()}`;
  try {
    await fs.rename(path, aside);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
  if ((await textOf(fs, aside)) !== text) await linked(fs, aside, path);
  await fs.unlink(aside);
  return null;
}

async function livingOwner(fs: FileSystem, text: string): Promise<number | null> {
  const match = /^([1-9]\d{0,9}) (\S*)\n$/.exec(text);
  if (match === null) return null;
  const pid = Number(match[1]);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) !== 'EPERM') return null;
  }
  const incarnation = await incarnationOf(fs, pid);
  return incarnation === '' || match[2] === '' || incarnation === match[2] ? pid : null;
}

/** Boot of the system and start time of a process, as Linux tells; empty where it cannot be known. */
async function incarnationOf(fs: FileSystem, pid: number): Promise<string> {
  const boot = await textOf(fs, '/proc/sys/kernel/random/boot_id').catch(() => null);
  const stat = await textOf(fs, `/proc/${pid}/stat`).catch(() => null);
  if (boot === null || stat === null) return '';
  // Behind the name of the program, which may hold anything, the start time is the twentieth field.
  return `${boot.trim()}/${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
}

async function textOf(fs: FileSystem, path: string): Promise<string | null> {
  try {
    return await fs.readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  }
}
