/**
 * Runs every *.test.js beside this file with node's own runner, in processes of their own, and ends with one line
 * `N passed, N failed`, and how many were skipped if any were. Arguments select files whose path contains them.
 */
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { installPrograms } from './support/system-packages.ts';

/** A file of tests that takes longer hangs. */
const FILE_TIMEOUT_MS = 5 * 60_000;

const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js'))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .map((name) => join(here, name))
  .sort();

let passed = 0;
let failed = 0;
const failures: string[] = [];
const skips: string[] = [];

installPrograms((line) => console.log(line));

const stream = run({ files, concurrency: availableParallelism(), timeout: FILE_TIMEOUT_MS });
const reason = (skip: string | boolean): string => (typeof skip === 'string' ? ` (${skip})` : '');
// A suite's own line says nothing that its tests do not say, unless it failed before there were any.
const isSuite = (data: { details?: { type?: string } }): boolean => data.details?.type === 'suite';
const failedByTests = (data: { details: { error: Error } }): boolean =>
  (data.details.error as { failureType?: string }).failureType === 'subtestsFailed';
stream.on('test:pass', (data) => {
  if (isSuite(data)) return;
  if (data.skip === undefined) passed++;
  else skips.push(`${relative(here, data.file ?? '?')}: ${data.name}${reason(data.skip)}`);
});
stream.on('test:fail', (data) => {
  if (isSuite(data) && failedByTests(data)) return;
  failed++;
  failures.push(`${relative(here, data.file ?? '?')}: ${data.name}`);
});
const report = stream.compose(new spec());
report.pipe(process.stdout);
report.on('end', () => {
  for (const failure of failures) console.log(`FAILED ${failure}`);
  for (const skip of skips) console.log(`SKIPPED ${skip}`);
  const skipped = skips.length === 0 ? '' : `, ${skips.length} skipped`;
  console.log(`${passed} passed, ${failed} failed${skipped}`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
});
