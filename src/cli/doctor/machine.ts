import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Files of /proc and /sys are small; more than this is none of them. */
const MAX_TEXT_CHARACTERS = 4 * 1024 * 1024;

/** What the system says of itself in files. Whatever cannot be read is null: not there, not allowed, not Linux. */
export class Machine {
  readonly platform: NodeJS.Platform;
  readonly #root: string;

  /** root: where the file system begins, for tests. */
  constructor(root = '/', platform = process.platform) {
    this.#root = root;
    this.platform = platform;
  }

  async text(path: string): Promise<string | null> {
    try {
      return (await readFile(join(this.#root, path), 'latin1')).slice(0, MAX_TEXT_CHARACTERS);
    } catch {
      return null;
    }
  }

  /** The number that a file of /proc/sys consists of. */
  async number(path: string): Promise<number | null> {
    const text = (await this.text(path))?.trim();
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
  }

  async names(path: string): Promise<string[]> {
    return readdir(join(this.#root, path)).catch(() => []);
  }

  async link(path: string): Promise<string | null> {
    return readlink(join(this.#root, path)).catch(() => null);
  }

  /** Processes that can be seen, with their command lines; arguments are separated by blanks. */
  async processes(): Promise<{ pid: number; command: string }[]> {
    const pids = (await this.names('proc')).filter((name) => /^\d+$/.test(name));
    const found = await Promise.all(
      pids.map(async (pid) => ({ pid: Number(pid), command: await this.text(`proc/${pid}/cmdline`) })),
    );
    return found.flatMap(({ pid, command }) =>
      command ? [{ pid, command: command.replaceAll('\0', ' ').trim() }] : [],
    );
  }
}
