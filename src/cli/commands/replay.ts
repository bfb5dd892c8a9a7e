import { systemClock } from '../../base/clock.ts';
import { countText } from '../../base/count-text.ts';
import { onAbort } from '../../base/on-abort.ts';
import type { OptionValues } from '../../config/options.ts';
import { endpointText } from '../../config/values.ts';
import { type RecordedDatagram, type ReplayProgress, replay } from '../../generator/replay.ts';
import { PacedSender } from '../../generator/sender.ts';
import { type Capture, openCapture } from '../../receive/capture/capture.ts';
import { complain, ExitCode, say, usageError } from '../errors.ts';
import { startProgress } from '../progress.ts';
import { Stop } from '../stop.ts';
import { sentErrorsText } from '../text.ts';

type Values = OptionValues<'replay'>;

/** Sends a recording. Returns the exit code. */
export async function replayFile(file: string, values: Values): Promise<number> {
  const { to, replayRate: rate, speed } = values;
  if (to === undefined)
    throw usageError('--to: not given; required is --to HOST:PORT, such as 127.0.0.1:2055');
  if (rate !== undefined && speed !== undefined) {
    throw usageError(`--rate "${rate}" and --speed "${speed}" exclude each other; allowed is one of them`);
  }
  if (file === '-' && values.loop !== 1) {
    throw usageError(`--loop "${values.loop}": allowed is 1 for standard input, which can be read only once`);
  }
  const stop = new Stop();
  // Opened before anything else, to tell at once when it is missing; the first round reads it.
  let opened: Capture | null = await openCapture(file, { signal: stop.signal });
  let capture = opened;
  const sender = new PacedSender(to);
  try {
    await sender.open();
  } catch (error) {
    await opened.close();
    throw error;
  }
  const rounds = values.loop === 0 ? Number.POSITIVE_INFINITY : values.loop;
  const progress = startProgress(!values.quiet, capture.stats.bytesTotal * rounds, 'bytes');
  let broken = false;
  let bytesBefore = 0;

  async function* open(): AsyncGenerator<readonly RecordedDatagram[]> {
    capture = opened ?? (await openCapture(file, { signal: stop.signal }));
    opened = null;
    const release = onAbort(stop.signal, () => void capture.close());
    try {
      for await (const batch of capture.batches()) {
        yield batch;
        progress.update(bytesBefore + capture.stats.bytesRead);
      }
    } finally {
      release();
      bytesBefore += capture.stats.bytesRead;
      broken ||= capture.stats.broken === 1;
    }
  }

  let sent: ReplayProgress;
  try {
    sent = await replay(open, sender, systemClock, { rate, speed, loop: rounds, signal: stop.signal });
  } finally {
    progress.stop();
    await sender.close();
  }
  if (broken) complain(`${file} is damaged: what stands behind the damage was not sent`);
  if (!values.quiet) {
    const times = sent.rounds > 1 ? ` in ${sent.rounds} rounds` : '';
    const { errors } = sender.sent;
    say(
      `sent ${countText(sent.datagrams, 'datagram')}${times} to ${endpointText(to)}${sentErrorsText(errors)}`,
    );
  }
  return broken ? ExitCode.failed : ExitCode.ok;
}
