/** A replica and the session of its store, with messages that take their time both ways. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
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
import { templatePayload } from '../../src/templates/shared-template.ts';
import { encodeValue, ValueKind } from '../../src/templates/stored-value.ts';
import { LOCAL_ENTRIES } from '../../src/templates/template-registry.ts';
import { ipfix, set, template, u16 } from '../support/bytes.ts';
import { FarStore } from '../support/far-store.ts';

const SCOPE = 'ipfix/192.0.2.1/0/1';
const address = new Uint8Array(16);
parseAddress('192.0.2.1', address);
const nowSeconds = Math.floor(Date.now() / 1000);

/** Definitions of a template differ in the length of their field. */
const stored = (id: number, length: number, seconds: number): Uint8Array =>
  encodeValue(SCOPE, `template/${id}`, {
    kind: ValueKind.data,
    learnedAtMs: 0,
    exportTimeMs: seconds * 1000,
    sequence: 0,
    writer: new Uint8Array(8),
    payload: templatePayload({ dialect: 10, scopeCount: 0, fields: [{ pen: 0, id: 1, length }] }),
  });

class Member {
  readonly store = new FarStore();
  readonly replica: Replica;
  readonly #scanner: Scanner<SharingCompanion>;
  readonly #session: StoreSession;
  /** When datagrams arrive. */
  nowMs = Date.now();
  readonly #toSession: ToStore[][] = [];
  readonly #toMain: FromStore[][] = [];

  constructor(scopeLimits = DEFAULT_SCANNER_OPTIONS.scopeLimits) {
    this.replica = new Replica({
      limits: DEFAULT_DECODE_LIMITS,
      templateTtlMs: 1_800_000,
      heap: null,
      restored: () => {},
      removed: () => {},
      clock: systemClock,
      writer: new Uint8Array(8),
      evictionsShared: false,
      note: () => {},
    });
    const companion = (): SharingCompanion => ({ shared: null, state: null, nextMissMs: 0 });
    const scopeEvicted = (scope: SharingScope): void => this.replica.closed(scope);
    const handler = { ...IGNORE_ALL, companion, scopeEvicted, bound: () => {} };
    const options = { ...DEFAULT_SCANNER_OPTIONS, scopeLimits, pending: null };
    this.#scanner = new Scanner<SharingCompanion>(options, elementsWith([]), LOCAL_ENTRIES, handler);
    this.#scanner.sharing = this.replica;
    this.replica.attach(this.#scanner);
    this.#session = new StoreSession(this.store, (messages) => this.#toMain.push(messages), systemClock);
  }

  async start(): Promise<this> {
    await this.store.watch(this.#session);
    await this.settle();
    return this;
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

  #receive(datagram: Uint8Array): void {
    this.#scanner.receivedAtMs = this.nowMs;
    const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
    this.#scanner.scan(view, datagram, 0, datagram.length, address, 0, 2055);
    const requests = this.replica.takeRequests();
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
    return messages !== undefined;
  }

  async settle(): Promise<void> {
    do {
      await this.store.settle();
      await turn();
    } while (this.post() || this.apply());
  }

  get touches(): number {
    return this.#session.counters.touches;
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

test('a withdrawal by another that was told before our definition reached the store does not take it', async () => {
  const member = await new Member().start();
  await member.store.near(SCOPE).put('template/256', stored(256, 1, nowSeconds));
  await member.settle();
  // Another has withdrawn it; here the datagram with the next definition is in front of that change.
  await member.store.near(SCOPE).remove('template/256');
  while (await member.store.step('tell'));
  member.announce(256, 2, nowSeconds + 1);
  while (member.apply());
  await member.settle();
  assert.deepEqual(await member.inStore(), [[256, 2]]);
  assert.deepEqual(member.templates, [[256, 2]]);
});

test('a withdrawal of all that comes to the store late does not take what was defined after it', async () => {
  const member = await new Member().start();
  member.announce(256, 1, nowSeconds);
  member.announce(257, 1, nowSeconds);
  await member.settle();
  // The exporter withdraws all, which comes here, and defines one anew, which comes to another.
  member.withdrawAll(nowSeconds + 1);
  await member.store.near(SCOPE).put('template/256', stored(256, 2, nowSeconds + 2));
  await member.settle();
  assert.deepEqual(await member.inStore(), [[256, 2]]);
  assert.deepEqual(member.templates, [[256, 2]]);
});

test('a withdrawal of all that comes late does not take what was defined after it', async () => {
  const member = await new Member().start();
  member.announce(256, 1, nowSeconds);
  member.announce(257, 1, nowSeconds + 5);
  member.withdrawAll(nowSeconds + 1);
  assert.deepEqual(member.templates, [[257, 1]]);
  await member.settle();
  assert.deepEqual(await member.inStore(), [[257, 1]]);
});

test('over every delay of messages both ways the templates here end as those in the store', async () => {
  const id = fc.constantFrom(256, 257);
  const length = fc.integer({ min: 1, max: 8 });
  const seconds = fc.integer({ min: 0, max: 20 }).map((n) => nowSeconds + n);
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('announce' as const), id, length, seconds }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('withdraw' as const), id, seconds }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('withdraw all' as const), seconds }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('other put' as const), id, length, seconds }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('other remove' as const), id }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('other clear' as const) }) },
    {
      weight: 12,
      arbitrary: fc.record({
        do: fc.constantFrom(
          'perform' as const,
          'answer' as const,
          'tell' as const,
          'post' as const,
          'apply' as const,
        ),
      }),
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const member = await new Member().start();
      const other = member.store.near(SCOPE);
      member.announce(256, 9, nowSeconds);
      for (const action of steps) {
        if (action.do === 'announce') member.announce(action.id, action.length, action.seconds);
        else if (action.do === 'withdraw') member.withdraw(action.id, action.seconds);
        else if (action.do === 'withdraw all') member.withdrawAll(action.seconds);
        else if (action.do === 'other put')
          await other.put(`template/${action.id}`, stored(action.id, action.length, action.seconds));
        else if (action.do === 'other remove') await other.remove(`template/${action.id}`);
        else if (action.do === 'other clear') await other.clear();
        else if (action.do === 'post') member.post();
        else if (action.do === 'apply') member.apply();
        else await member.store.step(action.do);
      }
      await member.settle();
      assert.deepEqual(member.templates, await member.inStore());
    }),
    { numRuns: 2_000 },
  );
});

test('exporters that come, take back what they said and go leave nothing behind', async () => {
  const member = await new Member({ maxScopes: 4, scopeIdleMs: 600_000 }).start();
  for (let domain = 1; domain <= 100; domain++) {
    member.announce(256, 1, nowSeconds, domain);
    member.withdraw(256, nowSeconds + 1, domain);
    await member.settle();
  }
  assert.equal(member.replica.scopes, 4);
});

test('a template is touched in the store again when the clock was set back', async () => {
  const member = await new Member().start();
  const announce = async (afterMs: number): Promise<number> => {
    member.nowMs += afterMs;
    member.announce(256, 1, nowSeconds);
    await member.settle();
    return member.touches;
  };
  assert.equal(await announce(0), 0);
  assert.equal(await announce(1_000), 0);
  assert.equal(await announce(300_000), 1);
  assert.equal(await announce(-86_400_000), 2);
  assert.equal(await announce(1_000), 2);
});
