/** Asks a running collector. */
import { describeError, MillraceError } from '../base/errors.ts';
import { printable } from './text.ts';

const PATIENCE_MS = 10_000;

export class CollectorClient {
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(url: string, token: string | null) {
    this.url = url;
    this.#headers = token === null ? {} : { authorization: `Bearer ${token}` };
  }

  /** A document that has these keys. Rejects with MillraceError as `open` does. */
  async document<T extends object>(
    path: string,
    keys: readonly (keyof T & string)[],
    signal: AbortSignal,
  ): Promise<T> {
    const response = await this.open(path, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]));
    const found = (await response.json().catch(() => null)) as T | null;
    if (found !== null && typeof found === 'object' && keys.every((key) => key in found)) return found;
    throw new MillraceError('INPUT_FAILED', `${this.url}${path}: not what a collector answers`);
  }

  /** A good answer, to be read. Rejects with MillraceError: INPUT_FAILED, CONFIG_INVALID for what the user has to change. */
  async open(path: string, signal: AbortSignal): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(this.url + path, { headers: this.#headers, signal, redirect: 'error' });
    } catch (error) {
      const { cause = error } = error as Error;
      throw new MillraceError('INPUT_FAILED', `cannot ask ${this.url}: ${describeError(cause)}`, { cause });
    }
    if (response.ok) return response;
    if (response.status === 401) {
      const wrong = 'authorization' in this.#headers ? 'does not take this token' : 'asks for its token';
      throw new MillraceError(
        'CONFIG_INVALID',
        `${this.url} ${wrong}; allowed is the one of the collector, with --http-token-file FILE`,
      );
    }
    const { error } = (await response.json().catch(() => ({}))) as { error?: unknown };
    const reason = typeof error === 'string' ? printable(error.slice(0, 500)) : `status ${response.status}`;
    throw new MillraceError(response.status === 400 ? 'CONFIG_INVALID' : 'INPUT_FAILED', reason);
  }
}
