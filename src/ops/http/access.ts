import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { Cidr } from '../../base/ip.ts';

/** The headers that decide who asks. */
interface RequestHeaders {
  readonly authorization?: string | undefined;
  readonly host?: string | undefined;
  readonly 'sec-fetch-site'?: string | string[] | undefined;
  readonly 'sec-fetch-mode'?: string | string[] | undefined;
}

const LOOPBACK = ['127.0.0.0/8', '::1'].map((text) => Cidr.parse(text)!);

/** Whether only this machine can reach an address; a host name never counts as such, but for localhost. */
export function isLoopback(host: string): boolean {
  const range = Cidr.parse(host);
  return host === 'localhost' || (range !== null && LOOPBACK.some((known) => known.contains(range.bytes)));
}

/**
 * Who may ask. With a token: whoever sends it. Without: anybody who can connect, but only under an address or localhost in
 * the Host header, because a web page elsewhere could make its own name point to the loopback address and read the replies.
 * Nor may a page elsewhere ask for anything: it could not read the replies, but take all places for streams. Links to here work.
 */
export class Access {
  readonly #digest: Buffer | null;
  readonly #anyHost: boolean;

  /** anyHost: whether host names are allowed without a token (`--http-open`). */
  constructor(token: string | null, anyHost: boolean) {
    this.#digest = token === null ? null : digest(token);
    this.#anyHost = anyHost;
  }

  /** 0 when the request is admitted, else the status of the refusal. Compares in constant time. */
  check(headers: RequestHeaders): 0 | 401 | 403 | 421 {
    if (this.#digest === null) {
      if (isOfPageElsewhere(headers)) return 403;
      return this.#anyHost || isAddressOrLocal(headers.host) ? 0 : 421;
    }
    const given = /^Bearer +([!-~]+) *$/i.exec(headers.authorization ?? '')?.[1] ?? '';
    return timingSafeEqual(digest(given), this.#digest) ? 0 : 401;
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Current browsers say so; other programs send no such headers. */
function isOfPageElsewhere(headers: RequestHeaders): boolean {
  const site = headers['sec-fetch-site'] ?? 'none';
  return site !== 'none' && site !== 'same-origin' && headers['sec-fetch-mode'] !== 'navigate';
}

function isAddressOrLocal(header: string | undefined): boolean {
  const host = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{1,5})?$/.exec(header ?? '');
  if (host === null) return false;
  return host[1] !== undefined ? isIP(host[1]) === 6 : /^localhost$/i.test(host[2]) || isIP(host[2]) === 4;
}
