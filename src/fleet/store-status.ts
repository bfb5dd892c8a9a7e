/** What keeps a value, item or scope in Redis from being read at all. */
export const POISON_FAULTS = [
  'value-too-large',
  'name-invalid',
  'too-many-items',
  'too-many-scopes',
  'wrong-type',
  'scope-too-large',
] as const;
export type PoisonFault = (typeof POISON_FAULTS)[number];

/** What a Redis store counts. All but the indexes and times only grow. */
export interface StoreStatus {
  /** Scripts and commands sent to Redis; subscribing and the handshake not counted. */
  commands: number;
  reads: number;
  /** Changes that this store made. */
  writes: number;
  /** Items that had been put before as they are. */
  unchanged: number;
  refusedOlder: number;
  refusedNewerFormat: number;
  refusedFull: number;
  /** Items and scopes that this store has removed for a limit or their age. */
  evicted: number;
  /** Entries that came again, were missing, or belong to another history. */
  duplicates: number;
  gaps: number;
  diverged: number;
  /** How often Redis had fallen behind what was applied here, and how often everything was read anew, for any reason. */
  regressed: number;
  resets: number;
  /** Entries passed over: of a kind that is not known, with a body that is none. */
  skippedUnknown: number;
  skippedInvalid: number;
  /** Entries at which applying had to stop. */
  blocked: number;
  /** What was refused by fault. */
  poisoned: Record<PoisonFault, number>;
  reconnects: number;
  /** Last index of the log in Redis, and the watermark here. */
  index: number;
  appliedIndex: number;
  /** When the watermark was last seen to be the end of the log, milliseconds on the monotonic clock; 0: never. */
  lastSyncMs: number;
}

export function newStoreStatus(): StoreStatus {
  return {
    commands: 0,
    reads: 0,
    writes: 0,
    unchanged: 0,
    refusedOlder: 0,
    refusedNewerFormat: 0,
    refusedFull: 0,
    evicted: 0,
    duplicates: 0,
    gaps: 0,
    diverged: 0,
    regressed: 0,
    resets: 0,
    skippedUnknown: 0,
    skippedInvalid: 0,
    blocked: 0,
    poisoned: Object.fromEntries(POISON_FAULTS.map((fault) => [fault, 0])) as Record<PoisonFault, number>,
    reconnects: 0,
    index: 0,
    appliedIndex: 0,
    lastSyncMs: 0,
  };
}
