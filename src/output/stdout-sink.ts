/**
 * Standard output, or another stream or descriptor. Runs on the main thread and never blocks it: node:process writes
 * synchronously to a stdout that is a file, so files and devices are written through the thread pool instead.
 */
import fs from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { describeError, MillraceError } from '../base/errors.ts';
import { OutputQueue, type WhenFull } from './output-queue.ts';
import { RetryPause } from './retry-pause.ts';
import type { Release, Sink, SinkCounts } from './sink.ts';
import type { Timers } from './timers.ts';

/** write(2) at the current position of a descriptor: how many of the bytes were taken. */
export type WriteDescriptor = (fd: number, bytes: Uint8Array) => Promise<number>;

export interface StdoutSinkOptions {
  readonly name: string;
  readonly queueBytes: number;
  readonly whenFull: WhenFull;
  readonly timers: Timers;
  /** A stream or a file descriptor, which stays open and the caller's; standard output unless given. */
  readonly target?: Writable | number;
  /** Called once when nothing can be written any more, as when the reader of a pipe went away. */
  readonly onClosed?: () => void;
  /** How descriptors of files and devices are written. */
  readonly writeDescriptor?: WriteDescriptor;
}

/** Where the bytes go on. One write at a time. */
interface Outlet {
  /** Resolves with how many of the bytes the kernel took, at least one. */
  write(bytes: Uint8Array): Promise<number>;
  /** Whether there will be no success after this error. */
  isFinal(error: unknown): boolean;
}

const READER_GONE = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_PREMATURE_CLOSE']);

export class StdoutSink implements Sink {
  readonly name: string;
  readonly #options: StdoutSinkOptions;
  readonly #queue: OutputQueue<null>;
  readonly #pause: RetryPause;
  #outlet: Outlet | null = null;
  /** Of the oldest chunk, what is written already. */
  #taken = 0;
  #draining = false;
  #drained: Promise<void> = Promise.resolve();
  #closing = false;
  #gone = false;
  #trouble: string | null = null;

  constructor(options: StdoutSinkOptions) {
    this.name = options.name;
    this.#options = options;
    this.#queue = new OutputQueue(options.queueBytes, options.whenFull);
    this.#pause = new RetryPause(options.timers);
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
    return this.#trouble;
  }

  async open(): Promise<void> {
    try {
      this.#outlet = this.#openOutlet();
    } catch (cause) {
      throw new MillraceError(
        'OUTPUT_FAILED',
        `--output ${this.name}: cannot write: ${describeError(cause)}`,
        { cause },
      );
    }
  }

  write(chunk: Uint8Array, records: number, release?: Release): void {
    if (this.#gone || this.#closing) {
      this.#queue.refuse(records, release);
      return;
    }
    this.#queue.push(chunk, records, null, release);
    this.#kick();
  }

  rotate(): void {}

  /** Resolves when the kernel has everything. A reader that stopped reading without going away makes that last. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#pause.interrupt();
    this.#kick();
    await this.#drained;
    // That the stream ends from here on is no trouble.
    this.#gone = true;
    this.#queue.failed();
  }

  #openOutlet(): Outlet {
    const { target = 1, writeDescriptor = writeAtPosition } = this.#options;
    if (typeof target !== 'number') return this.#streamOutlet(target);
    const stat = fs.fstatSync(target);
    if (target === 1 && isatty(1)) return this.#streamOutlet(process.stdout);
    if (!stat.isFIFO() && !stat.isSocket()) return descriptorOutlet(target, writeDescriptor);
    const stream =
      target === 1 ? process.stdout : new Socket({ fd: target, readable: false, writable: true });
    return this.#streamOutlet(stream);
  }

  #streamOutlet(stream: Writable): Outlet {
    let interrupt: ((error: unknown) => void) | null = null;
    const onEnd = (error: unknown): void => {
      if (interrupt === null) this.#leave(error);
      else interrupt(error);
    };
    // The listener stays for good: a late EPIPE of a stream without one ends the process.
    stream.on('error', onEnd);
    stream.on('close', () => onEnd({ code: 'ERR_STREAM_DESTROYED' }));
    return {
      write: (bytes) =>
        new Promise<number>((resolve, reject) => {
          interrupt = reject;
          stream.write(bytes, (error) => (error ? reject(error) : resolve(bytes.length)));
        }).finally(() => {
          interrupt = null;
        }),
      isFinal: () => true,
    };
  }

  #kick(): void {
    if (this.#draining || this.#outlet === null) return;
    this.#draining = true;
    this.#drained = this.#drain(this.#outlet);
  }

  async #drain(outlet: Outlet): Promise<void> {
    try {
      for (let head = this.#queue.at(0); head !== undefined; head = this.#queue.at(0)) {
        const rest = head.bytes.subarray(this.#taken);
        let taken = 0;
        try {
          if (rest.length > 0) taken = await outlet.write(rest);
        } catch (error) {
          await this.#failed(error, outlet);
          continue;
        }
        this.#pause.reset();
        this.#trouble = null;
        this.#taken += taken;
        this.counts.bytesWritten += taken;
        if (taken < rest.length) continue;
        this.#taken = 0;
        this.#queue.written(1);
      }
    } finally {
      // In the same turn as the decision to end: a later write() starts the loop again.
      this.#draining = false;
    }
  }

  async #failed(error: unknown, outlet: Outlet): Promise<void> {
    if (outlet.isFinal(error)) {
      this.#leave(error);
      return;
    }
    this.#trouble = `cannot write: ${describeError(error)}`;
    if (this.#closing) this.#queue.failed();
    else await this.#pause.wait();
  }

  /** Nothing can be written any more: everything queued is lost, and everything that comes. */
  #leave(error: unknown): void {
    if (this.#gone) return;
    this.#gone = true;
    const code = (error as NodeJS.ErrnoException | null)?.code;
    this.#trouble =
      code !== undefined && READER_GONE.has(code)
        ? 'the reader went away'
        : `cannot write: ${describeError(error)}`;
    this.#queue.failed();
    this.#options.onClosed?.();
  }
}

function descriptorOutlet(fd: number, writeDescriptor: WriteDescriptor): Outlet {
  return {
    async write(bytes) {
      const taken = await writeDescriptor(fd, bytes);
      if (taken === 0) throw new Error('the system took no bytes');
      return taken;
    },
    isFinal: (error) =>
      ['EBADF', 'EPIPE', 'EINVAL'].includes(String((error as NodeJS.ErrnoException | null)?.code)),
  };
}

function writeAtPosition(fd: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, bytes, 0, bytes.length, null, (error, taken) =>
      error === null ? resolve(taken) : reject(error),
    );
  });
}
