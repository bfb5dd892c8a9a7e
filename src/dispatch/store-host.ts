import { randomBytes } from 'node:crypto';
import { countText } from '../base/count-text.ts';
import { describeError } from '../base/errors.ts';
import { onAbort } from '../base/on-abort.ts';
import { maskSecrets } from '../base/secrets.ts';
import type { FromStore, StoreStatus, ToStore } from '../fleet/messages.ts';
import { StoreThread } from '../fleet/store-thread.ts';
import type { StoreState } from '../templates/store.ts';
import { WRITER_BYTES } from '../templates/stored-value.ts';
import type { Replica } from './replica.ts';

export interface StoreOptions {
  /** Such as redis://host:6379/0?fleet=lab, or file:///path. */
  uri: string;
  /** How long a store that cannot be reached is tried at the start; default 30 000. */
  deadlineMs?: number;
  /** Whether to start without it then; default no. */
  optional?: boolean;
  /** Whether to go on without it when it can never be used; default no. */
  dispensable?: boolean;
  /** Whether templates that are pushed out here are removed from the store, too; default no. */
  evictionsShared?: boolean;
}

export interface StoreReport extends StoreStatus {
  /** Where templates are kept, without secrets. */
  place: string;
  /** Index of the last change whose effects are all visible here. */
  applied: number;
  /** Scopes that are known, whether their exporters send here or not. */
  scopes: number;
}

const DEADLINE_MS = 30_000;
/** How long writes that wait for the store may take at the end. */
const CLOSE_MS = 3_000;

/** The part of the pipeline that a store is connected to. */
export interface StoreEnd {
  readonly replica: Replica | null;
  receiveChanges(changes: readonly FromStore[]): void;
}

export interface StoreLog {
  info(text: string): void;
  warn(text: string): void;
}

/** Connects the template store, in its thread, with the replica of the pipeline, and says in the log how it fares. */
export class StoreHost {
  readonly writer = randomBytes(WRITER_BYTES);
  readonly evictionsShared: boolean;
  readonly #options: StoreOptions;
  readonly #log: StoreLog;
  #end: StoreEnd | null = null;
  #thread: StoreThread | null = null;
  #state: StoreState = 'connecting';
  #started = false;
  /** The store can never be used, and is gone on without. */
  #dispensed = false;

  constructor(options: StoreOptions, log: StoreLog) {
    this.#options = options;
    this.#log = log;
    this.evictionsShared = options.evictionsShared ?? false;
  }

  /** null where templates are kept nowhere but in memory. */
  get report(): StoreReport | null {
    const replica = this.#end?.replica;
    if (this.#thread === null || this.#dispensed || !replica) return null;
    const { status } = this.#thread;
    const place = maskSecrets(this.#options.uri);
    const counters = { ...status.counters, ...replica.counters };
    return { ...status, place, counters, applied: replica.applied, scopes: replica.scopes };
  }

  post(requests: ToStore[]): void {
    this.#thread?.post(requests);
  }

  /** Resolves when everything that the store has is on its way into the pipeline. Rejects when that fails, or at the signal. */
  async start(end: StoreEnd, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { uri, deadlineMs = DEADLINE_MS, optional = false, dispensable = false } = this.#options;
    this.#end = end;
    const setup = { uri, writer: this.writer.toString('hex'), deadlineMs, optional };
    this.#thread = new StoreThread(setup, {
      changes: (changes) => end.receiveChanges(changes),
      status: (status) => this.#changed(status),
      notice: (line) => this.#log.warn(`template store: ${line}`),
      lost: (reason) => this.#log.warn(`the template store thread is started again: ${reason}`),
    });
    const release = onAbort(signal, () => void this.#thread?.close(0));
    try {
      await this.#thread.start();
      this.#started = true;
    } catch (error) {
      if (!dispensable || signal?.aborted) throw error;
      this.#log.warn(`${describeError(error)}; templates are kept in memory only`);
      this.#dispensed = true;
    } finally {
      release();
    }
  }

  async close(): Promise<void> {
    const thread = this.#thread;
    const failure = (await thread?.close(CLOSE_MS)) ?? null;
    if (thread === null || !this.#started) return;
    if (failure !== null) this.#log.warn(`template store: ${failure}`);
    const { queued } = thread.status;
    if (queued > 0) this.#log.warn(`template store: ${countText(queued, 'write')} not made`);
  }

  #changed({ state, reason, queued }: StoreStatus): void {
    const replica = this.#end?.replica;
    if (replica) replica.synced = state === 'synced';
    const before = this.#state;
    if (state === before || state === 'syncing') return;
    this.#state = state;
    // What goes well from the start is no news.
    if (state === 'synced' && before === 'connecting' && !this.#started) return;
    const waiting = queued === 0 ? '' : `; ${countText(queued, 'write')} waiting`;
    const line = `template store: ${state}${reason === '' ? '' : `, ${reason}`}${waiting}`;
    if (state === 'synced') this.#log.info(line);
    else this.#log.warn(line);
  }
}
