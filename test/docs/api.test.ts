import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../cli/child.ts';
import { execute } from '../package/npm.ts';
import { root } from './pages.ts';

const TYPEDOC = join(root, 'node_modules/typedoc/bin/typedoc');
const configuration = join(root, 'tsconfig.api.json');

/** The text of every file of a directory, by its path there. */
function filesOf(directory: string): Record<string, string> {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  const pages = paths.filter((path) => path.endsWith('.md'));
  return Object.fromEntries(pages.map((path) => [path, readFileSync(join(directory, path), 'utf8')]));
}

test('docs/api is what the package exports, all of it documented; npm run generate:docs writes it', async () => {
  const out = temporaryDirectory();
  // A warning is an error: something exported has no docstring, or names a type that is not exported.
  const { code, stdout, stderr } = await execute(
    process.execPath,
    [TYPEDOC, '--tsconfig', configuration, '--out', out],
    { cwd: root },
  );
  assert.equal(code, 0, stdout + stderr);
  assert.deepEqual(filesOf(join(root, 'docs/api')), filesOf(out));
});

test('the entry points of the API pages are those of the package', () => {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, { types: string }>;
  };
  const { files, typedocOptions } = JSON.parse(readFileSync(configuration, 'utf8'));
  const types = Object.values(exports).map((entry) => entry.types.replace('./', ''));
  assert.deepEqual(files, types);
  assert.deepEqual(typedocOptions.entryPoints, types);
});
