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

test('docs/millrace.schema.json takes what the collector takes, and refuses what it refuses', async () => {
  const path = join(temporaryDirectory(), 'case.yaml');
  const schema = z.fromJSONSchema(JSON.parse(docs('millrace.schema.json')));
  const flags = parseCommandLine(['collect', '--config', path], '0')!.flags;
  const good = `workers: 4|workers: auto|workers: "256"|slots: 8192|jit: false|allow: []|allow: 10.0.0.0/8|allow: ["::1"]
    listen: netflow://:2055|listen: ["netflow://[::1]:0", netflow://0.0.0.0:9995]|recv-buffer: 32MiB|recv-buffer: 33554432
    template-ttl: 1h30m|drain-grace: 0|drain-grace: 5s|exporter-rate: 20000/s|http: "off"|http: "[::]:8080"|receivers: 64
    http-token: correct-horse-battery|log-level: debug|filter: proto tcp|templates: redis://h?fleet=a|max-datagram: 1500`;
  const bad = `workers: 0|workers: 1.5|workers: four|workers: 257|slots: 8|slots: many|jit: 1|jit: maybe|allow: [10.0.0.x]|allow: 5
    listen: []|listen: bla|listen: netflow://h|recv-buffer: 1|recv-buffer: 32MB|template-ttl: 30|template-ttl: 30x|drain-grace: 1
    exporter-rate: 20000|http: true|http: "8080"|receivers: 65|http-token: short|log-level: DEBUG|filter: ""|templates: ftp://x
    max-datagram: 65536|wrokers: 1|config: x|json: true|output: {a: b}`;
  for (const [lines, expected] of [
    [good, true],
    [bad, false],
  ] as const) {
    for (const yaml of lines.split(/\||\n\s*/)) {
      writeFileSync(path, yaml);
      const taken = await configure('collect', flags, {}).then(
        () => true,
        () => false,
      );
      assert.equal(taken, expected, yaml);
      assert.equal(schema.safeParse(parse(yaml)).success, expected, yaml);
    }
  }
});
