import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CPU_METHOD, LOAD_METHOD } from '../pipeline/method.ts';
import { BENCH_FORMATS, outputsOf } from '../pipeline/options.ts';
import type { SessionSetup } from '../pipeline/session.ts';
import { machine, type ReportTable, writeReport } from '../report.ts';
import { fitCosts } from './fit.ts';
import { type Measured, measureSetup, type Observation, predict } from './measure.ts';
import type { Costs } from './simulate.ts';
import { sizeFor, sizingPage } from './sizing.ts';

/** `npm run bench:sizing`: measures what each step costs, checks the simulation with it, and writes what machines carry. */
const { values } = parseArgs({
  options: {
    format: { type: 'string', default: BENCH_FORMATS.join(',') },
    seconds: { type: 'string', default: '3' },
    out: { type: 'string', default: 'perf-reports' },
  },
});
/** Costs come from bursts at these rates; what bursts at the others cost is predicted. In turn, so that both span the same range. */
const FIT_RATES = [2_000, 8_000, 30_000, 60_000];
const HELD_RATES = [4_000, 16_000, 45_000];
const TOLERANCE = 0.15;

export interface FormatModel {
  format: string;
  setup: SessionSetup;
  measured: Measured;
  costs: Costs;
}

interface Check {
  format: string;
  what: string;
  measured: number;
  predicted: number;
  load: number;
}

const measurements: Omit<FormatModel, 'costs'>[] = [];
for (const format of values.format.split(',')) {
  const load = { exporters: 16, templates: 1, seed: 1, maxDatagramBytes: 1384 };
  const setup: SessionSetup = {
    workers: 1,
    receivers: 1,
    receive: 'recvmmsg',
    outputs: outputsOf(format),
    load,
  };
  const measured = await measureSetup(setup, FIT_RATES, HELD_RATES, Number(values.seconds));
  measurements.push({ format, setup, measured });
}
const costs = fitCosts(measurements);
const models: FormatModel[] = measurements.map((one, i) => ({ ...one, costs: costs[i] }));
for (const { format, costs } of models) console.log(format, costs);
const checks = models.flatMap(check);
for (const { format, what, measured, predicted } of checks) {
  console.log(`${format} ${what}: predicted ${predicted.toFixed(0)}, measured ${measured.toFixed(0)}`);
}
const within = checks.filter(holds).length;
const { paced, held } = referenceMs(models);
const sizes = models.flatMap(sizeFor);
const page = writeReport(
  {
    topic: 'model',
    title: 'A simulation of the pipeline, and how well it predicts',
    question:
      'Does a simulation with the measured cost of each step reproduce what the collector does on this machine?',
    method:
      `Costs per datagram: bursts that the collector found all at once, while work of the lowest priority kept the cores from ` +
      `idling. What paced bursts at ${FIT_RATES.join(', ')} datagrams/s cost more than that is the price of sleeping, by least ` +
      `squares for each thread: so much per wake-up or task, and more the longer the sleep was (bench/model/simulate.ts). ` +
      `Predictions: bursts at other rates and an overload, none of which was used for the costs, with the sender on the same ` +
      `cores and as much other work as the machine had meanwhile. Everything was measured in each of three rounds, of which the ` +
      `median counts. One receive and one decode thread, recvmmsg, null: outputs. ${LOAD_METHOD} ${CPU_METHOD}`,
    command: `npm run bench:sizing -- --format ${values.format} --seconds ${values.seconds}`,
    tables: [checkTable(checks), costTable(models)],
    plots: [],
    findings: [
      `${within} of ${checks.length} predictions are within ${TOLERANCE * 100} % of the measurement.`,
      ...checks
        .filter((one) => !holds(one))
        .map((one) => `Off by ${(error(one) * 100).toFixed(0)} %: ${one.format}, ${one.what}.`),
      `The machine itself: a piece of work that is always the same took ${paced.toFixed(1)} ms of CPU after the bursts that the ` +
        `costs come from, and ${held.toFixed(1)} ms after those that were predicted.`,
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

function check({ format, setup, measured: { held, flood }, costs }: FormatModel): Check[] {
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
      row('datagrams/s taken in', observed.received, predicted.perSecond),
      row(
        'CPU ns per datagram of main, receive and decode',
        observed.main + observed.receive + observed.decode,
        cpu,
      ),
    ];
  };
  return [
    ...held.flatMap((observed, i) => compare(observed, observed.rate, `${HELD_RATES[i]}/s`)),
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
  const costs = models.map(({ costs }) => costs);
  const keys = Object.keys(costs[0]) as (keyof (typeof costs)[0])[];
  return {
    title: 'Cost of each step, ns',
    columns: ['step', ...models.map(({ format }) => format)],
    rows: keys.map((key) => [key, ...costs.map((of) => Math.round(of[key]))]),
  };
}

/** Medians over what was measured to fit, and over what was predicted. */
function referenceMs(of: readonly FormatModel[]): { paced: number; held: number } {
  const median = (observations: Observation[]): number =>
    observations.map((one) => one.referenceMs).sort((a, b) => a - b)[observations.length >> 1];
  return {
    paced: median(of.flatMap(({ measured }) => measured.paced)),
    held: median(of.flatMap(({ measured: { held, flood } }) => [...held, flood])),
  };
}
