import type { Writable } from 'node:stream';
import { type Clock, systemClock } from '../base/clock.ts';
import { FileSink } from './file-sink.ts';
import { NullSink } from './null-sink.ts';
import type { WhenFull } from './output-queue.ts';
import type { OutputSpec } from './output-uri.ts';
import type { Sink } from './sink.ts';
import { StdoutSink } from './stdout-sink.ts';
import { systemTimers, type Timers } from './timers.ts';

export interface SinkSetting {
  readonly whenFull: WhenFull;
  /** Called once when the reader of standard output went away. */
  readonly onClosed?: () => void;
  /** In place of standard output. */
  readonly stdout?: Writable | number;
  readonly clock?: Clock;
  readonly timers?: Timers;
}

/** The opened sink of an output. Rejects with MillraceError OUTPUT_FAILED. */
export async function openSink(spec: OutputSpec, setting: SinkSetting): Promise<Sink> {
  const sink = createSink(spec, setting);
  await sink.open();
  return sink;
}

function createSink(spec: OutputSpec, setting: SinkSetting): Sink {
  const { whenFull, onClosed, stdout, clock = systemClock, timers = systemTimers } = setting;
  switch (spec.kind) {
    case 'stdout':
      return new StdoutSink({ ...spec, whenFull, timers, onClosed, target: stdout });
    case 'file':
      return new FileSink(spec, { whenFull, clock, timers });
    case 'null':
      return new NullSink(spec.name);
  }
}
