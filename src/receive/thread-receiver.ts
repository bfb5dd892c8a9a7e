import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describeError, MillraceError } from '../base/errors.ts';
import { parseAddress } from '../base/ip.ts';
import type { Ring } from '../memory/ring.ts';
import { type ListenAddress, listenText, type Receiver } from './receiver.ts';

/** What a receive thread is started with. */
export interface ReceiveSetup {
  memory: SharedArrayBuffer;
  ring: number;
  address: Uint8Array;
  port: number;
  /** Whether other sockets of this collector share the port. */
  share: boolean;
  receiveBufferBytes: number;
  /** Descriptor of a socket that an earlier thread has opened; -1 to open one. */
  fd: number;
}

/** What a receive thread says once: that it receives, or why it cannot. */
export type ReceiveReply = { fd: number; port: number; receiveBufferBytes: number } | { error: string };

/** Pause before a thread that could not be replaced is tried again. */
const RESTART_MS = 1_000;

/** A receiver in a thread of its own (workers/receive.ts), which takes many datagrams from the kernel at a time. */
export class ThreadReceiver implements Receiver {
  readonly #listen: ListenAddress;
  readonly #memory: SharedArrayBuffer;
  readonly #ringIndex: number;
  readonly #ring: Ring;
  readonly #share: boolean;
  readonly #onLost: () => void;
  /** The thread; for tests that end it. */
  thread: Worker | null = null;
  /** The socket outlives a thread that dies, and datagrams wait in it for the next one. */
  #fd = -1;
  #closing = false;
  /** Resolves when it is closed and its last thread has ended. */
  readonly #over: Promise<void>;
  #end: () => void = () => {};
  port = 0;
  receiveBufferBytes = 0;
  readonly ringFull = 0;
  readonly oversize = 0;

  constructor(
    listen: ListenAddress,
    memory: SharedArrayBuffer,
    ringIndex: number,
    ring: Ring,
    share: boolean,
    onLost: () => void,
  ) {
    this.#listen = listen;
    this.#memory = memory;
    this.#ringIndex = ringIndex;
    this.#ring = ring;
    this.#share = share;
    this.#onLost = onLost;
    this.#over = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  get host(): string {
    return this.#listen.host;
  }

  get kernelDrops(): number {
    return this.#ring.kernelDrops;
  }

  async open(receiveBufferBytes: number): Promise<void> {
    const address = new Uint8Array(16);
    if (!parseAddress(this.#listen.host, address)) this.#fail('not an IP address');
    // 0.0.0.0 in its mapped form is what an IPv6 socket binds to receive all of IPv4 and nothing else.
    const setup: ReceiveSetup = {
      memory: this.#memory,
      ring: this.#ringIndex,
      address,
      port: this.port || this.#listen.port,
      share: this.#share,
      receiveBufferBytes,
      fd: this.#fd,
    };
    const worker = new Worker(new URL('../../workers/receive.js', import.meta.url), { workerData: setup });
    const [reply] = (await once(worker, 'message')) as [ReceiveReply];
    if ('error' in reply) {
      await worker.terminate();
      this.#fail(
        describeError(Object.assign(new Error(reply.error), { code: reply.error, syscall: 'bind' })),
      );
    }
    this.#fd = reply.fd;
    this.port = reply.port;
    this.receiveBufferBytes = reply.receiveBufferBytes;
    this.thread = worker;
    worker.on('error', () => {});
    worker.once('exit', () => this.#ended(receiveBufferBytes));
  }

  async close(): Promise<void> {
    if (this.thread === null || this.#closing) return;
    this.#closing = true;
    this.#ring.stop();
    // A thread that is replaced just now is not the one that will take what the socket has.
    await this.#over;
  }

  /** Slots are whole or unpublished, so another thread can go on where one has ended. */
  #ended(receiveBufferBytes: number): void {
    if (this.#closing) {
      this.#end();
      return;
    }
    this.#onLost();
    this.open(receiveBufferBytes).catch(() => {
      setTimeout(() => this.#ended(receiveBufferBytes), RESTART_MS);
    });
  }

  #fail(reason: string): never {
    throw new MillraceError('LISTEN_FAILED', `cannot listen on ${listenText(this.#listen)}: ${reason}`);
  }
}
