import type { CounterName } from '../accounting/ledger.ts';
import type { CollectorReport } from '../collector.ts';
import type { CollectorParts } from '../collector-parts.ts';
import type { ProcessInfo } from './info.ts';
import type { ProcessNumbers } from './process-numbers.ts';
import type { ExporterCount, ExporterSeries } from './top-exporters.ts';

/** All numbers at one moment. */
export interface MetricSource {
  readonly report: CollectorReport;
  readonly parts: CollectorParts;
  /** By exporter, `other` among them. */
  readonly exporters: ReadonlyMap<string, ExporterSeries>;
  readonly process: ProcessNumbers;
  readonly info: ProcessInfo;
  readonly ready: boolean;
  readonly http: {
    readonly requests: ReadonlyMap<string, ReadonlyMap<number, number>>;
    readonly refusedConnections: number;
  };
  readonly flows: { readonly readers: number; readonly sent: number; readonly lost: number };
}

/** Takes a value with those of its labels, in the order of the table. */
export type Emit = (value: number, ...labels: string[]) => void;

export interface MetricSpec {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly labels: readonly string[];
  readonly help: string;
  /** Where the numbers come from: counters of the ledger, or a part of the collector. */
  readonly from: readonly (CounterName | `the ${string}`)[];
  readonly read: (source: MetricSource, emit: Emit) => void;
}

/** One counter of the ledger. */
export function counted(name: string, help: string, counter: CounterName): MetricSpec {
  const read: MetricSpec['read'] = ({ report }, emit) => emit(report.counters[counter]);
  return { name, type: 'counter', labels: [], help, from: [counter], read };
}

/** Several counters of the ledger that differ in one label. */
export function countedBy(
  name: string,
  label: string,
  help: string,
  counters: Readonly<Record<string, CounterName>>,
): MetricSpec {
  const entries = Object.entries(counters);
  const read: MetricSpec['read'] = ({ report }, emit) => {
    for (const [value, counter] of entries) emit(report.counters[counter], value);
  };
  return { name, type: 'counter', labels: [label], help, from: entries.map(([, counter]) => counter), read };
}

export function measured(
  name: string,
  type: MetricSpec['type'],
  labels: readonly string[],
  help: string,
  from: `the ${string}`,
  read: MetricSpec['read'],
): MetricSpec {
  return { name, type, labels, help, from: [from], read };
}

export function byExporter(name: string, help: string, count: ExporterCount): MetricSpec {
  return measured(name, 'counter', ['exporter'], help, 'the exporters', ({ exporters }, emit) => {
    for (const [exporter, { counts }] of exporters) emit(counts[count], exporter);
  });
}

export function ofReceiver(
  name: string,
  type: MetricSpec['type'],
  help: string,
  value: (receiver: CollectorParts['receivers'][number]) => number,
): MetricSpec {
  return measured(name, type, ['receiver'], help, 'the receivers', ({ parts }, emit) => {
    for (const receiver of parts.receivers) emit(value(receiver), receiver.name);
  });
}

export function ofProcess(
  name: string,
  type: MetricSpec['type'],
  help: string,
  key: keyof ProcessNumbers,
): MetricSpec {
  return measured(name, type, [], help, 'the process', ({ process }, emit) => emit(process[key]));
}
