/**
 * The options of every command: one table, from which flags, their parsing and their help derive. A default is written
 * as the user would write it and goes through the same schema as what the user gives.
 */
import type { z } from 'zod';
import { EXPORTER_KEYS } from '../dispatch/scanner.ts';
import { FORMATS, SCHEMAS } from '../output/encoder.ts';
import { RECEIVE_MODES } from '../receive/receive-mode.ts';
import type { CommandName } from './commands.ts';
import { HTTP_OPTIONS } from './http-options.ts';
import * as schemas from './schemas.ts';

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
  'HTTP',
] as const;
export type OptionGroup = (typeof OPTION_GROUPS)[number];

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export const LOG_FORMATS = ['text', 'json'] as const;
const UDP_WITHDRAWALS = ['honour', 'ignore'] as const;
/** What `decode` reads; auto looks into the first file. */
const RECORDINGS = ['auto', 'capture', 'columnar'] as const;
const GENERATED_VERSIONS = ['5', '7', '9', '10'] as const;

export const OPTIONS = {
  listen: {
    flag: 'listen',
    kind: 'list',
    syntax: 'URI',
    schema: schemas.listenUri,
    default: ['netflow://[::]:2055'],
    help: 'where to receive, any version on any port; [::] receives IPv4 too, port 0 takes a free one; may be repeated',
    group: 'Input',
    commands: ['collect'],
  },
  allow: {
    flag: 'allow',
    kind: 'list',
    syntax: 'CIDR',
    schema: schemas.cidr,
    default: [],
    defaultHelp: 'everybody',
    help: 'address range that may send; may be repeated',
    group: 'Input',
    commands: ['collect'],
  },
  from: {
    flag: 'from',
    kind: 'one',
    syntax: 'WHAT',
    schema: schemas.choice(RECORDINGS),
    default: 'auto',
    help:
      'what the files hold: capture (datagrams), columnar (flows that --format columnar has written), or auto, which ' +
      'looks into the first one',
    group: 'Input',
    commands: ['decode'],
  },
  exporterKey: {
    flag: 'exporter-key',
    kind: 'one',
    syntax: 'KEY',
    schema: schemas.choice(EXPORTER_KEYS),
    default: 'address',
    help: 'what tells exporters apart: address, or address+port',
    group: 'Input',
    commands: ['collect', 'decode'],
  },
  receive: {
    flag: 'receive',
    kind: 'one',
    syntax: 'HOW',
    schema: schemas.choice(RECEIVE_MODES),
    default: 'auto',
    help: 'how to receive: recvmmsg (Linux), dgram, or auto, which takes recvmmsg where it can',
    group: 'Resources',
    commands: ['collect'],
  },
  receivers: {
    flag: 'receivers',
    kind: 'one',
    syntax: 'N',
    schema: schemas.integer(1, 64),
    default: '1',
    help: 'receive threads that share each listen address; more than 1 needs recvmmsg',
    group: 'Resources',
    commands: ['collect'],
  },
  maxDatagram: {
    flag: 'max-datagram',
    kind: 'one',
    syntax: 'BYTES',
    schema: schemas.datagramBytes,
    default: '9KiB',
    help: 'longest datagram that is taken; longer ones are counted and refused',
    group: 'Resources',
    commands: ['collect'],
  },
  slots: {
    flag: 'slots',
    kind: 'one',
    syntax: 'N',
    schema: schemas.slots,
    default: '8192',
    help: 'datagrams that each receiver can keep until they are decoded, a power of two',
    group: 'Resources',
    commands: ['collect'],
  },
  recvBuffer: {
    flag: 'recv-buffer',
    kind: 'one',
    syntax: 'SIZE',
    schema: schemas.receiveBufferBytes,
    default: '32MiB',
    help: 'receive buffer to ask the kernel for, for each socket',
    group: 'Resources',
    commands: ['collect'],
  },
  jit: {
    flag: 'no-jit',
    kind: 'switch',
    syntax: '',
    schema: schemas.onOff,
    help: 'decode with the interpreter only, never with code made for a layout',
    group: 'Resources',
    commands: ['collect', 'decode'],
  },
  workers: {
    flag: 'workers',
    kind: 'one',
    syntax: 'N|auto',
    schema: schemas.workers,
    default: 'auto',
    help: 'decode threads; auto: all cores but one',
    group: 'Resources',
    commands: ['collect', 'decode'],
  },

  output: {
    flag: 'output',
    kind: 'list',
    syntax: 'URI',
    schema: schemas.text('stdout:, file:PATH or null:, with options such as ?format=ndjson'),
    default: ['stdout:'],
    help:
      'where flows go: stdout:, file:PATH with %Y%m%d-%H%M and the like, or null:; with ' +
      `?format=${FORMATS.join('|')}, and for files rotate=1h and compress=gzip|zstd|none; may be repeated`,
    group: 'Output',
    commands: ['collect', 'decode'],
  },
  format: {
    flag: 'format',
    kind: 'optional',
    syntax: 'FORMAT',
    schema: schemas.choice(FORMATS),
    defaultHelp: 'text on a terminal, else ndjson',
    help: `format of outputs that do not name one: ${FORMATS.join(', ')}`,
    group: 'Output',
    commands: ['decode'],
  },
  schema: {
    flag: 'schema',
    kind: 'one',
    syntax: 'NAME',
    schema: schemas.choice(SCHEMAS),
    default: 'millrace',
    help: 'record schema of outputs that do not name one: millrace, or iana, which has every field under its IANA name',
    group: 'Output',
    commands: ['collect', 'decode'],
  },
  writeOptions: {
    flag: 'options',
    kind: 'switch',
    syntax: '',
    schema: schemas.onOff,
    help: 'write options records too',
    group: 'Output',
    commands: ['decode'],
  },
  quarantine: {
    flag: 'quarantine',
    kind: 'optional',
    syntax: 'DIR',
    schema: schemas.text('the path of a directory'),
    help: 'where datagrams are kept that ended a decode thread twice',
    group: 'Output',
    commands: ['collect'],
  },

  templateTtl: {
    flag: 'template-ttl',
    kind: 'one',
    syntax: 'DURATION',
    schema: schemas.lifeTime,
    default: '30m',
    help: 'how long a template serves without being announced again',
    group: 'Templates',
    commands: ['collect'],
  },
  pendingTtl: {
    flag: 'pending-ttl',
    kind: 'one',
    syntax: 'DURATION',
    schema: schemas.lifeTime,
    default: '5m',
    help: 'how long data is held that came before its template',
    group: 'Templates',
    commands: ['collect'],
  },
  udpWithdrawals: {
    flag: 'udp-withdrawals',
    kind: 'one',
    syntax: 'RULE',
    schema: schemas.choice(UDP_WITHDRAWALS),
    default: 'honour',
    help: 'template withdrawals over UDP, which RFC 7011 forbids: honour or ignore',
    group: 'Templates',
    commands: ['collect', 'decode'],
  },

  to: {
    flag: 'to',
    kind: 'optional',
    syntax: 'HOST:PORT',
    schema: schemas.hostPort,
    help: 'where to send',
    group: 'Sending',
    commands: ['replay', 'generate'],
  },
  dgramsFile: {
    flag: 'output',
    kind: 'optional',
    syntax: 'FILE',
    schema: schemas.text('the path of a .dgrams file'),
    help: 'a .dgrams file to write instead of sending; --count is then 10000 unless given',
    group: 'Sending',
    commands: ['generate'],
  },
  replayRate: {
    flag: 'rate',
    kind: 'optional',
    syntax: 'N',
    schema: schemas.rate,
    help: 'datagrams per second instead of the recorded times; 0: as fast as possible',
    group: 'Sending',
    commands: ['replay'],
  },
  speed: {
    flag: 'speed',
    kind: 'optional',
    syntax: 'X',
    schema: schemas.speed,
    defaultHelp: '1',
    help: 'times as fast as recorded; 0: as fast as possible',
    group: 'Sending',
    commands: ['replay'],
  },
  loop: {
    flag: 'loop',
    kind: 'one',
    syntax: 'N',
    schema: schemas.integer(0, 1_000_000_000),
    default: '1',
    help: 'how often to send the file; 0: until interrupted',
    group: 'Sending',
    commands: ['replay'],
  },
  rate: {
    flag: 'rate',
    kind: 'one',
    syntax: 'N',
    schema: schemas.rate,
    default: '1000',
    help: 'datagrams per second of all exporters together; 0: as fast as possible',
    group: 'Sending',
    commands: ['generate'],
  },
  count: {
    flag: 'count',
    kind: 'optional',
    syntax: 'N',
    schema: schemas.integer(1, 1_000_000_000_000),
    defaultHelp: 'until interrupted',
    help: 'datagrams to send',
    group: 'Sending',
    commands: ['generate'],
  },
  version: {
    flag: 'version',
    kind: 'one',
    syntax: 'V',
    schema: schemas.choice(GENERATED_VERSIONS),
    default: '9',
    help: 'NetFlow 5, 7 or 9, or 10, which is IPFIX',
    group: 'Traffic',
    commands: ['generate'],
  },
  exporters: {
    flag: 'exporters',
    kind: 'one',
    syntax: 'N',
    schema: schemas.integer(1, 65_535),
    default: '1',
    help: 'simulated exporters; up to 256 of them have sockets of their own',
    group: 'Traffic',
    commands: ['generate'],
  },
  templates: {
    flag: 'templates',
    kind: 'one',
    syntax: 'N',
    schema: schemas.integer(1, 1000),
    default: '1',
    help: 'data templates of each exporter (v9 and IPFIX)',
    group: 'Traffic',
    commands: ['generate'],
  },
  seed: {
    flag: 'seed',
    kind: 'one',
    syntax: 'N',
    schema: schemas.integer(0, Number.MAX_SAFE_INTEGER),
    default: '1',
    help: 'equal seeds make equal flows, and equal files',
    group: 'Traffic',
    commands: ['generate'],
  },
  sendOptions: {
    flag: 'options',
    kind: 'switch',
    syntax: '',
    schema: schemas.onOff,
    help: 'send sampling, interface and application options too',
    group: 'Traffic',
    commands: ['generate'],
  },
  loss: {
    flag: 'loss',
    kind: 'one',
    syntax: 'P',
    schema: schemas.lossProbability,
    default: '0',
    help: 'probability that a datagram is lost on purpose',
    group: 'Traffic',
    commands: ['generate'],
  },
  reorder: {
    flag: 'reorder',
    kind: 'one',
    syntax: 'P',
    schema: schemas.probability,
    default: '0',
    help: 'probability that a datagram changes places with the next one of its exporter',
    group: 'Traffic',
    commands: ['generate'],
  },
  redefine: {
    flag: 'redefine',
    kind: 'one',
    syntax: 'N',
    schema: schemas.integer(0, 1_000_000_000),
    default: '0',
    help: 'every so many datagrams of an exporter a template is defined anew; 0: never (v9 and IPFIX)',
    group: 'Traffic',
    commands: ['generate'],
  },

  ledger: {
    flag: 'ledger',
    kind: 'optional',
    syntax: 'FILE',
    schema: schemas.text('the path of a file'),
    help: 'write the ledger, which is the count of everything, as JSON at the end',
    group: 'Reporting',
    commands: ['collect', 'decode'],
  },
  statusInterval: {
    flag: 'status-interval',
    kind: 'one',
    syntax: 'DURATION',
    schema: schemas.statusInterval,
    default: '10s',
    help: 'time between two status lines; 0: none',
    group: 'Reporting',
    commands: ['collect'],
  },
  quiet: {
    flag: 'quiet',
    kind: 'switch',
    syntax: '',
    schema: schemas.onOff,
    help: 'no progress bar and no summary, only errors',
    group: 'Reporting',
    commands: ['decode', 'replay', 'generate'],
  },
  logLevel: {
    flag: 'log-level',
    kind: 'one',
    syntax: 'LEVEL',
    schema: schemas.choice(LOG_LEVELS),
    default: 'info',
    help: 'least important lines of the log: error, warn, info or debug',
    group: 'Reporting',
    commands: ['collect'],
  },
  quietLogLevel: {
    flag: 'log-level',
    kind: 'one',
    syntax: 'LEVEL',
    schema: schemas.choice(LOG_LEVELS),
    default: 'error',
    help: 'least important lines of the log: error, warn, info or debug',
    group: 'Reporting',
    commands: ['decode', 'replay', 'generate', 'demo'],
  },
  logFormat: {
    flag: 'log-format',
    kind: 'one',
    syntax: 'FORMAT',
    schema: schemas.choice(LOG_FORMATS),
    default: 'text',
    help: 'text, or json with one object per line',
    group: 'Reporting',
    commands: ['collect'],
  },

  ...HTTP_OPTIONS,
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
