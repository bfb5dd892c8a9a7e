/**
 * npm run bench:compare -- BASE HEAD [--only NAME] [--rounds N]: builds two commits beside the working tree and measures
 * their micro benches in turn (base, head, head, base …), each in a process of its own. Ratios of neighbours count.
 */
import { existsSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadWarning } from './harness.ts';
import { type Interval, median, medianInterval } from './intervals.ts';
import { cellText, type Report, writeReport } from './report.ts';
import { benchNames, measureApart } from './spawn.ts';
import { type Worktree, withWorktrees } from './worktree.ts';

/** Time a process measures: shorter than usual, because there are many. */
const TIME_MS = 400;

interface Comparison extends Interval {
  name: string;
  /** CPU time of head in parts of base, pair by pair. */
  ratios: number[];
  ratio: number;
  baseNs: number;
  headNs: number;
  sameOutput: boolean;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, rounds: { type: 'string', default: '10' } },
});
const [base, head] = positionals;
const rounds = Number.parseInt(values.rounds, 10);
if (head === undefined || !(rounds >= 1)) {
  console.error('usage: npm run bench:compare -- BASE HEAD [--only NAME] [--rounds N]');
  process.exit(2);
}

const load = loadavg()[0];
const warning = loadWarning(load);
if (warning !== null) console.error(`warning: ${warning}`);
await withWorktrees([base, head], async (trees) => {
  const report = await compare(trees);
  console.error(`wrote ${writeReport(report)}`);
});

async function compare(trees: readonly Worktree[]): Promise<Report> {
  const children = trees.map(({ folder, commit }) => {
    const child = join(folder, 'dist/bench/child.js');
    if (!existsSync(child)) throw new Error(`commit ${commit} has no micro benches`);
    return child;
  });
  const [ofBase, ofHead] = await Promise.all(children.map((child) => benchNames(child)));
  const names = ofHead.filter((name) => values.only === undefined || name.includes(values.only));
  const results: Comparison[] = [];
  for (const name of names.filter((candidate) => ofBase.includes(candidate))) {
    const result = await compareBench(name, children[0], children[1]);
    results.push(result);
    console.log(`${name.padEnd(32)} ${interval(result)}${result.sameOutput ? '' : ', OUTPUT DIFFERS'}`);
  }
  if (results.length === 0) throw new Error('the commits have no such bench in common');
  const lost = names.filter((name) => !ofBase.includes(name));
  return comparisonReport(trees, results, lost);
}

async function compareBench(name: string, baseChild: string, headChild: string): Promise<Comparison> {
  const baseNs: number[] = [];
  const headNs: number[] = [];
  const hashes = new Set<string>();
  const measureInto = async (child: string, into: number[]): Promise<void> => {
    const { cpuNs, hash } = await measureApart(name, child, TIME_MS);
    into.push(cpuNs);
    hashes.add(hash);
  };
  for (let round = 0; round < rounds; round++) {
    // Whoever is first may find the machine warmer or colder: take turns.
    if (round % 2 === 0) await measureInto(baseChild, baseNs);
    await measureInto(headChild, headNs);
    if (round % 2 === 1) await measureInto(baseChild, baseNs);
  }
  const ratios = headNs.map((ns, i) => ns / baseNs[i]);
  return {
    name,
    ratios,
    ratio: median(ratios),
    ...medianInterval(ratios),
    baseNs: median(baseNs),
    headNs: median(headNs),
    sameOutput: hashes.size === 1,
  };
}

function interval({ ratio, low, high }: Comparison): string {
  return `${ratio.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)})`;
}

function verdict({ low, high }: Comparison): string {
  return low > 1 ? 'slower' : high < 1 ? 'faster' : 'no difference seen';
}

function comparisonReport(
  [from, to]: readonly Worktree[],
  results: readonly Comparison[],
  onlyInHead: readonly string[],
): Report {
  const short = (tree: Worktree): string => tree.commit.slice(0, 10);
  const changed = results.filter((result) => verdict(result) !== 'no difference seen');
  const confidence = Math.round(results[0].confidence * 1000) / 10;
  return {
    topic: `compare-${short(from)}-${short(to)}`,
    title: `Micro benches: ${short(from)} against ${short(to)}`,
    question: `Does ${short(to)} cost less or more CPU than ${short(from)}, bench by bench?`,
    method:
      `Both commits were built beside each other and measured in turn, ${rounds} times each, in processes of their own of ` +
      `${TIME_MS} ms. The ratio is the median of head over base, pair by pair; the interval covers it with ${confidence} % ` +
      `by order statistics. Load average before: ${load.toFixed(2)}.`,
    command: `npm run bench:compare -- ${short(from)} ${short(to)} --rounds ${rounds}${values.only === undefined ? '' : ` --only ${values.only}`}`,
    tables: [
      {
        title: 'CPU time, head over base',
        columns: ['bench', 'base ns', 'head ns', 'ratio', 'from', 'to', 'verdict', 'output'],
        rows: results.map((result) => [
          result.name,
          result.baseNs,
          result.headNs,
          ...[result.ratio, result.low, result.high].map((ratio) => ratio.toFixed(3)),
          verdict(result),
          result.sameOutput ? 'same' : '**differs**',
        ]),
      },
    ],
    plots: [],
    findings: [
      ...(warning === null ? [] : [`Warning: ${warning}.`]),
      ...changed.map(
        (result) =>
          `\`${result.name}\` is ${verdict(result)}: ${interval(result)}, ${cellText(result.headNs)} ns.`,
      ),
      ...(changed.length === 0 ? ['No bench differs beyond its interval.'] : []),
      ...(onlyInHead.length === 0 ? [] : [`Only in head, not compared: ${onlyInHead.join(', ')}.`]),
    ],
    data: { base: from.commit, head: to.commit, load, rounds, results },
  };
}
