import { errorCode } from './errors.ts';

/** Not every system and file system can open or flush a directory. */
const NO_DIRECTORY_SYNC = new Set(['EINVAL', 'EISDIR', 'EPERM', 'EACCES', 'ENOTSUP', 'EBADF']);

/** Makes new names in a directory durable. fs: node:fs/promises, or what a test puts in its place. */
export async function syncDirectory(
  fs: Pick<typeof import('node:fs/promises'), 'open'>,
  directory: string,
): Promise<void> {
  try {
    const handle = await fs.open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!NO_DIRECTORY_SYNC.has(errorCode(error))) throw error;
  }
}
