import { open } from 'node:fs/promises';
import { systemClock } from '../../base/clock.ts';
import { countText } from '../../base/count-text.ts';
import { describeError, MillraceError } from '../../base/errors.ts';
import { writeMapped } from '../../base/ip.ts';
import type { OptionValues } from '../../config/options.ts';
import { type Endpoint, endpointText } from '../../config/values.ts';
import { ExporterSimulator, type GeneratedDatagram } from '../../generator/exporters.ts';
import type { GeneratorOptions } from '../../generator/generator-options.ts';
import { PacedSender, Pacer } from '../../generator/sender.ts';
import { DgramsWriter } from '../../receive/capture/writer.ts';
import { ExitCode, say, usageError } from '../errors.ts';
import { type Progress, startProgress } from '../progress.ts';
import { Stop } from '../stop.ts';
import { sentErrorsText } from '../text.ts';

type Values = OptionValues<'generate'>;

const DEFAULT_FILE_COUNT = 10_000;
/** Datagrams between two looks at the progress bar. */
const PROGRESS_EVERY = 64;
const WRITE_BYTES = 256 * 1024;
/** Exporter k of a file has the address 10.0.0.1 + k, and a port in the dynamic range. */
const FIRST_EXPORTER_ADDRESS = 0x0a000001;
const FIRST_EXPORTER_PORT = 49_152;
const EXPORTER_PORTS = 16_384;

/** Simulates exporters. Returns the exit code. */
export async function generate(values: Values): Promise<number> {
  const { to, dgramsFile } = values;
  if (to === undefined && dgramsFile === undefined) {
    throw usageError('--to: not given; required is --to HOST:PORT, such as 127.0.0.1:2055, or --output FILE');
  }
  if (to !== undefined && dgramsFile !== undefined) {
    throw usageError(
      `--to "${endpointText(to)}" and --output ${JSON.stringify(dgramsFile)} exclude each other`,
    );
  }
  checkVersion(values);
  const stop = new Stop();
  if (to !== undefined) await send(to, values, stop);
  else await write(dgramsFile as string, values, stop);
  return ExitCode.ok;
}

/** v5 and v7 have no templates. */
function checkVersion({ version, templates, redefine }: Values): void {
  if (version !== '5' && version !== '7') return;
  if (templates !== 1) throw usageError(`--templates "${templates}": allowed is 1 with --version ${version}`);
  if (redefine !== 0) throw usageError(`--redefine "${redefine}": allowed is 0 with --version ${version}`);
}

function simulate(
  values: Values,
  times: Pick<GeneratorOptions, 'intervalMs'> & { startMs?: number },
): ExporterSimulator {
  const { exporters, templates, seed, loss, reorder, redefine, sendOptions } = values;
  const version = Number(values.version) as GeneratorOptions['version'];
  return new ExporterSimulator({
    version,
    exporters,
    templates,
    seed,
    loss,
    reorder,
    redefine,
    options: sendOptions,
    ...times,
  });
}

async function send(to: Endpoint, values: Values, stop: Stop): Promise<void> {
  const simulator = simulate(values, { intervalMs: 0, startMs: systemClock.wallMs() });
  const sender = new PacedSender(to);
  await sender.open();
  const pacer = new Pacer(values.rate, systemClock, { signal: stop.signal });
  const count = values.count ?? Number.POSITIVE_INFINITY;
  const progress = startProgress(!values.quiet, count, 'datagrams');
  try {
    while (simulator.emitted.datagrams < count) {
      const due = pacer.wait();
      if (due !== undefined) await due;
      if (stop.requested) break;
      simulator.advanceTo(systemClock.wallMs());
      const datagram = simulator.next();
      const room = sender.send(datagram.payload, datagram.exporter);
      if (room !== undefined) await room;
      showProgress(progress, simulator);
    }
  } finally {
    progress.stop();
    await sender.close();
  }
  if (!values.quiet)
    say(summary('sent', endpointText(to), simulator, values) + sentErrorsText(sender.sent.errors));
}

async function write(path: string, values: Values, stop: Stop): Promise<void> {
  const simulator = simulate(values, { intervalMs: values.rate > 0 ? 1000 / values.rate : 0 });
  const count = values.count ?? DEFAULT_FILE_COUNT;
  const progress = startProgress(!values.quiet, count, 'datagrams');
  try {
    const file = await open(path, 'w');
    try {
      let records: Uint8Array[] = [];
      let bytes = 0;
      while (simulator.emitted.datagrams < count && !stop.requested) {
        const record = fileRecord(simulator.next());
        bytes += record.length;
        records.push(record);
        showProgress(progress, simulator);
        if (bytes < WRITE_BYTES) continue;
        await file.writeFile(Buffer.concat(records));
        records = [];
        bytes = 0;
      }
      await file.writeFile(Buffer.concat(records));
    } finally {
      await file.close();
    }
  } catch (cause) {
    const reason = describeError(cause);
    throw new MillraceError('OUTPUT_FAILED', `--output ${JSON.stringify(path)}: cannot write: ${reason}`, {
      cause,
    });
  } finally {
    progress.stop();
  }
  if (!values.quiet) say(summary('wrote', path, simulator, values));
}

function fileRecord({ exporter, payload }: GeneratedDatagram): Uint8Array {
  const address = new Uint8Array(16);
  writeMapped(address, 0, FIRST_EXPORTER_ADDRESS + exporter);
  return DgramsWriter.record(address, FIRST_EXPORTER_PORT + (exporter % EXPORTER_PORTS), payload);
}

function showProgress(progress: Progress, simulator: ExporterSimulator): void {
  const { datagrams } = simulator.emitted;
  if (datagrams % PROGRESS_EVERY === 0) progress.update(datagrams);
}

function summary(verb: string, where: string, simulator: ExporterSimulator, { exporters }: Values): string {
  const { datagrams, records, optionsRecords } = simulator.emitted;
  const parts = [
    `${verb} ${countText(datagrams, 'datagram')} (${countText(records, 'flow')}, ` +
      `${countText(optionsRecords, 'options record')}) of ${countText(exporters, 'exporter')} to ${where}`,
  ];
  const { lost } = simulator;
  if (lost.datagrams > 0)
    parts.push(
      `${countText(lost.datagrams, 'datagram')} (${countText(lost.records, 'flow')}) lost on purpose`,
    );
  // To a collector these are lost as well: it may have seen what overtook them.
  let waiting = 0;
  while (simulator.drain() !== undefined) waiting++;
  if (waiting > 0) parts.push(`${countText(waiting, 'datagram')} still held back to change places`);
  return parts.join('; ');
}
