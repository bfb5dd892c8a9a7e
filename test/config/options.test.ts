import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMAND_NAMES, COMMANDS, type CommandSpec } from '../../src/config/commands.ts';
import type { OptionSpec } from '../../src/config/option.ts';
import { OPTIONS, optionsOf } from '../../src/config/options.ts';

const specs = Object.entries(OPTIONS) as [string, OptionSpec][];

test('every default is a value that the option allows', () => {
  for (const [key, { default: given, schema }] of specs) {
    for (const text of typeof given === 'string' ? [given] : (given ?? [])) {
      assert.ok(schema.safeParse(text).success, `${key}: ${text}`);
    }
  }
});

test('kinds and defaults fit', () => {
  for (const [key, { kind, default: given, syntax }] of specs) {
    if (kind === 'one') assert.equal(typeof given, 'string', key);
    if (kind === 'optional') assert.equal(given, undefined, key);
    if (kind === 'list') assert.ok(Array.isArray(given), key);
    assert.equal(syntax === '', kind === 'switch', key);
  }
});

test('a command has each flag once, and every option has a command', () => {
  for (const [key, { commands }] of specs) assert.ok(commands.length > 0, key);
  for (const command of COMMAND_NAMES) {
    const flags = optionsOf(command).map(([, { flag }]) => flag);
    assert.deepEqual([...new Set(flags)], flags, command);
    for (const flag of flags) assert.match(flag, /^[a-z]+(-[a-z]+)*$/);
  }
});

test('refusals say what is allowed, in one line', () => {
  for (const [key, { kind, schema }] of specs) {
    if (kind === 'switch') continue;
    const result = schema.safeParse('');
    assert.ok(!result.success, key);
    assert.match(result.error.issues[0].message, /^allowed (is|are) [^\n]+$/, key);
  }
});

test('every command has an example that begins with its name', () => {
  for (const name of COMMAND_NAMES) {
    const spec: CommandSpec = COMMANDS[name];
    assert.ok(spec.examples.length > 0, name);
    for (const { line } of spec.examples) assert.ok(line.includes(`millrace ${name}`), line);
  }
});

test('limits, both sides', () => {
  const cases: [keyof typeof OPTIONS, string, string][] = [
    ['slots', '16', '8'],
    ['slots', '1048576', '2097152'],
    ['slots', '4096', '4097'],
    ['workers', '1', '0'],
    ['http', '[::1]:65535', '[::1]:65536'],
    ['http', 'localhost:0', 'collector.example:80'],
    ['httpToken', 'x'.repeat(16), 'x'.repeat(15)],
    ['httpToken', 'x'.repeat(256), 'x'.repeat(257)],
    ['httpToken', '!~!~!~!~!~!~!~!~', 'with spaces in between'],
    ['url', 'https://collector.example/behind/a/proxy/', 'http://collector.example/?query'],
    ['url', 'http://[::1]:8080', 'ftp://collector.example'],
    ['workers', '256', '257'],
    ['maxDatagram', '64', '63'],
    ['maxDatagram', '65535', '65536'],
    ['recvBuffer', '4KiB', '4095'],
    ['recvBuffer', '1GiB', '1073741825'],
    ['templateTtl', '1s', '999ms'],
    ['templateTtl', '365d', '366d'],
    ['statusInterval', '0', '500ms'],
    ['statusInterval', '1d', '25h'],
    ['rate', '0', '-1'],
    ['rate', '10000000', '10000001'],
    ['exporterRate', '10000000/s', '10000001/s'],
    ['exporterRate', '0/s', '0'],
    ['loop', '0', '1.5'],
    ['count', '1', '0'],
    ['exporters', '65535', '65536'],
    ['templates', '1000', '1001'],
    ['loss', '0.999', '1'],
    ['reorder', '1', '1.1'],
    ['version', '10', '8'],
  ];
  for (const [key, good, bad] of cases) {
    const { schema } = OPTIONS[key] as OptionSpec;
    assert.ok(schema.safeParse(good).success, `${key} ${good}`);
    assert.ok(!schema.safeParse(bad).success, `${key} ${bad}`);
  }
});
