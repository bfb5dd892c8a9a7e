/**
 * Files with rotation and compression. Runs on the main thread; all its I/O is asynchronous, one write at a time. A file
 * is `<name>.part` until it is complete, so whatever has a final name is whole and does not change any more.
 */
import fsPromises from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { describeError, errorCode, MillraceError } from '../base/errors.ts';
import { COMPRESS_BLOCK_BYTES, CompressionThread, type Compressor, compressChunks } from './compress.ts';
import { expandPattern } from './file-name.ts';
import { checkDirectory, checkName, type FileSystem, OutputFile } from './output-file.ts';
import { OutputQueue, type WhenFull } from './output-queue.ts';
import type { FileSpec } from './output-uri.ts';
import { RetryPause } from './retry-pause.ts';
import type { Release, Sink, SinkCounts } from './sink.ts';
import type { Timers } from './timers.ts';

/** One write gathers queued chunks up to this, and at least one. */
const GATHER_BYTES = 1024 * 1024;
/** What one writev takes on every system. */
const GATHER_CHUNKS = 1024;
/** How long few bytes wait for more before they become a compressed block. */
export const LINGER_MS = 1000;
/** How often a file that is written is looked for. */
export const LOOK_MS = 1000;
/** Rotation looks at the wall clock at least this often, as clocks are set and machines sleep. */
const LONGEST_TIMER_MS = 60_000;

export interface FileSinkOptions {
  readonly whenFull: WhenFull;
  readonly clock: Clock;
  readonly timers: Timers;
  /** node:fs/promises unless given. */
  readonly fs?: FileSystem;
}

/** The records that belong in one file, by their arrival. Compared by identity. Times in ms since the epoch. */
interface Period {
  /** The time that its file is named after. */
  readonly fromMs: number;
  readonly untilMs: number;
}

interface OpenFile {
  readonly period: Period;
  readonly path: string;
  readonly output: OutputFile;
}

export class FileSink implements Sink {
  readonly name: string;
  readonly #spec: FileSpec;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #fs: FileSystem;
  readonly #queue: OutputQueue<Period>;
  readonly #pause: RetryPause;
  readonly #compressor: Compressor | null;
  /** What arrives now belongs here; null until something arrives. */
  #period: Period | null = null;
  #file: OpenFile | null = null;
  /** The last name taken, so that the numbers of one path go on instead of being tried from 1. */
  #lastName = { path: '', number: -1 };
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #draining = false;
  #drained: Promise<void> = Promise.resolve();
  #completed: Promise<void> = Promise.resolve();
  #lingered = false;
  #cancelLinger: (() => void) | null = null;
  #cancelRotation: (() => void) | null = null;
  #writeTrouble: string | null = null;
  #fileTrouble: string | null = null;
  #closing = false;
  #closed: Promise<void> | null = null;

  constructor(spec: FileSpec, options: FileSinkOptions) {
    this.name = spec.name;
    this.#spec = spec;
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#fs = options.fs ?? fsPromises;
    this.#queue = new OutputQueue(spec.queueBytes, options.whenFull);
    this.#pause = new RetryPause(options.timers);
    this.#compressor = spec.compress === 'none' ? null : new CompressionThread(spec.compress);
  }

  get counts(): SinkCounts {
    return this.#queue.counts;
  }

  get ready(): boolean {
    return this.#queue.ready;
  }

  get onReady(): (() => void) | null {
    return this.#queue.onReady;
  }

  set onReady(onReady: (() => void) | null) {
    this.#queue.onReady = onReady;
  }

  get trouble(): string | null {
    return this.#writeTrouble ?? this.#fileTrouble;
  }

  /** Creates the directory when missing and proves that files can be made there. */
  async open(): Promise<void> {
    const path = expandPattern(this.#spec.pattern, this.#newPeriod().fromMs);
    const directory = dirname(path);
    try {
      await checkDirectory(this.#fs, directory);
      await checkName(this.#fs, path);
    } catch (cause) {
      const reason =
        errorCode(cause) === 'EEXIST' ? `is not a directory: ${directory}` : describeError(cause);
      throw new MillraceError(
        'OUTPUT_FAILED',
        `--output ${this.name}: cannot create files there: ${reason}`,
        { cause },
      );
    }
    try {
      await this.#compressor?.compress(new Uint8Array(0));
    } catch (cause) {
      const reason = `cannot compress: ${describeError(cause)}`;
      throw new MillraceError('OUTPUT_FAILED', `--output ${this.name}: ${reason}`, { cause });
    }
  }

  write(chunk: Uint8Array, records: number, release?: Release): void {
    if (this.#closing) {
      this.#queue.refuse(records, release);
      return;
    }
    if (this.#period === null || this.#isOver(this.#period)) this.#startPeriod();
    this.#queue.push(chunk, records, this.#period!, release);
    this.#kick();
  }

  rotate(): void {
    this.#endPeriod();
    this.#kick();
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    this.#closing = true;
    this.#endPeriod();
    this.#pause.interrupt();
    this.#kick();
    await this.#drained;
    this.#cancelLinger?.();
    await this.#completed;
    await this.#compressor?.close();
  }

  #newPeriod(): Period {
    const nowMs = this.#clock.wallMs();
    const { rotateMs } = this.#spec;
    if (rotateMs === 0) return { fromMs: nowMs, untilMs: Number.POSITIVE_INFINITY };
    const fromMs = Math.floor(nowMs / rotateMs) * rotateMs;
    return { fromMs, untilMs: fromMs + rotateMs };
  }

  /** Also when the clock was set back by more than a period; by less, the period just lasts longer. */
  #isOver(period: Period): boolean {
    const nowMs = this.#clock.wallMs();
    return (
      nowMs >= period.untilMs || (this.#spec.rotateMs > 0 && nowMs < period.fromMs - this.#spec.rotateMs)
    );
  }

  #startPeriod(): void {
    this.#endPeriod();
    this.#period = this.#newPeriod();
    if (this.#spec.rotateMs > 0) this.#watchPeriod(this.#period);
  }

  #endPeriod(): void {
    this.#period = null;
    this.#cancelRotation?.();
    this.#cancelRotation = null;
  }

  #watchPeriod(period: Period): void {
    const leftMs = period.untilMs - this.#clock.wallMs();
    const check = (): void => {
      if (this.#isOver(period)) this.rotate();
      else this.#watchPeriod(period);
    };
    this.#cancelRotation = this.#timers.after(Math.min(Math.max(leftMs, 1), LONGEST_TIMER_MS), check, true);
  }

  #kick(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#drained = this.#drain();
  }

  /** The only place where chunks leave the queue and files change. Ends when there is nothing to do now. */
  async #drain(): Promise<void> {
    try {
      for (;;) {
        const head = this.#queue.at(0);
        if (this.#file !== null && this.#file.period !== (head?.tag ?? this.#period)) {
          await this.#retire(this.#file);
        } else if (head === undefined) {
          return;
        } else if (this.#shouldLinger(head.tag)) {
          this.#linger();
          return;
        } else {
          await this.#writeSome(head.tag);
        }
      }
    } finally {
      // In the same turn as the decision to end: a later write() starts the loop again.
      this.#draining = false;
    }
  }

  /** Few bytes make bad blocks, so a compressed output waits a little for more. */
  #shouldLinger(period: Period): boolean {
    if (this.#compressor === null || this.#lingered || period !== this.#period) return false;
    return this.#queue.bytes < Math.min(COMPRESS_BLOCK_BYTES, this.#spec.queueBytes / 2);
  }

  #linger(): void {
    this.#cancelLinger ??= this.#timers.after(LINGER_MS, () => {
      this.#cancelLinger = null;
      this.#lingered = true;
      this.#kick();
    });
  }

  async #writeSome(period: Period): Promise<void> {
    let chunks: Uint8Array[] = [];
    let buffers = chunks;
    try {
      await this.#leaveRemoved();
      this.#file ??= await this.#create(period);
      chunks = buffers = this.#gather(period);
      if (this.#compressor !== null) buffers = await compressChunks(this.#compressor, chunks);
      await this.#file.output.append(buffers);
    } catch (error) {
      await this.#failed(error, period, chunks.length);
      return;
    }
    this.#pause.reset();
    this.#writeTrouble = null;
    this.#lingered = false;
    this.#cancelLinger?.();
    this.#cancelLinger = null;
    for (const buffer of buffers) this.counts.bytesWritten += buffer.length;
    this.#queue.written(chunks.length);
  }

  async #leaveRemoved(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#file === null || nowMs - this.#lookedAtMs < LOOK_MS) return;
    this.#lookedAtMs = nowMs;
    const { output } = this.#file;
    if (!(await output.removed())) return;
    this.#file = null;
    this.#fileTrouble = `removed while it was written: ${output.partPath}`;
    await output.abandon();
  }

  #gather(period: Period): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for (;;) {
      const chunk = this.#queue.at(chunks.length);
      if (chunk === undefined || chunk.tag !== period || chunks.length === GATHER_CHUNKS) return chunks;
      bytes += chunk.bytes.length;
      if (chunks.length > 0 && bytes > GATHER_BYTES) return chunks;
      chunks.push(chunk.bytes);
    }
  }

  async #create(period: Period): Promise<OpenFile> {
    const { pattern, rotateMs } = this.#spec;
    const path = expandPattern(pattern, period.fromMs);
    const mark = rotateMs > 0 && !pattern.includes('%') ? '-' : '.';
    const firstNumber = path === this.#lastName.path ? this.#lastName.number + 1 : 0;
    const output = await OutputFile.create(this.#fs, path, mark, firstNumber);
    this.#lastName = { path, number: output.number };
    return { period, path, output };
  }

  async #failed(error: unknown, period: Period, chunks: number): Promise<void> {
    const target = this.#file === null ? 'create a file' : `write ${this.#file.output.partPath}`;
    this.#writeTrouble = `cannot ${target}: ${describeError(error)}`;
    if (this.#file?.output.torn) {
      const { output } = this.#file;
      this.#file = null;
      this.#fileTrouble = `left incomplete: ${output.partPath}`;
      await output.abandon();
      this.#queue.failed(chunks);
    }
    if (this.#closing) this.#giveUp(period);
    else await this.#pause.wait();
  }

  /** The last attempt at the file of this period has failed; those after it still have theirs. */
  #giveUp(period: Period): void {
    let chunks = 0;
    while (this.#queue.at(chunks)?.tag === period) chunks++;
    this.#queue.failed(chunks);
  }

  /** Completes the file beside the writing of the next one, as a flush may take long; one at a time. */
  async #retire(file: OpenFile): Promise<void> {
    this.#file = null;
    await this.#completed;
    this.#completed = this.#complete(file.output);
  }

  async #complete(output: OutputFile): Promise<void> {
    try {
      await output.complete();
      this.#fileTrouble = null;
    } catch (error) {
      this.#fileTrouble = `cannot complete ${output.partPath}: ${describeError(error)}`;
    }
  }
}
