import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import { parseAddress } from '../../src/base/ip.ts';
import { DEFAULT_DECODE_LIMITS } from '../../src/decode/limits.ts';
import { IGNORE_ALL } from '../../src/dispatch/ignore-all.ts';
import { Replica } from '../../src/dispatch/replica.ts';
import { DEFAULT_SCANNER_OPTIONS, Scanner } from '../../src/dispatch/scanner.ts';
import type { SharingCompanion, SharingScope } from '../../src/dispatch/shared-scopes.ts';
import { elementsWith } from '../../src/elements/registry.ts';
import type { FromStore, ToStore } from '../../src/fleet/messages.ts';
import { StoreSession } from '../../src/fleet/session.ts';
import { type EntryPublisher, LOCAL_ENTRIES } from '../../src/templates/template-registry.ts';
import { ipfix, set, template, u16 } from './bytes.ts';
import { CommonStore, FarStore } from './far-store.ts';

export const SCOPE = 'ipfix/192.0.2.1/0/1';
const address = new Uint8Array(16);
parseAddress('192.0.2.1', address);

export interface MemberOptions {
  common?: CommonStore;
  scopeLimits?: { maxScopes: number; scopeIdleMs: number };
  maxTemplatesPerScope?: number;
  evictionsShared?: boolean;
  publisher?: EntryPublisher;
}

/** A collector's scanner and replica and the session of its store, with messages that take their time both ways. */
export class Member {
  readonly replica: Replica;
  readonly #scanner: Scanner<SharingCompanion>;
  readonly #common: CommonStore;
  store!: FarStore;
  #session!: StoreSession;
  /** When datagrams arrive. */
  nowMs = Date.now();
  #bound: number | null = null;
  #toSession: ToStore[][] = [];
  readonly #toMain: FromStore[][] = [];
  /** As the main thread's end of the thread counts and marks: src/fleet/store-thread.ts. */
  #posted = 0;
  #restarted = false;

  constructor(options: MemberOptions = {}) {
    const { common = new CommonStore(), evictionsShared = false, publisher = LOCAL_ENTRIES } = options;
    const { scopeLimits = DEFAULT_SCANNER_OPTIONS.scopeLimits } = options;
    const limits = {
      ...DEFAULT_DECODE_LIMITS,
      maxTemplatesPerScope: options.maxTemplatesPerScope ?? DEFAULT_DECODE_LIMITS.maxTemplatesPerScope,
    };
    this.#common = common;
    this.replica = new Replica({
      limits,
      templateTtlMs: 1_800_000,
      heap: null,
      restored: () => {},
      removed: () => {},
      clock: systemClock,
      writer: new Uint8Array(8),
      evictionsShared,
      note: () => {},
    });
    const handler = {
      ...IGNORE_ALL,
      companion: (): SharingCompanion => ({ shared: null, state: null, nextMissMs: 0 }),
      scopeEvicted: (scope: SharingScope): void => this.replica.closed(scope),
      bound: ({ layout }: { layout: { fields: readonly { length: number }[] } }): void => {
        this.#bound = layout.fields[0].length;
      },
    };
    const scan = { ...DEFAULT_SCANNER_OPTIONS, limits, scopeLimits, pending: null };
    this.#scanner = new Scanner<SharingCompanion>(scan, elementsWith([]), publisher, handler);
    this.#scanner.sharing = this.replica;
    this.replica.attach(this.#scanner);
    this.#open();
  }

  #open(): void {
    const store = new FarStore(this.#common);
    const post = (messages: FromStore[]): void => {
      if (this.store === store) this.#toMain.push(messages.map((message) => this.#marked(message)));
    };
    this.store = store;
    this.#session = new StoreSession(store, post, systemClock, () => {}, this.#posted);
  }

  #marked(message: FromStore): FromStore {
    if (message.type === 'resetEnd') this.#restarted = false;
    return this.#restarted && message.type === 'resetBegin' ? { ...message, lost: true } : message;
  }

  async start(): Promise<this> {
    await this.store.watch(this.#session);
    await this.settle();
    return this;
  }

  /** The thread ends with what was sent to it, and another is started. */
  async restart(): Promise<void> {
    this.#toSession = [];
    await this.store.close();
    this.#restarted = true;
    this.#open();
    await this.store.watch(this.#session);
  }

  announce(id: number, length: number, seconds: number, domain = 1): void {
    this.#receive(ipfix({ seconds, domain }, set(2, template(id, [1, length]))));
  }

  withdraw(id: number, seconds: number, domain = 1): void {
    this.#receive(ipfix({ seconds, domain }, set(2, u16(id, 0))));
  }

  withdrawAll(seconds: number): void {
    this.#receive(ipfix({ seconds }, set(2, u16(2, 0))));
  }

  /** The definition that data are decoded with now; null for none. */
  decodesWith(id: number, seconds: number): number | null {
    this.#bound = null;
    this.#receive(ipfix({ seconds }, set(id, new Uint8Array(256))));
    return this.#bound;
  }

  #receive(datagram: Uint8Array): void {
    this.#scanner.receivedAtMs = this.nowMs;
    const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
    this.#scanner.scan(view, datagram, 0, datagram.length, address, 0, 2055);
    this.#tell();
  }

  #tell(): void {
    const requests = this.replica.takeRequests();
    this.#posted += requests.length;
    if (requests.length > 0) this.#toSession.push(requests);
  }

  /** The session gets what was sent to it first. */
  post(): boolean {
    const requests = this.#toSession.shift();
    if (requests !== undefined) this.#session.receive(requests);
    return requests !== undefined;
  }

  /** The main thread does what it was sent first. */
  apply(): boolean {
    const messages = this.#toMain.shift();
    for (const message of messages ?? []) this.replica.apply(message);
    this.#tell();
    return messages !== undefined;
  }

  /** Whether anything was under way. */
  async settle(): Promise<boolean> {
    let moved = false;
    do {
      moved = (await this.store.settle()) || moved;
      await turn();
    } while ((this.post() || this.apply()) && (moved = true));
    return moved;
  }

  get touches(): number {
    return this.#session.counters.touches;
  }

  /** Writes that wait for the store or are under way. */
  get queued(): number {
    return this.#session.status.queued;
  }

  /** Id and definition of each template here. */
  get templates(): [number, number][] {
    const scope = this.#scanner.scopes.find(10, address, 0, 0, 1);
    return [...(scope?.templates.values() ?? [])]
      .map(({ templateId, layout }): [number, number] => [templateId, layout.fields[0].length])
      .sort();
  }

  async inStore(): Promise<[number, number][]> {
    const items = await this.store.near(SCOPE).content();
    return items.map(({ item, value }): [number, number] => [Number(item.slice(9)), value.at(-1)!]).sort();
  }
}
