/** What kind of trouble a MillraceError is. */
export const ERROR_CODES = [
  'CONFIG_INVALID',
  'LISTEN_FAILED',
  'INPUT_FAILED',
  'OUTPUT_FAILED',
  'SEND_FAILED',
  'WORKER_FAILED',
  'STORE_FAILED',
] as const;
/** One of ERROR_CODES. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/**
 * Operating trouble: something a person can put right (a port in use, a missing file, a bad option).
 * Bytes from the network never become one of these, they are faults (src/wire/fault.ts); a broken invariant is an
 * assertion (assert.ts).
 */
export class MillraceError extends Error {
  /** For programs; the message is for people. */
  readonly code: ErrorCode;
  /** Further lines for a person, such as a mark under the place of a mistake; empty for none. */
  readonly detail: string;
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; detail?: string } = {}) {
    super(message, options);
    this.name = 'MillraceError';
    this.code = code;
    this.detail = options.detail ?? '';
  }
}

/** One line for a person, from whatever was thrown; system errors say what the system call could not do. */
export function describeError(error: unknown): string {
  if (error instanceof Error) {
    const system = error as NodeJS.ErrnoException;
    if (typeof system.code === 'string' && typeof system.syscall === 'string') {
      const reason = SYSTEM_REASONS[system.code] ?? system.code;
      return system.path ? `${reason}: ${system.path}` : reason;
    }
    return error.message;
  }
  return String(error);
}

/** The code of a system error, such as ENOENT. */
export function errorCode(error: unknown): string {
  return String((error as NodeJS.ErrnoException | null)?.code);
}

const SYSTEM_REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'address not available on this machine',
  EAFNOSUPPORT: 'address family not supported',
  EEXIST: 'already exists',
  EDQUOT: 'disk quota exceeded',
  EHOSTUNREACH: 'host unreachable',
  EINVAL: 'invalid argument',
  EISDIR: 'is a directory',
  EMFILE: 'too many open files',
  ENETUNREACH: 'network unreachable',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  ENOTFOUND: 'host name not found',
  EROFS: 'read-only file system',
};
