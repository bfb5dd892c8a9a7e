/** What option values are allowed to be: from the text of one value to its meaning, with a message that says what is allowed. */

import { z } from 'zod';
import { Cidr } from '../base/ip.ts';
import {
  FORMS,
  parseBytes,
  parseDecimal,
  parseDurationMs,
  parseHostPort,
  parseHttpAddress,
  parseHttpUrl,
  parseInteger,
  parseListenUri,
  parsePerSecond,
  parseProbability,
  parseSwitch,
  parseToken,
  parseWorkers,
} from './values.ts';

const MAX_WORKERS = 256;
export const MAX_RECEIVERS = 64;
const MIN_SLOTS = 16;
const MAX_SLOTS = 1 << 20;
const MIN_DATAGRAM_BYTES = 64;
const MAX_DATAGRAM_BYTES = 65_535;
const MIN_RECEIVE_BUFFER_BYTES = 4_096;
export const MAX_RECEIVE_BUFFER_BYTES = 1024 ** 3;
const MIN_DURATION_MS = 1_000;
const MAX_DURATION_MS = 365 * 86_400_000;
const MAX_STATUS_INTERVAL_MS = 86_400_000;
const MAX_RATE = 10_000_000;
const MAX_SPEED = 1_000_000;

/** For the JSON Schema: what texts look like, and which numbers may stand in the file without quotes. */
interface Shape {
  readonly form?: RegExp;
  readonly numbers?: readonly [least: number, most: number];
}

/** A value read by a parser of values.ts and then checked. */
function value<T>(
  allowed: string,
  parse: (text: string) => T | undefined,
  holds: (value: T) => boolean = () => true,
  { form, numbers }: Shape = {},
): z.ZodType<T, string> {
  const schema = z.string().transform((text, context) => {
    const parsed = parse(text);
    if (parsed !== undefined && holds(parsed)) return parsed;
    context.addIssue({ code: 'custom', message: `allowed ${allowed}` });
    return z.NEVER;
  });
  return schema.meta({
    type: numbers === undefined ? 'string' : ['string', 'integer'],
    ...(form && { pattern: form.source }),
    ...(numbers && { minimum: numbers[0], maximum: numbers[1] }),
    description: `allowed ${allowed}`,
  });
}

export function choice<const T extends readonly string[]>(choices: T): z.ZodType<T[number], string> {
  return z.enum(choices, { error: `allowed are ${choices.join(', ')}` });
}

export function integer(low: number, high: number): z.ZodType<number, string> {
  return value(`is a whole number from ${low} to ${high}`, parseInteger, (n) => n >= low && n <= high, {
    form: FORMS.integer,
    numbers: [low, high],
  });
}

/** Any text that is not empty. */
export function text(what: string): z.ZodType<string, string> {
  return z.string().min(1, { error: `allowed is ${what}` });
}

export const onOff = value('is true or false', parseSwitch).meta({ type: 'boolean' });

/** What kinds of stores there are; the rest is checked when it is opened (fleet/open-store.ts). */
const STORE_URI = /^(memory:|file:|module:|rediss?(\+sentinel|\+cluster)?:)[!-~]*$/;
export const storeUri = value(
  'is memory:, file:///absolute/path, redis://host:6379/0?fleet=name or module:/path/to/own.js',
  (given) => given,
  (given) => STORE_URI.test(given),
  { form: STORE_URI },
);

export const listenUri = value(
  'is netflow://ADDRESS:PORT, such as netflow://[::]:2055 or netflow://0.0.0.0:9995',
  parseListenUri,
  undefined,
  { form: FORMS.listenUri },
);

export const hostPort = value(
  'is HOST:PORT, such as 127.0.0.1:2055, collector.example:2055 or [::1]:2055',
  parseHostPort,
);

export const cidr = value(
  'is an address or a range, such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32',
  (given) => Cidr.parse(given) ?? undefined,
  undefined,
  { form: /^[0-9A-Fa-f:.]+(\/\d{1,3})?$/ },
);

export const datagramBytes = value(
  `is a size from ${MIN_DATAGRAM_BYTES} to ${MAX_DATAGRAM_BYTES} bytes, such as 1500 or 9KiB`,
  parseBytes,
  (bytes) => bytes >= MIN_DATAGRAM_BYTES && bytes <= MAX_DATAGRAM_BYTES,
  { form: FORMS.bytes, numbers: [MIN_DATAGRAM_BYTES, MAX_DATAGRAM_BYTES] },
);

export const receiveBufferBytes = value(
  'is a size from 4KiB to 1GiB, such as 32MiB or 8388608',
  parseBytes,
  (bytes) => bytes >= MIN_RECEIVE_BUFFER_BYTES && bytes <= MAX_RECEIVE_BUFFER_BYTES,
  { form: FORMS.bytes, numbers: [MIN_RECEIVE_BUFFER_BYTES, MAX_RECEIVE_BUFFER_BYTES] },
);

export const slots = value(
  `is a power of two from ${MIN_SLOTS} to ${MAX_SLOTS}`,
  parseInteger,
  (n) => n >= MIN_SLOTS && n <= MAX_SLOTS && (n & (n - 1)) === 0,
  { form: FORMS.integer, numbers: [MIN_SLOTS, MAX_SLOTS] },
);

export const httpAddress = value(
  'is ADDR:PORT, such as 127.0.0.1:8080 or [::]:8080, or off',
  parseHttpAddress,
  undefined,
  { form: FORMS.httpAddress },
);

export const httpUrl = value('is a URL such as http://127.0.0.1:8080', parseHttpUrl);

export const httpToken = value(
  'are 16 to 256 printable ASCII characters without spaces',
  parseToken,
  undefined,
  { form: FORMS.token },
);

export const workers = value(
  `is auto or a whole number from 1 to ${MAX_WORKERS}`,
  parseWorkers,
  (n) => n === 'auto' || (n >= 1 && n <= MAX_WORKERS),
  { form: FORMS.workers, numbers: [1, MAX_WORKERS] },
);

export const lifeTime = value(
  'is a duration from 1s to 365d, such as 30s, 5m or 1h',
  parseDurationMs,
  (ms) => ms >= MIN_DURATION_MS && ms <= MAX_DURATION_MS,
  { form: FORMS.duration },
);

export const statusInterval = value(
  'is a duration from 1s to 1d, such as 10s, or 0 for none',
  parseDurationMs,
  (ms) => ms === 0 || (ms >= MIN_DURATION_MS && ms <= MAX_STATUS_INTERVAL_MS),
  { form: FORMS.duration, numbers: [0, 0] },
);

export const rate = value(
  `is a number of datagrams per second from 0 (as fast as possible) to ${MAX_RATE}`,
  parseDecimal,
  (n) => n <= MAX_RATE,
);

export const exporterRate = value(
  `is a number of datagrams per second from 1/s to ${MAX_RATE}/s, such as 5000/s, or 0/s for any number`,
  parsePerSecond,
  (n) => n <= MAX_RATE,
  { form: FORMS.perSecond },
);

export const speed = value(
  `is a number from 0 (as fast as possible) to ${MAX_SPEED}, such as 2 or 0.5`,
  parseDecimal,
  (n) => n <= MAX_SPEED,
);

export const probability = value('is a probability from 0 to 1, such as 0.01 or 1%', parseProbability);

export const lossProbability = value(
  'is a probability from 0 to below 1, such as 0.01 or 1%',
  parseProbability,
  (p) => p < 1,
);
