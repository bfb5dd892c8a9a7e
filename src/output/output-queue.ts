import type { Release, SinkCounts } from './sink.ts';

/** What may be queued for one output unless its URI says otherwise. */
export const DEFAULT_QUEUE_BYTES = 64 * 1024 * 1024;

/** What a full queue means: chunks are dropped and counted, or the caller is told to stop feeding (`ready`). */
export type WhenFull = 'drop' | 'wait';

export interface QueuedChunk<Tag> {
  readonly bytes: Uint8Array;
  readonly records: number;
  /** Tells the owner of the bytes that they are not needed any more. */
  readonly release: Release | undefined;
  /** Of the sink's own, for example the file period that the chunk belongs to. */
  readonly tag: Tag;
}

/**
 * The bounded queue of a sink and the only writer of its counts, so that at every moment
 * given = written + droppedQueueFull + droppedFailed + queued. Chunks that are being written stay queued until their
 * outcome is known. A chunk larger than the bound is taken when nothing else is queued.
 */
export class OutputQueue<Tag> {
  readonly counts: SinkCounts = {
    written: 0,
    droppedQueueFull: 0,
    droppedFailed: 0,
    queued: 0,
    bytesWritten: 0,
  };
  onReady: (() => void) | null = null;
  readonly #maxBytes: number;
  readonly #whenFull: WhenFull;
  #chunks: QueuedChunk<Tag>[] = [];
  #first = 0;
  #bytes = 0;
  #ready = true;

  constructor(maxBytes: number, whenFull: WhenFull) {
    this.#maxBytes = maxBytes;
    this.#whenFull = whenFull;
  }

  get length(): number {
    return this.#chunks.length - this.#first;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** The chunk at a position counted from the oldest; undefined past the newest. */
  at(position: number): QueuedChunk<Tag> | undefined {
    return this.#chunks[this.#first + position];
  }

  push(bytes: Uint8Array, records: number, tag: Tag, release?: Release): void {
    if (this.#whenFull === 'drop' && this.length > 0 && this.#bytes + bytes.length > this.#maxBytes) {
      this.counts.droppedQueueFull += records;
      release?.();
      return;
    }
    this.#chunks.push({ bytes, records, tag, release });
    this.#bytes += bytes.length;
    this.counts.queued += records;
    if (this.#whenFull === 'wait' && this.#bytes >= this.#maxBytes) this.#ready = false;
  }

  /** A chunk that came when nothing can be written any more. */
  refuse(records: number, release?: Release): void {
    this.counts.droppedFailed += records;
    release?.();
  }

  /** The oldest chunks were handed to the kernel. */
  written(chunks: number): void {
    const records = this.#remove(chunks);
    this.counts.written += records;
    this.#freed();
  }

  /** The oldest chunks are lost. */
  failed(chunks = this.length): void {
    const records = this.#remove(chunks);
    this.counts.droppedFailed += records;
    this.#freed();
  }

  #remove(chunks: number): number {
    let records = 0;
    for (let i = 0; i < chunks; i++) {
      const chunk = this.#chunks[this.#first + i];
      records += chunk.records;
      this.#bytes -= chunk.bytes.length;
      chunk.release?.();
    }
    this.#first += chunks;
    // Removed chunks hold memory until the array is cut; cutting at half length costs little and bounds that.
    if (this.#first * 2 >= this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#first);
      this.#first = 0;
    }
    this.counts.queued -= records;
    return records;
  }

  #freed(): void {
    if (this.#ready || this.#bytes * 2 > this.#maxBytes) return;
    this.#ready = true;
    this.onReady?.();
  }
}
