import { counted, countedBy, type MetricSpec, measured, ofReceiver } from './metric.ts';

/** The part of the table of metrics that follows datagrams, sets and records from the socket to the decoder. */
export const DATAGRAM_METRICS: readonly MetricSpec[] = [
  // Receiving
  measured(
    'millrace_receive_datagrams_total',
    'counter',
    ['receiver', 'outcome'],
    'Datagrams that receivers have taken from the kernel: accepted, or refused because they were too long or the ring was full.',
    'the receivers',
    ({ parts }, emit) => {
      for (const { name, accepted, oversize, ringFull } of parts.receivers) {
        emit(accepted, name, 'accepted');
        emit(oversize, name, 'oversize');
        emit(ringFull, name, 'ring_full');
      }
    },
  ),
  counted(
    'millrace_kernel_dropped_datagrams_total',
    'Datagrams the kernel dropped before they could be received.',
    'datagrams_kernel_dropped',
  ),
  ofReceiver('millrace_ring_slots', 'gauge', 'Datagrams that fit into the ring.', ({ slots }) => slots),
  ofReceiver('millrace_ring_used_slots', 'gauge', 'Datagrams in the ring.', ({ slotsUsed }) => slotsUsed),
  ofReceiver(
    'millrace_ring_full_total',
    'counter',
    'How often a receiver found no free slot; with recvmmsg it then waits, and datagrams stay in the kernel.',
    ({ timesFull }) => timesFull,
  ),
  ofReceiver(
    'millrace_receive_buffer_bytes',
    'gauge',
    'Receive buffer of the socket, as the kernel says it.',
    ({ bufferBytes }) => bufferBytes,
  ),

  // The ledger
  counted(
    'millrace_datagrams_received_total',
    'Datagrams taken from sockets, whatever became of them.',
    'datagrams_received',
  ),
  countedBy(
    'millrace_datagrams_total',
    'outcome',
    'Datagrams by what became of them; all together are those received.',
    {
      decoded: 'datagrams_decoded',
      filtered: 'datagrams_filtered',
      quarantined: 'datagrams_quarantined',
      abandoned: 'datagrams_abandoned',
      oversize: 'datagrams_refused_oversize',
      malformed: 'datagrams_refused_malformed',
      unknown_version: 'datagrams_refused_unknown_version',
      not_admitted: 'datagrams_refused_not_admitted',
      over_rate: 'datagrams_refused_over_rate',
      ring_full: 'datagrams_refused_ring_full',
    },
  ),
  counted('millrace_sets_received_total', 'Data sets found in datagrams.', 'sets_data'),
  countedBy(
    'millrace_sets_total',
    'outcome',
    'Data sets by what happened on arrival; all together are those received.',
    {
      bound: 'sets_bound',
      held: 'sets_held',
      no_template: 'sets_refused_no_template',
      empty: 'sets_empty',
    },
  ),
  countedBy('millrace_held_sets_total', 'outcome', 'Held data sets by how their waiting ended.', {
    replayed: 'sets_replayed',
    expired: 'sets_expired',
    overflowed: 'sets_overflowed',
    withdrawn: 'sets_withdrawn',
  }),
  {
    name: 'millrace_waiting_sets',
    type: 'gauge',
    labels: [],
    help: 'Data sets that wait for their template.',
    from: ['sets_unresolved'],
    read: ({ report }, emit) => emit(report.counters.sets_unresolved),
  },
  countedBy(
    'millrace_decoded_sets_total',
    'outcome',
    'Bound and replayed data sets by what became of them.',
    {
      decoded: 'sets_decoded',
      quarantined: 'sets_quarantined',
      abandoned: 'sets_abandoned',
    },
  ),
  counted('millrace_faulty_sets_total', 'Decoded data sets in which a fault was found.', 'sets_faulty'),
  counted(
    'millrace_heap_full_sets_total',
    'Data sets decoded with an earlier sampling rate and earlier names, or without templates for their lists, because the shared heap was full.',
    'sets_heap_full',
  ),
  counted('millrace_reserved_sets_total', 'Sets with a reserved id, skipped.', 'sets_reserved'),
  measured(
    'millrace_faults_total',
    'counter',
    ['fault'],
    'Faults found in datagrams.',
    'the ledger',
    ({ report }, emit) => {
      for (const [fault, count] of Object.entries(report.faults)) emit(count, fault);
    },
  ),
  countedBy('millrace_records_total', 'kind', 'Records decoded.', {
    data: 'records_decoded',
    options: 'records_options_decoded',
  }),
  countedBy('millrace_filtered_records_total', 'outcome', 'Data records by what the filter made of them.', {
    passed: 'records_encoded',
    left_out: 'records_filtered',
  }),
  counted(
    'millrace_malformed_lists_total',
    'Structured values that could not be taken apart.',
    'lists_malformed',
  ),
  counted(
    'millrace_plan_mismatches_total',
    'Sets in which compiled code and interpreter disagreed; the interpreter was used.',
    'plans_mismatched',
  ),
  counted(
    'millrace_refused_plans_total',
    'Decode plans that were too large or too many to be compiled, and are interpreted.',
    'plans_refused',
  ),
];
