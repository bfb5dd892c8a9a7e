/** The last step of the build: writes which commit it is of, for version.ts. Not part of the package. */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

function git(...args: string[]): string {
  return execFileSync('git', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

/** Where there is no checkout, whoever builds may say it. Empty when nobody knows. */
function commit(): string {
  try {
    // Sources that were unpacked inside another repository are not its files.
    if (existsSync(`${root}.git`)) {
      const changed = git('--no-optional-locks', 'status', '--porcelain') !== '';
      return git('rev-parse', 'HEAD') + (changed ? '-dirty' : '');
    }
  } catch {
    // git is not installed, or does not trust the directory.
  }
  return process.env['SOURCE_COMMIT'] ?? '';
}

writeFileSync(new URL('commit.txt', import.meta.url), commit());
