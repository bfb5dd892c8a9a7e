import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { countText } from '../../base/count-text.ts';
import { defaultWorkers } from '../../collector.ts';
import type { OptionValues } from '../../config/options.ts';
import { CHECKS } from '../doctor/checks.ts';
import type { Finding, Severity, Subject } from '../doctor/finding.ts';
import { Machine } from '../doctor/machine.ts';
import { httpPlace } from '../http.ts';
import { resolveOutputs } from '../outputs.ts';
import { listenAddresses } from './collect.ts';

type Values = OptionValues<'doctor'>;

/** As monitoring programs expect it: 0 fine, 1 warnings, 2 errors. */
const EXIT_CODES: Readonly<Record<Severity, number>> = { ok: 0, skipped: 0, note: 0, warning: 1, error: 2 };

/** Looks at the machine on which a collector with these options is to run. Returns the exit code. */
export async function doctor(values: Values): Promise<number> {
  const subject = subjectOf(values);
  const findings: (Finding & { check: string })[] = [];
  for (const { name, check } of CHECKS)
    for (const finding of await check(subject)) findings.push({ check: name, ...finding });
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  const counts = { errors: count('error'), warnings: count('warning') };
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ ...counts, findings })}\n`
      : `${report(findings)}\n${countText(counts.errors, 'error')}, ${countText(counts.warnings, 'warning')}\n`,
  );
  return Math.max(...findings.map(({ severity }) => EXIT_CODES[severity]));
}

function subjectOf(values: Values): Subject {
  const directories = resolveOutputs(values).flatMap((output) =>
    output.kind === 'file' ? [{ path: fixedDirectory(output.pattern), what: 'output' }] : [],
  );
  if (values.quarantine !== undefined) directories.push({ path: values.quarantine, what: 'quarantine' });
  return {
    machine: new Machine(),
    nowMs: systemClock.wallMs(),
    cores: availableParallelism(),
    listen: listenAddresses(values),
    http: httpPlace(values.http),
    receive: values.receive,
    receivers: values.receivers,
    receiveBufferBytes: values.recvBuffer,
    workers: values.workers === 'auto' ? defaultWorkers() : values.workers,
    templateStore: values.templateStore,
    directories,
  };
}

/** The directory of a file name pattern, as far as it does not depend on the time. */
function fixedDirectory(pattern: string): string {
  const directive = pattern.indexOf('%');
  return dirname(directive < 0 ? pattern : `${pattern.slice(0, directive)}x`);
}

function report(findings: readonly (Finding & { check: string })[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ severity, check, text, fix }) => {
    const line = `${severity.padEnd('skipped'.length)}  ${check.padEnd(width)}  ${text}`;
    return fix === undefined ? [line] : [line, `${' '.repeat('skipped'.length + width + 4)}→ ${fix}`];
  });
  return lines.join('\n');
}
