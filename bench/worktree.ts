import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A commit checked out beside the working tree, with its dependencies, built. */
export interface Worktree {
  readonly commit: string;
  readonly folder: string;
}

const inherit: ['ignore', 'inherit', 'inherit'] = ['ignore', 'inherit', 'inherit'];

/** Checks commits out into a temporary folder, calls use, and removes them whatever happens. */
export async function withWorktrees<T>(
  revisions: readonly string[],
  use: (trees: Worktree[]) => Promise<T>,
): Promise<T> {
  const root = git('rev-parse', '--show-toplevel');
  const parent = mkdtempSync(join(tmpdir(), 'millrace-compare-'));
  const folders = revisions.map((_, i) => join(parent, i === 0 ? 'base' : 'head'));
  try {
    const trees = revisions.map((revision, i) => {
      const commit = git('rev-parse', '--verify', `${revision}^{commit}`);
      git('worktree', 'add', '--detach', folders[i], commit);
      install(root, folders[i]);
      execFileSync('npm', ['run', '--silent', 'build'], { cwd: folders[i], stdio: inherit });
      return { commit, folder: folders[i] };
    });
    return await use(trees);
  } finally {
    for (const folder of folders) if (existsSync(folder)) git('worktree', 'remove', '--force', folder);
    rmSync(parent, { recursive: true, force: true });
  }
}

/** Shares the dependencies of the working tree where the commit has the same ones, else installs its own. */
function install(root: string, folder: string): void {
  const lock = (where: string): string => readFileSync(join(where, 'package-lock.json'), 'utf8');
  if (lock(root) !== lock(folder)) {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, stdio: inherit });
    return;
  }
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir');
  } catch {
    cpSync(join(root, 'node_modules'), join(folder, 'node_modules'), { recursive: true });
  }
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}
