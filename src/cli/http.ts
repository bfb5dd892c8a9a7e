/** The HTTP side of `collect`: who may ask, where, and what a busy port means. */
import { systemClock } from '../base/clock.ts';
import { MillraceError } from '../base/errors.ts';
import type { Collector } from '../collector.ts';
import type { Configuration } from '../config/configuration.ts';
import type { OptionValues } from '../config/options.ts';
import { type Endpoint, endpointText } from '../config/values.ts';
import { isLoopback } from '../ops/http/access.ts';
import type { Log } from '../ops/log.ts';
import { Operations } from '../ops/operations.ts';
import { usageError } from './errors.ts';
import { tokenOf } from './token.ts';
import { packageVersion, sourceCommit } from './version.ts';

type Values = OptionValues<'collect'>;

const DEFAULT: Endpoint = { host: '127.0.0.1', port: 8080 };

export interface HttpPlace {
  readonly endpoint: Endpoint;
  /** Nobody asked for this address. */
  readonly isDefault: boolean;
}

/** Where to serve; null with `--http off`. */
export function httpPlace(http: Values['http']): HttpPlace | null {
  return http === 'off' ? null : { endpoint: http ?? DEFAULT, isDefault: http === undefined };
}

/** The token to ask for there, null for none. Rejects with MillraceError CONFIG_INVALID. */
export async function httpToken({ endpoint }: HttpPlace, values: Values): Promise<string | null> {
  const token = await tokenOf(values);
  if (token === null && !values.httpOpen && !isLoopback(endpoint.host)) {
    throw usageError(
      `--http "${endpointText(endpoint)}": allowed are loopback addresses, others with --http-token-file FILE, or ` +
        'with --http-open for everybody',
    );
  }
  return token;
}

/**
 * Serves what there is to see of the collector; null with `--http off`, and when the default port is taken: many programs
 * like it, and that is no reason not to collect. An address that was asked for has to be free.
 * Rejects with MillraceError CONFIG_INVALID or LISTEN_FAILED.
 */
export async function openOperations(
  collector: Collector,
  configuration: () => Configuration,
  log: Log,
): Promise<Operations | null> {
  const values = configuration().values as Values;
  const place = httpPlace(values.http);
  if (place === null) return null;
  const { host, port } = place.endpoint;
  const token = await httpToken(place, values);
  const operations = new Operations(collector, {
    info: {
      version: packageVersion(),
      commit: sourceCommit(),
      node: process.version,
      startedAtMs: systemClock.wallMs() - process.uptime() * 1000,
      configurationDigest: () => configuration().digest,
    },
    token,
    anyHost: values.httpOpen,
    storeOptional: values.storeOptional,
    clock: systemClock,
  });
  try {
    await operations.open(host, port);
  } catch (error) {
    if (!place.isDefault || !(error instanceof MillraceError)) throw error;
    log.warn(`${error.message}; going on without HTTP (--http takes another address, or off)`);
    return null;
  }
  const url = `http://${endpointText({ host, port: operations.server.port })}`;
  log.info(`status page and metrics on ${url}`, { http: url });
  return operations;
}
