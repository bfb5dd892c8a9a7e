/**
 * The options of every command: one table, from which flags, environment variables, the keys of the file, their parsing,
 * help, reference page and JSON Schema derive. A default is written as the user would write it and goes through the same
 * schema as what the user gives.
 */
import type { z } from 'zod';
import { EXPORTER_KEYS } from '../dispatch/scanner.ts';
import { FORMATS, SCHEMAS } from '../output/encoder.ts';
import { RECEIVE_MODES } from '../receive/receive-mode.ts';
import { COMMANDS, type CommandName, type CommandSpec } from './commands.ts';
import { HTTP_OPTIONS } from './http-options.ts';
import { INSPECT_OPTIONS } from './inspect-options.ts';
import { OPTION_GROUPS, type OptionSpec } from './option.ts';
import * as schemas from './schemas.ts';
import { SENDING_OPTIONS } from './sending-options.ts';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export const LOG_FORMATS = ['text', 'json'] as const;
const UDP_WITHDRAWALS = ['honour', 'ignore'] as const;
const EVICTIONS = ['local', 'fleet'] as const;
/** What `decode` reads; auto looks into the first file. */
const RECORDINGS = ['auto', 'capture', 'columnar'] as const;

export const OPTIONS = {
  listen: {
    flag: 'listen',
    kind: 'list',
    syntax: 'URI',
    schema: schemas.listenUri,
    default: ['netflow://[::]:2055'],
    help: 'where to receive, any version on any port; [::] receives IPv4 too, port 0 takes a free one; may be repeated',
    group: 'Input',
    commands: ['collect', 'doctor'],
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
    live: true,
  },
  exporterRate: {
    flag: 'exporter-rate',
    kind: 'one',
    syntax: 'N/s',
    schema: schemas.exporterRate,
    default: '0/s',
    help: 'datagrams per second that one address may send, and as many at once; more are counted and refused; 0/s: any number',
    group: 'Input',
    commands: ['collect'],
    live: true,
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
    commands: ['collect', 'doctor'],
  },
  receivers: {
    flag: 'receivers',
    kind: 'one',
    syntax: 'N',
    schema: schemas.integer(1, schemas.MAX_RECEIVERS),
    default: '1',
    help: 'receive threads that share each listen address; more than 1 needs recvmmsg',
    group: 'Resources',
    commands: ['collect', 'doctor'],
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
    commands: ['collect', 'doctor'],
  },
  jit: {
    flag: 'jit',
    kind: 'switch',
    syntax: '',
    schema: schemas.onOff,
    default: 'true',
    help: 'code is made for each layout to decode with, unless this is turned off',
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
    commands: ['collect', 'decode', 'doctor'],
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
    commands: ['collect', 'decode', 'doctor'],
    live: true,
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
    commands: ['collect', 'decode', 'doctor'],
    live: true,
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
  filter: {
    flag: 'filter',
    kind: 'optional',
    syntax: 'EXPR',
    schema: schemas.text("a filter such as 'proto tcp and dst port 443'"),
    defaultHelp: 'all flows',
    help: "flows to write, in the words of nfdump: 'src net 10.0.0.0/8 and bytes > 1M' (docs/filter.md)",
    group: 'Output',
    commands: ['collect', 'decode'],
  },
  quarantine: {
    flag: 'quarantine',
    kind: 'optional',
    syntax: 'DIR',
    schema: schemas.text('the path of a directory'),
    help: 'where datagrams are kept that ended a decode thread twice',
    group: 'Output',
    commands: ['collect', 'doctor'],
  },

  ...INSPECT_OPTIONS,

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
  templateStore: {
    flag: 'templates',
    kind: 'optional',
    syntax: 'URI',
    schema: schemas.storeUri,
    defaultHelp: 'a file in $STATE_DIRECTORY or $XDG_STATE_HOME/millrace',
    help: 'where templates and exporter state are kept and shared: memory: (nowhere), file:///PATH, redis://HOST:6379/0?fleet=NAME (docs/store.md)',
    group: 'Templates',
    commands: ['collect', 'templates', 'log', 'doctor'],
  },
  evictions: {
    flag: 'evictions',
    kind: 'one',
    syntax: 'WHERE',
    schema: schemas.choice(EVICTIONS),
    default: 'local',
    help: 'where a template goes that a limit here pushes out: local (the store keeps it), or fleet (it is removed everywhere)',
    group: 'Templates',
    commands: ['collect'],
  },
  storeDeadline: {
    flag: 'store-deadline',
    kind: 'one',
    syntax: 'DURATION',
    schema: schemas.lifeTime,
    default: '30s',
    help: 'how long a template store that cannot be reached is tried at the start',
    group: 'Templates',
    commands: ['collect'],
  },
  storeOptional: {
    flag: 'store-optional',
    kind: 'switch',
    syntax: '',
    schema: schemas.onOff,
    help: 'start without the template store when it cannot be reached',
    group: 'Templates',
    commands: ['collect'],
  },
  elements: {
    flag: 'elements',
    kind: 'optional',
    syntax: 'FILE',
    schema: schemas.text('the path of a YAML file'),
    help: 'information elements beside those that are built in, or in their place (docs/elements.md)',
    group: 'Templates',
    commands: ['collect', 'decode', 'inspect'],
    live: true,
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
  drainGrace: {
    flag: 'drain-grace',
    kind: 'one',
    syntax: 'DURATION',
    schema: schemas.statusInterval,
    default: '0',
    help: 'how long to go on receiving after the wish to stop, while /ready says no, so that a balancer can notice',
    group: 'Resources',
    commands: ['collect'],
  },
  drainTimeout: {
    flag: 'drain-timeout',
    kind: 'one',
    syntax: 'DURATION',
    schema: schemas.lifeTime,
    default: '30s',
    help: 'how long stopping may take; what is not finished then is counted and given up, with exit code 1',
    group: 'Resources',
    commands: ['collect'],
  },
  ofExporter: {
    flag: 'exporter',
    kind: 'optional',
    syntax: 'CIDR',
    schema: schemas.cidr,
    help: 'only of exporters with such an address',
    group: 'Templates',
    commands: ['templates'],
  },
  json: {
    flag: 'json',
    kind: 'switch',
    syntax: '',
    schema: schemas.onOff,
    help: 'JSON for programs, one object per line',
    group: 'Reporting',
    commands: ['inspect', 'doctor', 'templates', 'log'],
    notIn: ['file', 'environment'],
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
    live: true,
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

  config: {
    flag: 'config',
    kind: 'optional',
    syntax: 'FILE',
    schema: schemas.text('the path of a YAML file'),
    defaultHelp: '/etc/millrace/millrace.yaml where it exists',
    help: 'options in a file; environment variables go before the file, and flags before both',
    group: 'Configuration',
    commands: ['collect', 'doctor'],
    notIn: ['file'],
  },
  dumpConfig: {
    flag: 'dump-config',
    kind: 'switch',
    syntax: '',
    schema: schemas.onOff,
    help: 'print the value of every option and where it comes from, as YAML without secrets; collect does nothing else then',
    group: 'Configuration',
    commands: ['collect'],
    notIn: ['file', 'environment'],
  },
  ...HTTP_OPTIONS,
  ...SENDING_OPTIONS,
} as const satisfies Record<string, OptionSpec>;

export type OptionKey = keyof typeof OPTIONS;

const OPTION_LIST = Object.entries(OPTIONS) as [OptionKey, OptionSpec][];

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
  const spec: CommandSpec = COMMANDS[command];
  const like: CommandName = spec.optionsOf ?? command;
  const options = OPTION_LIST.filter(([, { commands }]) => commands.includes(like));
  return OPTION_GROUPS.flatMap((group) => options.filter(([, option]) => option.group === group));
}

/**
 * Whether the command takes options from the file and the environment. Those are for the collector and what looks at it:
 * what sends or decodes is told so by hand.
 */
export function isConfigured(command: CommandName): boolean {
  return optionsOf(command).some(([key]) => key === 'config');
}

/** Options that this source can set, for whichever command. */
export function optionsIn(source: 'file' | 'environment'): OptionSpec[] {
  const configured: readonly CommandName[] = OPTIONS.config.commands;
  return OPTION_LIST.map(([, option]) => option).filter(
    ({ commands, notIn }) =>
      commands.some((command) => configured.includes(command)) && !notIn?.includes(source),
  );
}
