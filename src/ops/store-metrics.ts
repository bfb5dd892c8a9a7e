import type { StoreReport } from '../dispatch/store-host.ts';
import { STORE_STATES } from '../templates/store.ts';
import { type MetricSpec, measured } from './metric.ts';

/** The part of the table of metrics that tells of the template store; without a store it has no series. */
export const STORE_METRICS: readonly MetricSpec[] = [
  measured(
    'millrace_store_up',
    'gauge',
    ['store'],
    'Whether the template store works; absent without a store.',
    'the template store',
    ({ parts: { store } }, emit) => {
      if (store !== null) emit(store.state === 'synced' ? 1 : 0, store.place);
    },
  ),
  measured(
    'millrace_store_state',
    'gauge',
    ['store', 'state'],
    'The state of the template store: 1 for the one it is in.',
    'the template store',
    ({ parts: { store } }, emit) => {
      if (store === null) return;
      for (const state of STORE_STATES) emit(state === store.state ? 1 : 0, store.place, state);
    },
  ),
  ofStore(
    'millrace_store_index',
    'gauge',
    'Last change of the template store that has arrived here.',
    ({ index }) => index,
  ),
  ofStore(
    'millrace_store_applied_index',
    'gauge',
    'Last change of the template store that is in force here.',
    ({ applied }) => applied,
  ),
  ofStore('millrace_store_scopes', 'gauge', 'Scopes that are known from it.', ({ scopes }) => scopes),
  ofStore('millrace_store_queued_writes', 'gauge', 'Writes that wait for it.', ({ queued }) => queued),
  byName('millrace_store_writes_total', 'outcome', 'Writes to the template store by what became of them.', {
    stored: 'stored',
    unchanged: 'unchanged',
    older: 'refused_older',
    newer_format: 'refused_newer_format',
    failed: 'writes_failed',
    given_up: 'writes_given_up',
    overflowed: 'writes_overflowed',
  }),
  byName('millrace_store_events_total', 'event', 'What else happened with the template store.', {
    reset: 'resets',
    reconnect: 'reconnects',
    announced_again: 'announced_again',
    gap: 'gaps',
    diverged: 'diverged',
    regressed: 'regressed',
    blocked: 'blocked',
    duplicate: 'duplicates',
    skipped_unknown: 'skippedUnknown',
    skipped_invalid: 'skippedInvalid',
    refused_value: 'values_refused',
    refused_full: 'refused_full',
    no_room: 'unshared_full',
    recalled: 'recalled',
  }),
];

function ofStore(
  name: string,
  type: MetricSpec['type'],
  help: string,
  value: (store: StoreReport) => number,
): MetricSpec {
  return measured(name, type, ['store'], help, 'the template store', ({ parts: { store } }, emit) => {
    if (store !== null) emit(value(store), store.place);
  });
}

/** Counters of the store that differ in one label; a store that does not count something has 0 of it. */
function byName(
  name: string,
  label: string,
  help: string,
  counters: Readonly<Record<string, string>>,
): MetricSpec {
  return measured(
    name,
    'counter',
    ['store', label],
    help,
    'the template store',
    ({ parts: { store } }, emit) => {
      if (store === null) return;
      for (const [value, counter] of Object.entries(counters))
        emit(store.counters[counter] ?? 0, store.place, value);
    },
  );
}
