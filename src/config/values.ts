/**
 * The texts that options take, and what they mean. Every parser is pure and returns undefined for a text that is none of
 * its kind; whoever asked says what is allowed.
 */
import { isIP, isIPv6 } from 'node:net';

export interface Endpoint {
  host: string;
  port: number;
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const UNIT_BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const MAX_PORT = 65_535;

/** What texts of a kind look like; not all that look like it are of it. The JSON Schema has them, too. */
export const FORMS = {
  integer: /^\d{1,16}$/,
  perSecond: /^\d{1,16}\/s$/,
  duration: /^(0|(\d{1,9}(ms|s|m|h|d))+)$/,
  bytes: /^(\d{1,15})(B|KiB|MiB|GiB)?$/,
  listenUri: /^netflow:\/\/(?:\[([^\]]*)\]|([^:/[\]]*)):(\d{1,5})\/?$/,
  httpAddress: /^(off|(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5}))$/,
  token: /^[!-~]{16,256}$/,
  workers: /^(auto|\d{1,16})$/,
};

/** Whole numbers in decimal digits, without sign. */
export function parseInteger(text: string): number | undefined {
  if (!FORMS.integer.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Decimal numbers of 0 or more, such as 2 or 0.5. */
export function parseDecimal(text: string): number | undefined {
  return /^(\d{1,15}(\.\d{0,9})?|\.\d{1,9})$/.test(text) ? Number(text) : undefined;
}

/** `5000/s`. */
export function parsePerSecond(text: string): number | undefined {
  return FORMS.perSecond.test(text) ? parseInteger(text.slice(0, -2)) : undefined;
}

/** `0.05` or `5%`, from 0 to 1. */
export function parseProbability(text: string): number | undefined {
  const percent = text.endsWith('%');
  const value = parseDecimal(percent ? text.slice(0, -1) : text);
  if (value === undefined) return undefined;
  const probability = percent ? value / 100 : value;
  return probability <= 1 ? probability : undefined;
}

/** `30s`, `5m`, `1h30m` or `0`, in ms. */
export function parseDurationMs(text: string): number | undefined {
  if (!FORMS.duration.test(text)) return undefined;
  let sumMs = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+)(ms|s|m|h|d)/g)) sumMs += Number(digits) * UNIT_MS[unit];
  return sumMs;
}

/** `32MiB`, `512KiB` or a number of bytes. */
export function parseBytes(text: string): number | undefined {
  const match = FORMS.bytes.exec(text);
  if (match === null) return undefined;
  const bytes = Number(match[1]) * UNIT_BYTES[match[2] ?? 'B'];
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** `netflow://[::]:2055`. Without a host it is `::`, which receives IPv4 too; port 0 lets the system choose. */
export function parseListenUri(text: string): Endpoint | undefined {
  const match = FORMS.listenUri.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port > MAX_PORT) return undefined;
  if (match[1] !== undefined) return isIPv6(match[1]) ? { host: match[1], port } : undefined;
  if (match[2] === '') return { host: '::', port };
  return isIP(match[2]) === 4 ? { host: match[2], port } : undefined;
}

/** `HOST:PORT` with an IPv4 address or a name, or `[IPV6]:PORT`. */
export function parseHostPort(text: string): Endpoint | undefined {
  const match = /^(?:\[([^\]]*)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port < 1 || port > MAX_PORT) return undefined;
  if (match[1] !== undefined) return isIPv6(match[1]) ? { host: match[1], port } : undefined;
  const host = match[2];
  // What looks like an address must be one: a name server should not be asked for 10.0.0.256.
  if (/^[\d.]+$/.test(host) && isIP(host) !== 4) return undefined;
  return { host, port };
}

/** `off`, or `ADDR:PORT` with an IP address (IPv6 in brackets) or localhost; port 0 lets the system choose. */
export function parseHttpAddress(text: string): Endpoint | 'off' | undefined {
  if (text === 'off') return text;
  const match = FORMS.httpAddress.exec(text);
  if (match === null || Number(match[4]) > MAX_PORT) return undefined;
  const host = match[2] ?? match[3];
  const known = match[2] !== undefined ? isIPv6(host) : host === 'localhost' || isIP(host) === 4;
  return known ? { host, port: Number(match[4]) } : undefined;
}

/** An http or https URL; what stands behind its path is not part of it. Without a slash at the end. */
export function parseHttpUrl(text: string): string | undefined {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return undefined;
  const { origin, pathname, username, search, hash } = new URL(text);
  if (username !== '' || search !== '' || hash !== '') return undefined;
  return origin + pathname.replace(/\/+$/, '');
}

/** A bearer token that is worth the name and fits into a header. */
export function parseToken(text: string): string | undefined {
  return FORMS.token.test(text) ? text : undefined;
}

/** `auto`, or a number of threads. */
export function parseWorkers(text: string): number | 'auto' | undefined {
  return text === 'auto' ? 'auto' : parseInteger(text);
}

/** `true` or `false`, and other words for them. */
export function parseSwitch(text: string): boolean | undefined {
  if (/^(true|on|yes)$/i.test(text)) return true;
  return /^(false|off|no)$/i.test(text) ? false : undefined;
}

/** host:port for a person; IPv6 in brackets. */
export function endpointText({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
