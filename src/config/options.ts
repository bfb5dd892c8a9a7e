/**
 * The options of every command: one table, from which flags, their parsing and their help derive. A default is written
 * as the user would write it and goes through the same schema as what the user gives.
 */
import { z } from 'zod';
import { Cidr } from '../base/ip.ts';
import { EXPORTER_KEYS } from '../dispatch/scanner.ts';
import { FORMATS, SCHEMAS } from '../output/encoder.ts';
import type { CommandName } from './commands.ts';
import {
  parseBytes,
  parseDecimal,
  parseDurationMs,
  parseHostPort,
  parseInteger,
  parseListenUri,
  parseProbability,
  parseWorkers,
} from './values.ts';

/**
 * one: takes a value and has a default. optional: takes a value, may be absent. list: may be repeated. switch: takes no
 * value, is on or off.
 */
export type OptionKind = 'one' | 'optional' | 'list' | 'switch';

export interface OptionSpec {
  readonly flag: string;
  readonly kind: OptionKind;
  /** What the value looks like, for usage lines; empty for a switch. */
  readonly syntax: string;
  /** From the text of one value to its meaning; its messages begin with «allowed». A switch has a boolean. */
  readonly schema: z.ZodType;
  readonly default?: string | readonly string[];
  /** Where the default is not a constant: what it is, in words. */
  readonly defaultHelp?: string;
  readonly help: string;
  readonly group: OptionGroup;
  readonly commands: readonly CommandName[];
}

/** Headings of the help, in their order. */
export const OPTION_GROUPS = [
  'Input',
  'Sending',
  'Traffic',
  'Output',
  'Templates',
  'Resources',
  'Reporting',
] as const;
export type OptionGroup = (typeof OPTION_GROUPS)[number];

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export const LOG_FORMATS = ['text', 'json'] as const;
const UDP_WITHDRAWALS = ['honour', 'ignore'] as const;
const GENERATED_VERSIONS = ['5', '7', '9', '10'] as const;

const MAX_WORKERS = 256;
const MAX_SLOTS = 1 << 20;
const MAX_DATAGRAM_BYTES = 65_535;
const MIN_RECEIVE_BUFFER_BYTES = 4_096;
const MAX_RECEIVE_BUFFER_BYTES = 1024 ** 3;
const MAX_DURATION_MS = 365 * 86_400_000;
const MAX_STATUS_INTERVAL_MS = 86_400_000;
const MAX_RATE = 10_000_000;
const MAX_SPEED = 1_000_000;
const MAX_COUNT = 1_000_000_000_000;

/** A value read by a parser of values.ts and then checked. */
function value<T>(
  allowed: string,
  parse: (text: string) => T | undefined,
  holds: (value: T) => boolean = () => true,
): z.ZodType<T, string> {
  return z.string().transform((text, context) => {
    const parsed = parse(text);
    if (parsed !== undefined && holds(parsed)) return parsed;
    context.addIssue({ code: 'custom', message: `allowed ${allowed}` });
    return z.NEVER;
  });
}

function choice<const T extends readonly string[]>(choices: T): z.ZodType<T[number], string> {
  return z.enum(choices, { error: `allowed are ${choices.join(', ')}` });
}

function integer(low: number, high: number): z.ZodType<number, string> {
  return value(`is a whole number from ${low} to ${high}`, parseInteger, (n) => n >= low && n <= high);
}

function anyText(what: string): z.ZodType<string, string> {
  return z.string().min(1, { error: `allowed is ${what}` });
}

const duration = value(
  'is a duration from 1s to 365d, such as 30s, 5m or 1h',
  parseDurationMs,
  (ms) => ms >= 1000 && ms <= MAX_DURATION_MS,
);
const flag = z.boolean();

export const OPTIONS = {
  listen: {
    flag: 'listen',
    kind: 'list',
    syntax: 'URI',
    schema: value(
      'is netflow://ADDRESS:PORT, such as netflow://[::]:2055 or netflow://0.0.0.0:9995',
      parseListenUri,
    ),
    default: ['netflow://[::]:2055'],
    help: 'where to receive, any version on any port; [::] receives IPv4 too, port 0 takes a free one; may be repeated',
    group: 'Input',
    commands: ['collect'],
  },
  allow: {
    flag: 'allow',
    kind: 'list',
    syntax: 'CIDR',
    schema: value(
      'is an address or a range, such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32',
      (text) => Cidr.parse(text) ?? undefined,
    ),
    default: [],
    defaultHelp: 'everybody',
    help: 'address range that may send; may be repeated',
    group: 'Input',
    commands: ['collect'],
  },
  exporterKey: {
    flag: 'exporter-key',
    kind: 'one',
    syntax: 'KEY',
    schema: choice(EXPORTER_KEYS),
    default: 'address',
    help: 'what tells exporters apart: address, or address+port',
    group: 'Input',
    commands: ['collect', 'decode'],
  },
  maxDatagram: {
    flag: 'max-datagram',
    kind: 'one',
    syntax: 'BYTES',
    schema: value(
      `is a size from 64 to ${MAX_DATAGRAM_BYTES} bytes, such as 1500 or 9KiB`,
      parseBytes,
      (bytes) => bytes >= 64 && bytes <= MAX_DATAGRAM_BYTES,
    ),
    default: '9KiB',
    help: 'longest datagram that is taken; longer ones are counted and refused',
    group: 'Resources',
    commands: ['collect'],
  },
  slots: {
    flag: 'slots',
    kind: 'one',
    syntax: 'N',
    schema: value(
      `is a power of two from 16 to ${MAX_SLOTS}`,
      parseInteger,
      (n) => n >= 16 && n <= MAX_SLOTS && (n & (n - 1)) === 0,
    ),
    default: '8192',
    help: 'datagrams that each listen address can keep until they are decoded, a power of two',
    group: 'Resources',
    commands: ['collect'],
  },
  recvBuffer: {
    flag: 'recv-buffer',
    kind: 'one',
    syntax: 'SIZE',
    schema: value(
      'is a size from 4KiB to 1GiB, such as 32MiB or 8388608',
      parseBytes,
      (bytes) => bytes >= MIN_RECEIVE_BUFFER_BYTES && bytes <= MAX_RECEIVE_BUFFER_BYTES,
    ),
    default: '32MiB',
    help: 'receive buffer to ask the kernel for, for each socket',
    group: 'Resources',
    commands: ['collect'],
  },
  workers: {
    flag: 'workers',
    kind: 'one',
    syntax: 'N|auto',
    schema: value(
      `is auto or a whole number from 1 to ${MAX_WORKERS}`,
      parseWorkers,
      (n) => n === 'auto' || (n >= 1 && n <= MAX_WORKERS),
    ),
    default: 'auto',
    help: 'decode threads; auto: all cores but one',
    group: 'Resources',
    commands: ['collect', 'decode'],
  },

  output: {
    flag: 'output',
    kind: 'list',
    syntax: 'URI',
    schema: anyText('stdout:, file:PATH or null:, with options such as ?format=ndjson'),
    default: ['stdout:'],
    help:
      'where flows go: stdout:, file:PATH with %Y%m%d-%H%M and the like, or null:; with ?format=ndjson|text|msgpack, ' +
      'and for files rotate=1h and compress=gzip|zstd|none; may be repeated',
    group: 'Output',
    commands: ['collect', 'decode'],
  },
  format: {
    flag: 'format',
    kind: 'optional',
    syntax: 'FORMAT',
    schema: choice(FORMATS),
    defaultHelp: 'text on a terminal, else ndjson',
    help: 'format of outputs that do not name one: ndjson, text or msgpack',
    group: 'Output',
    commands: ['decode'],
  },
  schema: {
    flag: 'schema',
    kind: 'one',
    syntax: 'NAME',
    schema: choice(SCHEMAS),
    default: 'millrace',
    help: 'record schema of outputs that do not name one: millrace, or iana, which has every field under its IANA name',
    group: 'Output',
    commands: ['collect', 'decode'],
  },
  writeOptions: {
    flag: 'options',
    kind: 'switch',
    syntax: '',
    schema: flag,
    help: 'write options records too',
    group: 'Output',
    commands: ['decode'],
  },
  quarantine: {
    flag: 'quarantine',
    kind: 'optional',
    syntax: 'DIR',
    schema: anyText('the path of a directory'),
    help: 'where datagrams are kept that ended a decode thread twice',
    group: 'Output',
    commands: ['collect'],
  },

  templateTtl: {
    flag: 'template-ttl',
    kind: 'one',
    syntax: 'DURATION',
    schema: duration,
    default: '30m',
    help: 'how long a template serves without being announced again',
    group: 'Templates',
    commands: ['collect'],
  },
  pendingTtl: {
    flag: 'pending-ttl',
    kind: 'one',
    syntax: 'DURATION',
    schema: duration,
    default: '5m',
    help: 'how long data is held that came before its template',
    group: 'Templates',
    commands: ['collect'],
  },
  udpWithdrawals: {
    flag: 'udp-withdrawals',
    kind: 'one',
    syntax: 'RULE',
    schema: choice(UDP_WITHDRAWALS),
    default: 'honour',
    help: 'template withdrawals over UDP, which RFC 7011 forbids: honour or ignore',
    group: 'Templates',
    commands: ['collect', 'decode'],
  },

  to: {
    flag: 'to',
    kind: 'optional',
    syntax: 'HOST:PORT',
    schema: value(
      'is HOST:PORT, such as 127.0.0.1:2055, collector.example:2055 or [::1]:2055',
      parseHostPort,
    ),
    help: 'where to send',
    group: 'Sending',
    commands: ['replay', 'generate'],
  },
  dgramsFile: {
    flag: 'output',
    kind: 'optional',
    syntax: 'FILE',
    schema: anyText('the path of a .dgrams file'),
    help: 'a .dgrams file to write instead of sending; --count is then 10000 unless given',
    group: 'Sending',
    commands: ['generate'],
  },
  replayRate: {
    flag: 'rate',
    kind: 'optional',
    syntax: 'N',
    schema: value(
      `is a number of datagrams per second from 0 (as fast as possible) to ${MAX_RATE}`,
      parseDecimal,
      (n) => n <= MAX_RATE,
    ),
    help: 'datagrams per second instead of the recorded times; 0: as fast as possible',
    group: 'Sending',
    commands: ['replay'],
  },
  speed: {
    flag: 'speed',
    kind: 'optional',
    syntax: 'X',
    schema: value(
      `is a number from 0 (as fast as possible) to ${MAX_SPEED}, such as 2 or 0.5`,
      parseDecimal,
      (n) => n <= MAX_SPEED,
    ),
    defaultHelp: '1',
    help: 'times as fast as recorded; 0: as fast as possible',
    group: 'Sending',
    commands: ['replay'],
  },
  loop: {
    flag: 'loop',
    kind: 'one',
    syntax: 'N',
    schema: integer(0, 1_000_000_000),
    default: '1',
    help: 'how often to send the file; 0: until interrupted',
    group: 'Sending',
    commands: ['replay'],
  },
  rate: {
    flag: 'rate',
    kind: 'one',
    syntax: 'N',
    schema: value(
      `is a number of datagrams per second from 0 (as fast as possible) to ${MAX_RATE}`,
      parseDecimal,
      (n) => n <= MAX_RATE,
    ),
    default: '1000',
    help: 'datagrams per second of all exporters together; 0: as fast as possible',
    group: 'Sending',
    commands: ['generate'],
  },
  count: {
    flag: 'count',
    kind: 'optional',
    syntax: 'N',
    schema: integer(1, MAX_COUNT),
    defaultHelp: 'until interrupted',
    help: 'datagrams to send',
    group: 'Sending',
    commands: ['generate'],
  },
  version: {
    flag: 'version',
    kind: 'one',
    syntax: 'V',
    schema: choice(GENERATED_VERSIONS),
    default: '9',
    help: 'NetFlow 5, 7 or 9, or 10, which is IPFIX',
    group: 'Traffic',
    commands: ['generate'],
  },
  exporters: {
    flag: 'exporters',
    kind: 'one',
    syntax: 'N',
    schema: integer(1, 65_535),
    default: '1',
    help: 'simulated exporters; up to 256 of them have sockets of their own',
    group: 'Traffic',
    commands: ['generate'],
  },
  templates: {
    flag: 'templates',
    kind: 'one',
    syntax: 'N',
    schema: integer(1, 1000),
    default: '1',
    help: 'data templates of each exporter (v9 and IPFIX)',
    group: 'Traffic',
    commands: ['generate'],
  },
  seed: {
    flag: 'seed',
    kind: 'one',
    syntax: 'N',
    schema: integer(0, Number.MAX_SAFE_INTEGER),
    default: '1',
    help: 'equal seeds make equal flows, and equal files',
    group: 'Traffic',
    commands: ['generate'],
  },
  sendOptions: {
    flag: 'options',
    kind: 'switch',
    syntax: '',
    schema: flag,
    help: 'send sampling, interface and application options too',
    group: 'Traffic',
    commands: ['generate'],
  },
  loss: {
    flag: 'loss',
    kind: 'one',
    syntax: 'P',
    schema: value('is a probability from 0 to below 1, such as 0.01 or 1%', parseProbability, (p) => p < 1),
    default: '0',
    help: 'probability that a datagram is lost on purpose',
    group: 'Traffic',
    commands: ['generate'],
  },
  reorder: {
    flag: 'reorder',
    kind: 'one',
    syntax: 'P',
    schema: value('is a probability from 0 to 1, such as 0.01 or 1%', parseProbability),
    default: '0',
    help: 'probability that a datagram changes places with the next one of its exporter',
    group: 'Traffic',
    commands: ['generate'],
  },
  redefine: {
    flag: 'redefine',
    kind: 'one',
    syntax: 'N',
    schema: integer(0, 1_000_000_000),
    default: '0',
    help: 'every so many datagrams of an exporter a template is defined anew; 0: never (v9 and IPFIX)',
    group: 'Traffic',
    commands: ['generate'],
  },

  ledger: {
    flag: 'ledger',
    kind: 'optional',
    syntax: 'FILE',
    schema: anyText('the path of a file'),
    help: 'write the ledger, which is the count of everything, as JSON at the end',
    group: 'Reporting',
    commands: ['collect', 'decode'],
  },
  statusInterval: {
    flag: 'status-interval',
    kind: 'one',
    syntax: 'DURATION',
    schema: value(
      'is a duration from 1s to 1d, such as 10s, or 0 for none',
      parseDurationMs,
      (ms) => ms === 0 || (ms >= 1000 && ms <= MAX_STATUS_INTERVAL_MS),
    ),
    default: '10s',
    help: 'time between two status lines; 0: none',
    group: 'Reporting',
    commands: ['collect'],
  },
  quiet: {
    flag: 'quiet',
    kind: 'switch',
    syntax: '',
    schema: flag,
    help: 'no progress bar and no summary, only errors',
    group: 'Reporting',
    commands: ['decode', 'replay', 'generate'],
  },
  logLevel: {
    flag: 'log-level',
    kind: 'one',
    syntax: 'LEVEL',
    schema: choice(LOG_LEVELS),
    default: 'info',
    help: 'least important lines of the log: error, warn, info or debug',
    group: 'Reporting',
    commands: ['collect'],
  },
  quietLogLevel: {
    flag: 'log-level',
    kind: 'one',
    syntax: 'LEVEL',
    schema: choice(LOG_LEVELS),
    default: 'error',
    help: 'least important lines of the log: error, warn, info or debug',
    group: 'Reporting',
    commands: ['decode', 'replay', 'generate', 'demo'],
  },
  logFormat: {
    flag: 'log-format',
    kind: 'one',
    syntax: 'FORMAT',
    schema: choice(LOG_FORMATS),
    default: 'text',
    help: 'text, or json with one object per line',
    group: 'Reporting',
    commands: ['collect'],
  },
} as const satisfies Record<string, OptionSpec>;

export type OptionKey = keyof typeof OPTIONS;

type ValueOf<S extends OptionSpec> = S['kind'] extends 'list'
  ? readonly z.output<S['schema']>[]
  : S['kind'] extends 'optional'
    ? z.output<S['schema']> | undefined
    : z.output<S['schema']>;

/** The values of the options of one command. */
export type OptionValues<C extends CommandName> = {
  readonly [K in OptionKey as C extends (typeof OPTIONS)[K]['commands'][number] ? K : never]: ValueOf<
    (typeof OPTIONS)[K]
  >;
};

/** The options of a command, in the order of the help. */
export function optionsOf(command: CommandName): [OptionKey, OptionSpec][] {
  const options = (Object.entries(OPTIONS) as [OptionKey, OptionSpec][]).filter(([, { commands }]) =>
    commands.includes(command),
  );
  return OPTION_GROUPS.flatMap((group) => options.filter(([, option]) => option.group === group));
}
