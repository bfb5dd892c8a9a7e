/** The options of a command with the values that hold: file before default, environment before file, flags before all. */
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { MillraceError } from '../base/errors.ts';
import { maskAll, maskValue } from '../base/secrets.ts';
import type { CommandName } from './commands.ts';
import type { OptionSpec } from './option.ts';
import { isConfigured, type OptionKey, optionsOf } from './options.ts';
import { defaultConfigFile, fromEnvironment, fromFile, type Given, type GivenOptions } from './sources.ts';
import { yamlText } from './yaml.ts';

/** Characters of a refused text that an error repeats. */
const MAX_SHOWN = 200;

export interface Setting {
  readonly option: OptionSpec;
  /** As they were given, or the default. */
  readonly texts: readonly string[];
  readonly origin: string;
  readonly value: unknown;
}

/** What each option is and why. */
export class Configuration {
  readonly settings: ReadonlyMap<OptionKey, Setting>;
  /** The file that was read. */
  readonly file: string | undefined;

  constructor(settings: ReadonlyMap<OptionKey, Setting>, file: string | undefined) {
    this.settings = settings;
    this.file = file;
  }

  /** By the keys of the option table: OptionValues of the command. */
  get values(): unknown {
    return Object.fromEntries([...this.settings].map(([key, { value }]) => [key, value]));
  }

  /** The settings as a file that would give the same, with the origin of each behind it. Secrets are masked. */
  toYaml(): string {
    return [...this.settings.values()]
      .filter(({ option }) => !option.notIn?.includes('file'))
      .map((setting) => `${settingYaml(setting)}\n`)
      .join('');
  }

  /** 16 hexadecimal digits: equal for equal settings, wherever they come from. Secrets are not part of it. */
  get digest(): string {
    const settings = [...this.settings.values()].map(({ option, texts }) => [
      option.flag,
      ...texts.map((text) => shown(option, text)),
    ]);
    return createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 16);
  }
}

/**
 * Puts together what was given. Sources are read in full, so a mistake is told even where another source wins. Rejects
 * with MillraceError CONFIG_INVALID. earlier: the file that was read before, which must be there again.
 */
export async function configure(
  command: CommandName,
  flags: GivenOptions,
  environment: NodeJS.ProcessEnv,
  earlier?: string,
): Promise<Configuration> {
  const sources = [flags];
  let file: string | undefined;
  if (isConfigured(command)) {
    const variables = fromEnvironment(environment);
    const named = flags.get('config') ?? variables.get('config');
    file = named?.texts[0].text ?? earlier ?? (await defaultConfigFile());
    sources.push(variables);
    if (file) sources.push(await fromFile(file));
  }
  const settings = optionsOf(command).map(([key, option]) => [key, settingOf(option, sources)] as const);
  return new Configuration(new Map(settings), file);
}

/** sources: the strongest first. */
function settingOf(option: OptionSpec, sources: readonly GivenOptions[]): Setting {
  const [winner] = sources.flatMap((source) => {
    const given = source.get(option.flag);
    return given === undefined ? [] : [parsed(option, given)];
  });
  return winner ?? parsed(option, defaultOf(option));
}

function defaultOf({ default: given, kind, flag }: OptionSpec): Given {
  const texts = typeof given === 'string' ? [given] : (given ?? (kind === 'switch' ? ['false'] : []));
  return { origin: 'default', texts: texts.map((text) => ({ text, label: flag })) };
}

function parsed(option: OptionSpec, { origin, texts }: Given): Setting {
  if (option.kind === 'list' && texts.length === 0 && option.default?.length !== 0) {
    throw new MillraceError(
      'CONFIG_INVALID',
      `${origin}: ${option.flag}: allowed is at least one ${option.syntax}`,
    );
  }
  const values = texts.map(({ text, label }) => {
    const result = (option.schema as z.ZodType<unknown, string>).safeParse(text);
    if (result.success) return result.data;
    const [{ message }] = result.error.issues;
    throw new MillraceError(
      'CONFIG_INVALID',
      `${label} ${JSON.stringify(shown(option, text).slice(0, MAX_SHOWN))}: ${message}`,
    );
  });
  const value = option.kind === 'list' ? values : values[0];
  return { option, texts: texts.map(({ text }) => text), origin, value };
}

/** The texts of a setting for a person, without secrets. */
export function settingText({ option, texts }: Setting): string {
  if (texts.length === 0) return option.defaultHelp ?? 'none';
  return texts.map((text) => JSON.stringify(shown(option, text))).join(', ');
}

function shown(option: OptionSpec, text: string): string {
  return option.secret ? maskAll(text) : maskValue(text);
}

function settingYaml({ option, texts, origin }: Setting): string {
  const { flag, kind } = option;
  const values = texts.map((text) => yamlText(shown(option, text)));
  if (kind === 'list' && values.length > 0) {
    return [`${flag}: # ${origin}`, ...values.map((value) => `  - ${value}`)].join('\n');
  }
  if (kind === 'list') return `${flag}: [] # ${origin}`;
  return values.length === 0 ? `# ${flag}: # ${origin}` : `${flag}: ${values[0]} # ${origin}`;
}
