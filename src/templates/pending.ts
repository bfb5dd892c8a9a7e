import type { Scope } from './scope.ts';

/** A data set whose template is not known yet, with all that is needed to decode it later. */
export interface HeldSet {
  readonly scope: Scope;
  readonly templateId: number;
  /** The message header followed by the content of the set, a copy. */
  readonly bytes: Uint8Array;
  readonly headerBytes: number;
  /** Where the content of the set began in its datagram. */
  readonly offset: number;
  readonly receivedAtMs: number;
  readonly exporterPort: number;
  /** The queue it waits in. */
  readonly queue: Set<HeldSet>;
}

/** Limits on data that waits for its template. */
export interface PendingLimits {
  /** Sets held over all scopes. */
  maxSets: number;
  /** Octets held over all scopes, message headers included. */
  maxBytes: number;
  /** Sets held for one template id of one scope. */
  maxSetsPerTemplate: number;
  /** How long a set is held, by arrival time. */
  ttlMs: number;
}

export const DEFAULT_PENDING_LIMITS: Readonly<PendingLimits> = {
  maxSets: 16_384,
  maxBytes: 64 * 1024 * 1024,
  maxSetsPerTemplate: 1_024,
  ttlMs: 300_000,
};

/** What became of sets that had to go; the ledger tells the two apart. */
export interface PendingOwner {
  expired(sets: number): void;
  overflowed(sets: number): void;
  /** The template they waited for was taken back: the next with that id is another one. */
  withdrawn(sets: number): void;
}

/**
 * The holding place for data that came before its template. First in, first out. When it is full, sets of exporters that
 * are not established give way first; a newcomer that is not established itself pushes out nobody else's. Main thread.
 */
export class PendingSets {
  readonly #limits: PendingLimits;
  readonly #owner: PendingOwner;
  readonly #established = new Set<HeldSet>();
  readonly #unestablished = new Set<HeldSet>();
  #bytes = 0;

  constructor(limits: PendingLimits, owner: PendingOwner) {
    this.#limits = limits;
    this.#owner = owner;
  }

  get sets(): number {
    return this.#established.size + this.#unestablished.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Holds a set; false when there is no room for it. bytes must be a copy. */
  hold(
    scope: Scope,
    templateId: number,
    bytes: Uint8Array,
    headerBytes: number,
    offset: number,
    receivedAtMs: number,
    exporterPort: number,
  ): boolean {
    this.expire(receivedAtMs);
    const waiting = scope.held?.get(templateId);
    if (waiting !== undefined && waiting.length >= this.#limits.maxSetsPerTemplate) return false;
    if (bytes.length > this.#limits.maxBytes || this.#limits.maxSets < 1) return false;
    while (this.sets >= this.#limits.maxSets || this.#bytes + bytes.length > this.#limits.maxBytes) {
      if (!this.#pushOut(scope)) return false;
    }
    const order = scope.established ? this.#established : this.#unestablished;
    const held = { scope, templateId, bytes, headerBytes, offset, receivedAtMs, exporterPort, queue: order };
    scope.held ??= new Map();
    const queue = scope.held.get(templateId);
    if (queue === undefined) scope.held.set(templateId, [held]);
    else queue.push(held);
    order.add(held);
    this.#bytes += bytes.length;
    return true;
  }

  /** Takes out what waits for a template, oldest first. */
  release(scope: Scope, templateId: number, nowMs: number): HeldSet[] {
    if (scope.held === null || !scope.held.has(templateId)) return [];
    this.expire(nowMs);
    const released = [...(scope.held?.get(templateId) ?? [])];
    for (const held of released) this.#remove(held);
    return released;
  }

  /** Drops what waited too long. */
  expire(nowMs: number): void {
    let expired = 0;
    for (const queue of [this.#established, this.#unestablished]) {
      for (const oldest of queue) {
        if (nowMs - oldest.receivedAtMs <= this.#limits.ttlMs) break;
        this.#remove(oldest);
        expired++;
      }
    }
    if (expired > 0) this.#owner.expired(expired);
  }

  /** Drops what waits for a template that is taken back. */
  withdraw(scope: Scope, templateId: number): void {
    const waiting = scope.held?.get(templateId);
    if (waiting === undefined) return;
    const dropped = waiting.length;
    for (const held of [...waiting]) this.#remove(held);
    this.#owner.withdrawn(dropped);
  }

  /** Drops all that waits in a scope whose templates are all taken back: of which kind theirs would be is not known. */
  withdrawAll(scope: Scope): void {
    if (scope.held !== null) this.#owner.withdrawn(this.#empty(scope.held));
  }

  /** Drops all that a scope waits for. */
  drop(scope: Scope): void {
    if (scope.held !== null) this.#owner.overflowed(this.#empty(scope.held));
  }

  #empty(waiting: Map<number, HeldSet[]>): number {
    const all = [...waiting.values()].flat();
    for (const held of all) this.#remove(held);
    return all.length;
  }

  #pushOut(newcomer: Scope): boolean {
    const oldest =
      first(this.#unestablished) ?? (newcomer.established ? first(this.#established) : undefined);
    if (oldest === undefined) return false;
    this.#remove(oldest);
    this.#owner.overflowed(1);
    return true;
  }

  #remove(held: HeldSet): void {
    held.queue.delete(held);
    this.#bytes -= held.bytes.length;
    const byTemplate = held.scope.held;
    const queue = byTemplate?.get(held.templateId);
    if (byTemplate === null || byTemplate === undefined || queue === undefined) return;
    if (queue[0] === held) queue.shift();
    else queue.splice(queue.indexOf(held), 1);
    if (queue.length === 0) {
      byTemplate.delete(held.templateId);
      if (byTemplate.size === 0) held.scope.held = null;
    }
  }
}

function first(queue: Set<HeldSet>): HeldSet | undefined {
  for (const held of queue) return held;
  return undefined;
}
