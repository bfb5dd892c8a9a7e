import { MillraceError } from '../../base/errors.ts';
import { writeMapped } from '../../base/ip.ts';
import { Collector } from '../../collector.ts';
import { readElements } from '../../config/element-file.ts';
import type { OptionValues } from '../../config/options.ts';
import { createLog } from '../../ops/log.ts';
import { type Capture, type CapturedDatagram, openCapture } from '../../receive/capture/capture.ts';
import { beginsColumnar } from '../../receive/columnar/columnar-file.ts';
import { DEFAULT_PENDING_LIMITS } from '../../templates/pending.ts';
import { finishDecoding, readFiles } from '../decode-files.ts';
import { decodeSummary } from '../decode-summary.ts';
import { filterOf } from '../filter-option.ts';
import { checkLedgerFile } from '../ledger-file.ts';
import { realTroubles, resolveOutputs, showsFlows } from '../outputs.ts';
import { Stop } from '../stop.ts';
import { decodeColumnar } from './decode-columnar.ts';

type Values = OptionValues<'decode'>;

const TROUBLE_CHECK_MS = 200;
/** 0.0.0.0, for datagrams whose source is not recorded. */
const UNKNOWN_ADDRESS = new Uint8Array(16);
writeMapped(UNKNOWN_ADDRESS, 0, 0);

/** Decodes recorded datagrams, one file after another. Returns the exit code. */
export async function decode(files: readonly string[], values: Values): Promise<number> {
  const stop = new Stop();
  const { from } = values;
  if (from === 'columnar' || (from === 'auto' && (await beginsColumnar(files[0], stop.signal)))) {
    return decodeColumnar(files, values, stop);
  }
  const outputs = resolveOutputs({ ...values, options: values.writeOptions });
  await checkLedgerFile(values.ledger);
  const collector = new Collector({
    source: 'feeder',
    outputs,
    workers: values.workers === 'auto' ? undefined : values.workers,
    elements: await readElements(values.elements),
    jit: values.jit ? 'auto' : 'off',
    filter: filterOf(values.filter),
    scanner: {
      // A recording has its own time, which has nothing to do with how long reading takes.
      templateTtlMs: Number.POSITIVE_INFINITY,
      pending: { ...DEFAULT_PENDING_LIMITS, ttlMs: Number.POSITIVE_INFINITY },
      honourUdpWithdrawals: values.udpWithdrawals === 'honour',
      exporterKey: values.exporterKey,
    },
    log: createLog({ level: values.quietLogLevel, format: 'text', colour: process.stderr.isTTY === true }),
    onOutputClosed: () => stop.request(),
  });
  await collector.start();
  const watch = watchOutputs(collector, stop);
  const showBar = !values.quiet && !showsFlows(outputs);
  const read = await readFiles(
    files,
    stop,
    showBar,
    (file, signal) => openCapture(file, { signal }),
    (capture, onProgress, file) => feedFile(file, capture, collector, stop, onProgress),
  );
  const report = await collector.stop();
  clearInterval(watch);
  const { troubles } = collector.status();
  return finishDecoding(values, read, troubles, report, decodeSummary(report, read.inputs), stop);
}

/** Feeds all of a file, or as much as is wanted. */
async function feedFile(
  file: string,
  capture: Capture,
  collector: Collector,
  stop: Stop,
  onProgress: () => void,
): Promise<void> {
  for await (const batch of capture.batches()) {
    for (const datagram of batch) {
      const room = feed(collector, datagram);
      if (room !== undefined) await room;
      if (stop.requested) break;
    }
    collector.feeder.flush();
    onProgress();
    if (stop.requested) break;
  }
  if (capture.stats.broken === 0) return;
  throw new MillraceError('INPUT_FAILED', `${file} is damaged: what stands behind the damage was not read`);
}

function feed(collector: Collector, datagram: CapturedDatagram): Promise<void> | undefined {
  const { payload, port, capturedAtMs } = datagram;
  const address = datagram.address.every((octet) => octet === 0) ? UNKNOWN_ADDRESS : datagram.address;
  const atMs = Number.isNaN(capturedAtMs) ? exportTimeMs(payload) : capturedAtMs;
  return collector.feeder.feed(payload, address, port, atMs);
}

/** What the header of the datagram says, ms since the epoch; 0 where it says nothing. */
export function exportTimeMs(payload: Uint8Array): number {
  if (payload.length < 12) return 0;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  switch (view.getUint16(0)) {
    case 5:
    case 7:
    case 9:
      return view.getUint32(8) * 1000;
    case 10:
      return view.getUint32(4) * 1000;
    default:
      return 0;
  }
}

/** Ends the run when an output fails: it would wait for the disk to have room for ever. */
function watchOutputs(collector: Collector, stop: Stop): NodeJS.Timeout {
  return setInterval(() => {
    if (stop.requested || realTroubles(collector.status().troubles).length === 0) return;
    stop.request();
    void collector.closeOutputs();
  }, TROUBLE_CHECK_MS);
}
