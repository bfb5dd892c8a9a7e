import type { RemovalReason, StoreChange, StoredItem, StoreState } from '../templates/store.ts';

/** From the main thread to the template-sync thread. Times are wall-clock milliseconds; both threads have one clock. */
export type ToStore =
  | { type: 'put'; scope: string; item: string; value: Uint8Array; arrivedAtMs: number }
  | { type: 'touch'; scope: string; item: string }
  | {
      type: 'remove';
      scope: string;
      item: string;
      reason: RemovalReason;
      said: { arrivedAtMs: number; exportTimeMs: number; sequence: number } | null;
    }
  /** Data came for a template that is not known here. */
  | { type: 'miss'; scope: string };

/** From the template-sync thread to the main thread, in the order of the store's changes. */
export type FromStore =
  | { type: 'resetBegin'; lost: boolean }
  | { type: 'resetScope'; scope: string; items: readonly StoredItem[] }
  | { type: 'resetEnd'; index: number }
  | { type: 'changed'; change: StoreChange; index: number }
  /** Changes up to here need nothing of the main thread. */
  | { type: 'passed'; index: number }
  /** Read on a miss: for what is not known only. */
  | { type: 'filled'; scope: string; items: readonly StoredItem[] }
  /** What follows is said with so many requests received. */
  | { type: 'received'; requests: number }
  /** Changes of these scopes found no room in the queue and have to be put again. */
  | { type: 'again'; scopes: readonly string[] };

/** How it stands with a template store. */
export interface StoreStatus {
  /** Whether all changes are known here. */
  state: StoreState;
  /** For people, one line, without secrets. */
  reason: string;
  /** Position in the store's order of changes up to which everything was handed to the main thread. */
  index: number;
  /** Writes that wait for the store. */
  queued: number;
  /** Numbers since the start, by name. */
  counters: Readonly<Record<string, number>>;
}

/** What the thread says beside changes. */
export type StoreReply =
  | { type: 'changes'; changes: FromStore[] }
  | { type: 'status'; status: StoreStatus }
  | { type: 'notice'; line: string }
  | { type: 'ready' }
  | { type: 'failed'; message: string }
  | { type: 'closed' };

export type StoreRequest = { type: 'requests'; requests: ToStore[] } | { type: 'close'; deadlineMs: number };

export interface StoreSetup {
  uri: string;
  /** 16 hexadecimal digits that name this collector in stored values and in the log. */
  writer: string;
  /** How long a store that cannot be reached is tried at the start. */
  deadlineMs: number;
  /** Whether to start without it then. */
  optional: boolean;
  /** Requests that were posted before: they will not come. */
  received: number;
}
