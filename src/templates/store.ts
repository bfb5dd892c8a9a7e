/**
 * The contract of a template store: what collectors share, and what survives them. A store keeps items by scope; it never
 * looks into a value beyond the header that stored-value.ts describes, and needs that only to decide who wins.
 *
 * Scopes are named by scopeName (store-key.ts), items by templateItem and the names of exporter state. Whoever writes a
 * store of his own runs the suite in test/conformance against it.
 */
import { MillraceError } from '../base/errors.ts';

/** A value on its way into the store. */
export interface NewItem {
  /** Name of the item. */
  readonly item: string;
  /** Encoded by encodeValue. */
  readonly value: Uint8Array;
  /** Milliseconds since it arrived from the exporter: more than 0 when it had to wait for the store. */
  readonly ageMs: number;
}

/** An item as the store has it. */
export interface StoredItem {
  /** Name of the item. */
  readonly item: string;
  /** Its octets; decodeValue reads them. */
  readonly value: Uint8Array;
  /** Milliseconds since it was last announced or touched, by the clock of the store. */
  readonly idleMs: number;
}

/**
 * stored: it is the store's value now. unchanged: the store had the same definition already. older: another definition
 * wins by the conflict rule (supersedes), it is in `current`. newer-format: the store holds a value of a later format,
 * which is kept. full: too large for the store.
 */
export type PutOutcome = 'stored' | 'unchanged' | 'older' | 'newer-format' | 'full';

/** What became of a put. */
export interface PutResult {
  /** The same for all its items. */
  readonly outcome: PutOutcome;
  /** Position in the order of changes at which this was decided. */
  readonly index: number;
  /** What the store has instead, for `older` and `newer-format`. */
  readonly current: Uint8Array | null;
}

/** What became of a removal. */
export interface RemoveResult {
  /** How many items were there and are not any more. */
  readonly removed: number;
  /** Position in the order of changes at which this was decided. */
  readonly index: number;
}

/** Why something is removed: taken back by the exporter, pushed out by a limit or age of the store, by a person. */
export const REMOVAL_REASONS = ['withdrawn', 'evicted', 'operator'] as const;
/** One of REMOVAL_REASONS. */
export type RemovalReason = (typeof REMOVAL_REASONS)[number];

/** When something was said, for the conflict rule. */
export interface Version {
  /** Ms since it arrived from the exporter. */
  readonly ageMs: number;
  /** Export time of its message, ms since the epoch. */
  readonly exportTimeMs: number;
  /** Sequence number of its message. */
  readonly sequence: number;
}

/** What clearScope takes: everything of a scope, or the templates of one kind (withdrawal of all, RFC 7011 section 8.1). */
export const CLEAR_WHAT = ['all', 'data', 'options'] as const;
/** One of CLEAR_WHAT. */
export type ClearWhat = (typeof CLEAR_WHAT)[number];

/** One change of one scope. */
export type StoreChange =
  | {
      /** Items were put. */
      readonly type: 'put';
      /** Name of the scope. */
      readonly scope: string;
      /** As they are in the store now. */
      readonly items: readonly StoredItem[];
    }
  | {
      /** Items were removed. */
      readonly type: 'remove';
      /** Name of the scope. */
      readonly scope: string;
      /** Their names. */
      readonly items: readonly string[];
      /** Why. */
      readonly reason: RemovalReason;
    }
  | {
      /** A scope was cleared. */
      readonly type: 'clear';
      /** Name of the scope. */
      readonly scope: string;
      /** What of it is gone. */
      readonly what: ClearWhat;
      /** Why. */
      readonly reason: RemovalReason;
    };

/**
 * connecting: not reached yet. syncing: reached, content is being read. synced: all changes up to now are applied.
 * degraded: was reached, is not at present, or takes no writes. blocked: a change cannot be understood; nothing after it is
 * applied.
 */
export const STORE_STATES = ['connecting', 'syncing', 'synced', 'degraded', 'blocked'] as const;
/** One of STORE_STATES. */
export type StoreState = (typeof STORE_STATES)[number];

/** Told the content of a store and then every change of it, in one order, each once. Calls come one at a time. */
export interface StoreWatcher {
  /**
   * All content follows scope by scope; what is not in it is not in the store. lost: the store has forgotten what it had
   * acknowledged (wiped, replaced or rolled back), so that what is known here should be put again. May come in the middle
   * of a reset, which then does not count.
   */
  resetBegin(lost: boolean): void;
  /** All items of one scope. */
  resetScope(scope: string, items: readonly StoredItem[]): void;
  /** The content is complete. index: position in the order of changes that it stands for. */
  resetEnd(index: number): void;
  /** index: position of the change in the order of changes. */
  changed(change: StoreChange, index: number): void;
  /** reason: for people, one line, without secrets. */
  state(state: StoreState, reason: string): void;
}

/**
 * Every method may reject with a StoreError, and does so within a deadline of its own; a call that was rejected may have
 * had its effect and can be repeated. Methods may be called at the same time.
 */
export interface TemplateStore {
  /** Numbers since the start, by name, for those who run it. */
  readonly counters?: Readonly<Record<string, number>>;
  /** Null for an item that is not there. */
  get(scope: string, item: string): Promise<StoredItem | null>;
  /** In the order of item names; empty for a scope that is not known. */
  getScope(scope: string): Promise<StoredItem[]>;
  /**
   * Puts items of one scope, all or none, with one change. The conflict rule decides over templates; of exporter state the
   * latest wins. replacing: bytes that are no valid value; where the store has exactly these, they do not count.
   */
  put(scope: string, items: readonly NewItem[], replacing?: Uint8Array): Promise<PutResult>;
  /** Notes that items were announced again, now. Makes no change; items that are not there stay away. */
  touch(scope: string, items: readonly string[]): Promise<void>;
  /** Removes items; with a version only those that are not newer than it. Removing what is not there is no change. */
  remove(
    scope: string,
    items: readonly string[],
    reason: RemovalReason,
    version?: Version,
  ): Promise<RemoveResult>;
  /** Removes what is there of a scope. */
  clearScope(scope: string, what: ClearWhat, reason: RemovalReason): Promise<RemoveResult>;
  /**
   * Resolves after the first reset; one watcher at a time. Rejects with a StoreError when the store can never be used as it
   * is configured (`fatal`), and with one that is not fatal when it could not be reached: then the watcher goes on trying.
   */
  watch(watcher: StoreWatcher): Promise<void>;
  /** Ends the watch. Other calls are rejected from then on. */
  close(): Promise<void>;
}

/** Trouble with a store (code STORE_FAILED). The message is for people and has no secrets. */
export class StoreError extends MillraceError {
  /** Whether trying again is pointless until a person has changed something. */
  readonly fatal: boolean;
  constructor(message: string, fatal = false, options?: { cause?: unknown }) {
    super('STORE_FAILED', message, options);
    this.name = 'StoreError';
    this.fatal = fatal;
  }
}

/**
 * Bounds of every store. Where there are too many items or scopes, those announced longest ago are evicted; what is too large
 * is refused as `full`, and names that are too long with a StoreError.
 */
export const STORE_LIMITS = Object.freeze({
  /** A template of 10 000 fields has 80 kB. */
  maxValueBytes: 128 * 1024,
  /** Templates and exporter state of one scope. */
  maxItemsPerScope: 16_384,
  /** Items of one put. */
  maxItemsPerPut: 256,
  /** Scopes of a store. */
  maxScopes: 20_000,
  /** Everything, in stores that are kept in the memory of a process (store-content.ts). */
  maxContentBytes: 256 * 1024 * 1024,
  /** A scope that nobody has announced anything of for so long is evicted. */
  maxIdleMs: 7 * 24 * 3_600_000,
  /** Characters of the name of a scope, printable ASCII. */
  maxScopeNameBytes: 128,
  /** Characters of the name of an item, printable ASCII. */
  maxItemNameBytes: 128,
});

/** Two definitions for one id that arrive within this time of each other are put in order by what their exporter says. */
export const REORDER_WINDOW_MS = 60_000;
