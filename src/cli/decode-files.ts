/** What decoding of captures and of columnar files has in common: how files are read one after another, and how a run ends. */

import { MillraceError } from '../base/errors.ts';
import { onAbort } from '../base/on-abort.ts';
import type { OptionValues } from '../config/options.ts';
import { complain, ExitCode, say } from './errors.ts';
import { writeLedgerFile } from './ledger-file.ts';
import { realTroubles } from './outputs.ts';
import { startProgress } from './progress.ts';
import type { Stop } from './stop.ts';

/** Counts of a file; they grow as it is read. */
interface FileStats {
  bytesRead: number;
  /** NaN for a pipe. */
  bytesTotal: number;
}

interface InputFile {
  readonly stats: FileStats;
  /** Gives up the file, also while it is read. */
  close(): Promise<void>;
}

export interface ReadFiles<Stats = FileStats> {
  /** What was opened, in order. */
  readonly inputs: readonly (Stats & { readonly file: string })[];
  readonly failed: boolean;
}

/**
 * Reads files until the end is asked for. A MillraceError of `open` or `read` ends its file, with a complaint. `read` calls
 * `onProgress` now and then, and ends soon when the end is asked for, as `open` does: the file is closed then.
 */
export async function readFiles<File extends InputFile>(
  files: readonly string[],
  stop: Stop,
  showBar: boolean,
  open: (file: string, signal: AbortSignal) => Promise<File>,
  read: (input: File, onProgress: () => void, file: string) => Promise<void>,
): Promise<ReadFiles<File['stats']>> {
  const inputs: (File['stats'] & { file: string })[] = [];
  let failed = false;
  for (const file of files) {
    if (stop.requested) break;
    try {
      const input = await open(file, stop.signal);
      const { stats } = input;
      const progress = startProgress(showBar, stats.bytesTotal, 'bytes');
      const release = onAbort(stop.signal, () => void input.close());
      try {
        await read(input, () => progress.update(stats.bytesRead), file);
      } finally {
        release();
        progress.stop();
        inputs.push({ file, ...stats });
      }
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      // What is cut short by the end of the run is no trouble.
      if (stop.requested) break;
      complain(error.message);
      failed = true;
    }
  }
  return { inputs, failed };
}

/** The last words of a run whose outputs are closed. Returns the exit code. */
export function finishDecoding(
  { quiet, ledger }: Pick<OptionValues<'decode'>, 'quiet' | 'ledger'>,
  { inputs, failed }: ReadFiles,
  troubles: readonly string[],
  report: object,
  summary: string,
  stop: Stop,
): number {
  const [trouble] = realTroubles(troubles);
  if (trouble !== undefined) complain(trouble);
  writeLedgerFile(ledger, { ...report, inputs });
  const readerGone = troubles.length > 0 && trouble === undefined;
  if (!quiet && !readerGone && inputs.length > 0) say(summary);
  return failed || trouble !== undefined ? ExitCode.failed : stop.exitCode;
}
