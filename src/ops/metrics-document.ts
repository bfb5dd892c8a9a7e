import { realpathSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { MetricSpec } from './metric.ts';
import { METRICS } from './metrics.ts';
import { MAX_NAMED_EXPORTERS } from './top-exporters.ts';

/**
 * Writes docs/metrics.md from the table of metrics: a step of development, never of run time. `npm run generate:docs` runs
 * it; a test compares the committed file with what it would write.
 */
export const METRICS_DOCUMENT = new URL('../../../docs/metrics.md', import.meta.url);

export function metricsDocument(): string {
  return `# Metrics

Generated from \`src/ops/metrics.ts\` by \`npm run generate:docs\`; do not edit.

\`/metrics\` serves these in the Prometheus text format. Every number is taken from the ledger, or from the part that counts it,
at the moment of the request; asking twice costs twice and changes nothing. A counter never falls while the process lives: loss
that is made good by a late datagram is taken off the next loss.

Series are bounded. Labels hold what this collector was configured with, or words of a fixed list. The one exception is
\`exporter\`: the ${MAX_NAMED_EXPORTERS} exporters with the highest rates have series of their own, for at least an hour, and all
others are counted under \`other\`. Series of exporters begin at 0 when the exporter gets its name.

| metric | type | labels | meaning | from |
|---|---|---|---|---|
${METRICS.map(row).join('\n')}
`;
}

function row({ name, type, labels, help, from }: MetricSpec): string {
  const sources = from.map((source) => (source.startsWith('the ') ? source : `\`${source}\``)).join(', ');
  const keys = labels.map((label) => `\`${label}\``).join(', ');
  return `| \`${name}\` | ${type} | ${keys} | ${help} | ${sources} |`;
}

if (process.argv[1] !== undefined && fileURLToPath(import.meta.url) === realpathSync(process.argv[1])) {
  writeFileSync(METRICS_DOCUMENT, metricsDocument());
}
