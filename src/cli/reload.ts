import { isDeepStrictEqual } from 'node:util';
import { countText } from '../base/count-text.ts';
import { describeError } from '../base/errors.ts';
import type { Collector } from '../collector.ts';
import { Configuration, type Setting, settingText } from '../config/configuration.ts';
import { readElements } from '../config/element-file.ts';
import { LOG_LEVELS, type OptionKey, type OptionValues } from '../config/options.ts';
import type { Element } from '../elements/element.ts';
import type { Log } from '../ops/log.ts';
import type { OutputSpec } from '../output/output-uri.ts';
import { resolveOutputs } from './outputs.ts';

type Values = OptionValues<'collect'>;

/** SIGHUP: new files, and what has changed in the configuration. */
export class Reloader {
  readonly #collector: Collector;
  readonly #log: Log;
  readonly #read: () => Promise<Configuration>;
  /** What holds at present, by option; and what stands behind names in it. */
  readonly #settings: Map<OptionKey, Setting>;
  #elements: readonly Element[];
  #outputs: readonly OutputSpec[];
  #running: Promise<void> = Promise.resolve();

  /** read: asks for the configuration again. */
  constructor(
    collector: Collector,
    log: Log,
    configuration: Configuration,
    elements: readonly Element[],
    read: () => Promise<Configuration>,
  ) {
    this.#collector = collector;
    this.#log = log;
    this.#read = read;
    this.#settings = new Map(configuration.settings);
    this.#elements = elements;
    this.#outputs = resolveOutputs(configuration.values as Values);
  }

  /** What holds at present. */
  get configuration(): Configuration {
    return new Configuration(this.#settings, undefined);
  }

  /** One after another, however fast the signals come. Never rejects: trouble is a line of the log. */
  reload(): Promise<void> {
    this.#log.info('SIGHUP: new files');
    this.#collector.rotate();
    this.#running = this.#running
      .then(() => this.#takeOver())
      .catch((error: unknown) => {
        this.#log.error(`the configuration stays as it was: ${describeError(error)}`);
      });
    return this.#running;
  }

  async #takeOver(): Promise<void> {
    const configuration = await this.#read();
    const values = configuration.values as Values;
    const elements = await readElements(values.elements);
    const outputs = this.#keepStdout(resolveOutputs(values));
    const { allow, exporterRate } = values;
    await this.#collector.reload({ outputs, elements, admission: { allow, exporterRate } });
    // What has changed is told at the more talkative of both levels.
    const quieter = LOG_LEVELS.indexOf(values.logLevel) < LOG_LEVELS.indexOf(this.#log.level);
    if (!quieter) this.#log.level = values.logLevel;
    const changed = [...configuration.settings].filter(([key, setting]) => this.#note(key, setting));
    const newElements = !isDeepStrictEqual(elements, this.#elements);
    if (newElements) this.#log.info(`changed: ${countText(elements.length, 'element')} in --elements`);
    this.#elements = elements;
    this.#outputs = outputs;
    if (changed.length === 0 && !newElements) this.#log.info('the configuration has not changed');
    this.#log.level = values.logLevel;
  }

  /** Standard output cannot be given from one format to another in the middle of a line. */
  #keepStdout(wanted: OutputSpec[]): OutputSpec[] {
    const kept = this.#outputs.find(({ kind }) => kind === 'stdout');
    return wanted.map((output) => {
      if (kept === undefined || output.kind !== 'stdout' || isDeepStrictEqual(output, kept)) return output;
      this.#log.warn(`--output ${output.name} needs a restart; until then it is ${kept.name}`);
      return kept;
    });
  }

  /** Says what has become of a setting; false when it is the same. */
  #note(key: OptionKey, setting: Setting): boolean {
    const before = this.#settings.get(key)!;
    if (isDeepStrictEqual(setting.texts, before.texts)) return false;
    const { flag, live } = setting.option;
    const what = `${flag}: ${settingText(setting)} (${setting.origin})`;
    if (live) {
      this.#settings.set(key, setting);
      this.#log.info(`changed: ${what}`);
    } else {
      this.#log.warn(`needs a restart: ${what}; until then it is ${settingText(before)}`);
    }
    return true;
  }
}
