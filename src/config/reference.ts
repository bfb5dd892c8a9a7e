/** What is generated from the option table: the reference page and the JSON Schema of the file. */
import { z } from 'zod';
import { COMMAND_NAMES } from './commands.ts';
import { flagText, OPTION_GROUPS, type OptionSpec, variableOf } from './option.ts';
import { OPTIONS, optionsIn, optionsOf } from './options.ts';
import { DEFAULT_CONFIG_FILE } from './sources.ts';

const INTRODUCTION = `# Options

Generated from the option table (\`src/config/options.ts\`); \`npm run generate:docs\` writes it anew.

The collector takes options from four places, and so do \`millrace check\` and \`millrace doctor\`, which look at it;
the later goes before the earlier:

1. the default,
2. the file that \`--config\` or \`MILLRACE_CONFIG\` names, else \`${DEFAULT_CONFIG_FILE}\` where it exists,
3. environment variables,
4. flags.

A source replaces a list as a whole. Unknown keys and unknown \`MILLRACE_\` variables are errors. Other commands take flags only.

\`\`\`yaml
# yaml-language-server: $schema=./millrace.schema.json
listen:
  - netflow://[::]:2055
output:
  - file:///var/flows/flows-%Y%m%d-%H%M.ndjson?rotate=5m&compress=zstd
allow: [10.0.0.0/8, 2001:db8::/32]
workers: 4
jit: true
\`\`\`

In variables the values of a list are separated by commas (\`MILLRACE_ALLOW=10.0.0.0/8,192.0.2.7\`), and an empty variable
counts as none; a value with a comma in it belongs into the file. Switches are \`true\` or \`false\` in the file and in variables;
on the command line \`--no-FLAG\` turns off what another source has turned on. The file is plain YAML of up to 64 KiB: one document,
no anchors, aliases, tags or repeated keys.

On \`SIGHUP\` the collector reads file and environment again, takes over the options that are marked *(SIGHUP)*, and logs
what has changed and what needs a restart. When there is a mistake in the file, or an output cannot be opened, everything stays
as it was, and the log says so.
`;

/** docs/options.md. */
export function optionsPage(): string {
  const options: readonly OptionSpec[] = Object.values(OPTIONS);
  const sections = OPTION_GROUPS.map((group) => {
    const rows = options.filter((option) => option.group === group).map(row);
    return `\n## ${group}\n\n| option | commands | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return INTRODUCTION + sections.join('');
}

function row(option: OptionSpec): string {
  const { kind, syntax, help, notIn = [], flag } = option;
  const names = [`\`${flagText(option)}${kind === 'switch' ? '' : ` ${syntax}`}\``];
  if (optionsIn('environment').includes(option)) names.push(`\`${variableOf(option)}\``);
  const inFile = optionsIn('file').includes(option) && !notIn.includes('file');
  if (inFile) names.push(`\`${flag}:\``);
  const meaning = option.live ? `${help} *(SIGHUP)*` : help;
  return `| ${[names.join('<br>'), commandsOf(option), defaultOf(option), meaning].map(cell).join(' | ')} |`;
}

function commandsOf(option: OptionSpec): string {
  return COMMAND_NAMES.filter((name) => optionsOf(name).some(([, each]) => each === option)).join(', ');
}

function defaultOf({ kind, default: given, defaultHelp }: OptionSpec): string {
  if (defaultHelp !== undefined) return defaultHelp;
  if (kind === 'switch') return `\`${given ?? 'false'}\``;
  return given === undefined ? '' : `\`${[given].flat().join(', ')}\``;
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

/** docs/millrace.schema.json. */
export function fileSchema(): object {
  const properties = optionsIn('file').map((option) => [option.flag, propertyOf(option)]);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Millrace configuration',
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(properties),
  };
}

function propertyOf({ kind, schema, help, default: given }: OptionSpec): object {
  const { $schema: _, ...value } = z.toJSONSchema(schema, { io: 'input' });
  if (kind !== 'list') {
    const constant = value.type === 'boolean' ? given === 'true' : given;
    return { ...value, description: described(help, value.description), default: constant };
  }
  const items = { type: 'array', items: value, minItems: given?.length === 0 ? undefined : 1 };
  return { description: help, anyOf: [items, value], default: given };
}

function described(help: string, allowed: string | undefined): string {
  return allowed === undefined ? help : `${help}; ${allowed}`;
}
