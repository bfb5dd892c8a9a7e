/** Template stores by their URIs: the value of `--templates`. */
import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Clock, systemClock } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import { maskSecrets } from '../base/secrets.ts';
import { FileStore, readStoreFile } from '../templates/file-store.ts';
import { MemoryStore } from '../templates/memory-store.ts';
import { StoreError, type TemplateStore } from '../templates/store.ts';
import { WRITER_BYTES } from '../templates/stored-value.ts';
import { RedisStore } from './redis-store.ts';

/** What a store can be told when it is opened. */
export interface OpenStoreOptions {
  /** Only to look at it: never waits for whoever uses it, and changes nothing. */
  readonly readOnly?: boolean;
  /** 16 hexadecimal digits that name this process to others; made up when absent. */
  readonly writer?: string;
  /** Default: the clocks of the system. */
  readonly clock?: Clock;
  /** Told, in one line for people, of what was put right without them. */
  readonly notice?: (line: string) => void;
}

type Opener = (uri: string, options: OpenStoreOptions) => Promise<TemplateStore>;

/** What can stand in front of the first colon of a URI. */
const OPENERS: Readonly<Record<string, Opener>> = {
  memory: async (uri, { clock }) => {
    if (uri !== 'memory:') throw refusal(uri, 'memory: takes nothing behind the colon');
    return new MemoryStore(clock);
  },
  file: async (uri, options) => {
    const path = pathOf(uri, uri);
    return options.readOnly ? readStoreFile(path) : FileStore.open(path, options);
  },
  module: openModule,
  ...Object.fromEntries(
    ['redis', 'rediss'].flatMap((scheme) =>
      ['', '+sentinel', '+cluster'].map((mode) => [scheme + mode, openRedis]),
    ),
  ),
};

const STORE_SYNTAX =
  'memory:, file:///absolute/path, redis://host:6379/0?fleet=name and module:/path/to/own.js';

/**
 * Opens a store. Rejects with a fatal StoreError, without secrets in its message, when the URI means none or the store can
 * never be used.
 */
export async function openStore(uri: string, options: OpenStoreOptions = {}): Promise<TemplateStore> {
  if (typeof uri !== 'string') throw refusal(String(uri), `a text is expected, as ${STORE_SYNTAX}`);
  const scheme = /^([a-z][a-z0-9+.-]*):/.exec(uri)?.[1] ?? '';
  if (!Object.hasOwn(OPENERS, scheme)) throw refusal(uri, `no template store; allowed are ${STORE_SYNTAX}`);
  return OPENERS[scheme](uri, { clock: systemClock, ...options });
}

/** Where templates are kept unless somebody says otherwise: in the state directory that systemd gives, or that of the user. */
export function defaultStoreUri(env: NodeJS.ProcessEnv = process.env, home = homedir()): string {
  const given = env['STATE_DIRECTORY']?.split(':')[0] ?? '';
  if (isAbsolute(given)) return uriOf(given);
  const state = env['XDG_STATE_HOME'] ?? '';
  return uriOf(join(isAbsolute(state) ? state : join(home, '.local', 'state'), 'millrace'));
}

function uriOf(directory: string): string {
  return pathToFileURL(join(directory, 'templates.mrt')).href;
}

/** The path of a file: URI. shown: what the user gave, for errors. */
function pathOf(uri: string, shown: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a URL parser would drop them without a word
  if (/[\u0000-\u0020\u007f]/.test(uri))
    throw refusal(shown, 'spaces and control characters must be encoded, as %20');
  if (!uri.startsWith('file:///')) throw refusal(shown, 'the path must be absolute, as in file:///path');
  if (/[?#]/.test(uri)) throw refusal(shown, 'takes no options; ? and # in a path are %3F and %23');
  let path: string;
  try {
    path = fileURLToPath(uri);
  } catch {
    throw refusal(shown, 'no path of a file');
  }
  if (path.endsWith('/') || path.includes('\0')) throw refusal(shown, 'no path of a file');
  return path;
}

async function openRedis(uri: string, { writer, clock, readOnly }: OpenStoreOptions): Promise<TemplateStore> {
  const name = writer === undefined ? randomBytes(WRITER_BYTES) : Buffer.from(writer, 'hex');
  try {
    return new RedisStore(uri, { writer: name, clock, readOnly });
  } catch (cause) {
    throw new StoreError(describeError(cause), true, { cause });
  }
}

const METHODS = ['get', 'getScope', 'put', 'touch', 'remove', 'clearScope', 'watch', 'close'] as const;

/** A store that the user wrote: the default export is a function that makes one, or a promise of one. */
async function openModule(uri: string, options: OpenStoreOptions): Promise<TemplateStore> {
  const query = uri.indexOf('?');
  const path = pathOf(`file://${uri.slice('module:'.length, query < 0 ? undefined : query)}`, uri);
  let make: unknown;
  try {
    make = ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (cause) {
    throw refusal(uri, `cannot be loaded: ${describeError(cause)}`, cause);
  }
  if (typeof make !== 'function') throw refusal(uri, 'has no function as its default export');
  let store: Record<string, unknown>;
  try {
    store = (await make(new URLSearchParams(query < 0 ? '' : uri.slice(query)), options)) ?? {};
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    throw refusal(uri, describeError(cause), cause);
  }
  const missing = METHODS.find((method) => typeof store[method] !== 'function');
  if (missing !== undefined) throw refusal(uri, `makes no template store: it has no ${missing}`);
  return store as unknown as TemplateStore;
}

/** Quotes what was given as JSON, so that the message stays one line whatever it was. */
function refusal(uri: string, reason: string, cause?: unknown): StoreError {
  return new StoreError(`template store ${JSON.stringify(maskSecrets(uri))}: ${maskSecrets(reason)}`, true, {
    cause,
  });
}
