import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { COMMAND_NAMES, COMMANDS, type CommandName, type CommandSpec } from '../../src/config/commands.ts';
import { flagText } from '../../src/config/option.ts';
import { optionsOf } from '../../src/config/options.ts';
import { type Ended, run } from './child.ts';

/** Processes at a time. */
const ABREAST = 4;

async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const worker = async (): Promise<void> => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: ABREAST }, worker));
}

/** A mistake in the command line: exit code 2 and one line that holds all of these. */
function assertUsage(ended: Ended, ...parts: string[]): void {
  assert.equal(ended.code, 2, ended.stderr);
  assert.equal(ended.stdout, '');
  assert.match(ended.stderr, /^millrace: [^\n]+\n$/);
  for (const part of parts) assert.ok(ended.stderr.includes(part), `${part} in: ${ended.stderr}`);
}

test('every --help fits 80 columns, lists every option and has an example', async () => {
  await forEach(COMMAND_NAMES, async (command) => {
    const { code, stdout, stderr } = await run([command, '--help']);
    assert.equal(code, 0);
    assert.equal(stderr, '');
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, `${command}: ${line}`);
    for (const [, option] of optionsOf(command)) assert.ok(stdout.includes(flagText(option)), option.flag);
    assert.match(stdout, /\n\nOptions:\n {2}-h, --help +show help\n\nExamples:/);
    assert.match(stdout, new RegExp(`Examples:\\n(.*\\n)* .*millrace ${command}`));
  });
});

test('millrace --help lists the commands, with an example', async () => {
  const { code, stdout } = await run(['--help']);
  assert.equal(code, 0);
  for (const command of COMMAND_NAMES) assert.match(stdout, new RegExp(`^  ${command} `, 'm'));
  assert.match(stdout, /Examples:/);
  assert.deepEqual(await run(['help', 'decode']), await run(['decode', '--help']));
});

test('--version is that of the package, with the commit that was built', async () => {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  const commit = readFileSync(new URL('../../src/cli/commit.txt', import.meta.url), 'utf8');
  for (const flag of ['--version', '-V']) {
    const { code, stdout } = await run([flag]);
    assert.equal(code, 0);
    assert.equal(stdout, `millrace ${version}${commit && ` (${commit})`}\n`);
  }
});

test('a bad value of every option is one line with the flag, what was given and what is allowed', async () => {
  const cases: [CommandName, string, string, string][] = [];
  for (const command of COMMAND_NAMES)
    for (const [key, { flag, kind, secret }] of optionsOf(command)) {
      if (kind === 'switch') continue;
      // Where any text is allowed, only none is wrong; what is no URI of an output is found out later.
      const files = ['quarantine', 'ledger', 'dgramsFile', 'httpTokenFile', 'config', 'elements'];
      const anyText = files.includes(key) || key === 'filter';
      const bad = anyText ? '' : 'no such\nvalue';
      cases.push([command, flag, bad, secret ? '***' : bad]);
    }
  assert.ok(cases.length > 30);
  await forEach(cases, async ([command, flag, bad, shown]) => {
    const file = (COMMANDS[command] as CommandSpec).argument === undefined ? [] : ['some.pcap'];
    const ended = await run([command, ...file, `--${flag}`, bad]);
    assertUsage(ended, `--${flag}`, JSON.stringify(shown), 'allowed');
  });
});

test('unknown flags and commands are named, and the nearest is suggested', async () => {
  assertUsage(
    await run(['collect', '--wrokers', '4']),
    '--wrokers',
    'did you mean --workers?',
    'collect --help',
  );
  assertUsage(await run(['decode', 'x', '--nothing-like-it']), '--nothing-like-it', 'decode --help');
  assertUsage(await run(['--foo']), '--foo');
  assertUsage(await run(['colect']), 'colect', 'did you mean collect?', 'replay');
  assertUsage(await run(['help', 'nothing']), 'collect, check, decode');
  assertUsage(await run([]), COMMAND_NAMES.join(', '));
});

test('missing and excess arguments, and values left out', async () => {
  assertUsage(await run(['decode']), 'file');
  assertUsage(await run(['replay', '--to', '127.0.0.1:1']), 'file');
  assertUsage(await run(['collect', 'x']), '"x"', 'no arguments');
  assertUsage(await run(['replay', 'a', 'b\n', '--to', '127.0.0.1:1']), '"b\\n"', 'one file');
  assertUsage(await run(['collect', '--workers']), '--workers', 'N|auto');
  assertUsage(await run(['replay', 'a']), '--to');
  assertUsage(await run(['generate']), '--to', '--output');
});

test('options that contradict each other', async () => {
  assertUsage(
    await run(['replay', 'a', '--to', '127.0.0.1:1', '--rate', '5', '--speed', '2']),
    '--rate "5"',
    '--speed "2"',
    'exclude each other',
  );
  assertUsage(
    await run(['generate', '--to', '127.0.0.1:1', '--output', 'x']),
    '--to "127.0.0.1:1"',
    '--output "x"',
  );
  assertUsage(
    await run(['generate', '--to', '127.0.0.1:1', '--version', '5', '--templates', '2']),
    '--templates "2"',
    'allowed is 1',
  );
  assertUsage(
    await run(['generate', '--to', '127.0.0.1:1', '--version', '7', '--redefine', '2']),
    '--redefine "2"',
    'allowed is 0',
  );
  assertUsage(await run(['replay', '-', '--to', '127.0.0.1:1', '--loop', '2']), '--loop "2"', 'allowed is 1');
  assertUsage(await run(['decode', 'x', '--output', 'stdout:', '--output', 'stdout:']), '--output "stdout:"');
  assertUsage(
    await run(['collect', '--output', 'file:a', '--output', 'null:', '--output', 'file:a']),
    '--output "file:a"',
    'given twice',
  );
  assertUsage(
    await run(['collect', '--slots', '1048576', '--listen', 'netflow://127.0.0.1:0']),
    '--slots "1048576"',
    'allowed are up to 131072',
  );
});

test('--version and --options belong to the command that has them', async () => {
  const { code, stderr } = await run([
    'generate',
    '--version',
    '10',
    '--to',
    'nobody.invalid:1',
    '--count',
    '1',
  ]);
  assert.equal(code, 1, stderr);
});

const reportIn = async (error: string, verbose: boolean): Promise<{ code: number; stderr: string }> => {
  const errors = new URL('../../src/cli/errors.js', import.meta.url).href;
  const base = new URL('../../src/base/errors.js', import.meta.url).href;
  const script = `
    import { reportError } from ${JSON.stringify(errors)};
    import { MillraceError } from ${JSON.stringify(base)};
    process.exitCode = reportError(${error}, ${verbose});
  `;
  return promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]).then(
    ({ stderr }) => ({ code: 0, stderr }),
    (failure: { code: number; stderr: string }) => ({ code: failure.code, stderr: failure.stderr }),
  );
};

test('an internal error is one line that asks for a report, with the stack only on demand', async () => {
  const quiet = await reportIn("new TypeError('x is not\\na function')", false);
  assert.equal(quiet.code, 70);
  assert.match(
    quiet.stderr,
    /^millrace: internal error: x is not a function\. .*report it.*--log-level debug.*\n$/,
  );
  const verbose = await reportIn("new TypeError('x')", true);
  assert.equal(verbose.code, 70);
  assert.match(verbose.stderr, /\n {4}at /);
});

test('operating errors are one line and exit code 1', async () => {
  const own = await reportIn("new MillraceError('LISTEN_FAILED', 'cannot\\nlisten')", false);
  assert.deepEqual(own, { code: 1, stderr: 'millrace: cannot listen\n' });
  const system = await reportIn(
    "Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write', path: '/x' })",
    false,
  );
  assert.deepEqual(system, { code: 1, stderr: 'millrace: no space left on device: /x\n' });
});
