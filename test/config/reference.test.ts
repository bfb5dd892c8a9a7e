import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OPTIONS, optionsIn } from '../../src/config/options.ts';
import { fileSchema, optionsPage } from '../../src/config/reference.ts';

const docs = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

test('docs/options.md is what the table says; npm run generate:docs writes it', () => {
  assert.equal(docs('options.md'), optionsPage());
  for (const { flag } of Object.values(OPTIONS))
    assert.match(docs('options.md'), new RegExp(`--(no-)?${flag}\\b`));
});

test('docs/millrace.schema.json is what the table says; npm run generate:docs writes it', () => {
  const schema = JSON.parse(docs('millrace.schema.json')) as { properties: object };
  assert.deepEqual(schema, JSON.parse(JSON.stringify(fileSchema())));
  assert.deepEqual(
    Object.keys(schema.properties),
    optionsIn('file').map(({ flag }) => flag),
  );
});
