import { readFileSync } from 'node:fs';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

/** Version of the package. */
export function packageVersion(): string {
  return (JSON.parse(read('../../../package.json')) as { version: string }).version;
}

/** The commit it was built from, with `-dirty` where files had been changed; null when the build did not know. */
export function sourceCommit(): string | null {
  return read('commit.txt') || null;
}

/** Both, for a person. */
export function versionText(): string {
  const commit = sourceCommit();
  return packageVersion() + (commit === null ? '' : ` (${commit})`);
}
