/** All tests that decode with `decoderOf` once more, with plans compiled before their first record. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { JIT_VARIABLE } from './support/decoder.ts';

process.env[JIT_VARIABLE] = 'eager';
const here = new URL('./', import.meta.url);
const files = readdirSync(fileURLToPath(here), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js') && name !== 'compiled.test.js')
  .filter((name) => /^import .*\/support\/decoder\.js'/m.test(readFileSync(new URL(name, here), 'utf8')));
assert.ok(files.length > 1);
for (const name of files) await import(new URL(name, here).href);
