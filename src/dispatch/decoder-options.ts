import { inspect } from 'node:util';
import { MillraceError } from '../base/errors.ts';
import { suggestion } from '../base/nearest.ts';
import type { DecodeLimits } from '../decode/limits.ts';
import { JIT_MODES, type JitMode } from '../decode/plan-runner.ts';
import type { ElementLookup } from '../elements/element.ts';
import { DEFAULT_PENDING_LIMITS, type PendingLimits } from '../templates/pending.ts';
import { DEFAULT_SCANNER_OPTIONS, EXPORTER_KEYS, type ExporterKey, type ScannerOptions } from './scanner.ts';

/** What a Decoder can be told; everything has a default, which undefined stands for, too. Numbers may be Infinity. */
export interface DecoderOptions {
  /** Those that differ from the defaults. */
  limits?: Partial<DecodeLimits>;
  /** Header versions to decode; default 5, 7, 9 and 10. */
  allowedVersions?: readonly number[];
  /** How data that comes before its template is held; false: not at all. */
  pending?: Partial<PendingLimits> | false;
  /** Life time of a template that is not announced again, ms; default 30 minutes. */
  templateTtlMs?: number;
  /** Whether withdrawals are honoured, which RFC 7011 section 8.4 forbids to send over UDP; default true. */
  honourUdpWithdrawals?: boolean;
  /** Whether the UDP source port tells exporters apart; default `address`. */
  exporterKey?: ExporterKey;
  /** Which layouts code is made for: those met often (`auto`, the default), all (`eager`) or none (`off`). */
  jit?: JitMode;
  /** Dictionary of information elements; default IANA and vendors. */
  elements?: ElementLookup;
}

/** What a value may be: the test, and in words. */
type Allowed = readonly [test: (value: unknown) => boolean, words: string];

const AMOUNT: Allowed = [(value) => typeof value === 'number' && value >= 0, 'a number from 0 on'];
const amounts = (defaults: object): Record<string, Allowed> =>
  Object.fromEntries(Object.keys(defaults).map((name) => [name, AMOUNT]));
const oneOf = (values: readonly unknown[]): Allowed => [(value) => values.includes(value), values.join(', ')];

const { allowedVersions: VERSIONS, limits: LIMITS } = DEFAULT_SCANNER_OPTIONS;
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

const OPTIONS: Readonly<Record<keyof DecoderOptions, Allowed>> = {
  limits: [isObject, 'an object'],
  allowedVersions: [
    (value) => Array.isArray(value) && value.every((version) => VERSIONS.includes(version)),
    `an array of ${VERSIONS.join(', ')}`,
  ],
  pending: [(value) => isObject(value) || value === false, 'an object or false'],
  templateTtlMs: AMOUNT,
  honourUdpWithdrawals: [(value) => typeof value === 'boolean', 'true or false'],
  exporterKey: oneOf(EXPORTER_KEYS),
  jit: oneOf(JIT_MODES),
  elements: [
    (value) => typeof (value as ElementLookup | null)?.lookup === 'function',
    'an object with a method lookup',
  ],
};

/** All that the scanner of a Decoder is told. Throws MillraceError CONFIG_INVALID for an option that is none. */
export function scannerOptions(options: DecoderOptions): ScannerOptions {
  if (!isObject(options)) refuse('DecoderOptions', options, 'an object');
  check('', options, OPTIONS);
  const { limits = {}, pending = {}, allowedVersions = VERSIONS } = options;
  check('limits.', limits, amounts(LIMITS));
  if (pending !== false) check('pending.', pending, amounts(DEFAULT_PENDING_LIMITS));
  const { templateTtlMs, honourUdpWithdrawals, exporterKey } = options;
  return filled(DEFAULT_SCANNER_OPTIONS, {
    limits: filled(LIMITS, limits),
    pending: pending === false ? null : filled(DEFAULT_PENDING_LIMITS, pending),
    allowedVersions: [...allowedVersions],
    templateTtlMs,
    honourUdpWithdrawals,
    exporterKey,
  });
}

function check(prefix: string, values: object, allowed: Readonly<Record<string, Allowed>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (!Object.hasOwn(allowed, name)) {
      const hint = suggestion(name, Object.keys(allowed));
      throw new MillraceError('CONFIG_INVALID', `there is no option ${JSON.stringify(prefix + name)}${hint}`);
    }
    const [test, words] = allowed[name];
    if (value !== undefined && !test(value)) refuse(prefix + name, value, words);
  }
}

function refuse(name: string, value: unknown, words: string): never {
  const given = inspect(value, { depth: 0, maxStringLength: 80, breakLength: Number.POSITIVE_INFINITY });
  throw new MillraceError('CONFIG_INVALID', `${name} is ${given}; allowed is ${words}`);
}

function filled<T extends object>(defaults: Readonly<T>, given: Partial<T>): T {
  const defined = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(defined) };
}
