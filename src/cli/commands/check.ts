import fsPromises, { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../base/clock.ts';
import { countText } from '../../base/count-text.ts';
import { describeError, MillraceError } from '../../base/errors.ts';
import { maskSecrets } from '../../base/secrets.ts';
import type { CollectorOptions } from '../../collector.ts';
import type { Configuration } from '../../config/configuration.ts';
import { readElements } from '../../config/element-file.ts';
import type { OptionValues } from '../../config/options.ts';
import { endpointText } from '../../config/values.ts';
import { probeServe } from '../../ops/http/server.ts';
import { expandPattern } from '../../output/file-name.ts';
import { checkDirectory, checkName } from '../../output/output-file.ts';
import { probeListen } from '../../receive/dgram-receiver.ts';
import { listenText } from '../../receive/receiver.ts';
import { StoreError } from '../../templates/store.ts';
import { ExitCode, oneLine } from '../errors.ts';
import { httpPlace, httpToken } from '../http.ts';
import { checkLedgerFile } from '../ledger-file.ts';
import { tryStore } from '../try-store.ts';
import { collectorOptions, makeCollector } from './collect.ts';

type Values = OptionValues<'collect'>;

/** What there is to try, in words for what was found good. Rejects with what would keep the collector from starting. */
interface Trial {
  readonly subject: string;
  /** What the collector does when it fails, where it starts all the same. */
  readonly otherwise?: (error: unknown) => string | undefined;
  run(): Promise<string>;
}

/** Tries what the options of collect name, without leaving anything behind. Returns the exit code. */
export async function check(configuration: Configuration): Promise<number> {
  const values = configuration.values as Values;
  // Behind a dump the findings are comments, so that all of it is YAML.
  const mark = values.dumpConfig ? '# ' : '';
  if (values.dumpConfig) process.stdout.write(configuration.toYaml());
  let failed = false;
  for (const { subject, run, otherwise } of await trials(values)) {
    const finding = await run().then(
      (good) => `ok: ${subject}: ${good}`,
      (error: unknown) => {
        const reason = describeError(error);
        const named = error instanceof MillraceError && !(error instanceof StoreError);
        const text = named ? reason : `${subject}: ${reason}`;
        const instead = otherwise?.(error);
        if (instead !== undefined) return `warning: ${text}; ${instead}`;
        failed = true;
        return `error: ${text}`;
      },
    );
    process.stdout.write(`${mark}${oneLine(maskSecrets(finding))}\n`);
  }
  return failed ? ExitCode.failed : ExitCode.ok;
}

/** Everything that collect opens, in the order in which it does. */
async function trials(values: Values): Promise<Trial[]> {
  const resolved = collectorOptions(values, { info: () => {}, warn: () => {} }, () => {});
  const { quarantine, ledger, elements } = values;
  return [
    { subject: 'memory and receivers', run: async () => makeCollector(resolved).receiving },
    ...(elements === undefined ? [] : [elementsTrial(elements)]),
    ...outputTrials(resolved),
    ...(ledger === undefined ? [] : [ledgerTrial(ledger)]),
    ...(quarantine === undefined
      ? []
      : [directoryTrial(`--quarantine ${JSON.stringify(quarantine)}`, quarantine)]),
    ...storeTrials(resolved),
    ...httpTrials(values),
    ...(await listenTrials(resolved)),
  ];
}

function elementsTrial(path: string): Trial {
  const run = async () => countText((await readElements(path)).length, 'element');
  return { subject: `--elements ${JSON.stringify(path)}`, run };
}

function outputTrials({ outputs }: CollectorOptions): Trial[] {
  return outputs.map((output) => {
    const subject = `--output ${JSON.stringify(output.name)}`;
    if (output.kind !== 'file') return { subject, run: async () => 'nothing to open' };
    const path = expandPattern(output.pattern, systemClock.wallMs());
    const { run } = directoryTrial(subject, dirname(path));
    return { subject, run: () => checkName(fsPromises, path).then(run) };
  });
}

function ledgerTrial(path: string): Trial {
  return {
    subject: `--ledger ${JSON.stringify(path)}`,
    run: () => checkLedgerFile(path).then(() => 'can be written'),
  };
}

/** Shared stores are read; of a file, which a collector may have, only the directory is looked at. */
function storeTrials({ store }: CollectorOptions): Trial[] {
  if (store === undefined) return [];
  const subject = `--templates ${JSON.stringify(maskSecrets(store.uri))}`;
  if (store.uri.startsWith('file:')) {
    const otherwise = () => (store.dispensable ? 'templates are kept in memory only' : undefined);
    return [{ ...directoryTrial(subject, dirname(fileURLToPath(store.uri))), otherwise }];
  }
  return [
    {
      subject,
      otherwise: (error) => {
        const unreachable = error instanceof StoreError && !error.fatal;
        return store.optional && unreachable ? 'collect starts without it' : undefined;
      },
      run: async () => `can be read, ${countText((await tryStore(store.uri)).scopes, 'scope')}`,
    },
  ];
}

function httpTrials(values: Values): Trial[] {
  const place = httpPlace(values.http);
  if (place === null) return [];
  return [
    {
      subject: `--http ${endpointText(place.endpoint)}`,
      otherwise: (error) => {
        const taken = error instanceof MillraceError && error.code === 'LISTEN_FAILED';
        return place.isDefault && taken ? 'collect goes on without HTTP' : undefined;
      },
      run: async () => {
        await httpToken(place, values);
        await probeServe(place.endpoint);
        return 'is free';
      },
    },
  ];
}

/** The directory, or where it would be made, can be written; nothing is made, because another user may run the collector. */
function directoryTrial(subject: string, directory: string): Trial {
  return {
    subject,
    run: async () => {
      const there = await nearestExisting(resolve(directory));
      if (!(await stat(there)).isDirectory()) throw new Error(`not a directory: ${there}`);
      await checkDirectory(fsPromises, there);
      return there === resolve(directory) ? `${there} can be written` : `${directory} can be made`;
    },
  };
}

async function nearestExisting(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    return nearestExisting(dirname(path));
  }
}

/** All sockets are bound at the same time, so that addresses that exclude each other are found. */
async function listenTrials({ source }: CollectorOptions): Promise<Trial[]> {
  const addresses = source === 'feeder' ? [] : source.listen;
  const probes = await Promise.allSettled(addresses.map(probeListen));
  for (const probe of probes) if (probe.status === 'fulfilled') probe.value();
  return probes.map((probe, i) => ({
    subject: `--listen ${listenText(addresses[i])}`,
    run: async () => {
      if (probe.status === 'rejected') throw probe.reason;
      return 'is free';
    },
  }));
}
