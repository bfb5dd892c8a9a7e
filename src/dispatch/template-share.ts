import { randomBytes } from 'node:crypto';
import { systemClock } from '../base/clock.ts';
import type { DecodeLimits } from '../decode/limits.ts';
import type { FromStore, StoreStatus } from '../fleet/messages.ts';
import { StoreSession } from '../fleet/session.ts';
import type { TemplateKind } from '../templates/scope.ts';
import type { TemplateStore } from '../templates/store.ts';
import { WRITER_BYTES } from '../templates/stored-value.ts';
import { Replica, type ReplicaCounters } from './replica.ts';
import type { Scanner } from './scanner.ts';
import type { SharingCompanion } from './shared-scopes.ts';

export interface SharingEnd {
  readonly scanner: Scanner<SharingCompanion>;
  readonly limits: DecodeLimits;
  readonly templateTtlMs: number;
  readonly restored: (templateId: number, kind: TemplateKind) => void;
  /** Runs what changes of others do, which may release held sets. */
  readonly applying: (apply: () => void) => void;
}

/** A decoder's part in a template store, in the thread of the decoder. Exporter state is left to others. */
export class TemplateShare {
  /** @internal */
  readonly replica: Replica;
  readonly #store: TemplateStore;
  readonly #session: StoreSession;
  readonly #scanner: Scanner<SharingCompanion>;

  /** @internal */
  constructor(store: TemplateStore, { scanner, limits, templateTtlMs, restored, applying }: SharingEnd) {
    this.#store = store;
    this.#scanner = scanner;
    this.replica = new Replica({
      limits,
      templateTtlMs,
      heap: null,
      restored,
      removed: () => {},
      clock: systemClock,
      writer: randomBytes(WRITER_BYTES),
      evictionsShared: false,
      note: () => {},
    });
    this.replica.attach(scanner);
    scanner.sharing = this.replica;
    const apply = (changes: readonly FromStore[]): void => {
      if (scanner.sharing !== this.replica) return;
      applying(() => {
        for (const change of changes) this.replica.apply(change);
      });
      this.tell();
    };
    this.#session = new StoreSession(store, apply, systemClock, () => {
      this.replica.synced = this.#session.status.state === 'synced';
    });
  }

  /** How it stands with the store, and what was met since the start. */
  get status(): StoreStatus & ReplicaCounters {
    return { ...this.#session.status, ...this.replica.counters };
  }

  /** @internal */
  async start(): Promise<void> {
    try {
      await this.#store.watch(this.#session);
    } catch (error) {
      await this.#leave();
      throw error;
    }
    // What was read is applied in the next turn.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  }

  /** Leaves the scanner as it was before, for another share. */
  async #leave(): Promise<void> {
    this.#scanner.sharing = null;
    for (const { companion, templates, version } of this.#scanner.scopes) {
      companion.shared = null;
      // What this share was told, the next one has to be told.
      if (version >= 9) for (const entry of templates.values()) entry.nextTouchMs = 0;
    }
    await this.#session.flush(0);
  }

  /** Hands over what was learned. @internal */
  tell(): void {
    const requests = this.replica.takeRequests();
    if (requests.length > 0) this.#session.receive(requests);
  }

  /** Waits until what was learned is in the store, at most so long, and closes the store. Returns the writes that are left. */
  async close(deadlineMs = 3_000): Promise<number> {
    const left = await this.#session.flush(deadlineMs);
    await this.#store.close();
    return left;
  }
}
