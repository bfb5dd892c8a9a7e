import { basename } from 'node:path';

/** The directives of a file name pattern, all of them in UTC. */
export const PATTERN_DIRECTIVES = '%Y %m %d %H %M %S %s %j %%';

const DAY_MS = 86_400_000;

/** The first directive of the pattern that is not supported, null when all are. */
export function unknownDirective(pattern: string): string | null {
  for (const [directive] of pattern.matchAll(/%.?/gs)) {
    if (!PATTERN_DIRECTIVES.split(' ').includes(directive)) return directive;
  }
  return null;
}

/** The pattern with its directives replaced by the UTC time atMs, milliseconds since the epoch. */
export function expandPattern(pattern: string, atMs: number): string {
  const at = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  return pattern.replace(/%[YmdHMSsj%]/g, (directive) => {
    switch (directive) {
      case '%Y':
        return String(at.getUTCFullYear());
      case '%m':
        return two(at.getUTCMonth() + 1);
      case '%d':
        return two(at.getUTCDate());
      case '%H':
        return two(at.getUTCHours());
      case '%M':
        return two(at.getUTCMinutes());
      case '%S':
        return two(at.getUTCSeconds());
      case '%s':
        return String(Math.floor(atMs / 1000));
      case '%j':
        return String(Math.floor((atMs - Date.UTC(at.getUTCFullYear(), 0, 1)) / DAY_MS) + 1).padStart(3, '0');
      default:
        return '%';
    }
  });
}

/**
 * The path with a number before its extension, which may be a double one: `a.ndjson.gz` and 2 give `a.2.ndjson.gz`, or
 * `a-2.ndjson.gz` with the mark '-'. Number 0 is the path itself.
 */
export function numberedPath(path: string, number: number, mark: '.' | '-'): string {
  if (number === 0) return path;
  const name = basename(path);
  // An extension begins with a letter: the 21 of flows.2026.11.21 belongs to the name.
  const extension = /(?<=.)(\.[A-Za-z][A-Za-z0-9]*)?(\.gz|\.zst)?$/.exec(name)?.[0] ?? '';
  return `${path.slice(0, path.length - extension.length)}${mark}${number}${extension}`;
}
