import { randomInt } from 'node:crypto';
import { Scope } from './scope.ts';

export interface ScopeLimits {
  /** Exporter and domain pairs that are remembered. */
  maxScopes: number;
  /** An established scope that was silent for so long may make room for a new one. */
  scopeIdleMs: number;
}

export const DEFAULT_SCOPE_LIMITS: Readonly<ScopeLimits> = { maxScopes: 10_000, scopeIdleMs: 600_000 };

/** Recency is kept to this precision, so that busy scopes are not moved for every datagram. */
export const RECENCY_MS = 1_000;
/** Data at two moments this far apart make a scope established. */
const ESTABLISH_MS = 1_000;

export interface ScopeOwner<C> {
  companion(version: number, address: Uint8Array, port: number, domain: number): C;
  /** Called when a scope was made, before it is used. */
  opened(scope: Scope<C>): void;
  /** Called when a scope is dropped to make room; templates and held sets are still there. */
  evicted(scope: Scope<C>): void;
}

/**
 * All scopes by an exact key. Two generations, each in order of recency: unestablished scopes push out each other;
 * established ones leave only when idle. So a flood of forged headers costs the real exporters nothing. Main thread.
 */
export class ScopeTable<C> {
  readonly #limits: ScopeLimits;
  readonly #owner: ScopeOwner<C>;
  readonly #buckets = new Map<number, Scope<C>>();
  readonly #unestablished = new Set<Scope<C>>();
  readonly #established = new Set<Scope<C>>();
  /** Random, so that nobody can choose addresses that fall into one bucket. */
  readonly #seed = randomInt(0x7fffffff);

  constructor(limits: ScopeLimits, owner: ScopeOwner<C>) {
    this.#limits = limits;
    this.#owner = owner;
  }

  get size(): number {
    return this.#unestablished.size + this.#established.size;
  }

  /** The 16-byte address is at offset in address. */
  find(
    version: number,
    address: Uint8Array,
    offset: number,
    port: number,
    domain: number,
  ): Scope<C> | undefined {
    let scope = this.#buckets.get(this.#hash(version, address, offset, port, domain));
    while (scope !== undefined && !scope.is(version, address, offset, port, domain)) scope = scope.next;
    return scope;
  }

  /** Finds or makes a scope; undefined when there is no room for a new one. */
  obtain(
    version: number,
    address: Uint8Array,
    offset: number,
    port: number,
    domain: number,
    nowMs: number,
  ): Scope<C> | undefined {
    const known = this.find(version, address, offset, port, domain);
    if (known !== undefined) {
      this.#touch(known, nowMs);
      return known;
    }
    if (this.size >= this.#limits.maxScopes && !this.#makeRoom(nowMs)) return undefined;
    const hash = this.#hash(version, address, offset, port, domain);
    const key = address.slice(offset, offset + 16);
    const companion = this.#owner.companion(version, key, port, domain);
    const scope = new Scope<C>(version, key, port, domain, hash, nowMs, companion);
    scope.next = this.#buckets.get(hash);
    this.#buckets.set(hash, scope);
    this.#unestablished.add(scope);
    this.#owner.opened(scope);
    return scope;
  }

  /** Notes that data of the scope could be bound. */
  sawData(scope: Scope<C>, nowMs: number): void {
    if (scope.established) return;
    if (Number.isNaN(scope.firstDataMs)) scope.firstDataMs = nowMs;
    else if (Math.abs(nowMs - scope.firstDataMs) >= ESTABLISH_MS) {
      scope.established = true;
      this.#unestablished.delete(scope);
      this.#established.add(scope);
    }
  }

  *[Symbol.iterator](): IterableIterator<Scope<C>> {
    yield* this.#established;
    yield* this.#unestablished;
  }

  #touch(scope: Scope<C>, nowMs: number): void {
    // Also when the clock was set back.
    if (Math.abs(nowMs - scope.lastSeenMs) < RECENCY_MS) return;
    scope.lastSeenMs = nowMs;
    const generation = scope.established ? this.#established : this.#unestablished;
    generation.delete(scope);
    generation.add(scope);
  }

  #makeRoom(nowMs: number): boolean {
    for (const scope of this.#unestablished) {
      this.#drop(scope, this.#unestablished);
      return true;
    }
    for (const scope of this.#established) {
      if (nowMs - scope.lastSeenMs >= this.#limits.scopeIdleMs) {
        this.#drop(scope, this.#established);
        return true;
      }
      if (scope.lastSeenMs <= nowMs + RECENCY_MS) return false;
      // The clock was set back: silence counts from now.
      scope.lastSeenMs = nowMs;
    }
    return false;
  }

  #drop(scope: Scope<C>, generation: Set<Scope<C>>): void {
    generation.delete(scope);
    let other = this.#buckets.get(scope.hash);
    if (other === scope) {
      if (scope.next === undefined) this.#buckets.delete(scope.hash);
      else this.#buckets.set(scope.hash, scope.next);
    } else {
      while (other?.next !== scope) other = other?.next;
      other.next = scope.next;
    }
    this.#owner.evicted(scope);
  }

  #hash(version: number, address: Uint8Array, offset: number, port: number, domain: number): number {
    let hash = Math.imul(this.#seed ^ domain, 0x9e3779b1) ^ Math.imul((version << 16) | port, 0x85ebca6b);
    for (let i = 0; i < 16; i += 4) {
      const word =
        (address[offset + i] << 24) |
        (address[offset + i + 1] << 16) |
        (address[offset + i + 2] << 8) |
        address[offset + i + 3];
      hash = Math.imul(hash ^ word, 0x01000193);
      hash ^= hash >>> 15;
    }
    return hash;
  }
}
