import { writeText } from './flow-values.ts';
import { VARIABLE, writeUint } from './message-writer.ts';
import { specifiers } from './template-data.ts';
import { INTERFACES, SERVICES } from './traffic.ts';

/**
 * What simulated exporters say about themselves in options data: how they sample, what their interfaces and applications
 * are called.
 */

/** An options template and its records. Bytes are shared by all exporters and must not be changed. */
export interface OptionsGroup {
  /** Options template record; its first two octets, the id, are left for the sender. */
  readonly template: Uint8Array;
  readonly records: readonly Uint8Array[];
}

type Cell = number | string;
type Column = readonly [id: number, length: number];

const SAMPLING_INTERVALS = [1000, 512, 100, 2048];

/** One in so many packets is looked at by sampler 1 of the exporter, and by the exporter as a whole. */
export function samplingInterval(exporter: number): number {
  return SAMPLING_INTERVALS[exporter % SAMPLING_INTERVALS.length];
}

/** The same for sampler or selector 2. */
export function secondSamplingInterval(exporter: number): number {
  return samplingInterval(exporter) * 4;
}

/** Options of an exporter with that interval of sampler 1, in the form of NetFlow v9 or IPFIX. */
export function optionsGroups(version: 9 | 10, interval: number): OptionsGroup[] {
  return version === 9 ? v9Groups(interval) : ipfixGroups(interval);
}

const V9_SYSTEM: Column = [1, 4];
const V9_INTERFACE: Column = [2, 4];
const DETERMINISTIC = 1;
const RANDOM = 2;

function v9Groups(interval: number): OptionsGroup[] {
  return [
    group(
      9,
      [V9_SYSTEM],
      [
        [34, 4],
        [35, 1],
      ],
      [[0, interval, DETERMINISTIC]],
    ),
    group(
      9,
      [V9_SYSTEM],
      [
        [48, 1],
        [49, 1],
        [50, 4],
        [84, 16],
      ],
      [
        [0, 1, DETERMINISTIC, interval, 'SAMPLER-EVEN'],
        [0, 2, RANDOM, interval * 4, 'SAMPLER-RANDOM'],
      ],
    ),
    group(
      9,
      [V9_INTERFACE],
      [
        [82, 32],
        [83, 64],
      ],
      INTERFACES.map(({ index, name, description }) => [index, name, description]),
    ),
    group(
      9,
      [V9_SYSTEM],
      [
        [95, 4],
        [96, 24],
        [94, 48],
      ],
      SERVICES.map(({ application, name, description }) => [0, application, name, description]),
    ),
  ];
}

/** Systematic count-based sampling, RFC 5477 section 8.2.1. */
const SYSTEMATIC_COUNT = 1;

function ipfixGroups(interval: number): OptionsGroup[] {
  return [
    group(
      10,
      [[302, 8]],
      [
        [304, 2],
        [305, 4],
        [306, 4],
      ],
      [
        [1, SYSTEMATIC_COUNT, 1, interval - 1],
        [2, SYSTEMATIC_COUNT, 1, interval * 4 - 1],
      ],
    ),
    group(
      10,
      [[10, 4]],
      [
        [82, VARIABLE],
        [83, VARIABLE],
      ],
      INTERFACES.map(({ index, name, description }) => [index, name, description]),
    ),
    group(
      10,
      [[95, 4]],
      [
        [96, VARIABLE],
        [94, VARIABLE],
      ],
      SERVICES.map(({ application, name, description }) => [application, name, description]),
    ),
  ];
}

function group(version: 9 | 10, scopes: Column[], options: Column[], rows: Cell[][]): OptionsGroup {
  const columns = [...scopes, ...options];
  const fields = specifiers(columns.map(([id, length]) => ({ id, length, pen: 0 })));
  const template = new Uint8Array(6 + fields.length);
  const view = new DataView(template.buffer);
  if (version === 9) {
    // RFC 3954 section 6.1 counts octets,
    view.setUint16(2, scopes.length * 4);
    view.setUint16(4, options.length * 4);
  } else {
    // RFC 7011 section 3.4.2.2 counts fields.
    view.setUint16(2, columns.length);
    view.setUint16(4, scopes.length);
  }
  template.set(fields, 6);
  return { template, records: rows.map((row) => record(columns, row)) };
}

function record(columns: readonly Column[], row: readonly Cell[]): Uint8Array {
  const bytes = new Uint8Array(512);
  const view = new DataView(bytes.buffer);
  let at = 0;
  columns.forEach(([, length], i) => {
    const cell = row[i];
    if (typeof cell === 'string') {
      at = writeText(cell, length, bytes, at);
    } else {
      writeUint(view, at, length, cell);
      at += length;
    }
  });
  return bytes.slice(0, at);
}
