import { createHash } from 'node:crypto';
import { type BatchEntry, decodeEntry, EntryKind } from './entries.ts';
import { decodeEnvelope, type Envelope } from './envelope.ts';
import type { StoreStatus } from './store-status.ts';

/** An entry as it comes from the stream or as a copy from the channel. */
export interface LogEntry {
  readonly incarnation: string;
  readonly index: number;
  /** chainAfter of the chain before it. */
  readonly chain: string;
  readonly envelope: Uint8Array;
  /** Milliseconds since it was written, by the clock of the store. */
  readonly ageMs: number;
}

/** A point in the history: two that are equal stand for equal content. */
export interface LogPosition {
  readonly incarnation: string;
  readonly index: number;
  readonly chain: string;
}

export const OFFERED = ['applied', 'duplicate', 'gap', 'diverged', 'other-incarnation', 'blocked'] as const;
export type Offered = (typeof OFFERED)[number];

/** What a kind does. Neither may look at a clock or at anything else that differs from collector to collector. */
export interface Applier<T> {
  /** Null: not a body of this kind, or one that cannot be applied here. */
  decode(body: Uint8Array): T | null;
  apply(entry: T, index: number, ageMs: number): void;
}

type Effect = (index: number, ageMs: number) => void;
/** What an entry does, or why it cannot be passed. */
type Plan = Effect | string;

/** Chain of the empty log of an incarnation. */
export function firstChain(incarnation: string): string {
  return createHash('sha1').update(incarnation, 'latin1').digest('hex');
}

/** Chain after an entry: SHA-1 over the hexadecimal chain before it and its envelope. */
export function chainAfter(chain: string, envelope: Uint8Array): string {
  return createHash('sha1').update(chain, 'latin1').update(envelope).digest('hex');
}

/**
 * The one gate in front of every effect of the fleet log. Entries pass in order, each once; an entry is understood as a
 * whole before any of it has an effect, and the watermark moves after the last effect.
 */
export class LogGate {
  readonly #status: StoreStatus;
  readonly #appliers = new Map<number, Applier<unknown>>();
  #position: LogPosition = { incarnation: '', index: 0, chain: '' };
  #obstacle: { index: number; reason: string } | null = null;

  constructor(status: StoreStatus) {
    this.#status = status;
  }

  get position(): LogPosition {
    return this.#position;
  }

  /** Why the next entry cannot be passed, in a few words; null when there is no such entry. */
  get obstacle(): string | null {
    return this.#obstacle?.reason ?? null;
  }

  register<T>(kind: number, applier: Applier<T>): void {
    this.#appliers.set(kind, applier as Applier<unknown>);
  }

  /** Goes on from another point, after the content at that point has been taken over. */
  reset(position: LogPosition): void {
    this.#position = position;
    this.#obstacle = null;
    this.#status.appliedIndex = position.index;
  }

  /**
   * applied: its effects are there (also when it has none). blocked: it may not be skipped and cannot be understood; it can
   * be offered again. The others have no effect.
   */
  offer(entry: LogEntry): Offered {
    const { incarnation, index, chain } = this.#position;
    if (entry.incarnation !== incarnation) return 'other-incarnation';
    if (entry.index <= index) {
      this.#status.duplicates++;
      return 'duplicate';
    }
    if (entry.index !== index + 1) return 'gap';
    const envelope = decodeEnvelope(entry.envelope);
    if (typeof envelope === 'string') return this.#block(entry.index, `its envelope is ${envelope}`);
    if (chainAfter(chain, entry.envelope) !== entry.chain) return 'diverged';
    const plan = this.#plan(envelope, false);
    if (typeof plan === 'string') return this.#block(entry.index, plan);
    plan(entry.index, entry.ageMs);
    this.#obstacle = null;
    this.#position = { incarnation, index: entry.index, chain: entry.chain };
    this.#status.appliedIndex = entry.index;
    return 'applied';
  }

  /** Understands all of an entry before any of it is done. */
  #plan({ kind, critical, body }: Envelope, inBatch: boolean): Plan {
    if (kind === EntryKind.batch && !inBatch) {
      const batch = decodeEntry(kind, body) as BatchEntry | null;
      if (batch !== null) return this.#planBatch(batch);
    }
    const applier = this.#appliers.get(kind);
    const entry = applier?.decode(body) ?? null;
    if (applier !== undefined && entry !== null) return (index, ageMs) => applier.apply(entry, index, ageMs);
    const known = applier !== undefined || kind === EntryKind.batch;
    if (critical)
      return known
        ? `its body is not one of kind ${kind}, or not one for this release`
        : `kind ${kind} is not known to this release`;
    return () => {
      if (known) this.#status.skippedInvalid++;
      else this.#status.skippedUnknown++;
    };
  }

  #planBatch(batch: BatchEntry): Plan {
    const effects: Effect[] = [];
    for (const bytes of batch.entries) {
      const envelope = decodeEnvelope(bytes);
      if (typeof envelope === 'string') return `an envelope in it is ${envelope}`;
      const plan = this.#plan(envelope, true);
      if (typeof plan === 'string') return plan;
      effects.push(plan);
    }
    return (index, ageMs) => {
      for (const effect of effects) effect(index, ageMs);
    };
  }

  #block(index: number, reason: string): Offered {
    if (this.#obstacle?.index !== index) this.#status.blocked++;
    this.#obstacle = { index, reason: `entry ${index} cannot be applied: ${reason}` };
    return 'blocked';
  }
}
