import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { Cidr } from '../../base/ip.ts';

const LOOPBACK = ['127.0.0.0/8', '::1'].map((text) => Cidr.parse(text)!);

/** Whether only this machine can reach an address; a host name never counts as such, but for localhost. */
export function isLoopback(host: string): boolean {
  const range = Cidr.parse(host);
  return host === 'localhost' || (range !== null && LOOPBACK.some((known) => known.contains(range.bytes)));
}

/**
 * Who may ask. With a token: whoever sends it. Without: anybody who can connect, but only under an address or localhost in
 * the Host header, because a web page elsewhere could make its own name point to the loopback address and read the replies.
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
  check(authorization: string | undefined, host: string | undefined): 0 | 401 | 421 {
    if (this.#digest === null) return this.#anyHost || isAddressOrLocal(host) ? 0 : 421;
    const given = /^Bearer +([!-~]+) *$/i.exec(authorization ?? '')?.[1] ?? '';
    return timingSafeEqual(digest(given), this.#digest) ? 0 : 401;
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

function isAddressOrLocal(header: string | undefined): boolean {
  const host = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{1,5})?$/.exec(header ?? '');
  if (host === null) return false;
  return host[1] !== undefined ? isIP(host[1]) === 6 : /^localhost$/i.test(host[2]) || isIP(host[2]) === 4;
}
