/** What the file and the environment say: the texts of options, with the names that errors and dumps have for their place. */
import { access } from 'node:fs/promises';
import { MillraceError } from '../base/errors.ts';
import { suggestion } from '../base/nearest.ts';
import { type OptionSpec, VARIABLE_PREFIX, variableOf } from './option.ts';
import { optionsIn } from './options.ts';
import { readYaml, type YamlNode, yamlError } from './yaml.ts';

/** The texts of one option from one source. */
export interface Given {
  /** For a person: `flag`, `MILLRACE_WORKERS`, `millrace.yaml:3`. */
  readonly origin: string;
  /** One for each value of a list, else exactly one; label: how an error begins. */
  readonly texts: readonly { readonly text: string; readonly label: string }[];
}

/** By the flag of the option. */
export type GivenOptions = ReadonlyMap<string, Given>;

export const DEFAULT_CONFIG_FILE = '/etc/millrace/millrace.yaml';
const MAX_FILE_BYTES = 64 * 1024;

/**
 * Variables that begin with MILLRACE_. The values of a list are separated by commas; an empty variable counts as none.
 * Throws MillraceError CONFIG_INVALID for a name that no option has.
 */
export function fromEnvironment(environment: NodeJS.ProcessEnv): GivenOptions {
  const options = new Map(optionsIn('environment').map((option) => [variableOf(option), option]));
  const given = new Map<string, Given>();
  for (const [name, text = ''] of Object.entries(environment)) {
    if (!name.startsWith(VARIABLE_PREFIX)) continue;
    const option = options.get(name);
    if (option === undefined) {
      const hint = suggestion(name, options.keys());
      throw new MillraceError('CONFIG_INVALID', `unknown environment variable ${name}${hint}`);
    }
    if (text.trim() === '') continue;
    const texts = option.kind === 'list' ? text.split(',').map((part) => part.trim()) : [text];
    given.set(option.flag, { origin: name, texts: texts.map((each) => ({ text: each, label: name })) });
  }
  return given;
}

/** The default file when it is there; undefined when not. */
export async function defaultConfigFile(): Promise<string | undefined> {
  return access(DEFAULT_CONFIG_FILE).then(
    () => DEFAULT_CONFIG_FILE,
    (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? undefined : DEFAULT_CONFIG_FILE),
  );
}

/** A YAML file with a key for each option. Rejects with MillraceError CONFIG_INVALID. */
export async function fromFile(path: string): Promise<GivenOptions> {
  const root = await readYaml(path, MAX_FILE_BYTES);
  const given = new Map<string, Given>();
  if (root.kind === 'text' && root.empty) return given;
  if (root.kind !== 'map') throw yamlError(path, root, 'allowed are lines such as workers: 4');
  const options = new Map(optionsIn('file').map((option) => [option.flag, option]));
  for (const { key, value } of root.entries) {
    const option = options.get(key.text);
    if (option === undefined) {
      const hint = suggestion(key.text, options.keys());
      throw yamlError(path, key, `unknown option ${JSON.stringify(key.text)}${hint}`);
    }
    const texts = textsOf(path, option, value);
    given.set(option.flag, { origin: `${path}:${key.line}`, texts });
  }
  return given;
}

function textsOf(path: string, option: OptionSpec, value: YamlNode): Given['texts'] {
  if (value.kind === 'list' && option.kind === 'list') {
    return value.items.flatMap((item) => textsOf(path, { ...option, kind: 'one' }, item));
  }
  if (value.kind !== 'text') {
    const allowed = option.kind === 'list' ? 'a list of texts' : 'one value';
    throw yamlError(path, value, `${option.flag}: allowed is ${allowed}`);
  }
  if (value.empty) throw yamlError(path, value, `${option.flag}: no value; for the default leave it out`);
  return [{ text: value.text, label: `${path}:${value.line}:${value.column}: ${option.flag}` }];
}
