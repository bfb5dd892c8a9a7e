import { isatty } from 'node:tty';
import type { Format, Schema } from '../output/encoder.ts';
import { type OutputSpec, parseOutputUri } from '../output/output-uri.ts';
import { usageError } from './errors.ts';

export interface OutputChoice {
  output: readonly string[];
  schema: Schema;
  /** For outputs that do not name one; undefined: text on a terminal, else ndjson. */
  format?: Format;
  /** Options records too, also where the URI does not say so. */
  options?: boolean;
}

export function stdoutIsTerminal(): boolean {
  return isatty(1);
}

/** What `--output` and its companions mean. Throws MillraceError CONFIG_INVALID. */
export function resolveOutputs(choice: OutputChoice): OutputSpec[] {
  const specs = choice.output.map((uri) => {
    const onTerminal = uri.startsWith('stdout:') && stdoutIsTerminal();
    const format = choice.format ?? (onTerminal ? 'text' : 'ndjson');
    const spec = parseOutputUri(uri, { format, schema: choice.schema });
    const options = choice.options === true || spec.encoding.options;
    return { ...spec, encoding: { ...spec.encoding, options } };
  });
  specs.forEach(({ kind, name }, i) => {
    if (kind === 'stdout' && specs.findIndex((other) => other.kind === kind) < i) {
      throw usageError(
        `--output ${JSON.stringify(name)}: allowed is one output to stdout:, and another is given`,
      );
    }
    // The name tells outputs apart in the ledger and in metrics.
    if (specs.findIndex((other) => other.name === name) < i)
      throw usageError(`--output ${JSON.stringify(name)}: allowed is one of each, and it is given twice`);
  });
  return specs;
}

/** Whether flows appear on the same screen as what goes to standard error. */
export function showsFlows(specs: readonly OutputSpec[]): boolean {
  return stdoutIsTerminal() && specs.some(({ kind }) => kind === 'stdout');
}

/** How an output says that the program behind the pipe has ended. */
const READER_GONE = 'the reader went away';

/** Trouble that is somebody's to put right: the end of a reader, as of `| head`, is none. */
export function realTroubles(troubles: readonly string[]): string[] {
  return troubles.filter((trouble) => !trouble.endsWith(READER_GONE));
}
