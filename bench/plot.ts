import type { ReportPlot } from './report.ts';

/** Line plots as SVG text: axes from 0, grid, markers, legend. Colours of their own for light and dark surroundings. */

const WIDTH = 760;
const HEIGHT = 420;
const LEFT = 76;
const RIGHT = 20;
const TOP = 44;
const BOTTOM = 56;
const LEGEND_LINE = 20;
const TICKS = 6;

/** Told apart by people who do not see all colours too; dashes and markers differ besides. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#8c564b', '#7f7f7f'];
const DASHES = ['', '6 3', '2 3', '8 3 2 3'];

const STYLE = `
.paper { fill: #ffffff; } .ink { fill: #1f2328; } .quiet { fill: #59636e; }
.axis { stroke: #59636e; } .grid { stroke: #d8dee4; }
text { font: 12px system-ui, sans-serif; } .title { font-size: 15px; font-weight: 600; }
@media (prefers-color-scheme: dark) {
  .paper { fill: #0d1117; } .ink { fill: #f0f6fc; } .quiet { fill: #9198a1; }
  .axis { stroke: #9198a1; } .grid { stroke: #2a313c; }
}`;

export function plotSvg(plot: ReportPlot): string {
  const points = plot.series.flatMap((series) => series.points);
  const x = scale(
    points.map((point) => point[0]),
    LEFT,
    WIDTH - RIGHT,
  );
  const y = scale(
    points.map((point) => point[1]),
    HEIGHT - BOTTOM,
    TOP,
  );
  const legendRows = Math.ceil(plot.series.length / 3);
  const height = HEIGHT + legendRows * LEGEND_LINE;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeXml(plot.title)}">`,
    `<style>${STYLE}\n</style>`,
    `<rect class="paper" width="${WIDTH}" height="${height}"/>`,
    `<text class="ink title" x="${LEFT}" y="24">${escapeXml(plot.title)}</text>`,
  ];
  for (const tick of x.ticks) {
    const at = round(x.place(tick));
    lines.push(`<line class="grid" x1="${at}" x2="${at}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/>`);
    lines.push(
      `<text class="quiet" x="${at}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${label(tick)}</text>`,
    );
  }
  for (const tick of y.ticks) {
    const at = round(y.place(tick));
    lines.push(`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/>`);
    lines.push(`<text class="quiet" x="${LEFT - 8}" y="${at + 4}" text-anchor="end">${label(tick)}</text>`);
  }
  lines.push(
    `<path class="axis" fill="none" d="M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}"/>`,
    `<text class="ink" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 14}" text-anchor="middle">${escapeXml(plot.xLabel)}</text>`,
    `<text class="ink" transform="translate(18 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${escapeXml(plot.yLabel)}</text>`,
  );
  plot.series.forEach((series, i) => {
    lines.push(...line(series.points, i, x, y));
    const left = LEFT + (i % 3) * 228;
    const at = HEIGHT + Math.floor(i / 3) * LEGEND_LINE;
    lines.push(
      `<path stroke="${colour(i)}" stroke-width="2" stroke-dasharray="${dash(i)}" d="M${left} ${at - 4}h26"/>`,
    );
    lines.push(marker(left + 13, at - 4, i));
    lines.push(`<text class="ink" x="${left + 34}" y="${at}">${escapeXml(series.name)}</text>`);
  });
  lines.push('</svg>', '');
  return lines.join('\n');
}

function line(points: readonly [number, number][], index: number, x: Scale, y: Scale): string[] {
  const places = points.map(([px, py]) => [round(x.place(px)), round(y.place(py))] as const);
  const path = places.map(([px, py]) => `${px} ${py}`).join('L');
  if (path === '') return [];
  const stroke = `stroke="${colour(index)}" stroke-width="2" stroke-dasharray="${dash(index)}"`;
  const drawn = [`<path fill="none" ${stroke} d="M${path}"/>`];
  // Markers on a dense line would hide it.
  if (points.length <= 40) drawn.push(...places.map(([px, py]) => marker(px, py, index)));
  return drawn;
}

function marker(x: number, y: number, index: number): string {
  const fill = `fill="${colour(index)}"`;
  switch (index % 3) {
    case 0:
      return `<circle ${fill} cx="${x}" cy="${y}" r="4"/>`;
    case 1:
      return `<rect ${fill} x="${x - 3.5}" y="${y - 3.5}" width="7" height="7"/>`;
    default:
      return `<path ${fill} d="M${x} ${y - 5}l5 9h-10z"/>`;
  }
}

interface Scale {
  place(value: number): number;
  ticks: number[];
}

/** From 0, or from the least value where that is below, to a round number above all values. */
function scale(values: readonly number[], from: number, to: number): Scale {
  const least = values.reduce((a, b) => Math.min(a, b), 0);
  const most = values.reduce((a, b) => Math.max(a, b), least);
  const step = roundStep((most - least || 1) / TICKS);
  const start = Math.floor(least / step);
  const end = Math.max(start + 1, Math.ceil(most / step));
  const ticks = Array.from({ length: end - start + 1 }, (_, i) => (start + i) * step);
  const place = (value: number): number => from + ((value / step - start) / (end - start)) * (to - from);
  return { place, ticks };
}

/** The next of 1, 2, 5, 10, 20, 50 … */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = least / power;
  return (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10) * power;
}

const colour = (index: number): string => COLOURS[index % COLOURS.length];
const dash = (index: number): string => DASHES[Math.floor(index / COLOURS.length) % DASHES.length];
const round = (value: number): number => Math.round(value * 10) / 10;

function label(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${Number((value / 1e9).toPrecision(4))} G`;
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))} M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(4))} k`;
  return String(Number(value.toPrecision(4)));
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}
