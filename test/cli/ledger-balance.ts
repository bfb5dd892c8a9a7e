import { readFileSync } from 'node:fs';
import type { CollectorReport } from '../../src/collector.ts';
import { assertBalanced } from '../support/collect.ts';

/** Reads a ledger file and checks that nothing is missing in it. */
export function readBalanced(path: string): CollectorReport {
  const report = JSON.parse(readFileSync(path, 'utf8')) as CollectorReport;
  assertBalanced(report);
  return report;
}
