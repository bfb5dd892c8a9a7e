import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { FORMATS } from '../../src/output/encoder.ts';
import { RECEIVE_MODES, type ReceiveMode } from '../../src/receive/receive-mode.ts';
import type { SessionSetup } from './session.ts';

/** What the command line of `npm run bench:pipeline` asks for. */
export interface BenchOptions {
  workers: number[];
  receivers: number[];
  receive: ReceiveMode[];
  formats: string[];
  /** Datagrams per second; 0: as fast as the sender can. */
  rates: number[];
  seconds: number;
  warmupSeconds: number;
  exporters: number;
  templates: number;
  findMax: boolean;
  /** Seconds of a soak; 0: none. */
  soakSeconds: number;
  /** Of a soak: part of the highest rate, where --rate ends in %. */
  soakShare: number;
  folder: string;
}

/** Formats of the bench: `null` decodes and encodes nothing; the others go to a `null:` output. */
export const BENCH_FORMATS = ['null', ...FORMATS.filter((format) => format !== 'text')];

export const USAGE = `npm run bench:pipeline -- [options]
  --workers 1,2      decode threads
  --receivers 1      receive threads (recvmmsg)
  --receive recvmmsg,dgram
  --format ${BENCH_FORMATS.join(',')}
  --rate 5000,20000  datagrams per second; max: as fast as the sender can
  --seconds 8        of each measurement; --warmup 8 before it
  --exporters 16     --templates 1
  --find-max         search the highest rate without loss of every combination
  --soak 10m         one long run of the first combination; --rate N or 60% (of the highest rate)
  --out perf-reports`;

export function readOptions(args: string[]): BenchOptions {
  const { values } = parseArgs({
    args,
    options: {
      workers: { type: 'string', default: availableParallelism() > 2 ? '1,2,4' : '1,2' },
      receivers: { type: 'string', default: '1' },
      receive: { type: 'string', default: 'recvmmsg' },
      format: { type: 'string', default: BENCH_FORMATS.join(',') },
      rate: { type: 'string' },
      seconds: { type: 'string', default: '8' },
      warmup: { type: 'string', default: '8' },
      exporters: { type: 'string', default: '16' },
      templates: { type: 'string', default: '1' },
      'find-max': { type: 'boolean', default: false },
      soak: { type: 'string' },
      out: { type: 'string', default: 'perf-reports' },
    },
  });
  const rate = values.rate ?? (values.soak === undefined ? '5000,20000' : '60%');
  const share = /^(\d+)%/.exec(rate);
  return {
    workers: numbers('workers', values.workers),
    receivers: numbers('receivers', values.receivers),
    receive: words('receive', values.receive, RECEIVE_MODES) as ReceiveMode[],
    formats: words('format', values.format, BENCH_FORMATS),
    rates: share !== null ? [] : rate.split(',').map((text) => (text === 'max' ? 0 : number('rate', text))),
    seconds: number('seconds', values.seconds),
    warmupSeconds: number('warmup', values.warmup),
    exporters: number('exporters', values.exporters),
    templates: number('templates', values.templates),
    findMax: values['find-max'],
    soakSeconds: values.soak === undefined ? 0 : duration(values.soak),
    soakShare: share === null ? 0 : Number(share[1]) / 100,
    folder: values.out,
  };
}

/** Every combination that exists: several receivers need recvmmsg. */
export function combinations(options: BenchOptions): SessionSetup[] {
  const { exporters, templates } = options;
  const load = { exporters, templates, seed: 1, maxDatagramBytes: 1384 };
  return options.receive.flatMap((receive) =>
    options.receivers
      .filter((receivers) => receivers === 1 || receive !== 'dgram')
      .flatMap((receivers) =>
        options.formats.flatMap((format) =>
          options.workers.map((workers) => ({
            workers,
            receivers,
            receive,
            outputs: outputsOf(format),
            load,
          })),
        ),
      ),
  );
}

export function outputsOf(format: string): string[] {
  return format === 'null' ? [] : [`null:?format=${format}`];
}

/** The name of a setup's format, as on the command line. */
export function formatOf(setup: SessionSetup): string {
  return /format=(\w+)/.exec(setup.outputs[0] ?? '')?.[1] ?? 'null';
}

export function setupName(setup: SessionSetup): string {
  const { receive, receivers, workers } = setup;
  return `${receive}${receivers > 1 ? `×${receivers}` : ''} ${formatOf(setup)} ${workers}w`;
}

function words(name: string, text: string, allowed: readonly string[]): string[] {
  const given = text.split(',');
  const wrong = given.find((word) => !allowed.includes(word));
  if (wrong !== undefined) throw new RangeError(`--${name} ${wrong}: allowed are ${allowed.join(', ')}`);
  return given;
}

function numbers(name: string, text: string): number[] {
  return text.split(',').map((part) => number(name, part));
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new RangeError(`--${name} ${text}: allowed are numbers above 0`);
  return value;
}

function duration(text: string): number {
  const match = /^(\d+)([smh])$/.exec(text);
  if (match === null) throw new RangeError(`--soak ${text}: allowed are durations such as 30s, 10m or 1h`);
  return Number(match[1]) * { s: 1, m: 60, h: 3600 }[match[2] as 's' | 'm' | 'h'];
}
