/** How a person looks at the log of a fleet. A store that has one implements this beside TemplateStore. */

export interface LogEntry {
  readonly index: number;
  /** By the clock of the store, milliseconds since the Unix epoch; NaN when the entry does not say. */
  readonly atMs: number;
  /** Name of the kind; `kind 17` when it is not known here. */
  readonly kind: string;
  readonly critical: boolean;
  /** Name of the collector that wrote it; empty when it does not say. */
  readonly by: string;
  /** For people: what it does, one line; or what is wrong with it. */
  readonly text: string;
  /** What the body says, for programs; null when it cannot be read. */
  readonly body: unknown;
}

export interface LogCheck {
  /** Indexes of the entries that are there; 0 and 0 when there are none. */
  readonly first: number;
  readonly last: number;
  /** Entries that do not follow their predecessor, or whose chain or checksum is wrong; bounded. One line each. */
  readonly faults: readonly string[];
}

export interface LogAccess {
  /** At most count entries with an index above `after`, in their order; empty at the end. */
  readLog(after: number, count: number): Promise<LogEntry[]>;
  /** Reads the whole log and checks indexes, chain and checksums. */
  verifyLog(): Promise<LogCheck>;
}

export function hasLog(store: object): store is LogAccess {
  return 'readLog' in store && 'verifyLog' in store;
}
