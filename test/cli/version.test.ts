/** What the build says of the commit it is of: its last step, run in other places. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from './child.ts';

const BUILT = fileURLToPath(new URL('../../src/cli/', import.meta.url));
const SAID = 'said-by-the-builder';
const directory = temporaryDirectory();

/** A package under a path, with the built program in it. */
class Place {
  readonly #at: string;

  constructor(...path: string[]) {
    this.#at = join(directory, ...path);
    mkdirSync(join(this.#at, 'dist/src/cli'), { recursive: true });
    for (const name of ['record-commit.js', 'version.js'])
      copyFileSync(join(BUILT, name), join(this.#at, 'dist/src/cli', name));
    this.write('package.json', '{"version":"1.2.3","type":"module"}');
    this.write('.gitignore', 'dist/\n');
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.#at, name), text);
  }

  git(...args: string[]): string {
    const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.org'];
    const { status, stdout, stderr } = this.#run('git', [...identity, ...args]);
    assert.equal(status, 0, stderr);
    return stdout.trim();
  }

  /** Builds, and returns what `--version` would say then. */
  build(environment: NodeJS.ProcessEnv = {}): string {
    const { status, stdout, stderr } = this.#run(
      process.execPath,
      ['dist/src/cli/record-commit.js'],
      environment,
    );
    assert.deepEqual([status, stdout, stderr], [0, '', '']);
    const show = "import('./dist/src/cli/version.js').then((m) => console.log(m.versionText()))";
    return this.#run(process.execPath, ['-e', show]).stdout.trim();
  }

  #run(program: string, args: string[], environment: NodeJS.ProcessEnv = {}) {
    const env: NodeJS.ProcessEnv = { ...process.env, ...environment };
    // A hook of git, which may run the tests, names its own repository.
    for (const name of Object.keys(env)) if (name.startsWith('GIT_')) delete env[name];
    return spawnSync(program, args, { cwd: this.#at, env, encoding: 'utf8' });
  }
}

const skip = spawnSync('git', ['--version']).status === 0 ? false : 'git is not installed';

test('a checkout knows its commit, and whether files have been changed', { skip }, () => {
  const place = new Place('checkout');
  place.git('init', '--quiet');
  assert.equal(place.build(), '1.2.3', 'no commit yet');
  place.git('add', '.');
  place.git('commit', '--quiet', '--message', 'first');
  const commit = place.git('rev-parse', 'HEAD');
  assert.match(commit, /^[0-9a-f]{40}$/);
  assert.equal(place.build({ SOURCE_COMMIT: SAID }), `1.2.3 (${commit})`);
  place.write('more.ts', '');
  assert.equal(place.build(), `1.2.3 (${commit}-dirty)`);
  // What the build before had known is no more.
  assert.equal(place.build({ PATH: directory }), '1.2.3', 'git is not installed');
});

test('a copy of the sources knows what it is told, wherever it lies', { skip }, () => {
  const outer = new Place('outer');
  outer.git('init', '--quiet');
  outer.git('add', '.');
  outer.git('commit', '--quiet', '--message', 'first');
  for (const place of [new Place('outer', 'inner'), new Place('alone')]) {
    assert.equal(place.build(), '1.2.3');
    assert.equal(place.build({ SOURCE_COMMIT: SAID }), `1.2.3 (${SAID})`);
  }
});
