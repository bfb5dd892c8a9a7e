import { MillraceError } from '../../base/errors.ts';
import { writeMapped } from '../../base/ip.ts';
import { Collector, type CollectorReport } from '../../collector.ts';
import { readElements } from '../../config/element-file.ts';
import type { OptionValues } from '../../config/options.ts';
import { createLog } from '../../ops/log.ts';
import { type CapturedDatagram, type CaptureStats, openCapture } from '../../receive/capture/capture.ts';
import { beginsColumnar } from '../../receive/columnar/columnar-file.ts';
import { DEFAULT_PENDING_LIMITS } from '../../templates/pending.ts';
import { decodeSummary } from '../decode-summary.ts';
import { complain, ExitCode, say } from '../errors.ts';
import { filterOf } from '../filter-option.ts';
import { checkLedgerFile, writeLedgerFile } from '../ledger-file.ts';
import { realTroubles, resolveOutputs, showsFlows } from '../outputs.ts';
import { startProgress } from '../progress.ts';
import { Stop } from '../stop.ts';
import { decodeColumnar } from './decode-columnar.ts';

type Values = OptionValues<'decode'>;

export interface DecodedInput extends CaptureStats {
  file: string;
}

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
  const inputs: DecodedInput[] = [];
  let failed = false;
  for (const file of files) {
    if (stop.requested) break;
    const { stats, error } = await feedFile(file, collector, stop, showBar);
    if (stats !== null) inputs.push({ file, ...stats });
    if (error !== null) complain(error.message);
    else if (stats?.broken === 1) complain(`${file} is damaged: what stands behind the damage was not read`);
    failed ||= error !== null || stats?.broken === 1;
  }
  const report = await collector.stop();
  clearInterval(watch);
  return finish(values, collector, report, inputs, failed, stop);
}

async function finish(
  values: Values,
  collector: Collector,
  report: CollectorReport,
  inputs: readonly DecodedInput[],
  failed: boolean,
  stop: Stop,
): Promise<number> {
  const { troubles } = collector.status();
  const [trouble] = realTroubles(troubles);
  if (trouble !== undefined) complain(trouble);
  await writeLedgerFile(values.ledger, { ...report, inputs });
  const readerGone = troubles.length > 0 && trouble === undefined;
  if (!values.quiet && !readerGone && inputs.length > 0) say(decodeSummary(report, inputs));
  return failed || trouble !== undefined ? ExitCode.failed : stop.exitCode;
}

/** Feeds all of a file, or as much as is wanted. */
async function feedFile(
  file: string,
  collector: Collector,
  stop: Stop,
  showBar: boolean,
): Promise<{ stats: CaptureStats | null; error: MillraceError | null }> {
  let stats: CaptureStats | null = null;
  try {
    const capture = await openCapture(file);
    stats = capture.stats;
    const progress = startProgress(showBar, stats.bytesTotal, 'bytes');
    const close = (): void => void capture.close();
    stop.signal.addEventListener('abort', close);
    try {
      for await (const batch of capture.batches()) {
        for (const datagram of batch) {
          const room = feed(collector, datagram);
          if (room !== undefined) await room;
          if (stop.requested) break;
        }
        collector.feeder.flush();
        progress.update(stats.bytesRead);
        if (stop.requested) break;
      }
    } finally {
      stop.signal.removeEventListener('abort', close);
      progress.stop();
    }
    return { stats, error: null };
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    return { stats, error };
  }
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
