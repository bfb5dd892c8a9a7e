import { MillraceError } from '../base/errors.ts';

export interface GeneratorOptions {
  /** Header version of the datagrams; default 9. */
  version: 5 | 7 | 9 | 10;
  /** Simulated exporters; exporter k has observation domain, source or engine id k+1. 1 to 65535, default 1. */
  exporters: number;
  /** Data templates per exporter, with ids from 256; template 0 is the classic IPv4 flow. 1 to 1000, default 1. */
  templates: number;
  /** Same options and seed, same bytes. Default 1. */
  seed: number;
  /** Export time of the first datagram, ms since the epoch. */
  startMs: number;
  /** Virtual time between two datagrams of the whole simulation, ms, may be a fraction. Default 1. */
  intervalMs: number;
  /** Whether sampling, interface and application options are sent too. Default false. */
  options: boolean;
  /** Datagrams of an exporter from one template refresh to the next; default 20. */
  templateEvery: number;
  /** Data records in a datagram at most; default as many as fit. */
  recordsPerDatagram?: number;
  /**
   * Octets of a datagram at most; default 1400, for v5 and v7 1472 (30 and 27 records). An explicit recordsPerDatagram
   * of v5 and v7 goes before this.
   */
  maxDatagramBytes: number;
  /** Probability that a datagram is made, so that the sequence number advances, and not emitted; less than 1. */
  loss: number;
  /** Probability that a datagram changes places with the next one of its exporter. */
  reorder: number;
  /** Every so many datagrams of an exporter one of its templates is defined anew; default 0, never. */
  redefine: number;
  /** Sequence number of the first datagram of every exporter; default 0. */
  firstSequence: number;
}

/** 2026-01-01T00:00:00Z. */
export const DEFAULT_START_MS = 1_767_225_600_000;

export const V5_MAX_RECORDS = 30;
export const V7_MAX_RECORDS = 28;
/** Room for half a datagram of announcements and still three of the longest records. */
const MIN_DATAGRAM_BYTES = 1024;
/** Longest UDP payload over IPv4. */
const MAX_DATAGRAM_BYTES = 65_507;
/** Uptimes start at up to 40 days, and seconds since the epoch have 32 bits on the wire. */
const MIN_START_MS = 50 * 86_400_000;
const MAX_START_MS = 0xffff_ffff * 1000;

/** Fills in the defaults. Throws MillraceError CONFIG_INVALID that names the first option that is wrong. */
export function resolveGeneratorOptions(given: Partial<GeneratorOptions>): GeneratorOptions {
  const version = given.version ?? 9;
  if (version !== 5 && version !== 7 && version !== 9 && version !== 10) {
    invalid('version', 'must be 5, 7, 9 or 10', version);
  }
  const fixed = version < 9;
  const options: GeneratorOptions = {
    version,
    exporters: given.exporters ?? 1,
    templates: given.templates ?? 1,
    seed: given.seed ?? 1,
    startMs: given.startMs ?? DEFAULT_START_MS,
    intervalMs: given.intervalMs ?? 1,
    options: given.options ?? false,
    templateEvery: given.templateEvery ?? 20,
    recordsPerDatagram: given.recordsPerDatagram,
    maxDatagramBytes: given.maxDatagramBytes ?? (fixed ? 1472 : 1400),
    loss: given.loss ?? 0,
    reorder: given.reorder ?? 0,
    redefine: given.redefine ?? 0,
    firstSequence: given.firstSequence ?? 0,
  };
  integer('exporters', options.exporters, 1, 0xffff);
  integer('templates', options.templates, 1, fixed ? 1 : 1000);
  integer('seed', options.seed, 0, Number.MAX_SAFE_INTEGER);
  number('startMs', options.startMs, MIN_START_MS, MAX_START_MS);
  number('intervalMs', options.intervalMs, 0, 86_400_000);
  integer('templateEvery', options.templateEvery, 1, 0xffff_ffff);
  if (options.recordsPerDatagram !== undefined) {
    const most = version === 5 ? V5_MAX_RECORDS : version === 7 ? V7_MAX_RECORDS : 0xffff;
    integer('recordsPerDatagram', options.recordsPerDatagram, 1, most);
  }
  integer('maxDatagramBytes', options.maxDatagramBytes, MIN_DATAGRAM_BYTES, MAX_DATAGRAM_BYTES);
  number('loss', options.loss, 0, 1);
  if (options.loss === 1) invalid('loss', 'must be less than 1', 1);
  number('reorder', options.reorder, 0, 1);
  integer('redefine', options.redefine, 0, fixed ? 0 : 0xffff_ffff);
  integer('firstSequence', options.firstSequence, 0, 0xffff_ffff);
  return options;
}

function integer(name: keyof GeneratorOptions, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  invalid(
    name,
    low === high ? `must be ${low} for this version` : `must be a whole number from ${low} to ${high}`,
    value,
  );
}

function number(name: keyof GeneratorOptions, value: number, low: number, high: number): void {
  if (value >= low && value <= high) return;
  invalid(name, `must be a number from ${low} to ${high}`, value);
}

function invalid(name: keyof GeneratorOptions, rule: string, value: unknown): never {
  throw new MillraceError('CONFIG_INVALID', `generator option ${name} ${rule}, not ${String(value)}`);
}
