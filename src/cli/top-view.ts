import type { ExporterDocument, ExportersDocument } from '../ops/exporters.ts';
import type { Sample } from '../ops/history.ts';
import type { StatusDocument } from '../ops/operations.ts';
import { durationText, printable, shortNumber } from './text.ts';

/** Columns of the table of exporters, the most important first: what does not fit is left out. */
const COLUMNS: readonly {
  title: string;
  width: number;
  left?: boolean;
  value: (exporter: ExporterDocument, nowMs: number) => string;
}[] = [
  {
    title: 'EXPORTER',
    width: 20,
    left: true,
    value: ({ exporter, port }) => (port === undefined ? exporter : `${exporter} ${port}`),
  },
  { title: 'FLOWS/S', width: 9, value: ({ recordsPerSecond }) => shortNumber(recordsPerSecond) },
  { title: 'LOST', width: 15, value: lostText },
  { title: 'DATAGRAMS/S', width: 12, value: ({ messagesPerSecond }) => shortNumber(messagesPerSecond) },
  { title: 'BIT/S', width: 8, value: ({ octetsPerSecond }) => shortNumber(octetsPerSecond * 8) },
  {
    title: 'SEEN',
    width: 8,
    value: ({ lastSeen }, nowMs) => seenText((nowMs - Date.parse(lastSeen)) / 1000),
  },
  {
    title: 'VERSION',
    width: 14,
    value: ({ versions }) => versions.map((v) => (v === 10 ? 'IPFIX' : `v${v}`)).join(' '),
  },
  { title: 'DOMAINS', width: 8, value: ({ domains }) => String(domains.length) },
  {
    title: 'TEMPLATES',
    width: 10,
    value: ({ domains }) => String(sum(domains, ({ templates }) => templates)),
  },
  {
    title: 'RESTARTS',
    width: 9,
    value: ({ domains }) => String(sum(domains, ({ sequence }) => sequence.restarts)),
  },
  { title: 'CLOCK', width: 9, value: clockText },
];

/** The size of a terminal; one that does not know it, as on a serial line, says 0. */
export function terminalSize(screen: { columns: number; rows: number }): { columns: number; rows: number } {
  return { columns: screen.columns || 80, rows: screen.rows || 24 };
}

/** What `top` shows, as lines that fit into so many columns. earlier: a sample to make rates of. */
export function topLines(
  url: string,
  status: StatusDocument,
  earlier: Sample | null,
  { exporters, total }: ExportersDocument,
  columns: number,
): string[] {
  const { parts, process, sample } = status;
  const { workers, templates, outputs } = parts;
  const seconds = earlier === null ? Number.NaN : (sample.atMs - earlier.atMs) / 1000;
  const rate = (key: keyof Sample): number =>
    earlier === null ? Number.NaN : Math.max(0, (sample[key] - earlier[key]) / seconds);
  const lost = sample.lostOnTheWay + sample.kernelDropped + sample.refused;
  const lostRate = rate('lostOnTheWay') + rate('kernelDropped') + rate('refused');
  const reasons = status.conditions
    .filter(({ reason }) => reason !== null)
    .map(({ name, reason }) => `${name}: ${reason}`);
  const troubles = outputs.flatMap(({ name, trouble }) => (trouble === null ? [] : [`${name} ${trouble}`]));
  const head = [
    [
      `millrace ${status.version} at ${url}, up ${durationText(process.uptimeSeconds)}, ${status.ready ? 'ready' : 'not ready'}${reasons.length === 0 ? '' : ` (${reasons.join('; ')})`}`,
    ],
    [
      `flows ${perSecond(rate('records'))}`,
      `datagrams ${perSecond(rate('datagrams'))}`,
      `lost ${perSecond(lostRate)}, ${shortNumber(lost)} in all`,
      `(${shortNumber(sample.lostOnTheWay)} on the way, ${shortNumber(sample.kernelDropped)} kernel, ${shortNumber(sample.refused)} refused)`,
    ],
    [
      `workers ${workers.alive} of ${workers.configured}, ${percent(rate('workerBusySeconds') / workers.configured)} busy`,
      `main ${percent(rate('mainActiveSeconds'))}`,
      `ring ${percent(sample.ringUsed)}`,
      `templates ${shortNumber(templates.templates)}, ${shortNumber(templates.heldSets)} held`,
    ],
    ...troubles.map((trouble) => [`output ${trouble}`]),
    [],
  ].flatMap((parts) => folded(parts, columns));
  const shown = columnsThatFit(columns);
  const title = shown.map((column) => cell(column.title, column)).join(' ');
  const rows = exporters.map((exporter) =>
    shown.map((column) => cell(column.value(exporter, sample.atMs), column)).join(' '),
  );
  const more = total > exporters.length ? [`and ${total - exporters.length} more`] : [];
  const empty = total === 0 ? ['nobody has sent anything yet'] : [];
  return [...head, title, ...rows, ...more, ...empty].map((line) =>
    printable(line).slice(0, columns).trimEnd(),
  );
}

/** Parts side by side, in as many lines as they need. */
function folded(parts: readonly string[], columns: number): string[] {
  const lines = [''];
  for (const part of parts) {
    const last = lines[lines.length - 1];
    if (last === '') lines[lines.length - 1] = part;
    else if (last.length + 3 + part.length <= columns) lines[lines.length - 1] = `${last}   ${part}`;
    else lines.push(`  ${part}`);
  }
  return lines;
}

function columnsThatFit(columns: number): (typeof COLUMNS)[number][] {
  let used = -1;
  const shown = [];
  for (const column of COLUMNS) {
    used += column.width + 1;
    if (shown.length > 0 && used > columns) break;
    shown.push(column);
  }
  return shown;
}

function cell(text: string, { width, left }: { width: number; left?: boolean }): string {
  return left ? text.padEnd(width) : text.padStart(width);
}

function lostText({ domains }: ExporterDocument): string {
  const lost = sum(domains, ({ sequence }) => sequence.lost);
  const received = sum(domains, ({ sequence }) => sequence.received);
  return lost > 0 ? `${shortNumber(lost)} (${percent(lost / (lost + received))})` : '-';
}

function clockText({ domains }: ExporterDocument): string {
  const skew = domains.reduce(
    (worst, { clockSkewSeconds: s }) => (Math.abs(s) > Math.abs(worst) ? s : worst),
    0,
  );
  return Math.abs(skew) < 2 ? '-' : `${skew > 0 ? '+' : '-'}${durationText(Math.abs(skew))}`;
}

function seenText(agoSeconds: number): string {
  return agoSeconds < 5 ? 'now' : durationText(agoSeconds);
}

function perSecond(rate: number): string {
  return Number.isNaN(rate) ? '-' : `${shortNumber(rate)}/s`;
}

function percent(part: number): string {
  return Number.isNaN(part) ? '-' : `${(Math.min(part, 1) * 100).toFixed(1)} %`;
}

function sum<T>(list: readonly T[], value: (item: T) => number): number {
  return list.reduce((total, item) => total + value(item), 0);
}
