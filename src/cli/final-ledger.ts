import type { Collector, CollectorReport } from '../collector.ts';
import type { OptionValues } from '../config/options.ts';
import type { Log } from '../ops/log.ts';
import { complain, reportError, say } from './errors.ts';
import { writeLedgerFile } from './ledger-file.ts';
import { ledgerTable } from './ledger-table.ts';

/**
 * The ledger at the end of `collect`, once. A process that ends before (a defect, a second signal) tells it on its way out, as
 * far as it is known then; nothing asynchronous happens any more at that time.
 */
export class FinalLedger {
  readonly #collector: Collector;
  readonly #log: Log;
  readonly #values: Pick<OptionValues<'collect'>, 'ledger' | 'logFormat'>;
  #told = false;

  constructor(collector: Collector, log: Log, values: Pick<OptionValues<'collect'>, 'ledger' | 'logFormat'>) {
    this.#collector = collector;
    this.#log = log;
    this.#values = values;
    process.once('exit', () => this.#tellUnfinished());
  }

  print(report: CollectorReport): void {
    this.#told = true;
    if (this.#values.logFormat === 'json') this.#log.info('ledger', { ledger: report });
    else say(ledgerTable(report));
  }

  /** Into the file that was asked for, if any. Throws a MillraceError OUTPUT_FAILED. */
  write(report: CollectorReport): void {
    this.#told = true;
    writeLedgerFile(this.#values.ledger, report);
  }

  #tellUnfinished(): void {
    if (this.#told) return;
    try {
      const { report, abandoned } = this.#collector.abandon();
      this.print(report);
      const given =
        abandoned.length === 0 ? 'nothing is known to be lost' : `given up: ${abandoned.join(', ')}`;
      complain(`ended in the middle of the work, the ledger is incomplete; ${given}`);
      this.write(report);
    } catch (error) {
      reportError(error, false);
    }
  }
}
