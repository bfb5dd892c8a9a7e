/** The house rules that a machine can check: who may import what, and words that must not come in. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const sourceFiles = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));

/** Folders of src in the order of the way of the data; each may import only itself and what stands before it. */
const ORDER = [
  'base',
  'memory',
  'elements',
  'wire',
  'decode',
  'templates',
  'fleet',
  'schema',
  'accounting',
  'output',
  'filter',
  'receive',
  'generator',
  'dispatch',
  'ops',
  'config',
  'cli',
];
/** Files beside the folders: the two doors and the composition roots. They stand between dispatch and cli. */
const ROOTS = ['src/decoder.ts', 'src/collector.ts', 'src/collector-parts.ts', 'src/index.ts'];

/** The only files that may import a driver. */
const DRIVERS: Readonly<Record<string, readonly string[]>> = {
  piscina: ['src/dispatch/pool.ts', 'workers/decode.ts'],
  'node:dgram': ['src/receive/dgram-receiver.ts', 'src/generator/sender.ts'],
  koffi: ['src/base/system-calls.ts'],
  '@bokuweb/zstd-wasm': ['src/output/block-compressor.ts'],
  ioredis: ['src/fleet/redis-client.ts'],
  yaml: ['src/config/yaml.ts'],
  pino: ['src/ops/log.ts'],
  'pino-pretty': ['src/ops/log.ts'],
  'prom-client': ['src/ops/prometheus.ts'],
  'node:http': ['src/ops/http/server.ts'],
};

const files = [...sourceFiles('src'), ...sourceFiles('workers')];
const importsOf = (file: string): string[] => {
  const text = readFileSync(join(root, file), 'utf8');
  const found = text.matchAll(/^\s*(?:import|export)\b[^;]*?\bfrom\s+'([^']+)'|\bimport\('([^']+)'\)/gm);
  return [...found].map((match) => match[1] ?? match[2]);
};
const target = (file: string, specifier: string): string =>
  relative(root, join(root, dirname(file), specifier));
const rank = (file: string): number => {
  if (file.startsWith('workers/')) return ORDER.indexOf('dispatch');
  if (ROOTS.includes(file)) return ORDER.indexOf('dispatch');
  return ORDER.indexOf(file.split('/')[1]);
};

test('every folder of src has its place in the order', () => {
  const folders = new Set(
    files.filter((f) => f.startsWith('src/') && !ROOTS.includes(f)).map((f) => f.split('/')[1]),
  );
  for (const folder of folders) assert.ok(ORDER.includes(folder), folder);
});

test('imports point only to what stands before', () => {
  for (const file of files)
    for (const specifier of importsOf(file).filter((name) => name.startsWith('.'))) {
      const other = target(file, specifier);
      assert.ok(rank(other) <= rank(file), `${file} imports ${other}`);
    }
});

test('a driver has one importer', () => {
  for (const file of files)
    for (const specifier of importsOf(file)) {
      const allowed = DRIVERS[specifier];
      assert.ok(allowed === undefined || allowed.includes(file), `${file} imports ${specifier}`);
    }
});

test('decode threads load no sink, socket, logger or command', () => {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const specifier of importsOf(file)) {
      assert.ok(!/^node:(dgram|net|http|fs|zlib)/.test(specifier), `${file} imports ${specifier}`);
      if (specifier.startsWith('.')) visit(target(file, specifier));
    }
  };
  visit('workers/decode.ts');
  assert.ok(seen.size > 10);
  for (const file of seen) assert.ok(!/-sink\.ts$|^src\/(receive|ops|config|cli)\//.test(file), file);
});

test('waiting on shared words, clocks and generated code stay where they belong', () => {
  const rules: readonly [RegExp, readonly string[]][] = [
    [/\bAtomics\.(wait|waitAsync|notify)\b/, ['src/memory/wait.ts']],
    [/\bDate\.now\(|\bperformance\.now\(/, ['src/base/clock.ts']],
    [/\bMath\.random\(/, []],
    [/\bnew Function\(|\beval\(/, ['src/decode/compile.ts']],
    [/\bconsole\./, []],
  ];
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const [pattern, allowed] of rules)
      assert.ok(!pattern.test(text) || allowed.includes(file), `${file}: ${pattern}`);
  }
});

test('files are short, and no folder is a grab-bag', () => {
  for (const file of files) {
    assert.ok(!/\/(utils?|helpers?|common)(\/|\.ts$)/.test(file), file);
    if (/generated|\/vendors\//.test(file)) continue;
    const lines = readFileSync(join(root, file), 'utf8').split('\n').length;
    assert.ok(lines <= 500, `${file}: ${lines} lines`);
  }
});
