/** What a file under deploy/ makes the collector do, by the option parser that the collector has. */
import { fileURLToPath } from 'node:url';
import { parseCommandLine } from '../../src/cli/program.ts';
import type { CommandName } from '../../src/config/commands.ts';
import { type Configuration, configure } from '../../src/config/configuration.ts';
import { type OptionValues, optionsOf } from '../../src/config/options.ts';

/** Of a file that stands in the repository. */
export const fromRoot = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** The default of an option of collect, as it is written. */
export function defaultOf(name: string): string {
  const option = optionsOf('collect').find(([, { flag }]) => flag === name)?.[1];
  return [option?.default ?? option?.defaultHelp ?? ''].flat().join(',');
}

/** Parses the words behind `millrace`; rejects as the command would. */
export async function configured(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Configuration> {
  const invocation = parseCommandLine(words, '0');
  if (invocation === null) throw new Error(`runs nothing: ${words.join(' ')}`);
  return configure(invocation.command, invocation.flags, environment);
}

export async function valuesOf<C extends CommandName>(
  words: readonly [C, ...string[]],
  environment: Readonly<Record<string, string>> = {},
): Promise<OptionValues<C>> {
  return (await configured(words, environment)).values as OptionValues<C>;
}
