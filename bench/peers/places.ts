import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What `--install` brings from package registries goes here, and stays for the next time. */
export const INSTALL_FOLDER = join(tmpdir(), 'millrace-bench-peers');
/** Root of the project, from where this file is when it is built. */
export const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));

/** Output of a command, null when it cannot be run. Some print their version and fail. */
export function output(command: string, args: string[]): string | null {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { code, stdout } = error as { code?: string; stdout?: string };
    return code === 'ENOENT' || !stdout ? null : stdout;
  }
}

/** The path of a program: in the install folder, on the path, or where Debian keeps daemons. */
export function program(name: string): string | null {
  const folders = [join(INSTALL_FOLDER, 'bin'), ...(process.env['PATH'] ?? '').split(':'), '/usr/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}
