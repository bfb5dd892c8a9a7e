import type { Layout } from '../decode/layout.ts';
import type { HeldSet } from './pending.ts';

/** Whether records of a template are flows or options data. */
export type TemplateKind = 'data' | 'options';

/**
 * A template as it was announced. Never changes but for its refresh time: another definition for the same id is another
 * entry, while sets that are bound to this one still are decoded with it.
 */
export interface TemplateEntry {
  readonly scope: Scope;
  readonly templateId: number;
  readonly kind: TemplateKind;
  readonly layout: Layout;
  readonly learnedAtMs: number;
  refreshedAtMs: number;
  /** What the message that announced it last said about itself, for the conflict rule. */
  exportTimeMs: number;
  sequence: number;
  /** When the store is to be told next that it is still announced; 0: with the next announcement. */
  nextTouchMs: number;
  /** Address of its block in the shared heap; 0 where there are no other threads. */
  readonly address: number;
}

/**
 * An exporter's template space: protocol version, exporter address (and port where the key says so), observation domain
 * or source id. `companion` is what the owner of the table keeps beside it.
 */
export class Scope<C = unknown> {
  readonly version: number;
  readonly address: Uint8Array;
  /** 0 where the port is not part of the key. */
  readonly port: number;
  readonly domain: number;
  readonly hash: number;
  readonly firstSeenMs: number;
  lastSeenMs: number;
  /**
   * Whether the exporter has sent data at two moments at least a second apart. What a forger makes up in passing stays
   * unestablished, and only unestablished scopes make room for new ones.
   */
  established = false;
  firstDataMs = Number.NaN;
  /** By template id, over data and options templates; in the order of their last announcement. */
  readonly templates = new Map<number, TemplateEntry>();
  /** Sets without a template by template id; null while there are none. */
  held: Map<number, HeldSet[]> | null = null;
  /** Counts changes of `templates`, so that snapshots of it can be kept. */
  revision = 0;
  companion: C;
  /** Next scope in the same hash bucket. */
  next: Scope<C> | undefined;

  constructor(
    version: number,
    address: Uint8Array,
    port: number,
    domain: number,
    hash: number,
    nowMs: number,
    companion: C,
  ) {
    this.version = version;
    this.address = address;
    this.port = port;
    this.domain = domain;
    this.hash = hash;
    this.firstSeenMs = nowMs;
    this.lastSeenMs = nowMs;
    this.companion = companion;
  }

  is(version: number, address: Uint8Array, offset: number, port: number, domain: number): boolean {
    if (this.version !== version || this.domain !== domain || this.port !== port) return false;
    const mine = this.address;
    for (let i = 15; i >= 0; i--) if (mine[i] !== address[offset + i]) return false;
    return true;
  }
}
