import { FAULT_CODES, type FaultCode, type RefusalReason } from '../wire/fault.ts';

/**
 * The ledger: every datagram, set and record ends in exactly one of these counters. One table; the main thread is the
 * only writer, at retirement or where a thing is refused.
 */
export const LEDGER = [
  // datagrams
  { name: 'datagrams_received', help: 'datagrams taken from the socket or file' },
  {
    name: 'datagrams_decoded',
    help: 'datagrams whose messages were walked to the end of what is well formed',
  },
  { name: 'datagrams_filtered', help: 'datagrams of a version that is not allowed' },
  { name: 'datagrams_quarantined', help: 'datagrams that ended a worker twice' },
  { name: 'datagrams_abandoned', help: 'datagrams that were not finished when the process had to end' },
  { name: 'datagrams_refused_oversize', help: 'datagrams longer than a slot' },
  {
    name: 'datagrams_refused_malformed',
    help: 'datagrams with a broken header or length, nothing of which was used',
  },
  { name: 'datagrams_refused_unknown_version', help: 'datagrams that are no flow export' },
  { name: 'datagrams_refused_not_admitted', help: 'datagrams from an address that is not allowed' },
  { name: 'datagrams_refused_over_rate', help: 'datagrams beyond the rate that an address may send' },
  { name: 'datagrams_refused_ring_full', help: 'datagrams that found no free slot' },
  { name: 'datagrams_kernel_dropped', help: 'datagrams the kernel dropped before they could be received' },
  // data sets
  { name: 'sets_data', help: 'data sets found in datagrams, options data among them' },
  { name: 'sets_bound', help: 'data sets bound to a template on arrival' },
  { name: 'sets_held', help: 'data sets kept until their template arrives' },
  { name: 'sets_refused_no_template', help: 'data sets without a template that could not be held' },
  { name: 'sets_replayed', help: 'held data sets whose template arrived' },
  { name: 'sets_expired', help: 'held data sets whose template did not arrive in time' },
  { name: 'sets_overflowed', help: 'held data sets pushed out by newer ones' },
  { name: 'sets_withdrawn', help: 'held data sets whose template was taken back before it was known' },
  {
    name: 'sets_abandoned',
    help: 'data sets that were bound and not decoded: no room for replayed ones, or the process had to end',
  },
  { name: 'sets_unresolved', help: 'held data sets still waiting when the collector stopped' },
  { name: 'sets_decoded', help: 'bound and replayed data sets that were decoded' },
  {
    name: 'sets_quarantined',
    help: 'bound and replayed data sets that ended a worker twice, or came with such a set',
  },
  { name: 'sets_faulty', help: 'decoded sets in which a fault was found (part of sets_decoded)' },
  {
    name: 'sets_heap_full',
    help: 'sets decoded without what was last known of their exporter, because the shared heap was full',
  },
  { name: 'sets_empty', help: 'data sets without content' },
  { name: 'sets_reserved', help: 'sets with a reserved id, skipped' },
  // templates
  { name: 'templates_learned', help: 'templates learned' },
  { name: 'templates_refreshed', help: 'templates seen again unchanged' },
  { name: 'templates_redefined', help: 'templates replaced by another definition' },
  { name: 'templates_withdrawn', help: 'templates withdrawn by their exporter' },
  { name: 'templates_restored', help: 'templates that came from the template store' },
  { name: 'templates_removed', help: 'templates dropped because the template store dropped them' },
  { name: 'templates_refused', help: 'templates refused' },
  { name: 'templates_expired', help: 'templates not refreshed within their life time' },
  { name: 'templates_evicted', help: 'templates pushed out by a limit' },
  { name: 'withdrawals_ignored', help: 'withdrawals not honoured, or of templates that are not known' },
  // records
  { name: 'records_decoded', help: 'data records decoded' },
  { name: 'records_encoded', help: 'data records given to the outputs' },
  { name: 'records_filtered', help: 'data records that the filter left out' },
  { name: 'records_options_decoded', help: 'options records decoded' },
  { name: 'plans_mismatched', help: 'sets in which compiled code and interpreter disagreed' },
  { name: 'plans_refused', help: 'decode plans that were too large or too many to be compiled' },
  { name: 'lists_malformed', help: 'structured values that could not be taken apart' },
  { name: 'options_refused', help: 'names and sampling rates of exporters for which there was no room' },
  { name: 'scopes_evicted', help: 'exporters forgotten to make room' },
  // exporters, by sequence numbers
  { name: 'sequence_lost_datagrams', help: 'datagrams that v9 exporters sent and nobody received' },
  { name: 'sequence_lost_records', help: 'flows that v5, v7 and IPFIX exporters sent and nobody received' },
  { name: 'sequence_reordered', help: 'datagrams that arrived late' },
  { name: 'sequence_duplicates', help: 'datagrams received twice' },
  { name: 'sequence_restarts', help: 'exporters that began to count anew' },
  { name: 'sequence_unsure', help: 'datagrams after which a count could not be verified' },
  // workers
  { name: 'workers_lost', help: 'decode workers that ended unexpectedly' },
  { name: 'tasks_failed', help: 'tasks whose worker ended or gave up' },
  { name: 'tasks_retried', help: 'tasks given to another worker' },
] as const;

export type CounterName = (typeof LEDGER)[number]['name'];

/** Position of each counter in the table. */
export const Count = Object.freeze(Object.fromEntries(LEDGER.map(({ name }, i) => [name, i]))) as Readonly<
  Record<CounterName, number>
>;

export class Ledger {
  readonly #counts = new Float64Array(LEDGER.length);
  readonly #faults = new Float64Array(FAULT_CODES.length);
  readonly #refusals = new Map<RefusalReason, number>();

  /** counter: one of Count. */
  add(counter: number, n = 1): void {
    this.#counts[counter] += n;
  }

  get(counter: number): number {
    return this.#counts[counter];
  }

  /** For counters that are kept elsewhere. */
  set(counter: number, value: number): void {
    this.#counts[counter] = value;
  }

  /** Sets a counter that is learned from several places and only grows. */
  raise(counter: number, value: number): void {
    if (value > this.#counts[counter]) this.#counts[counter] = value;
  }

  /** fault: a number of wire/fault.ts. */
  addFault(fault: number): void {
    this.#faults[fault]++;
  }

  addRefusal(reason: RefusalReason): void {
    this.#counts[Count.templates_refused]++;
    this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1);
  }

  /** Every counter of the table, and how often each fault and refusal occurred that did. */
  toJSON(): LedgerReport {
    const counters = Object.fromEntries(LEDGER.map(({ name }, i) => [name, this.#counts[i]]));
    const faults = FAULT_CODES.map((code, i) => [code, this.#faults[i]] as const).filter(([, n]) => n > 0);
    return {
      counters: counters as Record<CounterName, number>,
      faults: Object.fromEntries(faults),
      refusals: Object.fromEntries(this.#refusals),
    };
  }
}

export interface LedgerReport {
  counters: Record<CounterName, number>;
  faults: Partial<Record<FaultCode, number>>;
  refusals: Partial<Record<RefusalReason, number>>;
}

/** Per output, beside the table: encoded = written + dropped_queue_full + dropped_failed once the output is closed. */
export interface OutputAccount {
  output: string;
  encoded: number;
  written: number;
  dropped_queue_full: number;
  dropped_failed: number;
}
