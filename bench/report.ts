import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { plotSvg } from './plot.ts';

/** A report in perf-reports/: `<date>-<lane>-<topic>.json` with everything, and a Markdown page of the same name for people. */
export interface Report {
  /** Short, kebab-case: micro, pipeline, peers, soak … */
  topic: string;
  title: string;
  /** One paragraph: what was asked, and how it was measured. */
  question: string;
  method: string;
  /** The command that repeats it. */
  command: string;
  tables: ReportTable[];
  plots: ReportPlot[];
  /** What the numbers say, negative results among it. One paragraph each. */
  findings: string[];
  /** Everything measured, for machines. */
  data: unknown;
}

export interface ReportTable {
  title: string;
  columns: string[];
  rows: (string | number)[][];
}

/** A line plot; written as an SVG file beside the page. */
export interface ReportPlot {
  name: string;
  title: string;
  xLabel: string;
  yLabel: string;
  series: { name: string; points: [number, number][] }[];
}

/** What the machine is: the lane of a report. Lanes are never compared with each other. */
export interface Machine {
  /** cpu model, cores and node major in kebab-case, e.g. `xeon-2.60ghz-2c-node20`; no host name. */
  lane: string;
  cpu: string;
  cores: number;
  memoryGiB: number;
  kernel: string;
  node: string;
  commit: string;
}

export function machine(): Machine {
  const cpu = cpus()[0]?.model.trim() || process.arch;
  const cores = cpus().length;
  const node = process.versions.node;
  return {
    lane: laneName(cpu, cores, Number.parseInt(node, 10)),
    cpu,
    cores,
    memoryGiB: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    kernel: `${type()} ${release()}`,
    node,
    commit: commit(),
  };
}

export function laneName(cpu: string, cores: number, nodeMajor: number): string {
  const model = cpu
    .toLowerCase()
    .replace(/\((?:r|tm|c)\)/g, ' ')
    .replace(/\b(?:intel|amd|cpu|processor|\d+-core)\b/g, ' ')
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '');
  return `${model || 'cpu'}-${cores}c-node${nodeMajor}`;
}

function commit(): string {
  const git = (...args: string[]): string => {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    return execFileSync('git', args, { encoding: 'utf8', stdio }).trim();
  };
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'workers') !== '';
    return git('rev-parse', '--short=10', 'HEAD') + (changed ? '+changes' : '');
  } catch {
    return 'unknown';
  }
}

/** Writes the JSON, the page and the plots, and lists the page in the folder's README. Returns the path of the page. */
export function writeReport(report: Report, folder = 'perf-reports'): string {
  mkdirSync(folder, { recursive: true });
  const made = { date: new Date().toISOString(), machine: machine() };
  const name = `${made.date.slice(0, 10)}-${made.machine.lane}-${report.topic}`;
  for (const plot of report.plots) writeFileSync(join(folder, `${name}-${plot.name}.svg`), plotSvg(plot));
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify({ ...made, ...report }, null, 1)}\n`);
  const page = join(folder, `${name}.md`);
  writeFileSync(page, reportPage(report, made.date, made.machine, name));
  listReports(folder);
  return page;
}

function reportPage(report: Report, date: string, on: Machine, name: string): string {
  const parts = [
    `# ${report.title}`,
    `${date.slice(0, 16).replace('T', ' ')} UTC, lane \`${on.lane}\`, commit \`${on.commit}\`. ` +
      `${on.cpu}, ${on.cores} cores, ${on.memoryGiB} GiB, ${on.kernel}, Node ${on.node}.`,
    `**Question.** ${report.question}`,
    `**Method.** ${report.method}`,
    `**To repeat.** \`${report.command}\``,
  ];
  if (report.findings.length > 0) parts.push('## Findings', report.findings.map((f) => `- ${f}`).join('\n'));
  for (const table of report.tables) parts.push(`## ${table.title}`, tableMarkdown(table));
  for (const plot of report.plots) {
    parts.push(`## ${plot.title}`, `![${plot.title}](${encodeURIComponent(`${name}-${plot.name}.svg`)})`);
  }
  parts.push(`Everything that was measured: [${name}.json](${name}.json).`);
  return `${parts.join('\n\n')}\n`;
}

function tableMarkdown({ columns, rows }: ReportTable): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.map(cellText).join(' | ')} |`;
  const right = columns.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === 'number'));
  const rule = `|${right.map((is) => (is ? '--:' : '---')).join('|')}|`;
  return [line(columns), rule, ...rows.map(line)].join('\n');
}

/** Numbers with three or four digits that mean something; text as it is, in one line. */
export function cellText(cell: string | number): string {
  if (typeof cell === 'string') return cell.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');
  if (!Number.isFinite(cell)) return '—';
  if (Number.isInteger(cell) || Math.abs(cell) >= 1000) return Math.round(cell).toLocaleString('en-US');
  return String(Number(cell.toPrecision(Math.abs(cell) >= 100 ? 4 : 3)));
}

const LIST_START = '<!-- reports -->';
const LIST_END = '<!-- /reports -->';
const PAGE_NAME = /^(\d{4}-\d\d-\d\d)-(.+-node\d+)-(.+)\.md$/;

/** Puts the latest page of each topic and lane between the markers of README.md, where there is one. */
function listReports(folder: string): void {
  const readme = join(folder, 'README.md');
  const text = existsSync(readme) ? readFileSync(readme, 'utf8') : '';
  const start = text.indexOf(LIST_START);
  const end = text.indexOf(LIST_END);
  if (start < 0 || end < start) return;
  const latest = new Map<string, string>();
  for (const file of readdirSync(folder).sort()) {
    const match = PAGE_NAME.exec(file);
    if (match === null) continue;
    const [, date, lane, topic] = match;
    latest.set(`${topic} ${lane}`, `| ${topic} | \`${lane}\` | [${date}](${file}) |`);
  }
  const rows = [...latest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  const list = ['| topic | lane | latest |', '|---|---|---|', ...rows].join('\n');
  writeFileSync(readme, `${text.slice(0, start + LIST_START.length)}\n\n${list}\n\n${text.slice(end)}`);
}
