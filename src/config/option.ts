/** What a row of the option table says. */
import type { z } from 'zod';
import type { CommandName } from './commands.ts';

/**
 * one: takes a value and has a default. optional: takes a value, may be absent. list: may be repeated. switch: on or off;
 * `--flag` turns it on, `--no-flag` off.
 */
export type OptionKind = 'one' | 'optional' | 'list' | 'switch';

export interface OptionSpec {
  /** The name: `--recv-buffer`, `MILLRACE_RECV_BUFFER`, and `recv-buffer` in the file. */
  readonly flag: string;
  readonly kind: OptionKind;
  /** What the value looks like, for usage lines; empty for a switch. */
  readonly syntax: string;
  /** From the text of one value to its meaning; its messages begin with «allowed». */
  readonly schema: z.ZodType;
  /** A switch without one is off. */
  readonly default?: string | readonly string[];
  /** Where the default is not a constant: what it is, in words. */
  readonly defaultHelp?: string;
  readonly help: string;
  readonly group: OptionGroup;
  readonly commands: readonly CommandName[];
  /** Sources that cannot set it. */
  readonly notIn?: readonly ('file' | 'environment')[];
  /** A collector that runs takes over another value on SIGHUP; others need a restart. */
  readonly live?: true;
  /** The value is a secret as a whole, and never shown. */
  readonly secret?: true;
}

/** The flag as it is typed: a switch that is on by default is there to be turned off. */
export function flagText({ flag, kind, default: given }: OptionSpec): string {
  return kind === 'switch' && given === 'true' ? `--no-${flag}` : `--${flag}`;
}

export function variableOf({ flag }: OptionSpec): string {
  return VARIABLE_PREFIX + flag.toUpperCase().replaceAll('-', '_');
}

export const VARIABLE_PREFIX = 'MILLRACE_';

/** Headings of the help, in their order. */
export const OPTION_GROUPS = [
  'Input',
  'Sending',
  'Traffic',
  'Output',
  'Templates',
  'Resources',
  'Reporting',
  'HTTP',
  'Configuration',
] as const;
export type OptionGroup = (typeof OPTION_GROUPS)[number];
