import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseCommandLine } from '../../src/cli/program.ts';
import { configure } from '../../src/config/configuration.ts';
import { OPTIONS, optionsIn } from '../../src/config/options.ts';
import { fileSchema, optionsPage } from '../../src/config/reference.ts';
import { temporaryDirectory } from '../cli/child.ts';

const docs = (name: string): string =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');

test('the examples of README.md and docs/options.md are files that are taken', async () => {
  const path = join(temporaryDirectory(), 'example.yaml');
  const schema = z.fromJSONSchema(JSON.parse(docs('millrace.schema.json')));
  for (const page of ['options.md', '../README.md']) {
    const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(docs(page))!;
    writeFileSync(path, yaml);
    const flags = parseCommandLine(['collect', '--config', path], '0')!.flags;
    const { settings } = await configure('collect', flags, {});
    assert.ok([...settings.values()].filter(({ origin }) => origin.startsWith(path)).length > 2, page);
    const parsed: unknown = parse(yaml);
    assert.ok(schema.safeParse(parsed).success, page);
    assert.ok(!schema.safeParse({ ...(parsed as object), wrokers: 1 }).success);
    assert.ok(!schema.safeParse({ ...(parsed as object), jit: 'maybe' }).success);
  }
});

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
