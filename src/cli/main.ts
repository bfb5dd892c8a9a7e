#!/usr/bin/env node
import { configure } from '../config/configuration.ts';
import type { OptionValues } from '../config/options.ts';
import { ExitCode, reportError } from './errors.ts';
import { HangUps } from './hang-ups.ts';
import { parseCommandLine } from './program.ts';
import { versionText } from './version.ts';

/** Runs a command line and returns the exit code. Commands are loaded when they are run, so that help is quick. */
async function run(argv: readonly string[]): Promise<number> {
  const invocation = parseCommandLine(argv, versionText());
  if (invocation === null) return ExitCode.ok;
  const { command, flags } = invocation;
  const hangUps = command === 'collect' ? new HangUps() : null;
  const configuration = await configure(command, flags, process.env);
  const { values } = configuration;
  switch (command) {
    case 'collect':
      return (await import('./commands/collect.ts')).collect(
        configuration,
        () => configure(command, flags, process.env, configuration.file),
        hangUps!,
      );
    case 'check':
      return (await import('./commands/check.ts')).check(configuration);
    case 'decode':
      return (await import('./commands/decode.ts')).decode(
        invocation.arguments,
        values as OptionValues<'decode'>,
      );
    case 'replay':
      return (await import('./commands/replay.ts')).replayFile(
        invocation.arguments[0],
        values as OptionValues<'replay'>,
      );
    case 'generate':
      return (await import('./commands/generate.ts')).generate(values as OptionValues<'generate'>);
    case 'inspect':
      return (await import('./commands/inspect.ts')).inspect(
        invocation.arguments,
        values as OptionValues<'inspect'>,
      );
    case 'top':
      return (await import('./commands/top.ts')).top(values as OptionValues<'top'>);
    case 'tail':
      return (await import('./commands/tail.ts')).tail(
        invocation.arguments[0],
        values as OptionValues<'tail'>,
      );
    case 'doctor':
      return (await import('./commands/doctor.ts')).doctor(values as OptionValues<'doctor'>);
    case 'templates':
      return (await import('./commands/templates.ts')).templates(
        invocation.arguments,
        values as OptionValues<'templates'>,
      );
    case 'log':
      return (await import('./commands/log.ts')).log(invocation.arguments, values as OptionValues<'log'>);
    case 'demo':
      return (await import('./commands/demo.ts')).demo(values as OptionValues<'demo'>);
  }
}

const argv = process.argv.slice(2);
const verbose = /(^|\s)--log-level[= ]debug(\s|$)/.test(argv.join(' '));
let finished = false;
// Whoever read our output or our complaints may be gone; the outputs have their own way to notice.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});
process.on('uncaughtException', (error) => process.exit(reportError(error, verbose)));
process.on('exit', (code) => {
  if (finished || code !== ExitCode.ok) return;
  process.exitCode = reportError(new Error('nothing is left to wait for, but the work is not done'), verbose);
});
run(argv).then(
  (code) => {
    finished = true;
    process.exitCode = code;
  },
  // Whatever is still open must not keep the process.
  (error: unknown) => process.exit(reportError(error, verbose)),
);
