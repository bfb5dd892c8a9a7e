import cliProgress from 'cli-progress';
import { byteText } from './text.ts';

export interface Progress {
  update(value: number): void;
  /** Takes the bar away from the screen. */
  stop(): void;
}

const NO_PROGRESS: Progress = { update: () => {}, stop: () => {} };
const FRAMES_PER_SECOND = 10;

/**
 * A progress bar on standard error where that is a terminal, and nothing elsewhere. total: NaN or Infinity when it is not
 * known, then there are only numbers. unit: what is counted; bytes are shown as such.
 */
export function startProgress(wanted: boolean, total: number, unit: string): Progress {
  if (!wanted || process.stderr.isTTY !== true) return NO_PROGRESS;
  const known = Number.isFinite(total) && total > 0;
  const noun = unit === 'bytes' ? '' : ` ${unit}`;
  const bar = new cliProgress.SingleBar({
    format: known
      ? `{bar} {percentage}% | {value} of {total}${noun} | {eta_formatted}`
      : `{value}${noun} | {duration_formatted}`,
    formatValue: (value, _options, type) => {
      if (type === 'percentage') return String(value).padStart(3);
      return unit === 'bytes' && (type === 'value' || type === 'total') ? byteText(value) : String(value);
    },
    barsize: 30,
    fps: FRAMES_PER_SECOND,
    stream: process.stderr,
    clearOnComplete: true,
    // A second signal ends the process without a chance to put these back.
    hideCursor: false,
    linewrap: true,
    // Signals are the commands' own business.
    gracefulExit: false,
  });
  bar.start(known ? total : 0, 0);
  return { update: (value) => bar.update(value), stop: () => bar.stop() };
}
