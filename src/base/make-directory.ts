import { dirname } from 'node:path';
import { errorCode } from './errors.ts';

type MakingFileSystem = Pick<typeof import('node:fs/promises'), 'mkdir' | 'stat'>;

/**
 * Makes a directory and those above it that are missing; none of it is an error where it is there. Not by the `recursive` of
 * node:fs: under /proc, where the system says of what it does not make that it is not there, that tries for ever.
 */
export async function makeDirectory(fs: MakingFileSystem, path: string, mode = 0o777): Promise<void> {
  if (await made(fs, path, mode)) return;
  await makeDirectory(fs, dirname(path), mode);
  if (!(await made(fs, path, mode))) throw new Error(`no directory can be made at ${path}`);
}

/** False where the directory above is missing. */
async function made(fs: MakingFileSystem, path: string, mode: number): Promise<boolean> {
  try {
    await fs.mkdir(path, mode);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT' && dirname(path) !== path) return false;
    // Of a directory that is there a system may also say that nobody may make it, or that it is read-only.
    const there = await fs.stat(path).catch(() => null);
    if (there?.isDirectory()) return true;
    throw error;
  }
}
