import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../base/clock.ts';
import { countText } from '../../base/count-text.ts';
import { MillraceError } from '../../base/errors.ts';
import {
  Collector,
  type CollectorLog,
  type CollectorOptions,
  type CollectorReport,
} from '../../collector.ts';
import type { Configuration } from '../../config/configuration.ts';
import { readElements } from '../../config/element-file.ts';
import type { OptionValues } from '../../config/options.ts';
import { type Endpoint, endpointText } from '../../config/values.ts';
import type { StoreOptions } from '../../dispatch/store-host.ts';
import { defaultStoreUri } from '../../fleet/open-store.ts';
import { healthProblem } from '../../ops/health.ts';
import { createLog, type Log } from '../../ops/log.ts';
import { ServiceManager } from '../../ops/service-manager.ts';
import { DEFAULT_PENDING_LIMITS } from '../../templates/pending.ts';
import { complain, ExitCode, usageError } from '../errors.ts';
import { filterOf } from '../filter-option.ts';
import { FinalLedger } from '../final-ledger.ts';
import type { HangUps } from '../hang-ups.ts';
import { openOperations } from '../http.ts';
import { checkLedgerFile } from '../ledger-file.ts';
import { realTroubles, resolveOutputs } from '../outputs.ts';
import { Reloader } from '../reload.ts';
import { StatusLine } from '../status-line.ts';
import { Stop } from '../stop.ts';
import { byteText } from '../text.ts';

type Values = OptionValues<'collect'>;

/** All shared memory is addressed with 31 bits; this is what slots may take of it. */
const MAX_SLOTS_BYTES = 1_920 * 1024 * 1024;
const SLOT_OVERHEAD_BYTES = 112;

/** Receives until it is told to stop. Returns the exit code. read: asks for the configuration again. */
export async function collect(
  configuration: Configuration,
  read: () => Promise<Configuration>,
  hangUps: HangUps,
): Promise<number> {
  const values = configuration.values as Values;
  if (values.dumpConfig) {
    process.stdout.write(configuration.toYaml());
    return ExitCode.ok;
  }
  const stop = new Stop();
  const log = createLog({
    level: values.logLevel,
    format: values.logFormat,
    colour: process.stderr.isTTY === true,
  });
  const options = collectorOptions(values, log, () => {
    if (collector.parts().outputs.length === 1) stop.request();
    else log.warn('the reader of standard output went away; the other outputs go on');
  });
  await checkLedgerFile(values.ledger);
  const elements = await readElements(values.elements);
  const collector = makeCollector({ ...options, elements });
  const manager = new ServiceManager(process.env, log, () => healthProblem(collector));
  const reloader = new Reloader(collector, log, configuration, elements, read);
  const operations = await openOperations(collector, () => reloader.configuration, log);
  const started = collector.start(stop.signal);
  hangUps.obeyedBy(() => {
    const reload = () => (stop.requested ? undefined : manager.reloading(() => reloader.reload()));
    void started.then(reload, () => {});
  });
  try {
    await started;
  } catch (error) {
    if (!stop.requested) throw error;
    if (stop.reason !== 'done') log.info(`${stop.reason}: the start is given up`);
    await operations?.close();
    return ExitCode.ok;
  }
  const ledger = new FinalLedger(collector, log, values);
  const listen = listenAddresses(values).map(({ host }, i) => {
    return `netflow://${endpointText({ host, port: collector.ports[i * values.receivers] })}`;
  });
  const listening = `listening on ${listen.join(', ')}; ${countText(collector.workers, 'decode worker')}`;
  const memoryBytes = collector.sharedBytes;
  const templates = collector.parts().store?.place ?? null;
  log.info(
    `${listening}; ${memoryBytes} bytes (${byteText(memoryBytes)}) of shared memory; ${collector.receiving}; ` +
      `templates ${templates === null ? 'in memory only' : `in ${templates}`}`,
    {
      listen,
      workers: collector.workers,
      sharedMemoryBytes: memoryBytes,
      receiving: collector.receiving,
      templates,
    },
  );
  manager.ready(listening);
  const status = reportStatus(collector, log, values.statusInterval);

  await stop.wait();
  clearInterval(status);
  operations?.drain();
  manager.stopping();
  const byReader = stop.reason === 'done';
  if (!byReader) log.info(`${stop.reason}: stopping when all that was received is written`);
  await sleep(byReader ? 0 : values.drainGrace);
  const { report, abandoned } = await drain(collector, values.drainTimeout);
  await operations?.close();
  const [trouble] = realTroubles(collector.status().troubles);
  if (byReader) {
    ledger.write(report);
    if (trouble === undefined) return ExitCode.ok;
    complain(trouble);
    return ExitCode.failed;
  }
  if (trouble !== undefined) log.warn(trouble);
  ledger.print(report);
  ledger.write(report);
  if (abandoned.length === 0) return ExitCode.ok;
  complain(`not finished within ${values.drainTimeout / 1000} s, given up: ${abandoned.join(', ')}`);
  // What was given up would keep the process.
  process.exit(ExitCode.failed);
}

/** Stops the collector, at most for so long. abandoned: what it had not finished then, in words. */
async function drain(
  collector: Collector,
  timeoutMs: number,
): Promise<{ report: CollectorReport; abandoned: string[] }> {
  const late = new AbortController();
  const finished = collector.stop().then((report) => ({ report, abandoned: [] }));
  const given = sleep(timeoutMs, null, { signal: late.signal }).then(() => collector.abandon());
  try {
    return await Promise.race([finished, given]);
  } finally {
    given.catch(() => {});
    late.abort();
  }
}

export function collectorOptions(
  values: Values,
  log: CollectorLog,
  onOutputClosed: () => void,
): CollectorOptions {
  const listen = listenAddresses(values);
  const slotBytes = values.maxDatagram + SLOT_OVERHEAD_BYTES;
  const rings = listen.length * values.receivers;
  const most = Math.floor(MAX_SLOTS_BYTES / slotBytes / rings);
  if (values.slots > most) {
    throw usageError(
      `--slots "${values.slots}": allowed are up to ${2 ** Math.floor(Math.log2(most))} with --max-datagram ` +
        `${values.maxDatagram} and ${countText(rings, 'receiver')}`,
    );
  }
  return {
    source: { listen },
    outputs: resolveOutputs(values),
    workers: values.workers === 'auto' ? undefined : values.workers,
    scanner: {
      templateTtlMs: values.templateTtl,
      pending: { ...DEFAULT_PENDING_LIMITS, ttlMs: values.pendingTtl },
      honourUdpWithdrawals: values.udpWithdrawals === 'honour',
      exporterKey: values.exporterKey,
    },
    admission: { allow: values.allow, exporterRate: values.exporterRate },
    quarantine: values.quarantine,
    store: storeOptions(values),
    memory: { slots: values.slots, maxDatagramBytes: values.maxDatagram },
    receive: values.receive,
    receivers: values.receivers,
    receiveBufferBytes: values.recvBuffer,
    jit: values.jit ? 'auto' : 'off',
    filter: filterOf(values.filter),
    tail: values.http !== 'off',
    log,
    onOutputClosed,
  };
}

function storeOptions(values: Values): StoreOptions | undefined {
  const { templateStore, evictions, storeDeadline: deadlineMs, storeOptional: optional } = values;
  if (templateStore === 'memory:') return undefined;
  return {
    uri: templateStore ?? defaultStoreUri(process.env),
    deadlineMs,
    optional,
    evictionsShared: evictions === 'fleet',
    // Nobody has asked for the default.
    dispensable: templateStore === undefined,
  };
}

/** The listen addresses; a machine without IPv6 listens on all IPv4 addresses where all addresses are asked for. */
export function listenAddresses(values: Pick<Values, 'listen'>): Endpoint[] {
  const v6 = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ family }) => family === 'IPv6'),
  );
  return values.listen.map(({ host, port }) => ({ host: host === '::' && !v6 ? '0.0.0.0' : host, port }));
}

export function makeCollector(options: CollectorOptions): Collector {
  try {
    return new Collector(options);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const message = 'not enough memory for the slots; fewer --slots or a smaller --max-datagram need less';
    throw new MillraceError('LISTEN_FAILED', message, { cause });
  }
}

function reportStatus(collector: Collector, log: Log, intervalMs: number): NodeJS.Timeout | undefined {
  if (intervalMs === 0) return undefined;
  const line = new StatusLine(systemClock.monotonicMs());
  return setInterval(() => {
    const { text, fields } = line.next(collector.status(), systemClock.monotonicMs());
    log.info(text, fields);
  }, intervalMs);
}
