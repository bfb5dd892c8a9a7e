import { describeError } from '../base/errors.ts';
import { StoreError } from '../templates/store.ts';

/**
 * What trouble with Redis means. config: a person has to change something. readonly: a replica answered. reply: Redis says no,
 * for now. connection: there is no answer.
 */
export type RedisTrouble = 'config' | 'readonly' | 'reply' | 'connection';

export class RedisError extends StoreError {
  readonly trouble: RedisTrouble;
  constructor(message: string, trouble: RedisTrouble, options?: { cause?: unknown; fatal?: boolean }) {
    super(message, options?.fatal ?? false, options);
    this.name = 'RedisError';
    this.trouble = trouble;
  }
}

/** Words that errors of Redis begin with, what they mean, and how to say it. */
const REPLIES: readonly (readonly [code: string, trouble: RedisTrouble, text: string])[] = [
  ['WRONGPASS', 'config', 'user or password is wrong'],
  ['NOAUTH', 'config', 'a password is needed'],
  ['NOPERM', 'config', 'the user may not do this'],
  ['WRONGTYPE', 'config', 'a key is of another type'],
  ['ERR DB index', 'config', 'there is no such database'],
  ['ERR invalid DB index', 'config', 'there is no such database'],
  ['ERR SELECT is not allowed', 'config', 'this is a cluster: use redis+cluster://'],
  ['MOVED', 'config', 'this is a cluster: use redis+cluster://'],
  ['ERR This instance has cluster support disabled', 'config', 'this is not a cluster: use redis://'],
  ['ERR AUTH', 'config', 'user or password is wrong'],
  ['ERR Client sent AUTH', 'config', 'a password was given where none is needed'],
  ['READONLY', 'readonly', 'this Redis is a replica, which takes no writes'],
  ['OOM', 'reply', 'Redis takes no writes: maxmemory is reached'],
  ['MISCONF', 'reply', 'Redis takes no writes: it cannot save to disk'],
  ['NOREPLICAS', 'reply', 'Redis takes no writes: too few replicas'],
  ['LOADING', 'reply', 'Redis is loading its data'],
  ['MASTERDOWN', 'reply', 'Redis is a replica without its master'],
  ['CLUSTERDOWN', 'reply', 'the cluster is down'],
  ['TRYAGAIN', 'reply', 'the cluster is moving the keys'],
  ['BUSY', 'reply', 'Redis is busy with a script'],
];

/** What was thrown by the client, for people: one line that says which Redis and why, and has no secrets. */
export function redisError(error: unknown, display: string): RedisError {
  if (error instanceof RedisError) return error;
  const message = rootMessage(error);
  const known = REPLIES.find(([code]) => message.startsWith(code));
  if (known !== undefined) {
    const [code, trouble, text] = known;
    const detail = trouble === 'config' ? detailOf(code, message) : '';
    return new RedisError(`${display}: ${text}${detail}`, trouble, { cause: error });
  }
  if (isReply(error)) return new RedisError(`${display}: ${oneLine(message)}`, 'reply', { cause: error });
  return new RedisError(`${display}: ${oneLine(CONNECTION_TEXTS[message] ?? message)}`, 'connection', {
    cause: error,
  });
}

const CONNECTION_TEXTS: Readonly<Record<string, string>> = {
  'Command timed out': 'no answer in time',
  'Connection is closed.': 'the connection was closed',
  "Stream isn't writeable and enableOfflineQueue options is false": 'not connected',
};

/** Which key or command it is about, where Redis says so; never what was sent. */
function detailOf(code: string, message: string): string {
  const named =
    code === 'NOPERM'
      ? /'([a-z|]{1,40})' command|(channels?|keys?) used as arguments|access one of the (keys|channels)/i
      : /^WRONGTYPE key (\S{1,200} is an? \w+, not an? \w+)/;
  const found = named.exec(message);
  const detail = found?.slice(1).find((text) => text !== undefined);
  return detail === undefined ? '' : ` (${oneLine(detail)})`;
}

/** A failed cluster says why in the error of the node it asked last. */
function rootMessage(error: unknown): string {
  const last = (error as { lastNodeError?: unknown } | null)?.lastNodeError;
  if (last !== undefined) return rootMessage(last);
  if (error instanceof AggregateError && error.errors.length > 0) return rootMessage(error.errors[0]);
  const system = error as NodeJS.ErrnoException;
  if (typeof system?.code === 'string' && typeof system.syscall === 'string')
    return SYSTEM_TEXTS[system.code] ?? describeError(error);
  return error instanceof Error ? error.message : String(error);
}

const SYSTEM_TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  ETIMEDOUT: 'no answer in time',
  EPIPE: 'the connection was closed',
};

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not reach a terminal
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 300);
}
