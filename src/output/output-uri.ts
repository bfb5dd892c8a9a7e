/** The value of `--output`: what it may say, and what it means. */
import { MillraceError } from '../base/errors.ts';
import { type Encoding, FORMATS, type Format, SCHEMAS, type Schema } from './encoder.ts';
import { PATTERN_DIRECTIVES, unknownDirective } from './file-name.ts';
import { DEFAULT_QUEUE_BYTES } from './output-queue.ts';

export const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** Added to file names that do not have them. */
export const COMPRESSION_SUFFIX: Readonly<Record<Compression, string>> = {
  none: '',
  gzip: '.gz',
  zstd: '.zst',
};

interface OutputBase {
  /** The URI as it was given. */
  readonly name: string;
  readonly encoding: Encoding;
  readonly queueBytes: number;
}

export interface StdoutSpec extends OutputBase {
  readonly kind: 'stdout';
}

export interface NullSpec extends OutputBase {
  readonly kind: 'null';
}

export interface FileSpec extends OutputBase {
  readonly kind: 'file';
  /** Path with time directives, see file-name.ts; ends with the suffix of its compression. */
  readonly pattern: string;
  /** Length of the period of one file, aligned to the epoch; 0 when files do not end by time. */
  readonly rotateMs: number;
  readonly compress: Compression;
}

export type OutputSpec = StdoutSpec | FileSpec | NullSpec;

export interface OutputDefaults {
  readonly format: Format;
  readonly schema: Schema;
}

const COMMON_OPTIONS = ['format', 'schema', 'options', 'queue'];
const FILE_OPTIONS = [...COMMON_OPTIONS, 'rotate', 'compress'];

const MIN_QUEUE_BYTES = 64 * 1024;
const MAX_QUEUE_BYTES = 64 * 1024 ** 3;
const MAX_ROTATE_MS = 366 * 86_400_000;

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const UNIT_BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/**
 * `stdout:`, `file:PATH` or `null:`, with options after a `?`. The defaults are for outputs that do not name a format or
 * schema. Throws MillraceError CONFIG_INVALID.
 */
export function parseOutputUri(text: string, defaults: OutputDefaults): OutputSpec {
  const reader = new UriReader(text);
  const kind = reader.scheme;
  const options = reader.options(kind === 'file' ? FILE_OPTIONS : COMMON_OPTIONS);
  const base: OutputBase = {
    name: text,
    encoding: parseEncoding(reader, options, defaults),
    queueBytes: parseQueue(reader, options.get('queue')),
  };
  if (kind !== 'file') {
    if (reader.path !== '') reader.fail(`${kind}: takes no path`);
    return { kind, ...base };
  }
  const path = parsePath(reader);
  const compress = parseCompression(reader, options.get('compress'), path);
  const suffix = COMPRESSION_SUFFIX[compress];
  return {
    kind,
    ...base,
    pattern: path.endsWith(suffix) ? path : path + suffix,
    rotateMs: parseRotate(reader, options.get('rotate')),
    compress,
  };
}

/** The parts of the text, and the errors about it. */
class UriReader {
  readonly scheme: OutputSpec['kind'];
  readonly path: string;
  readonly #text: string;
  readonly #query: string;

  constructor(text: string) {
    this.#text = text;
    const match = /^(stdout|file|null):([^?]*)(?:\?(.*))?$/s.exec(text);
    if (match === null)
      this.fail('allowed are stdout:, file:PATH and null:, with options such as ?format=ndjson');
    this.scheme = match[1] as OutputSpec['kind'];
    this.path = match[2];
    this.#query = match[3] ?? '';
  }

  options(allowed: readonly string[]): Map<string, string> {
    const options = new Map<string, string>();
    for (const option of this.#query.split('&')) {
      if (option === '') continue;
      const equals = option.indexOf('=');
      const key = equals < 0 ? option : option.slice(0, equals);
      if (!allowed.includes(key)) {
        this.fail(`unknown option ${JSON.stringify(key)}; ${this.scheme}: allows ${allowed.join(', ')}`);
      }
      if (options.has(key)) this.fail(`${key} is given twice`);
      options.set(key, equals < 0 ? '' : option.slice(equals + 1));
    }
    return options;
  }

  oneOf<T extends string>(key: string, value: string | undefined, allowed: readonly T[], otherwise: T): T {
    if (value === undefined) return otherwise;
    if ((allowed as readonly string[]).includes(value)) return value as T;
    return this.fail(`${key} is ${JSON.stringify(value)}; allowed are ${allowed.join(', ')}`);
  }

  /** Quotes what was given as JSON, so that the message stays one line whatever it was. */
  fail(reason: string): never {
    throw new MillraceError('CONFIG_INVALID', `--output ${JSON.stringify(this.#text)}: ${reason}`);
  }
}

function parseEncoding(reader: UriReader, options: Map<string, string>, defaults: OutputDefaults): Encoding {
  const format = reader.oneOf('format', options.get('format'), FORMATS, defaults.format);
  const schema = reader.oneOf('schema', options.get('schema'), SCHEMAS, defaults.schema);
  const given = options.get('options');
  if (schema === 'iana' && given === 'false')
    reader.fail('options=false is not possible with schema=iana, allowed is true');
  const wanted = reader.oneOf('options', given, ['true', 'false'], 'false');
  return { format, schema, options: schema === 'iana' || wanted === 'true' };
}

function parseQueue(reader: UriReader, value: string | undefined): number {
  if (value === undefined) return DEFAULT_QUEUE_BYTES;
  const match = /^(\d{1,15})(B|KiB|MiB|GiB)?$/.exec(value);
  const bytes = match === null ? 0 : Number(match[1]) * UNIT_BYTES[match[2] ?? 'B'];
  if (bytes >= MIN_QUEUE_BYTES && bytes <= MAX_QUEUE_BYTES) return bytes;
  return reader.fail(
    `queue is ${JSON.stringify(value)}; allowed are 64KiB to 64GiB, such as 16MiB or 16777216`,
  );
}

function parsePath(reader: UriReader): string {
  let path = reader.path;
  if (path.startsWith('//')) {
    if (path[2] !== '/')
      reader.fail('a file: URI has no host; allowed are file:///absolute/path and file:relative/path');
    path = path.slice(2);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are not wanted
  if (/[\u0000-\u001f\u007f]/.test(path))
    reader.fail('the path has control characters; allowed are printable ones');
  if (path === '' || path.endsWith('/'))
    reader.fail('no file name; allowed is a path such as file:flows.ndjson');
  const unknown = unknownDirective(path);
  if (unknown !== null)
    reader.fail(`unknown ${JSON.stringify(unknown)} in the path; allowed are ${PATTERN_DIRECTIVES} (UTC)`);
  return path;
}

function parseCompression(reader: UriReader, value: string | undefined, path: string): Compression {
  const bySuffix = path.endsWith('.gz') ? 'gzip' : path.endsWith('.zst') ? 'zstd' : null;
  const compress = reader.oneOf('compress', value, COMPRESSIONS, bySuffix ?? 'none');
  if (bySuffix !== null && compress !== bySuffix) {
    reader.fail(
      `compress is ${JSON.stringify(compress)} for a ${COMPRESSION_SUFFIX[bySuffix]} file; allowed is ${bySuffix}`,
    );
  }
  return compress;
}

function parseRotate(reader: UriReader, value: string | undefined): number {
  if (value === undefined) return 0;
  const match = /^(\d{1,9})([smhd])$/.exec(value);
  const rotateMs = match === null ? 0 : Number(match[1]) * UNIT_MS[match[2]];
  if (rotateMs > 0 && rotateMs <= MAX_ROTATE_MS) return rotateMs;
  return reader.fail(`rotate is ${JSON.stringify(value)}; allowed are 1s to 366d, such as 30s, 5m, 1h or 1d`);
}
