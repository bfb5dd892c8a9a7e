import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MillraceError } from '../../src/base/errors.ts';
import { readYaml, type YamlNode, yamlText } from '../../src/config/yaml.ts';
import { temporaryDirectory } from '../cli/child.ts';
import fc from '../support/fast-check.ts';

const path = join(temporaryDirectory(), 'a.yaml');

/** The node without positions. */
function plain(node: YamlNode): unknown {
  if (node.kind === 'text') return node.empty ? null : node.text;
  if (node.kind === 'list') return node.items.map(plain);
  return Object.fromEntries(node.entries.map(({ key, value }) => [key.text, plain(value)]));
}

async function read(text: string | Uint8Array, maxBytes = 65_536): Promise<unknown> {
  writeFileSync(path, text);
  return plain(await readYaml(path, maxBytes));
}

/** The reason, on one line. */
async function refusal(text: string, maxBytes?: number): Promise<string> {
  const error = await read(text, maxBytes).then(
    () => assert.fail(`taken: ${text.slice(0, 80)}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof MillraceError, String(error));
  assert.equal(error.code, 'CONFIG_INVALID');
  assert.ok(!error.message.includes('\n'));
  return error.message.replace(path, 'FILE');
}

test('every scalar is the text that was written', async () => {
  assert.deepEqual(await read('a: 010\nb: "x: y"\nc: yes\nd: [1.50, 2026-01-01]\ne: ~\nf:\n# comment\n'), {
    a: '010',
    b: 'x: y',
    c: 'yes',
    d: ['1.50', '2026-01-01'],
    e: null,
    f: null,
  });
  assert.equal(await read(''), null);
  assert.deepEqual(await read('__proto__: 1'), Object.fromEntries([['__proto__', '1']]));
});

test('what is not wanted in such files is refused with its place', async () => {
  const cases: [string, string][] = [
    ['a: &x 1', 'FILE:1:7: anchors are not allowed'],
    ['a: 1\nb: *x', 'FILE:2:4: aliases are not allowed'],
    ['a: !!str 1', 'FILE:1:10: tags are not allowed'],
    ['a: !own 1', 'FILE:1:4: tags are not allowed'],
    ['a: 1\na: 2', 'FILE:2:1: "a" is there twice'],
    ['a: 1\n---\nb: 2', 'FILE:2:1: a second document; allowed is one'],
    ['? [a]\n: 1', 'FILE:1:3: a key must be a name'],
    ['a: "x', 'FILE:1:6: Missing closing "quote'],
    ['a:\n\t- b', 'FILE:2:1: Tabs are not allowed as indentation'],
  ];
  for (const [text, expected] of cases) assert.equal(await refusal(text), expected);
});

test('nesting and size, both sides', async () => {
  const nested = (depth: number): string => `${'['.repeat(depth)}x${']'.repeat(depth)}`;
  await read(nested(8));
  assert.match(await refusal(nested(9)), /nested too deeply/);
  assert.match(await refusal('['.repeat(50_000)), /^FILE:1:\d+: nested too deeply$/);
  await read(`# ${'x'.repeat(98)}`, 100);
  assert.equal(await refusal(`# ${'x'.repeat(99)}`, 100), 'FILE: allowed are up to 100 bytes');
});

test('an alias bomb is not expanded', async () => {
  const lines = ['a0: &a0 [x, x]'];
  for (let i = 1; i < 60; i++) lines.push(`a${i}: &a${i} [*a${i - 1}, *a${i - 1}]`);
  assert.match(await refusal(lines.join('\n')), /^FILE:1:\d+: anchors are not allowed$/);
});

test('many keys cost linear time, and any bytes end in a result or one line', async () => {
  const keys = Array.from({ length: 9_000 }, (_, i) => `k${i}:`).join('\n');
  assert.equal(Object.keys((await read(keys)) as object).length, 9_000);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      await read(bytes).catch((error: unknown) => {
        assert.ok(error instanceof MillraceError && !error.message.includes('\n'), String(error));
      });
    }),
    { numRuns: 300 },
  );
});

test('a text that is written reads back the same', async () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('~', 'null', '', 'true', '012'),
  );
  await fc.assert(
    fc.asyncProperty(text, async (value) => {
      const written = yamlText(value);
      assert.ok(!written.includes('\n'), written);
      // A lone surrogate has no bytes in a file.
      fc.pre(Buffer.from(value).toString() === value);
      writeFileSync(path, `key: ${written} # comment\n`);
      const node = await readYaml(path, 65_536);
      assert.ok(node.kind === 'map' && node.entries[0].value.kind === 'text');
      assert.equal(node.entries[0].value.text, value);
      assert.equal(node.entries[0].value.empty, false);
    }),
    { numRuns: 500 },
  );
});
