import { Count, type Ledger } from './ledger.ts';

/** What a sequence number counts: datagrams in v9; flows or data records in v5, v7 and IPFIX. */
export type SequenceUnit = 'datagrams' | 'records';

export const SEQUENCE_LIMITS = Object.freeze({
  /** Late datagrams are put in their place among the last so many. */
  windowDatagrams: 64,
  /** How much older than the newest datagram a late one can be; an exporter whose time falls back further began anew. */
  slackMs: 10_000,
  /** Units; a longer jump ahead is no loss but another count. */
  maxJump: 10_000_000,
});

/** Sums since the tracker was made. */
export interface SequenceTotals {
  /** Units of all datagrams received, duplicates included; datagrams of unknown size add nothing. */
  received: number;
  /** Units that were sent and not received, as far as is known now. */
  lost: number;
  /** Datagrams that arrived late. */
  reordered: number;
  /** Datagrams received twice, and the units in them. */
  duplicates: number;
  duplicateUnits: number;
  restarts: number;
  unsure: number;
}

/** What a datagram says that its exporter's count can be followed by. */
export interface CountedDatagram {
  /** Sequence number of its header, an unsigned 32-bit integer. */
  readonly sequence: number;
  /** What it adds to the count (v9: 1), -1 when that is unknown. */
  readonly units: number;
  /** Of its header, -1 when there is none. */
  readonly sysUptimeMs: number;
  /** Of its header, ms since the epoch. */
  readonly exportTimeMs: number;
}

/**
 * Sequence accounting of one exporter, observation domain and version. Runs where datagrams are retired, in the order of
 * their arrival; one per scope, so it is small. Sequence numbers and what is compared with them are modulo 2^32.
 *
 * `next` is the sequence number that the next datagram should have, `newest` the datagram with the highest number so far.
 * A datagram is taken for the first of these that fits:
 *
 *  1. The first one of all sets `next`.
 *  2. Duplicate: its number, and its time (sysUptime; IPFIX: export time), are those of one of the last 64 datagrams. A
 *     datagram without units (templates only) takes no place in the count, so it is never one.
 *  3. Restart by time: sysUptime is more than the slack below that of `newest` and did not just pass 2^32 ms, which it did
 *     when counting on past 2^32 takes no more than the slack, or as long as the export time says, give or take the slack.
 *  4. In order: its number is `next`.
 *  5. Jump: its number is ahead of `next` by at most 10 million units. They are lost, and a hole that is remembered for 64
 *     more datagrams. A longer jump is a restart.
 *  6. Behind `next`, and within a hole: it was late. Its units are no longer lost, and the rest of the hole stays.
 *  7. Behind `next`, and ahead of the number of `newest` (or equal to it, but of a later time): exporter and we do not
 *     count the same units. Unsure.
 *  8. Behind `newest`, and of a later time: restart. Also if it is more than 10 million units behind `next`; and if it is
 *     farther back than the window reaches (64 datagrams of its own size, or to the oldest of the last 64, whichever is
 *     more) and its time says that it is not just late: the sysUptime is the same, or the IPFIX export time is older by
 *     more than the slack.
 *  9. Otherwise it was late, too late to be put in its place, or a datagram without units: the loss stands.
 *
 * A restart is never a loss: nothing before it can be repaired, and `next` follows the datagram that showed it. If the
 * datagram after that goes on where `next` stood before, it was no restart but a stray, and counting goes on there.
 *
 * Unsure: when the size of a datagram is unknown (units -1), the next one from there on sets `next` again, and what lies
 * between them is neither lost nor received; late datagrams may fall into it. One without units and with the same number
 * is the template that was missing, late: it sets nothing. A late one of unknown size ends all loss from its place to the
 * end of its hole. Each datagram of unknown size is counted once, unless it is a duplicate.
 */
export class SequenceTracker {
  readonly totals: SequenceTotals = {
    received: 0,
    lost: 0,
    reordered: 0,
    duplicates: 0,
    duplicateUnits: 0,
    restarts: 0,
    unsure: 0,
  };
  readonly #lostCounter: number;
  /** Distinct datagrams so far, 0 before the first; modulo 2^32. */
  #arrivals = 0;
  #started = false;
  #next = 0;
  /** Whether `next` is known; if not, it is the number of `newest`. */
  #sure = true;
  #newest = 0;
  #newestUptimeMs = -1;
  #newestExportMs = 0;
  /** `next`, and whether it was known, before the restart that the last datagram showed. */
  #abandoned = 0;
  #abandonedSure = true;
  #justRestarted = false;
  /** Number and time of the last datagrams that had units, a ring. */
  readonly #numbers = new Uint32Array(SEQUENCE_LIMITS.windowDatagrams);
  readonly #times = new Uint32Array(SEQUENCE_LIMITS.windowDatagrams);
  #seen = 0;
  /** null until the first hole. */
  #holes: Holes | null = null;

  constructor(unit: SequenceUnit) {
    this.#lostCounter = unit === 'datagrams' ? Count.sequence_lost_datagrams : Count.sequence_lost_records;
  }

  /** Books one datagram. */
  observe(datagram: CountedDatagram, ledger: Ledger): void {
    // Numbers beyond 31 bits that are handed on are allocated, so the datagram is.
    const { sequence, units, sysUptimeMs, exportTimeMs } = datagram;
    const time = (sysUptimeMs >= 0 ? sysUptimeMs : Math.floor(exportTimeMs / 1000)) >>> 0;
    if (units > 0) this.totals.received += units;
    // Nothing that was seen has the number that comes next, so what is in order need not be looked up.
    const inOrder = this.#sure && sequence === this.#next;
    if (units !== 0 && !inOrder && this.#wasSeen(sequence, time)) {
      this.totals.duplicates++;
      if (units > 0) this.totals.duplicateUnits += units;
      ledger.add(Count.sequence_duplicates);
      return;
    }
    this.#arrivals = (this.#arrivals + 1) >>> 0;
    if (this.#justRestarted) this.#reconsider(sequence);
    if (!this.#started) {
      this.#started = true;
      this.#accept(datagram, ledger);
    } else if (this.#uptimeFellBack(datagram)) {
      this.#restart(datagram, ledger);
    } else {
      const ahead = (sequence - this.#next) | 0;
      if (ahead >= 0) this.#forward(datagram, ahead, ledger);
      else this.#behind(datagram, -ahead, ledger);
    }
    if (units !== 0) this.#remember(sequence, time);
  }

  #forward(datagram: CountedDatagram, ahead: number, ledger: Ledger): void {
    if (ahead > SEQUENCE_LIMITS.maxJump) {
      this.#restart(datagram, ledger);
      return;
    }
    if (ahead === 0 && datagram.units === 0 && !this.#sure) {
      // The template that the newest datagram lacked, most likely; where the count goes on is still not known.
      this.#addReordered(ledger);
      return;
    }
    if (ahead > 0) {
      this.#holes ??= new Holes();
      this.#holes.add(this.#next, ahead, this.#sure, this.#arrivals);
      if (this.#sure) this.#addLost(ahead, ledger);
    }
    this.#accept(datagram, ledger);
  }

  #behind(datagram: CountedDatagram, behind: number, ledger: Ledger): void {
    const { sequence, units, sysUptimeMs, exportTimeMs } = datagram;
    if (this.#holes?.fill(sequence, units, this.#arrivals)) {
      if (this.#holes.repaired > 0) this.#addLost(-this.#holes.repaired, ledger);
      this.#addReordered(ledger);
      if (units < 0) this.#addUnsure(ledger);
      return;
    }
    const withUptime = sysUptimeMs >= 0 && this.#newestUptimeMs >= 0;
    const laterMs = withUptime
      ? (sysUptimeMs - this.#newestUptimeMs) | 0
      : exportTimeMs - this.#newestExportMs;
    const pastNewest = (sequence - this.#newest) | 0;
    if (this.#sure && (pastNewest > 0 || (pastNewest === 0 && laterMs > 0))) {
      this.#forget();
      this.#accept(datagram, ledger);
      if (units >= 0) {
        this.#addUnsure(ledger);
        this.#sure = false;
        this.#next = this.#newest;
      }
      return;
    }
    const tooFar = behind > this.#reach(units);
    const notLate = withUptime ? laterMs === 0 : laterMs < -SEQUENCE_LIMITS.slackMs;
    if (laterMs > 0 || (tooFar && notLate) || behind > SEQUENCE_LIMITS.maxJump) {
      this.#restart(datagram, ledger);
      return;
    }
    this.#addReordered(ledger);
    if (units < 0) this.#addUnsure(ledger);
  }

  #accept({ sequence, units, sysUptimeMs, exportTimeMs }: CountedDatagram, ledger: Ledger): void {
    this.#newest = sequence;
    this.#newestUptimeMs = sysUptimeMs;
    this.#newestExportMs = exportTimeMs;
    this.#sure = units >= 0;
    this.#next = (sequence + Math.max(units, 0)) >>> 0;
    if (units < 0) this.#addUnsure(ledger);
  }

  #restart(datagram: CountedDatagram, ledger: Ledger): void {
    this.totals.restarts++;
    ledger.add(Count.sequence_restarts);
    this.#abandoned = this.#next;
    this.#abandonedSure = this.#sure;
    this.#justRestarted = true;
    this.#forget();
    this.#accept(datagram, ledger);
  }

  /** Goes back to the count before a restart if this number fits it better. */
  #reconsider(sequence: number): void {
    this.#justRestarted = false;
    const aheadOfNext = (sequence - this.#next) | 0;
    const aheadOfAbandoned = (sequence - this.#abandoned) | 0;
    if (aheadOfAbandoned < 0 || aheadOfAbandoned > SEQUENCE_LIMITS.maxJump) return;
    if (aheadOfNext >= 0 && aheadOfNext <= aheadOfAbandoned) return;
    this.#next = this.#abandoned;
    this.#newest = this.#abandoned;
    this.#sure = this.#abandonedSure;
  }

  #uptimeFellBack({ sysUptimeMs, exportTimeMs }: CountedDatagram): boolean {
    const backMs = this.#newestUptimeMs - sysUptimeMs;
    if (sysUptimeMs < 0 || backMs <= SEQUENCE_LIMITS.slackMs) return false;
    const onMs = 2 ** 32 - backMs;
    const elapsedMs = exportTimeMs - this.#newestExportMs;
    return onMs > SEQUENCE_LIMITS.slackMs && Math.abs(onMs - elapsedMs) > SEQUENCE_LIMITS.slackMs;
  }

  /** How far back from `next` the window goes, in units. */
  #reach(units: number): number {
    const size = SEQUENCE_LIMITS.windowDatagrams;
    const oldest = this.#numbers[this.#seen < size ? 0 : this.#seen % size];
    const known = this.#seen === 0 ? 0 : (this.#next - oldest) | 0;
    return Math.max(known, size * Math.max(units, 1));
  }

  #wasSeen(sequence: number, time: number): boolean {
    const count = Math.min(this.#seen, SEQUENCE_LIMITS.windowDatagrams);
    for (let i = 0; i < count; i++) if (this.#numbers[i] === sequence && this.#times[i] === time) return true;
    return false;
  }

  #remember(sequence: number, time: number): void {
    const at = this.#seen % SEQUENCE_LIMITS.windowDatagrams;
    this.#numbers[at] = sequence;
    this.#times[at] = time;
    this.#seen++;
  }

  #forget(): void {
    this.#seen = 0;
    this.#holes?.clear();
  }

  #addLost(units: number, ledger: Ledger): void {
    this.totals.lost += units;
    ledger.add(this.#lostCounter, units);
  }

  #addReordered(ledger: Ledger): void {
    this.totals.reordered++;
    ledger.add(Count.sequence_reordered);
  }

  #addUnsure(ledger: Ledger): void {
    this.totals.unsure++;
    ledger.add(Count.sequence_unsure);
  }
}

/** Stretches of the count that no datagram has filled yet; the oldest gives way to the newest. */
class Holes {
  readonly #starts = new Uint32Array(SEQUENCE_LIMITS.windowDatagrams);
  /** 0 for a place that is free. */
  readonly #units = new Uint32Array(SEQUENCE_LIMITS.windowDatagrams);
  readonly #madeAt = new Uint32Array(SEQUENCE_LIMITS.windowDatagrams);
  readonly #counted = new Uint8Array(SEQUENCE_LIMITS.windowDatagrams);
  #added = 0;
  /** Units that the last fill takes off the loss. */
  repaired = 0;

  /** counted: whether its units were booked as lost. arrival: number of the datagram that showed it. */
  add(start: number, units: number, counted: boolean, arrival: number): void {
    const at = this.#added++ % SEQUENCE_LIMITS.windowDatagrams;
    this.#starts[at] = start;
    this.#units[at] = units;
    this.#madeAt[at] = arrival;
    this.#counted[at] = counted ? 1 : 0;
  }

  /** Puts a datagram (units -1: of unknown size) into the hole in which it fits; false when there is none. */
  fill(sequence: number, units: number, arrival: number): boolean {
    for (let i = 0; i < SEQUENCE_LIMITS.windowDatagrams; i++) {
      const length = this.#units[i];
      const before = (sequence - this.#starts[i]) >>> 0;
      if (before >= length || (arrival - this.#madeAt[i]) >>> 0 > SEQUENCE_LIMITS.windowDatagrams) continue;
      const taken = units < 0 ? length - before : units;
      const after = length - before - taken;
      if (after < 0) continue;
      this.repaired = this.#counted[i] === 1 ? taken : 0;
      if (taken === 0) return true;
      // The hole shrinks to the part in front; the part behind, if there are both, is another one of the same age.
      const counted = this.#counted[i] === 1;
      const madeAt = this.#madeAt[i];
      const start = this.#starts[i];
      this.#units[i] = before;
      if (before === 0 && after > 0) {
        this.#starts[i] = start + taken;
        this.#units[i] = after;
      } else if (after > 0) {
        this.add(start + before + taken, after, counted, madeAt);
      }
      return true;
    }
    return false;
  }

  clear(): void {
    this.#units.fill(0);
  }
}
