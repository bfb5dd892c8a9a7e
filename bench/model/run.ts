import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CPU_METHOD, LOAD_METHOD } from '../pipeline/method.ts';
import { BENCH_FORMATS, outputsOf } from '../pipeline/options.ts';
import type { SessionSetup } from '../pipeline/session.ts';
import { machine, type ReportTable, writeReport } from '../report.ts';
import { type Calibration, calibrate, type Observation, predict } from './calibrate.ts';
import { sizeFor, sizingPage } from './sizing.ts';

/** `npm run bench:sizing`: measures what each step costs, checks the simulation with it, and writes what machines carry. */
const { values } = parseArgs({
  options: {
    format: { type: 'string', default: BENCH_FORMATS.join(',') },
    seconds: { type: 'string', default: '3' },
    out: { type: 'string', default: 'perf-reports' },
  },
});
const FIT_RATES = [2_000, 8_000, 30_000];
const HELD_RATES = [4_000, 16_000];
const TOLERANCE = 0.15;

export interface FormatModel {
  format: string;
  setup: SessionSetup;
  calibration: Calibration;
}

interface Check {
  format: string;
  what: string;
  measured: number;
  predicted: number;
  load: number;
}

const models: FormatModel[] = [];
for (const format of values.format.split(',')) {
  const load = { exporters: 16, templates: 1, seed: 1, maxDatagramBytes: 1384 };
  const setup: SessionSetup = {
    workers: 1,
    receivers: 1,
    receive: 'recvmmsg',
    outputs: outputsOf(format),
    load,
  };
  const calibration = await calibrate(setup, FIT_RATES, HELD_RATES, Number(values.seconds));
  models.push({ format, setup, calibration });
  console.log(format, calibration.costs);
}
const checks = models.flatMap(check);
for (const { format, what, measured, predicted } of checks) {
  console.log(`${format} ${what}: predicted ${predicted.toFixed(0)}, measured ${measured.toFixed(0)}`);
}
const within = checks.filter(holds).length;
const sizes = models.flatMap(sizeFor);
const page = writeReport(
  {
    topic: 'model',
    title: 'A simulation of the pipeline, and how well it predicts',
    question:
      'Does a simulation with the measured cost of each step reproduce what the collector does on this machine?',
    method:
      `Costs: least squares over paced bursts at ${FIT_RATES.join(', ')} datagrams/s and bursts that the collector found all at ` +
      `once, per thread so much per datagram and so much per event (task given out or wake-up; both counted). How readily a ` +
      `woken thread gets a core is fitted to the size of tasks in the same bursts. Predictions: bursts that were not used, and an ` +
      `overload, with the sender on the same cores and as much other work as the machine had meanwhile. One receive and one ` +
      `decode thread, recvmmsg, null: outputs. ${LOAD_METHOD} ${CPU_METHOD}`,
    command: `npm run bench:sizing -- --format ${values.format} --seconds ${values.seconds}`,
    tables: [checkTable(checks), costTable(models)],
    plots: [],
    findings: [
      `${within} of ${checks.length} predictions are within ${TOLERANCE * 100} % of the measurement.`,
      ...checks
        .filter((one) => !holds(one))
        .map((one) => `Off by ${(error(one) * 100).toFixed(0)} %: ${one.format}, ${one.what}.`),
    ],
    data: { models, checks, sizes },
  },
  values.out,
);
console.log(page);
writeFileSync(
  join(values.out, 'sizing.md'),
  sizingPage(models, sizes, machine(), page, within, checks.length),
);

function check({ format, setup, calibration }: FormatModel): Check[] {
  const { costs, held, flood } = calibration;
  const compare = (observed: Observation, rate: number, name: string): Check[] => {
    const predicted = predict(costs, observed, setup, rate);
    const row = (what: string, measuredValue: number, predictedValue: number): Check => ({
      format,
      what: `${what}, ${name}`,
      measured: measuredValue,
      predicted: predictedValue,
      load: observed.loadAverage,
    });
    const cpu = predicted.main + predicted.receive + predicted.decode;
    return [
      row('datagrams/s taken in', observed.received, predicted.received),
      row(
        'CPU ns per datagram of main, receive and decode',
        observed.main + observed.receive + observed.decode,
        cpu,
      ),
    ];
  };
  return [
    ...held.flatMap((observed) => compare(observed, observed.rate, `${Math.round(observed.rate)}/s`)),
    ...compare(flood, Number.POSITIVE_INFINITY, 'overload'),
  ];
}

function error({ measured, predicted }: Check): number {
  return predicted / measured - 1;
}

function holds(one: Check): boolean {
  return Math.abs(error(one)) <= TOLERANCE;
}

function checkTable(checks: readonly Check[]): ReportTable {
  return {
    title: `Predicted and measured, within ${TOLERANCE * 100} % or not`,
    columns: ['format', 'what', 'measured', 'predicted', 'error %', 'within', 'load'],
    rows: checks.map((one) => [
      one.format,
      one.what,
      Math.round(one.measured),
      Math.round(one.predicted),
      error(one) * 100,
      holds(one) ? 'yes' : 'NO',
      one.load,
    ]),
  };
}

function costTable(models: readonly FormatModel[]): ReportTable {
  const costs = models.map(({ calibration }) => calibration.costs);
  const keys = Object.keys(costs[0]) as (keyof (typeof costs)[0])[];
  return {
    title: 'Cost of each step, ns',
    columns: ['step', ...models.map(({ format }) => format)],
    rows: keys.map((key) => [key, ...costs.map((of) => Math.round(of[key]))]),
  };
}
