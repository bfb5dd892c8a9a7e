import { LEDGER, type LedgerReport, type OutputAccount } from '../accounting/ledger.ts';

/**
 * The ledger for a person: the counters that are not zero, in the order of the table and with their meaning, then faults,
 * refusals and outputs.
 */
export function ledgerTable(report: LedgerReport & { outputs: readonly OutputAccount[] }): string {
  const rows: [string, number, string][] = [];
  for (const { name, help } of LEDGER) {
    const count = report.counters[name];
    if (count !== 0) rows.push([name, count, help]);
  }
  for (const [code, count] of Object.entries(report.faults)) rows.push([`fault ${code}`, count, '']);
  for (const [reason, count] of Object.entries(report.refusals))
    rows.push([`template refused: ${reason}`, count, '']);
  const lines = ['ledger'];
  if (rows.length === 0) lines.push('  nothing was received');
  const nameWidth = Math.max(...rows.map(([name]) => name.length));
  const countWidth = Math.max(...rows.map(([, count]) => String(count).length));
  for (const [name, count, help] of rows) {
    lines.push(`  ${name.padEnd(nameWidth)}  ${String(count).padStart(countWidth)}  ${help}`.trimEnd());
  }
  for (const output of report.outputs) lines.push(`output ${output.output}`, `  ${outputLine(output)}`);
  return lines.join('\n');
}

function outputLine(output: OutputAccount): string {
  const parts = [`records: ${output.encoded} encoded`, `${output.written} written`];
  if (output.dropped_queue_full > 0) parts.push(`${output.dropped_queue_full} dropped, queue full`);
  if (output.dropped_failed > 0) parts.push(`${output.dropped_failed} dropped, output failed`);
  return parts.join(', ');
}
