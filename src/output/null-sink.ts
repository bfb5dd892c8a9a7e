import type { Release, Sink, SinkCounts } from './sink.ts';

/** Counts and forgets: measures everything in front of an output. */
export class NullSink implements Sink {
  readonly name: string;
  readonly counts: SinkCounts = {
    written: 0,
    droppedQueueFull: 0,
    droppedFailed: 0,
    queued: 0,
    bytesWritten: 0,
  };
  readonly ready = true;
  readonly trouble = null;
  onReady: (() => void) | null = null;

  constructor(name: string) {
    this.name = name;
  }

  async open(): Promise<void> {}

  write(chunk: Uint8Array, records: number, release?: Release): void {
    this.counts.written += records;
    this.counts.bytesWritten += chunk.length;
    release?.();
  }

  rotate(): void {}

  async close(): Promise<void> {}
}
