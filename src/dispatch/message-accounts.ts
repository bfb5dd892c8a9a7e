import type { Activity } from '../accounting/activity.ts';
import type { Ledger } from '../accounting/ledger.ts';
import type { SequenceTracker } from '../accounting/sequence.ts';
import type { WorkItems } from '../memory/work-items.ts';
import type { MessageHeader } from '../wire/header.ts';

/** The exporter of a message, as far as messages are accounted for. */
export interface MessageOwner {
  readonly sequence: SequenceTracker;
  readonly activity: Activity;
}

interface Account {
  /** null when there was no room for the exporter's scope. */
  owner: MessageOwner | null;
  version: number;
  sequence: number;
  /** What the message adds to the exporter's counter, as far as known when it was scanned. */
  units: number;
  /** Whether the number of its records cannot be known, because a set had no template or a fault. */
  unsure: boolean;
  sysUptimeMs: number;
  exportTimeMs: number;
  firstItem: number;
}

/**
 * Sequence accounting of the messages in flight: noted when scanned, settled in order when retired, because the data
 * records of an IPFIX message are counted by the workers. Accounts are reused.
 */
export class MessageAccounts {
  readonly #queue: Account[] = [];
  #head = 0;
  #length = 0;
  /** Messages since the last take. */
  #fresh = 0;

  begin(owner: MessageOwner | null, header: MessageHeader, units: number, firstItem: number): void {
    const account = this.#next();
    account.owner = owner;
    account.version = header.version;
    account.sequence = header.sequence;
    account.units = units;
    account.unsure = false;
    account.sysUptimeMs = header.sysUptimeMs;
    account.exportTimeMs = header.exportTimeMs;
    account.firstItem = firstItem;
    this.#fresh++;
  }

  /** Adds records to the message begun last. */
  add(records: number): void {
    this.#last().units += records;
  }

  unsure(): void {
    if (this.#length > 0) this.#last().unsure = true;
  }

  /** The messages begun since the last call. */
  take(): number {
    const fresh = this.#fresh;
    this.#fresh = 0;
    return fresh;
  }

  /** Settles the oldest messages. itemsEnd: end of their items; heapStart: items at or above it were held before. */
  retire(count: number, itemsEnd: number, items: WorkItems, heapStart: number, ledger: Ledger): void {
    for (let i = 0; i < count; i++) {
      const account = this.#queue[this.#head];
      this.#head = (this.#head + 1) % this.#queue.length;
      this.#length--;
      const end = i + 1 < count ? this.#queue[this.#head].firstItem : itemsEnd;
      this.#countRecords(account, end, items, heapStart);
      // v5, v7 and v9 say how much they add in their header, whatever became of the records.
      if (account.version === 10 && account.unsure) account.units = -1;
      account.owner?.sequence.observe(account, ledger);
      account.owner = null;
    }
  }

  #countRecords(account: Account, end: number, items: WorkItems, heapStart: number): void {
    let records = 0;
    for (let item = account.firstItem; item < end; item++) {
      if (items.isOptions(item)) continue;
      records += items.records(item);
      if (account.version !== 10 || items.payload(item) >= heapStart) continue;
      account.units += items.records(item);
      if (items.fault(item) !== 0 || items.isSkipped(item)) account.unsure = true;
    }
    if (account.owner !== null) account.owner.activity.records += records;
  }

  #last(): Account {
    return this.#queue[(this.#head + this.#length - 1) % this.#queue.length];
  }

  #next(): Account {
    if (this.#length === this.#queue.length) this.#grow();
    this.#length++;
    return this.#last();
  }

  #grow(): void {
    const ordered = [...this.#queue.slice(this.#head), ...this.#queue.slice(0, this.#head)];
    const size = Math.max(256, ordered.length * 2);
    this.#head = 0;
    this.#queue.length = 0;
    for (let i = 0; i < size; i++) this.#queue.push(ordered[i] ?? emptyAccount());
  }
}

function emptyAccount(): Account {
  return {
    owner: null,
    version: 0,
    sequence: 0,
    units: 0,
    unsure: false,
    sysUptimeMs: -1,
    exportTimeMs: 0,
    firstItem: 0,
  };
}
