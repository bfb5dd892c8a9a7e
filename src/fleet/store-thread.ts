import { Worker } from 'node:worker_threads';
import { backoffMs } from '../base/backoff.ts';
import { MillraceError } from '../base/errors.ts';
import type { FromStore, StoreReply, StoreRequest, StoreSetup, StoreStatus, ToStore } from './messages.ts';

const ENTRY = new URL('../../workers/template-sync.js', import.meta.url);
/** Pause before a thread that ended is started again, and the longest when it ends again and again. */
const RESTART_MS = 1_000;
const LONGEST_RESTART_MS = 60_000;
/** How long the store's own close may wait for its peer. */
const PEER_MS = 2_000;

export interface StoreThreadOwner {
  changes(changes: FromStore[]): void;
  status(status: StoreStatus): void;
  /** Something that was put right and that a person should know of. */
  notice(line: string): void;
  /** The thread ended without being asked to, and is started again; what it had not written is lost with it. */
  lost(reason: string): void;
}

/** The main thread's end of the template-sync thread: starts it, starts it again when it ends, closes it. */
export class StoreThread {
  readonly #setup: Omit<StoreSetup, 'received'>;
  readonly #owner: StoreThreadOwner;
  #worker: Worker | null = null;
  #restart: NodeJS.Timeout | null = null;
  #closing = false;
  /** Restarts since it last worked. */
  #restarts = 0;
  /** Whether it has worked: what cannot even start is not started again. */
  #used = false;
  /** Why the last thread ended, null when it was because the store was closed. */
  #failure: string | null = null;
  /** Requests of the main thread, whether there was a thread to take them or not. */
  #posted = 0;
  /** After a restart the first whole reset has to be answered with everything that is known here. */
  #restarted = false;
  status: StoreStatus = { state: 'connecting', reason: 'not started', index: 0, queued: 0, counters: {} };

  constructor(setup: Omit<StoreSetup, 'received'>, owner: StoreThreadOwner) {
    this.#setup = setup;
    this.#owner = owner;
  }

  /** Resolves when the store is read; MillraceError STORE_FAILED when it cannot be used or was not reached in time. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#open((failure) => {
        if (failure === null) resolve();
        else reject(new MillraceError('STORE_FAILED', `template store: ${failure}`));
      });
    });
  }

  post(requests: ToStore[]): void {
    this.#posted += requests.length;
    if (this.#worker !== null) this.#send({ type: 'requests', requests });
    else this.#owner.changes([{ type: 'received', requests: this.#posted }]);
  }

  /**
   * Writes what waits to be written, as far as that is possible in time, and ends the thread. Resolves with why the store could
   * not be closed as it should; null when it could.
   */
  async close(deadlineMs: number): Promise<string | null> {
    this.#closing = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    const worker = this.#worker;
    if (worker === null) return null;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    this.#send({ type: 'close', deadlineMs });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      void worker.terminate();
    }, deadlineMs + PEER_MS);
    await ended;
    clearTimeout(timer);
    return late ? `not closed within ${(deadlineMs + PEER_MS) / 1000} s` : this.#failure;
  }

  #send(request: StoreRequest): void {
    this.#worker?.postMessage(request);
  }

  #open(opened: (failure: string | null) => void): void {
    const workerData: StoreSetup = { ...this.#setup, received: this.#posted };
    const worker = new Worker(ENTRY, { workerData, name: 'template-sync' });
    this.#worker = worker;
    let reason: string | null = 'ended';
    worker.on('message', (reply: StoreReply) => {
      if (reply.type === 'changes') this.#changes(reply.changes);
      else if (reply.type === 'status') this.#say(reply.status);
      else if (reply.type === 'notice') this.#owner.notice(reply.line);
      else if (reply.type === 'ready') {
        this.#used = true;
        this.#restarts = 0;
        opened(null);
      } else if (reply.type === 'failed') {
        reason = reply.message;
        opened(reply.message);
        void worker.terminate();
      } else if (reply.type === 'closed') {
        reason = null;
        // What is still open in there is not worth a wait.
        void worker.terminate();
      }
    });
    worker.on('error', (error) => {
      reason = error.message;
    });
    worker.on('exit', () => {
      this.#worker = null;
      this.#failure = reason;
      opened(reason ?? 'closed');
      if (this.#used && !this.#closing) this.#again(reason ?? 'closed');
    });
  }

  #say(status: StoreStatus): void {
    this.status = status;
    this.#owner.status(status);
  }

  #again(reason: string): void {
    this.#owner.lost(reason);
    this.#say({ ...this.status, state: 'degraded', reason: `its thread ended: ${reason}` });
    this.#restarted = true;
    const pauseMs = backoffMs(this.#restarts++, RESTART_MS, LONGEST_RESTART_MS);
    this.#restart = setTimeout(() => this.#open(() => {}), pauseMs);
  }

  #changes(changes: FromStore[]): void {
    for (const [i, { type }] of changes.entries()) {
      // A reset that was begun anew did not count.
      if (type === 'resetEnd') this.#restarted = false;
      if (type === 'resetBegin' && this.#restarted) changes[i] = { type, lost: true };
    }
    this.#owner.changes(changes);
  }
}
