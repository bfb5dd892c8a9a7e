import type { Cidr } from '../base/ip.ts';
import { isV4Mapped } from '../base/ip.ts';

/** Whether a datagram is taken, and why not. */
export const Admission = { admitted: 0, notAllowed: 1, overRate: 2 } as const;

/** Addresses whose rate is known at a time. */
export const MAX_RATED_EXPORTERS = 65_536;
/** An exporter may send this much of its rate at once. */
const BURST_MS = 1_000;
/** Between two searches for addresses that can be forgotten; arrival times are this coarse a measure anyway. */
const SWEEP_MS = 100;
/** Times are ms since the epoch as doubles, and sums of them are rounded. */
const ROUNDING_MS = 1e-3;

export interface AdmissionRules {
  /** Address ranges that may send; empty: everybody. */
  readonly allow: readonly Cidr[];
  /** Datagrams per second from one address; 0: any number. */
  readonly exporterRate: number;
}

/**
 * Who may send, and how much: one token bucket per address, kept as the time at which it is full again. An address whose
 * bucket is full is forgotten when others need the room; when nobody can be forgotten, all newcomers together have one
 * bucket. So neither forged addresses nor too many exporters cost memory, and nobody gains by them. Main thread.
 */
export class Gatekeeper {
  #rules: AdmissionRules;
  readonly #fullAtMs = new Map<number | string, number>();
  readonly #maxExporters: number;
  #newcomersFullAtMs = 0;
  #nextSweepMs = 0;

  constructor(rules: AdmissionRules, maxExporters = MAX_RATED_EXPORTERS) {
    this.#rules = rules;
    this.#maxExporters = maxExporters;
  }

  /** Addresses whose rate is known at present. */
  get exporters(): number {
    return this.#fullAtMs.size;
  }

  /** Holds from the next datagram on. */
  change(rules: AdmissionRules): void {
    if (rules.exporterRate !== this.#rules.exporterRate) this.#fullAtMs.clear();
    this.#rules = rules;
  }

  /** Judges a datagram from the 16-byte address at this offset that arrived at this time; one of Admission. */
  judge(bytes: Uint8Array, offset: number, receivedAtMs: number): number {
    const { allow, exporterRate } = this.#rules;
    if (allow.length > 0 && !allow.some((range) => range.contains(bytes, offset)))
      return Admission.notAllowed;
    if (exporterRate === 0) return Admission.admitted;
    return this.#spend(keyOf(bytes, offset), receivedAtMs, 1000 / exporterRate)
      ? Admission.admitted
      : Admission.overRate;
  }

  #spend(key: number | string, nowMs: number, costMs: number): boolean {
    const known = this.#fullAtMs.get(key);
    const common = known === undefined && !this.#hasRoom(nowMs);
    let fullAtMs = Math.max((common ? this.#newcomersFullAtMs : known) ?? 0, nowMs);
    // No bucket is that empty: the clock was set back.
    if (fullAtMs > nowMs + BURST_MS + costMs) fullAtMs = nowMs;
    const emptyBy = fullAtMs + costMs - nowMs - BURST_MS;
    if (emptyBy > ROUNDING_MS) return false;
    if (common) this.#newcomersFullAtMs = fullAtMs + costMs;
    else this.#fullAtMs.set(key, fullAtMs + costMs);
    return true;
  }

  #hasRoom(nowMs: number): boolean {
    if (this.#fullAtMs.size < this.#maxExporters) return true;
    // Also when the clock was set back.
    if (nowMs < this.#nextSweepMs && nowMs > this.#nextSweepMs - 2 * SWEEP_MS) return false;
    this.#nextSweepMs = nowMs + SWEEP_MS;
    for (const [key, fullAtMs] of this.#fullAtMs) {
      if (fullAtMs <= nowMs || fullAtMs > nowMs + 2 * BURST_MS) this.#fullAtMs.delete(key);
    }
    return this.#fullAtMs.size < this.#maxExporters;
  }
}

/** IPv4 addresses as numbers, others as texts of 8 characters. */
function keyOf(bytes: Uint8Array, offset: number): number | string {
  if (isV4Mapped(bytes, offset)) {
    const at = offset + 12;
    return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
  }
  let text = '';
  for (let i = offset; i < offset + 16; i += 2) text += String.fromCharCode((bytes[i] << 8) | bytes[i + 1]);
  return text;
}
