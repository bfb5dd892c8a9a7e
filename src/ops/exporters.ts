import { addressText } from '../base/ip.ts';
import type { Companion } from '../dispatch/binder.ts';
import type { Scope } from '../templates/scope.ts';

/** What there is to say about the exporters that are known at present, for people and programs. All from the scopes. */
export interface ExportersDocument {
  /** Exporters that are known, of which `exporters` are those that have sent most. */
  total: number;
  exporters: ExporterDocument[];
}

export interface ExporterDocument extends ExporterRates {
  exporter: string;
  /** Only where the port is part of the key. */
  port?: number;
  versions: number[];
  firstSeen: string;
  lastSeen: string;
  messages: number;
  octets: number;
  records: number;
  domains: DomainDocument[];
}

interface ExporterRates {
  /** Per second, over the last seconds. */
  messagesPerSecond: number;
  octetsPerSecond: number;
  recordsPerSecond: number;
}

export interface DomainDocument extends ExporterRates {
  version: number;
  observationDomainId: number;
  firstSeen: string;
  lastSeen: string;
  messages: number;
  octets: number;
  records: number;
  templates: number;
  setsWithoutTemplate: number;
  /** unit: what a sequence number counts. Numbers of units, but for reordered, duplicates and restarts. */
  sequence: {
    unit: 'datagrams' | 'records';
    received: number;
    lost: number;
    reordered: number;
    duplicates: number;
    restarts: number;
    unsure: number;
  };
  /** From options data. rates and names: how many are kept. */
  sampling: { systemRate: number | null; rates: number; names: number };
  /** Export time minus arrival time; below 0 when the exporter's clock is behind. */
  clockSkewSeconds: number;
  /** Everything learned from options data, where one exporter was asked for. */
  state?: object;
}

type KnownScope = Scope<Companion>;

/** only: the address of one exporter, which is then described in full. */
export function describeExporters(
  scopes: Iterable<KnownScope>,
  limit: number,
  only: string | null,
): ExportersDocument {
  const groups = [...groupByExporter(scopes).values()].filter(
    (group) => only === null || nameOf(group[0]) === only,
  );
  const sorted = groups.map((group) => ({ group, octets: total(group, 'octets') }));
  sorted.sort((a, b) => b.octets - a.octets);
  return {
    total: groups.length,
    exporters: sorted.slice(0, limit).map(({ group }) => describeExporter(group, only !== null)),
  };
}

/** Scopes by exporter: its address, and its port where that is part of the key. */
export function groupByExporter(scopes: Iterable<KnownScope>): Map<string, KnownScope[]> {
  const groups = new Map<string, KnownScope[]>();
  for (const scope of scopes) {
    const key = scope.port === 0 ? nameOf(scope) : `${nameOf(scope)} ${scope.port}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [scope]);
    else group.push(scope);
  }
  return groups;
}

function nameOf({ address }: KnownScope): string {
  return addressText(address, 0);
}

function describeExporter(scopes: KnownScope[], full: boolean): ExporterDocument {
  const [{ port }] = scopes;
  const domains = [...scopes].sort((a, b) => a.version - b.version || a.domain - b.domain);
  return {
    exporter: nameOf(scopes[0]),
    ...(port === 0 ? {} : { port }),
    versions: [...new Set(domains.map(({ version }) => version))],
    firstSeen: timeText(Math.min(...scopes.map(({ firstSeenMs }) => firstSeenMs))),
    lastSeen: timeText(Math.max(...scopes.map(({ lastSeenMs }) => lastSeenMs))),
    messages: total(scopes, 'messages'),
    octets: total(scopes, 'octets'),
    records: total(scopes, 'records'),
    messagesPerSecond: totalRate(scopes, 'messages'),
    octetsPerSecond: totalRate(scopes, 'octets'),
    recordsPerSecond: totalRate(scopes, 'records'),
    domains: domains.map((scope) => describeDomain(scope, full)),
  };
}

function describeDomain(scope: KnownScope, full: boolean): DomainDocument {
  const { activity, sequence, state } = scope.companion;
  const { messages, octets, records, setsWithoutTemplate, rates } = activity;
  const { received, lost, reordered, duplicates, restarts, unsure } = sequence.totals;
  const known = state?.summary;
  return {
    version: scope.version,
    observationDomainId: scope.domain,
    firstSeen: timeText(scope.firstSeenMs),
    lastSeen: timeText(scope.lastSeenMs),
    messages,
    octets,
    records,
    messagesPerSecond: tenths(rates.messages),
    octetsPerSecond: tenths(rates.octets),
    recordsPerSecond: tenths(rates.records),
    templates: scope.version < 9 ? 0 : scope.templates.size,
    setsWithoutTemplate,
    sequence: {
      unit: scope.version === 9 ? 'datagrams' : 'records',
      received,
      lost,
      reordered,
      duplicates,
      restarts,
      unsure,
    },
    sampling: { systemRate: known?.systemRate || null, rates: known?.rates ?? 0, names: known?.names ?? 0 },
    clockSkewSeconds: Math.round(activity.clockSkewMs) / 1000,
    ...(full && state !== null ? { state: state.describe() } : {}),
  };
}

function total(scopes: readonly KnownScope[], what: 'messages' | 'octets' | 'records'): number {
  return scopes.reduce((sum, { companion }) => sum + companion.activity[what], 0);
}

function totalRate(scopes: readonly KnownScope[], what: 'messages' | 'octets' | 'records'): number {
  return tenths(scopes.reduce((sum, { companion }) => sum + companion.activity.rates[what], 0));
}

function tenths(rate: number): number {
  return Math.round(rate * 10) / 10;
}

export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
