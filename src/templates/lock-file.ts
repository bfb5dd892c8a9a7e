import { randomUUID } from 'node:crypto';
import type fsPromises from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { errorCode } from '../base/errors.ts';
import { StoreError } from './store.ts';

type FileSystem = Pick<typeof fsPromises, 'link' | 'open' | 'readFile' | 'unlink'>;

/** Others may come and go while we try. */
const TRIES = 50;
const PAUSE_MS = 20;

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
      for (let tries = TRIES; tries > 0; tries--) {
        if (await linked(fs, mine, path)) return new LockFile(fs, path);
        const text = await textOf(fs, path);
        if (text === null) continue;
        const owner = await livingOwner(fs, text);
        if (owner !== null) {
          throw new StoreError(
            `${what} is in use by process ${owner}; one process at a time can have it`,
            true,
          );
        }
        if (await takenOver(fs, mine, path, text)) return new LockFile(fs, path);
      }
      throw new StoreError(`${what} cannot be locked: others keep trying, too`);
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

/**
 * Puts our lock in the place of one whose process has ended. Between reading a lock and removing it somebody else may have
 * done the same, so only who holds a second lock removes the first.
 */
async function takenOver(fs: FileSystem, mine: string, path: string, stale: string): Promise<boolean> {
  const guard = `${path}.takeover`;
  if (!(await linked(fs, mine, guard))) {
    const text = await textOf(fs, guard);
    if (text !== null && (await livingOwner(fs, text)) === null) await fs.unlink(guard).catch(() => {});
    await pause(PAUSE_MS);
    return false;
  }
  try {
    if ((await textOf(fs, path)) === stale) await fs.unlink(path);
    return await linked(fs, mine, path);
  } finally {
    await fs.unlink(guard).catch(() => {});
  }
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
