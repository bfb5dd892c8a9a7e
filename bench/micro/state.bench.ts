import { strict as assert } from 'node:assert';
import { samplingInterval, secondSamplingInterval } from '../../src/generator/options-data.ts';
import { Prng } from '../../src/generator/prng.ts';
import { INTERFACES, SERVICES } from '../../src/generator/traffic.ts';
import { StateReader, type StateText, type StateView } from '../../src/templates/state-view.ts';
import type { Bench, Prepared, Size } from '../harness.ts';
import { digest, SEED } from './input.ts';
import { learnStates } from './states.ts';

/** One question to the state of one exporter, of which there are a hundred, in an order of chance. */
interface Question {
  /** Number of things that can be asked for. */
  choices: number;
  ask(view: StateView, choice: number): number | StateText | null;
  /** What options data said, by exporter and choice. */
  expected(exporter: number, choice: number): number | string;
}

const APPLICATION_IDS = Uint8Array.from(
  SERVICES.flatMap(({ application: id }) => [id >>> 24, (id >>> 16) & 255, (id >>> 8) & 255, id & 255]),
);

const QUESTIONS: Readonly<Record<string, Question>> = {
  'sampling-rate': {
    choices: 2,
    ask: (view, choice) => view.samplingRate(choice + 1, -1, 1, 256),
    expected: (exporter, choice) =>
      choice === 0 ? samplingInterval(exporter) : secondSamplingInterval(exporter),
  },
  'interface-name': {
    choices: INTERFACES.length,
    ask: (view, choice) => view.interfaceName(choice + 1),
    expected: (_exporter, choice) => INTERFACES[choice].name,
  },
  'application-name': {
    choices: SERVICES.length,
    ask: (view, choice) => view.applicationName(APPLICATION_IDS, choice * 4, 4),
    expected: (_exporter, choice) => SERVICES[choice].name,
  },
};

export const stateBenches: Bench[] = Object.entries(QUESTIONS).map(([name, question]) => ({
  name: `state/${name}`,
  unit: 'lookup',
  prepare: (size) => prepare(size, question),
}));

function prepare(size: Size, { choices, ask, expected }: Question): Prepared {
  const exporters = size === 'full' ? 100 : 10;
  const lookups = size === 'full' ? 8_192 : 256;
  const { memory, addresses } = learnStates(exporters);
  const reader = new StateReader(memory);
  const prng = new Prng(SEED, 4);
  const exporterOf = Uint32Array.from({ length: lookups }, () => prng.below(exporters));
  const choiceOf = Uint32Array.from({ length: lookups }, () => prng.below(choices));
  // Texts are valid until the next call only, so where one stands is kept.
  const starts = new Float64Array(lookups);
  const lengths = new Int32Array(lookups);
  const plain = (i: number): number | string => {
    if (lengths[i] < 0) return starts[i];
    return Buffer.from(memory.bytes.subarray(starts[i], starts[i] + lengths[i])).toString('utf8');
  };
  return {
    unitsPerRun: lookups,
    run() {
      for (let i = 0; i < lookups; i++) {
        const answer = ask(reader.at(addresses[exporterOf[i]]), choiceOf[i]);
        starts[i] = typeof answer === 'number' ? answer : answer!.start;
        lengths[i] = typeof answer === 'number' ? -1 : answer!.length;
      }
      return starts;
    },
    check() {
      for (let i = 0; i < lookups; i++) assert.equal(plain(i), expected(exporterOf[i], choiceOf[i]));
    },
    hash: () => digest(...Array.from({ length: lookups }, (_, i) => plain(i))),
  };
}
