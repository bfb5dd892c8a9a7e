/** The command line from the tables of src/config: flags and help. Values are texts here; configuration.ts knows what they mean. */
import { Command, CommanderError, Option } from 'commander';
import { COMMAND_NAMES, COMMANDS, type CommandName, type CommandSpec } from '../config/commands.ts';
import { flagText, type OptionSpec } from '../config/option.ts';
import { optionsOf } from '../config/options.ts';
import type { Given, GivenOptions } from '../config/sources.ts';
import { usageError } from './errors.ts';

/** What the user asked for; null when help or the version was shown. */
export interface Invocation {
  command: CommandName;
  flags: GivenOptions;
  arguments: readonly string[];
}

const HELP_COLUMNS = 80;

/** Parses a command line. Throws MillraceError CONFIG_INVALID with one line that says what is wrong. */
export function parseCommandLine(argv: readonly string[], version: string): Invocation | null {
  let invocation: Invocation | null = null;
  const program = new Command('millrace')
    .description('Flow collector for NetFlow v5, v7, v9 and IPFIX.')
    .version(`millrace ${version}`, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help of a command')
    // --version belongs to whatever stands in front of it.
    .enablePositionalOptions();
  for (const name of COMMAND_NAMES) {
    program.addCommand(
      makeCommand(name, (found) => {
        invocation = found;
      }),
    );
  }
  program.addHelpText(
    'after',
    `\nExamples:\n${exampleLines(COMMANDS.demo)}\n${exampleLines(COMMANDS.collect)}`,
  );
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureHelp({ helpWidth: HELP_COLUMNS });
    command.configureOutput({ outputError: () => {}, writeErr: () => {} });
  }
  if (argv.length === 0) {
    throw usageError(`no command given; allowed are ${COMMAND_NAMES.join(', ')} (see millrace --help)`);
  }
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return null;
    if (error.code === 'commander.help' && error.exitCode === 0) return null;
    throw usageError(explain(error, argv));
  }
  return invocation;
}

function makeCommand(name: CommandName, onFound: (invocation: Invocation) => void): Command {
  const spec: CommandSpec = COMMANDS[name];
  const command = new Command(name)
    .summary(spec.summary)
    .description(spec.description)
    .helpOption('-h, --help', 'show help')
    .allowExcessArguments();
  const several = spec.argument?.several === true;
  if (spec.argument !== undefined) {
    const name = `${spec.argument.syntax}${several ? '...' : ''}`;
    command.argument(spec.argument.optional ? `[${name}]` : `<${name}>`, spec.argument.help);
  }
  const options = optionsOf(name).map(([, option]) => option);
  for (const option of options) for (const flag of makeOptions(option)) command.addOption(flag);
  command.addHelpText('after', `\nExamples:\n${exampleLines(spec)}`);
  command.action(() => {
    const expected = spec.argument === undefined ? 0 : 1;
    if (!several && command.args.length > expected) {
      const allowed = expected === 0 ? 'no arguments' : `one ${spec.argument?.syntax}`;
      throw usageError(
        `unexpected argument ${quoted(command.args[expected])}; millrace ${name} allows ${allowed}`,
      );
    }
    onFound({ command: name, flags: givenFlags(options, command), arguments: command.args });
  });
  return command;
}

/** A switch has a hidden opposite, for what a file or the environment has turned. */
function makeOptions(option: OptionSpec): Option[] {
  const { kind, flag, syntax, help } = option;
  const shown = flagText(option);
  const made = new Option(kind === 'switch' ? shown : `${shown} <${syntax}>`, help + defaultText(option));
  made.helpGroup(`${option.group}:`);
  if (kind === 'list') made.argParser((text, earlier: string[] | undefined) => [...(earlier ?? []), text]);
  if (kind !== 'switch') return [made];
  const opposite = new Option(shown === `--${flag}` ? `--no-${flag}` : `--${flag}`).hideHelp();
  // A group of its own would stand in the help where it comes, for --help alone.
  opposite.helpGroup(`${option.group}:`);
  // commander takes a switch to be on when it knows its negative form first.
  return shown === `--${flag}` ? [made, opposite] : [opposite, made];
}

function defaultText(option: OptionSpec): string {
  if (option.kind === 'switch') return '';
  const constant = typeof option.default === 'string' ? option.default : option.default?.join(', ');
  const text = option.defaultHelp ?? constant;
  return text === undefined || text === '' ? '' : ` (default: ${text})`;
}

/** The flags that stand on the command line, as texts. */
function givenFlags(options: readonly OptionSpec[], command: Command): GivenOptions {
  const values = command.opts() as Record<string, string | string[] | boolean | undefined>;
  const given = new Map<string, Given>();
  for (const { flag } of options) {
    const value = values[new Option(`--${flag}`).attributeName()];
    if (value === undefined) continue;
    const texts = [value].flat().map((text) => ({ text: String(text), label: `--${flag}` }));
    given.set(flag, { origin: `--${flag}`, texts });
  }
  return given;
}

function exampleLines(spec: CommandSpec): string {
  return spec.examples.map(({ line, does }) => `  # ${does}\n  ${folded(line)}`).join('\n');
}

/** The line in as many as it needs, as a shell takes them; an option stays with its value. */
function folded(line: string): string {
  const lines = [''];
  for (const part of line.split(/ (?=--|[|>])/)) {
    const last = lines[lines.length - 1];
    if (last !== '' && 4 + last.length + part.length > HELP_COLUMNS - 4) lines.push(part);
    else lines[lines.length - 1] = last === '' ? part : `${last} ${part}`;
  }
  return lines.join(' \\\n      ');
}

/** What commander complains about, in our words. */
function explain(error: CommanderError, argv: readonly string[]): string {
  const named = COMMAND_NAMES.find((name) => argv.includes(name));
  const see = `see millrace ${named === undefined ? '' : `${named} `}--help`;
  if (error.code === 'commander.help')
    return `no such command; allowed are ${COMMAND_NAMES.join(', ')} (${see})`;
  const text = error.message.replace(/^error: /, '');
  const unknown = /^unknown (option|command) '(.*?)'(?:\s*\(Did you mean (.*)\?\))?$/s.exec(text);
  if (unknown !== null) {
    const [, what, given, near] = unknown;
    const hint = near === undefined ? '' : `; did you mean ${near.replace('one of ', '')}?`;
    if (what === 'command')
      return `unknown command ${quoted(given)}${hint || ';'} allowed are ${COMMAND_NAMES.join(', ')}`;
    return `unknown option ${quoted(given)}${hint} (${see})`;
  }
  const missing = /^option '(--[a-z-]+) <(.*)>' argument missing$/.exec(text);
  if (missing !== null)
    return `${missing[1]}: no value given; allowed is ${missing[1]} ${missing[2]} (${see})`;
  const argument = /^missing required argument '(.*)'$/.exec(text);
  if (argument !== null) return `no ${argument[1]} given (${see})`;
  return `${text} (${see})`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
