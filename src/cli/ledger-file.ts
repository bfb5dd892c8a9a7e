import { constants, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describeError, MillraceError } from '../base/errors.ts';

/** Says at the start what would otherwise only be found at the end. Rejects with MillraceError OUTPUT_FAILED. */
export async function checkLedgerFile(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  try {
    const directory = dirname(behindLinks(path));
    if (!(await stat(directory)).isDirectory()) throw new Error(`not a directory: ${directory}`);
    await access(directory, constants.W_OK | constants.X_OK);
    const there = await stat(path).catch(() => undefined);
    if (there?.isDirectory()) throw new Error('is a directory');
    // The ledger would take the place of a device or pipe.
    if (there?.isFile() === false) throw new Error('is no regular file');
  } catch (error) {
    throw failure(path, error);
  }
}

/**
 * Writes the ledger so that whoever looks finds the old file or the whole new one. The last thing that a process does, also one
 * that is ending already, so it is synchronous. Throws a MillraceError OUTPUT_FAILED.
 */
export function writeLedgerFile(path: string | undefined, ledger: object): void {
  if (path === undefined) return;
  const target = behindLinks(path);
  const part = `${target}.${process.pid}.part`;
  try {
    writeFileSync(part, `${JSON.stringify(ledger, null, 2)}\n`);
    renameSync(part, target);
  } catch (error) {
    try {
      rmSync(part, { force: true });
    } catch {}
    throw failure(path, error);
  }
}

/** A link stays where it is; the file that it points to gets the new content. */
function behindLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function failure(path: string, cause: unknown): MillraceError {
  return new MillraceError(
    'OUTPUT_FAILED',
    `--ledger ${JSON.stringify(path)}: cannot write: ${describeError(cause)}`,
    {
      cause,
    },
  );
}
