/** Alerts and dashboard: every metric they name exists, every alert fires when it should and has its section in the runbook. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { METRICS } from '../../src/ops/metrics.ts';
import { temporaryDirectory } from '../cli/child.ts';
import { requireProgram } from '../support/system-packages.ts';

const promtool = requireProgram('promtool');
const { skip } = promtool;
const fromRoot = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const ALERTS = fromRoot('deploy/prometheus/alerts.yaml');

interface Rule {
  alert: string;
  expr: string;
  annotations: { runbook: string };
}
const rules = (parse(readFileSync(ALERTS, 'utf8')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);

/** Series that make an alert fire within an hour, and series that do not. Values at intervals of a minute. */
const CASES: Readonly<Record<string, { bad: string[]; good: string[] }>> = {
  MillraceDown: {
    bad: ['up{job="millrace"} 0x60'],
    good: ['up{job="millrace"} 1x60', 'up{job="other"} 0x60'],
  },
  MillraceNotReady: { bad: ['millrace_ready 0x60'], good: ['millrace_ready 1x60'] },
  MillraceKernelDrops: {
    bad: ['millrace_kernel_dropped_datagrams_total 0+5x60'],
    good: ['millrace_kernel_dropped_datagrams_total 7x60'],
  },
  MillraceRingFull: {
    bad: ['millrace_ring_full_total{receiver="a"} 0+1x60'],
    good: ['millrace_ring_full_total 3x60'],
  },
  MillraceMainThreadBusy: {
    bad: [
      'millrace_main_thread_active_seconds_total 0+57x60',
      'millrace_main_thread_idle_seconds_total 0+3x60',
    ],
    good: [
      'millrace_main_thread_active_seconds_total 0+30x60',
      'millrace_main_thread_idle_seconds_total 0+30x60',
    ],
  },
  MillraceUnknownTemplates: {
    bad: [
      'millrace_sets_total{outcome="no_template"} 0x60',
      'millrace_held_sets_total{outcome="expired"} 0+2x60',
    ],
    good: [
      'millrace_sets_total{outcome="no_template"} 4x60',
      'millrace_sets_total{outcome="held"} 0+9x60',
      'millrace_held_sets_total{outcome="expired"} 4x60',
      'millrace_held_sets_total{outcome="replayed"} 0+9x60',
    ],
  },
  MillraceHeapFull: {
    bad: ['millrace_heap_full_sets_total 0x55 1x5'],
    good: ['millrace_heap_full_sets_total 1x60'],
  },
  MillraceSequenceLossDatagrams: {
    bad: ['millrace_exporter_lost_datagrams_total 0+3x60', 'millrace_exporter_messages_total 0+100x60'],
    good: ['millrace_exporter_lost_datagrams_total 0+1x60', 'millrace_exporter_messages_total 0+1000x60'],
  },
  MillraceSequenceLossRecords: {
    bad: ['millrace_exporter_lost_records_total 0+3x60', 'millrace_exporter_records_total 0+100x60'],
    good: ['millrace_exporter_lost_records_total 0+1x60', 'millrace_exporter_records_total 0+1000x60'],
  },
  MillraceExporterSilent: {
    bad: ['millrace_exporter_messages_total{exporter="192.0.2.1"} 9x60'],
    good: [
      'millrace_exporter_messages_total{exporter="192.0.2.1"} 0+1x60',
      'millrace_exporter_messages_total{exporter="other"} 9x60',
    ],
  },
  MillraceExporterClock: {
    bad: ['millrace_exporter_clock_skew_seconds -31x60'],
    good: ['millrace_exporter_clock_skew_seconds 29x60'],
  },
  MillraceWorkerRestarts: {
    bad: ['millrace_worker_restarts_total 0x55 1x5'],
    good: ['millrace_worker_restarts_total 1x60'],
  },
  MillraceQuarantine: {
    bad: ['millrace_datagrams_total{outcome="quarantined"} 0x55 1x5'],
    good: [
      'millrace_datagrams_total{outcome="quarantined"} 1x60',
      'millrace_datagrams_total{outcome="decoded"} 0+5x60',
    ],
  },
  MillracePlanMismatch: {
    bad: ['millrace_plan_mismatches_total 0x55 1x5'],
    good: ['millrace_plan_mismatches_total 0x60'],
  },
  MillraceOutputDown: { bad: ['millrace_output_up 0x60'], good: ['millrace_output_up 1x60'] },
  MillraceOutputDrops: {
    bad: ['millrace_output_records_total{outcome="dropped_queue_full"} 0+5x60'],
    good: [
      'millrace_output_records_total{outcome="dropped_failed"} 5x60',
      'millrace_output_records_total{outcome="written"} 0+5x60',
    ],
  },
  MillraceStoreDegraded: { bad: ['millrace_store_up{store="redis"} 0x60'], good: ['millrace_store_up 1x60'] },
};

test('promtool accepts the rules and the configuration', { skip }, () => {
  execFileSync(promtool.path, ['check', 'rules', ALERTS]);
  execFileSync(promtool.path, ['check', 'config', fromRoot('deploy/prometheus/prometheus.yaml')]);
});

test('every alert fires when it should, and only then', { skip }, () => {
  assert.deepEqual(Object.keys(CASES).sort(), rules.map(({ alert }) => alert).sort());
  const tests = Object.entries(CASES).flatMap(([alert, { bad, good }]) =>
    [bad, good].map((series, i) => ({
      name: `${alert} ${i === 0 ? 'fires' : 'stays silent'}`,
      interval: '1m',
      input_series: series.map((line) => ({
        series: line.slice(0, line.indexOf(' ')),
        values: line.slice(line.indexOf(' ') + 1),
      })),
      promql_expr_test: [
        {
          expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`,
          eval_time: '1h',
          exp_samples: [{ labels: '{}', value: i === 0 ? 1 : 0 }],
        },
      ],
    })),
  );
  const file = join(temporaryDirectory(), 'alerts.test.json');
  writeFileSync(file, JSON.stringify({ rule_files: [ALERTS], evaluation_interval: '1m', tests }));
  execFileSync(promtool.path, ['test', 'rules', file], { encoding: 'utf8' });
});

test('every alert has its section in the runbook', () => {
  const headings = [...readFileSync(fromRoot('docs/runbook.md'), 'utf8').matchAll(/^## (.*)$/gm)].map(
    ([, title]) => title,
  );
  assert.deepEqual([...headings].sort(), rules.map(({ alert }) => alert).sort());
  for (const { alert, annotations } of rules) {
    assert.equal(annotations.runbook, `docs/runbook.md#${alert.toLowerCase()}`);
  }
});

test('alerts, dashboard and runbook name no metric that does not exist', () => {
  const known = new Set(METRICS.map(({ name }) => name));
  for (const path of ['deploy/prometheus/alerts.yaml', 'deploy/grafana/millrace.json', 'docs/runbook.md']) {
    const named = readFileSync(fromRoot(path), 'utf8').match(/\b(millrace|process|nodejs)_[a-z_]+/g) ?? [];
    assert.ok(named.length >= 5, path);
    for (const name of named) assert.ok(known.has(name), `${path}: ${name}`);
  }
});

test('labels in queries exist', () => {
  const labels = new Map(
    METRICS.map(({ name, labels: names }) => [name, new Set([...names, 'instance', 'job'])]),
  );
  for (const path of ['deploy/prometheus/alerts.yaml', 'deploy/grafana/millrace.json']) {
    const text = readFileSync(fromRoot(path), 'utf8').replaceAll('\\"', '"');
    for (const [, name, selector] of text.matchAll(/\b(millrace_[a-z_]+)\{([^}]*)\}/g)) {
      for (const [, label] of selector.matchAll(/(\w+)\s*[!=]/g))
        assert.ok(labels.get(name)?.has(label), `${name} ${label}`);
    }
  }
});

test('the dashboard has a panel in every place once', () => {
  interface Panel {
    id: number;
    gridPos: { x: number; y: number; w: number; h: number };
  }
  const { panels } = JSON.parse(readFileSync(fromRoot('deploy/grafana/millrace.json'), 'utf8')) as {
    panels: Panel[];
  };
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const taken = new Set<string>();
  for (const { gridPos } of panels) {
    assert.ok(gridPos.x + gridPos.w <= 24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        assert.ok(!taken.has(`${x} ${y}`), `${x} ${y}`);
        taken.add(`${x} ${y}`);
      }
  }
});
