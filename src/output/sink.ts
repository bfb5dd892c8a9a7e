/**
 * Where encoded bytes go. A sink owns a bounded queue; it never blocks the caller, never throws because of trouble outside,
 * and accounts for every record it was given: written, or dropped with a reason.
 */
export interface Sink {
  /** For status lines and the ledger: the output as the user named it. */
  readonly name: string;
  /** Opens what can be opened at once, so that a wrong path or missing permission is told at the start (MillraceError OUTPUT_FAILED). */
  open(): Promise<void>;
  /**
   * Takes whole encoded records, which must not change until `release` is called: once, when they are written or dropped.
   * Returns at once. `records` is what the chunk counts for in the ledger.
   * When the queue is full, chunks are dropped and counted, or, for a sink made with `whenFull: 'wait'`, `ready` turns false.
   */
  write(chunk: Uint8Array, records: number, release?: Release): void;
  /** False while a sink with `whenFull: 'wait'` has more queued than it should; the caller then stops feeding until `onReady`. */
  readonly ready: boolean;
  onReady: (() => void) | null;
  /** Starts a new file, where the sink has files (SIGHUP, time). */
  rotate(): void;
  /** Writes out what is queued and closes. Resolves also when that failed; the counts say so. */
  close(): Promise<void>;
  readonly counts: SinkCounts;
  /** The last trouble in one line for a person, null when the sink works. */
  readonly trouble: string | null;
}

export type Release = () => void;

/** Records by what became of them: encoded = written + droppedQueueFull + droppedFailed + queued. */
export interface SinkCounts {
  written: number;
  droppedQueueFull: number;
  droppedFailed: number;
  queued: number;
  bytesWritten: number;
}
