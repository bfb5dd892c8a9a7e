import { readFileSync } from 'node:fs';
import { describeError, MillraceError } from '../base/errors.ts';

/** Where a Redis is and what this fleet calls itself in it. Has secrets: only `display` may be shown. */
export interface RedisTarget {
  readonly mode: 'single' | 'sentinel' | 'cluster';
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** Name of the master that Sentinel watches. */
  readonly master: string;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  readonly tls: RedisTls | undefined;
  readonly fleet: string;
  readonly prefix: string;
  /** The URI without user, password and options. */
  readonly display: string;
}

export interface RedisTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

const FORM = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/?#]*)@)?([^@/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/;
const HOST = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/;
const NAME = /^[A-Za-z0-9._-]{1,64}$/;
const OPTIONS = [
  'fleet',
  'prefix',
  'ca',
  'cert',
  'key',
  'servername',
  'verify',
  'sentinel-user',
  'sentinel-password',
] as const;

/** Whether a store URI is one for Redis. */
export function isRedisUri(uri: string): boolean {
  return /^rediss?(\+sentinel|\+cluster)?:/.test(uri);
}

/**
 * `redis://[user:password@]host[:6379][/db]`, `redis+sentinel://host:26379,…/master[/db]`, `redis+cluster://host:6379,…`; with
 * rediss for TLS. Options: fleet, prefix, ca, cert, key (files), servername, verify=no, sentinel-user, sentinel-password.
 * Throws a MillraceError (CONFIG_INVALID) whose message has no secrets.
 */
export function parseRedisUri(uri: string): RedisTarget {
  const match = FORM.exec(uri);
  if (match === null) throw invalid('is not of the form redis://user:password@host:port/db?fleet=name');
  const [, scheme, modeText, userInfo, hostText, pathText, query] = match;
  const mode = (modeText ?? 'single') as RedisTarget['mode'];
  const options = parseOptions(query ?? '');
  const path = (pathText ?? '')
    .split('/')
    .slice(1)
    .filter((part) => part !== '');
  const master = mode === 'sentinel' ? decoded(path.shift() ?? '') : '';
  if (mode === 'sentinel' && !NAME.test(master))
    throw invalid('needs the name of the master, as in redis+sentinel://host/master');
  if (path.length > 1 || (mode === 'cluster' && path.length > 0 && path[0] !== '0'))
    throw invalid(
      mode === 'cluster' ? 'cannot name a database: a cluster has one' : 'names more than a database',
    );
  const db = Number(path[0] ?? 0);
  if (!Number.isInteger(db) || db < 0 || db > 0xffff) throw invalid('has a database that is no number');
  const hosts = hostText.split(',').map((text) => parseHost(text, mode === 'sentinel' ? 26379 : 6379));
  if (mode === 'single' && hosts.length > 1)
    throw invalid('names several hosts: redis+cluster or redis+sentinel?');
  const colon = (userInfo ?? '').indexOf(':');
  const user = colon < 0 ? (userInfo ?? '') : userInfo.slice(0, colon);
  const tls = scheme === 'rediss' ? parseTls(options) : undefined;
  if (tls === undefined && ['ca', 'cert', 'key', 'servername', 'verify'].some((name) => options.has(name)))
    throw invalid('has options for TLS, which needs rediss');
  return {
    mode,
    hosts,
    master,
    db,
    username: decoded(user) || undefined,
    password: colon < 0 ? undefined : decoded(userInfo.slice(colon + 1)) || undefined,
    sentinelUsername: options.get('sentinel-user'),
    sentinelPassword: options.get('sentinel-password'),
    tls,
    fleet: parseName(options, 'fleet', 'default'),
    prefix: parseName(options, 'prefix', 'millrace'),
    display: `${scheme}${modeText === undefined ? '' : `+${modeText}`}://${hostText}${pathText ?? ''}`,
  };
}

function parseOptions(query: string): Map<string, string> {
  const options = new Map<string, string>();
  for (const part of query.split('&').filter((text) => text !== '')) {
    const at = part.indexOf('=');
    const name = at < 0 ? part : part.slice(0, at);
    if (!(OPTIONS as readonly string[]).includes(name))
      throw invalid(`has an unknown option; there are ${OPTIONS.join(', ')}`);
    options.set(name, at < 0 ? '' : decoded(part.slice(at + 1)));
  }
  return options;
}

function parseHost(text: string, defaultPort: number): { host: string; port: number } {
  const match = HOST.exec(text);
  const port = Number(match?.[3] ?? defaultPort);
  if (match === null || port < 1 || port > 0xffff) throw invalid('has a host that is none');
  return { host: match[1] ?? match[2], port };
}

function parseName(options: Map<string, string>, option: string, fallback: string): string {
  const name = options.get(option) ?? fallback;
  if (!NAME.test(name)) throw invalid(`has a ${option} with other characters than A-Z a-z 0-9 . _ -`);
  return name;
}

function parseTls(options: Map<string, string>): RedisTls {
  const file = (option: string): { [option: string]: string } => {
    const path = options.get(option);
    if (path === undefined) return {};
    try {
      return { [option]: readFileSync(path, 'utf8') };
    } catch (error) {
      throw invalid(`names a file in ${option} that cannot be read: ${describeError(error)}`);
    }
  };
  const verify = options.get('verify') ?? 'yes';
  if (verify !== 'yes' && verify !== 'no') throw invalid('has verify with neither yes nor no');
  const servername = options.get('servername');
  return {
    ...file('ca'),
    ...file('cert'),
    ...file('key'),
    ...(servername === undefined ? {} : { servername }),
    rejectUnauthorized: verify === 'yes',
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('has a % that does not begin an octet: write %25');
  }
}

/** The URI itself is never part of the message: it may have a password in any place. */
function invalid(reason: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', `the Redis URI ${reason}`);
}
