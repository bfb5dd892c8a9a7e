import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseCommandLine } from '../../src/cli/program.ts';
import { COMMAND_NAMES } from '../../src/config/commands.ts';
import { type Configuration, configure } from '../../src/config/configuration.ts';
import { variableOf } from '../../src/config/option.ts';
import { isConfigured, type OPTIONS, optionsIn } from '../../src/config/options.ts';
import { temporaryDirectory } from '../cli/child.ts';

const file = join(temporaryDirectory(), 'millrace.yaml');

async function configured(
  flags: string[],
  environment: Record<string, string> = {},
  yaml?: string,
  command = 'collect',
): Promise<Configuration> {
  if (yaml !== undefined) writeFileSync(file, yaml);
  const withFile = yaml === undefined ? flags : [...flags, '--config', file];
  const invocation = parseCommandLine([command, ...withFile], '0');
  assert.ok(invocation !== null);
  return configure(invocation.command, invocation.flags, environment);
}

const settingValue = (configuration: Configuration, key: keyof typeof OPTIONS): unknown =>
  configuration.settings.get(key)?.value;
const originOf = (configuration: Configuration, key: keyof typeof OPTIONS): string | undefined =>
  configuration.settings.get(key)?.origin.replace(file, 'FILE');

test('file before default, environment before file, flags before all', async () => {
  const yaml = 'slots: 16\nworkers: 2\nlog-level: warn\njit: false\n';
  const all = await configured(
    ['--log-level', 'debug'],
    { MILLRACE_WORKERS: '3', MILLRACE_LOG_LEVEL: 'error' },
    yaml,
  );
  assert.deepEqual(
    (['receivers', 'slots', 'workers', 'logLevel', 'jit'] as const).map((key) => [
      settingValue(all, key),
      originOf(all, key),
    ]),
    [
      [1, 'default'],
      [16, 'FILE:1'],
      [3, 'MILLRACE_WORKERS'],
      ['debug', '--log-level'],
      [false, 'FILE:4'],
    ],
  );
});

test('lists in all three, each replacing the weaker one', async () => {
  const yaml = 'allow:\n  - 10.0.0.0/8\n  - 2001:db8::/32\noutput: "null:"\n';
  const texts = (configuration: Configuration): unknown => configuration.settings.get('allow')?.texts;
  assert.deepEqual(texts(await configured([], {}, yaml)), ['10.0.0.0/8', '2001:db8::/32']);
  const variable = { MILLRACE_ALLOW: '192.0.2.1, ::1' };
  assert.deepEqual(texts(await configured([], variable, yaml)), ['192.0.2.1', '::1']);
  assert.deepEqual(texts(await configured(['--allow', '::2', '--allow', '::3'], variable, yaml)), [
    '::2',
    '::3',
  ]);
  assert.deepEqual(settingValue(await configured([], { MILLRACE_ALLOW: '' }, yaml), 'output'), ['null:']);
  assert.deepEqual(settingValue(await configured([], {}, 'allow: []'), 'allow'), []);
  await assert.rejects(configured([], {}, 'listen: []'), /:1: listen: allowed is at least one URI$/);
});

test('a switch can be turned in every source and back', async () => {
  assert.equal(settingValue(await configured([]), 'jit'), true);
  assert.equal(settingValue(await configured(['--no-jit']), 'jit'), false);
  assert.equal(settingValue(await configured(['--jit'], {}, 'jit: off'), 'jit'), true);
  assert.equal(settingValue(await configured([], { MILLRACE_JIT: 'yes' }, 'jit: off'), 'jit'), true);
  assert.equal(settingValue(await configured(['x', '--no-jit'], {}, undefined, 'decode'), 'jit'), false);
  await assert.rejects(configured([], {}, 'jit: 1'), /jit "1": allowed is true or false$/);
});

test('a mistake is told even where a stronger source wins', async () => {
  await assert.rejects(
    configured(['--workers', '4'], {}, 'workers: 0'),
    /:1:10: workers "0": allowed is auto/,
  );
  await assert.rejects(
    configured(['--workers', '4'], { MILLRACE_WORKERS: '-' }),
    /^\w+: MILLRACE_WORKERS "-": allowed/,
  );
});

test('unknown keys and variables name the nearest known one', async () => {
  await assert.rejects(
    configured([], {}, 'recv_buffer: 1'),
    /:1:1: unknown option "recv_buffer"; did you mean recv-buffer\?$/,
  );
  await assert.rejects(configured([], {}, 'zzzzzz: 1'), /unknown option "zzzzzz"$/);
  await assert.rejects(
    configured([], { MILLRACE_LISTN: 'x' }),
    /unknown environment variable MILLRACE_LISTN; did you mean MILLRACE_LISTEN\?$/,
  );
  // Only flags: what is of the moment, or would have to be known already.
  await assert.rejects(configured([], {}, 'config: x'), /unknown option "config"/);
  await assert.rejects(configured([], { MILLRACE_DUMP_CONFIG: 'true' }), /unknown environment variable/);
});

test('MILLRACE_CONFIG names the file unless --config does', async () => {
  writeFileSync(file, 'workers: 7');
  const named = await configure('collect', new Map(), { MILLRACE_CONFIG: file });
  assert.equal(settingValue(named, 'workers'), 7);
  const other = await configured(['--config', '/dev/null'], { MILLRACE_CONFIG: file });
  assert.equal(settingValue(other, 'workers'), 'auto');
  await assert.rejects(
    configured(['--config', '/no/such']),
    /cannot read \/no\/such: no such file or directory$/,
  );
});

test('a file that was read must be there when it is read again', async () => {
  await configure('collect', new Map(), {});
  await assert.rejects(configure('collect', new Map(), {}, '/no/such'), /cannot read \/no\/such/);
});

test('what sends and decodes is not configured by file and environment', async () => {
  for (const command of COMMAND_NAMES) {
    assert.equal(isConfigured(command), ['collect', 'check', 'doctor'].includes(command), command);
  }
  const decode = await configured(['x'], { MILLRACE_WORKERS: '7', MILLRACE_FOO: '' }, undefined, 'decode');
  assert.equal(settingValue(decode, 'workers'), 'auto');
});

test('check has the options of collect', async () => {
  const keys = async (command: string) => [...(await configured([], {}, undefined, command)).settings.keys()];
  assert.deepEqual(await keys('check'), await keys('collect'));
});

test('a dump reads back as the same configuration', async () => {
  const yaml =
    'listen: [netflow://127.0.0.1:0]\nallow: [::1]\nquarantine: "a: #b"\nledger: "null"\nslots: 16\njit: false\n';
  const first = await configured(['--workers', '3'], { MILLRACE_RECEIVERS: '2' }, yaml);
  const dump = first.toYaml();
  assert.match(dump, /^jit: false # .*millrace\.yaml:6$/m);
  assert.match(dump, /^workers: 3 # --workers$/m);
  assert.match(dump, /^receivers: 2 # MILLRACE_RECEIVERS$/m);
  assert.match(dump, /^schema: millrace # default$/m);
  const second = await configured([], {}, dump);
  const texts = ({ settings }: Configuration) =>
    [...settings].filter(([key]) => key !== 'config').map(([key, setting]) => [key, setting.texts]);
  assert.deepEqual(texts(second), texts(first));
});

test('secrets are shown neither in dumps nor in errors', async () => {
  const uri = 'redis://user:hunter2@host:6379/0?token=abc';
  const dump = (await configured(['--quarantine', uri])).toYaml();
  assert.ok(dump.includes('redis://user:***@host:6379/0?token=***'), dump);
  await assert.rejects(configured(['--listen', uri]), (error: Error) => {
    return error.message.includes('user:***@host') && !/hunter2|abc/.test(error.message);
  });
});

test('names are one to one in each source', () => {
  for (const source of ['file', 'environment'] as const) {
    const names = optionsIn(source).map((option) => (source === 'file' ? option.flag : variableOf(option)));
    assert.deepEqual([...new Set(names)], names);
    for (const name of names) assert.match(name, source === 'file' ? /^[a-z-]+$/ : /^MILLRACE_[A-Z_]+$/);
  }
});
