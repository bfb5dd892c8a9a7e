import { DATAGRAM_METRICS } from './datagram-metrics.ts';
import { byExporter, counted, countedBy, type MetricSpec, measured, ofProcess } from './metric.ts';
import { STORE_METRICS } from './store-metrics.ts';

/**
 * Every metric: its name, type, labels, meaning and where the number comes from. docs/metrics.md is made from this table, the
 * dashboard and the alerts may name nothing else. Nothing is counted here: values are taken when somebody asks.
 */
export const METRICS: readonly MetricSpec[] = [
  measured(
    'millrace_build_info',
    'gauge',
    ['version', 'commit', 'node'],
    'What runs; always 1.',
    'the process',
    ({ info }, emit) => emit(1, info.version, info.commit ?? 'unknown', info.node),
  ),
  measured(
    'millrace_ready',
    'gauge',
    [],
    'Whether every condition of /ready holds.',
    'the conditions of /ready',
    ({ ready }, emit) => emit(ready ? 1 : 0),
  ),
  ...DATAGRAM_METRICS,

  // Templates and exporters
  countedBy('millrace_template_events_total', 'event', 'What happened to templates.', {
    learned: 'templates_learned',
    refreshed: 'templates_refreshed',
    redefined: 'templates_redefined',
    withdrawn: 'templates_withdrawn',
    refused: 'templates_refused',
    expired: 'templates_expired',
    evicted: 'templates_evicted',
    withdrawal_ignored: 'withdrawals_ignored',
    restored: 'templates_restored',
    removed: 'templates_removed',
  }),
  measured(
    'millrace_template_refusals_total',
    'counter',
    ['reason'],
    'Templates refused, by reason.',
    'the ledger',
    ({ report }, emit) => {
      for (const [reason, count] of Object.entries(report.refusals)) emit(count, reason);
    },
  ),
  measured(
    'millrace_templates',
    'gauge',
    [],
    'Templates that are known.',
    'the template registry',
    ({ parts }, emit) => emit(parts.templates.templates),
  ),
  measured(
    'millrace_layouts',
    'gauge',
    [],
    'Different record layouts of them.',
    'the template registry',
    ({ parts }, emit) => emit(parts.templates.layouts),
  ),
  measured(
    'millrace_scopes',
    'gauge',
    [],
    'Exporters that are known, each observation domain and version of them by itself.',
    'the scope table',
    ({ parts }, emit) => emit(parts.templates.scopes),
  ),
  counted(
    'millrace_refused_options_total',
    'Names and sampling rates told by exporters for which there was no room, each time they are told.',
    'options_refused',
  ),
  counted('millrace_evicted_scopes_total', 'Exporters and domains forgotten to make room.', 'scopes_evicted'),
  countedBy(
    'millrace_sequence_lost_total',
    'unit',
    'What exporters sent and nobody received, by their sequence numbers.',
    {
      datagrams: 'sequence_lost_datagrams',
      records: 'sequence_lost_records',
    },
  ),
  countedBy(
    'millrace_sequence_events_total',
    'event',
    'What else sequence numbers have shown, in datagrams.',
    {
      reordered: 'sequence_reordered',
      duplicate: 'sequence_duplicates',
      restart: 'sequence_restarts',
      unsure: 'sequence_unsure',
    },
  ),
  byExporter('millrace_exporter_messages_total', 'Messages of an exporter.', 'messages'),
  byExporter('millrace_exporter_bytes_total', 'Octets of its messages.', 'octets'),
  byExporter('millrace_exporter_records_total', 'Data records decoded of it.', 'records'),
  byExporter(
    'millrace_exporter_sets_without_template_total',
    'Its data sets that came without a template.',
    'setsWithoutTemplate',
  ),
  byExporter(
    'millrace_exporter_lost_datagrams_total',
    'Datagrams (v9) it sent and nobody received.',
    'lostDatagrams',
  ),
  byExporter(
    'millrace_exporter_lost_records_total',
    'Records (v5, v7, IPFIX) it sent and nobody received.',
    'lostRecords',
  ),
  byExporter('millrace_exporter_restarts_total', 'How often it began to count anew.', 'restarts'),
  measured(
    'millrace_exporter_clock_skew_seconds',
    'gauge',
    ['exporter'],
    'Its export time minus the arrival time, smoothed; the largest among its domains.',
    'the exporters',
    ({ exporters }, emit) => {
      for (const [exporter, { clockSkewSeconds }] of exporters) {
        if (!Number.isNaN(clockSkewSeconds)) emit(clockSkewSeconds, exporter);
      }
    },
  ),

  // Workers and outputs
  measured(
    'millrace_workers',
    'gauge',
    ['state'],
    'Decode workers, wanted and alive.',
    'the worker pool',
    ({ parts }, emit) => {
      emit(parts.workers.configured, 'configured');
      emit(parts.workers.alive, 'alive');
    },
  ),
  counted(
    'millrace_worker_restarts_total',
    'Decode workers that ended unexpectedly and were replaced.',
    'workers_lost',
  ),
  measured(
    'millrace_worker_busy_seconds_total',
    'counter',
    [],
    'Time that decode workers have spent on tasks, all together.',
    'the worker pool',
    ({ parts }, emit) => emit(parts.workers.busySeconds),
  ),
  counted('millrace_task_failures_total', 'Tasks whose worker ended or gave up.', 'tasks_failed'),
  counted('millrace_task_retries_total', 'Tasks given to another worker.', 'tasks_retried'),
  measured(
    'millrace_output_records_total',
    'counter',
    ['output', 'outcome'],
    'Records handed to an output: written, or dropped because its queue was full or it failed.',
    'the outputs of the ledger',
    ({ report }, emit) => {
      for (const { output, written, dropped_queue_full, dropped_failed } of report.outputs) {
        emit(written, output, 'written');
        emit(dropped_queue_full, output, 'dropped_queue_full');
        emit(dropped_failed, output, 'dropped_failed');
      }
    },
  ),
  measured(
    'millrace_output_bytes_total',
    'counter',
    ['output'],
    'Encoded bytes written.',
    'the outputs',
    ({ parts }, emit) => {
      for (const { name, bytesWritten } of parts.outputs) emit(bytesWritten, name);
    },
  ),
  measured(
    'millrace_output_queued_records',
    'gauge',
    ['output'],
    'Records that wait to be written.',
    'the outputs',
    ({ parts }, emit) => {
      for (const { name, queuedRecords } of parts.outputs) emit(queuedRecords, name);
    },
  ),
  measured(
    'millrace_output_up',
    'gauge',
    ['output'],
    'Whether an output works.',
    'the outputs',
    ({ parts }, emit) => {
      for (const { name, trouble } of parts.outputs) emit(trouble === null ? 1 : 0, name);
    },
  ),
  ...STORE_METRICS,

  // HTTP
  measured(
    'millrace_http_requests_total',
    'counter',
    ['path', 'code'],
    'HTTP requests answered.',
    'the HTTP server',
    ({ http }, emit) => {
      for (const [path, byCode] of http.requests)
        for (const [code, count] of byCode) emit(count, path, String(code));
    },
  ),
  measured(
    'millrace_http_refused_connections_total',
    'counter',
    [],
    'HTTP connections closed because there were too many.',
    'the HTTP server',
    ({ http }, emit) => emit(http.refusedConnections),
  ),
  measured(
    'millrace_flow_readers',
    'gauge',
    [],
    'Clients of /flows.',
    'the readers of /flows',
    ({ flows }, emit) => emit(flows.readers),
  ),
  measured(
    'millrace_flow_reader_records_total',
    'counter',
    ['outcome'],
    'Records for readers of /flows: sent, or lost because a reader was slow or there were too many.',
    'the readers of /flows',
    ({ flows }, emit) => {
      emit(flows.sent, 'sent');
      emit(flows.lost, 'lost');
    },
  ),

  // The process
  measured(
    'millrace_shared_memory_bytes',
    'gauge',
    [],
    'Shared memory of all kinds.',
    'the collector',
    ({ parts }, emit) => emit(parts.sharedMemoryBytes),
  ),
  measured(
    'millrace_heap_used_bytes',
    'gauge',
    [],
    'Shared memory in use for templates, exporter state and held sets.',
    'the collector',
    ({ parts }, emit) => emit(parts.heapBytes),
  ),
  ofProcess(
    'millrace_main_thread_active_seconds_total',
    'counter',
    'Time the main thread was at work.',
    'mainActiveSeconds',
  ),
  ofProcess(
    'millrace_main_thread_idle_seconds_total',
    'counter',
    'Time the main thread waited.',
    'mainIdleSeconds',
  ),
  ofProcess(
    'process_cpu_user_seconds_total',
    'counter',
    'CPU time in user mode, all threads.',
    'userSeconds',
  ),
  ofProcess(
    'process_cpu_system_seconds_total',
    'counter',
    'CPU time in the kernel, all threads.',
    'systemSeconds',
  ),
  ofProcess(
    'process_resident_memory_bytes',
    'gauge',
    'Memory in use, shared memory included.',
    'residentBytes',
  ),
  measured(
    'process_start_time_seconds',
    'gauge',
    [],
    'When the process started, since the epoch.',
    'the process',
    ({ info }, emit) => emit(info.startedAtMs / 1000),
  ),
  ofProcess('nodejs_heap_used_bytes', 'gauge', 'JavaScript heap of the main thread in use.', 'heapUsedBytes'),
  ofProcess(
    'nodejs_external_memory_bytes',
    'gauge',
    'Memory of objects outside of that heap.',
    'externalBytes',
  ),
];
