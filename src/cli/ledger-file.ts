import { constants, renameSync, rmSync, writeFileSync } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describeError, MillraceError } from '../base/errors.ts';

/** Says at the start what would otherwise only be found at the end. Rejects with MillraceError OUTPUT_FAILED. */
export async function checkLedgerFile(path: string | undefined): Promise<void> {
  if (path === undefined) return;
  try {
    const directory = dirname(path);
    if (!(await stat(directory)).isDirectory()) throw new Error(`not a directory: ${directory}`);
    await access(directory, constants.W_OK | constants.X_OK);
    const there = await stat(path).catch(() => undefined);
    if (there?.isDirectory()) throw new Error('is a directory');
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
  const part = `${path}.${process.pid}.part`;
  try {
    writeFileSync(part, `${JSON.stringify(ledger, null, 2)}\n`);
    renameSync(part, path);
  } catch (error) {
    try {
      rmSync(part, { force: true });
    } catch {}
    throw failure(path, error);
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
