/** What went wrong, in one line on standard error, and the exit code that goes with it. */
import { describeError, MillraceError } from '../base/errors.ts';
import { maskSecrets } from '../base/secrets.ts';

export const ExitCode = { ok: 0, failed: 1, usage: 2, internal: 70 } as const;

/** A mistake in the command line: the flag, what was given, and what is allowed. */
export function usageError(text: string, detail = ''): MillraceError {
  return new MillraceError('CONFIG_INVALID', text, { detail });
}

/** Writes a line for a person. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** The text on one line, whatever it holds. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a name given by the user may hold any of them
  return text.trim().replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, ' ');
}

export function complain(text: string): void {
  say(`millrace: ${oneLine(maskSecrets(text))}`);
}

/** Tells of the error and returns the exit code. verbose: with the stack of an error that is a defect of ours. */
export function reportError(error: unknown, verbose: boolean): number {
  if (error instanceof MillraceError) {
    complain(error.message);
    if (error.detail !== '') say(error.detail);
    return error.code === 'CONFIG_INVALID' ? ExitCode.usage : ExitCode.failed;
  }
  if (isSystemError(error)) {
    complain(describeError(error));
    return ExitCode.failed;
  }
  const advice = verbose ? '' : '; --log-level debug shows where';
  complain(
    `internal error: ${describeError(error)}. This is a defect of Millrace, please report it with the command line and ` +
      `the output of millrace --version${advice}`,
  );
  if (verbose && error instanceof Error) say(error.stack ?? '');
  return ExitCode.internal;
}

function isSystemError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && typeof syscall === 'string';
}
