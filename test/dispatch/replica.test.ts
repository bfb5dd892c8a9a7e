/** A replica and the session of its store, with messages that take their time both ways. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import { InTransit } from '../../src/fleet/in-transit.ts';
import { StoreSession } from '../../src/fleet/session.ts';
import { templatePayload } from '../../src/templates/shared-template.ts';
import { encodeValue, ValueKind } from '../../src/templates/stored-value.ts';
import { LOCAL_ENTRIES } from '../../src/templates/template-registry.ts';
import { CommonStore, FarStore } from '../support/far-store.ts';
import fc from '../support/fast-check.ts';
import { Member, SCOPE } from '../support/member.ts';

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

test('a store that was rolled back gets what is known here, and nobody falls back to what it has', async () => {
  const common = new CommonStore();
  const member = await new Member({ common }).start();
  member.announce(256, 1, nowSeconds);
  await member.settle();
  const before = await common.content();
  member.announce(256, 2, nowSeconds + 1);
  await member.settle();
  common.forget(before);
  await member.store.reset(true);
  await member.settle();
  assert.deepEqual(await member.inStore(), [[256, 2]]);
  assert.deepEqual(member.templates, [[256, 2]]);
});

test('a definition that was on its way to a thread that ended is not given up for the one in the store', async () => {
  const member = await new Member().start();
  member.announce(256, 1, nowSeconds);
  await member.settle();
  member.announce(256, 2, nowSeconds + 1);
  await member.restart();
  await member.settle();
  assert.deepEqual(await member.inStore(), [[256, 2]]);
  assert.deepEqual(member.templates, [[256, 2]]);
});

test('what is pushed out by another item of the same message does not come back with it', async () => {
  const member = await new Member({ maxTemplatesPerScope: 1, evictionsShared: true }).start();
  member.announce(257, 1, nowSeconds);
  await member.settle();
  const { store } = member;
  await store.near(SCOPE).put('template/256', stored(256, 1, nowSeconds));
  await store.reset(false);
  await member.settle();
  assert.equal(member.templates.length, 1);
  assert.deepEqual(member.templates, await member.inStore());
});

test('a redefinition by another for which there is no room ends the definition here', async () => {
  let room = true;
  const member = await new Member({
    publisher: { ...LOCAL_ENTRIES, publish: () => (room ? 1 : 0) },
  }).start();
  member.announce(256, 1, nowSeconds);
  await member.settle();
  room = false;
  await member.store.near(SCOPE).put('template/256', stored(256, 2, nowSeconds + 1));
  await member.settle();
  assert.equal(member.decodesWith(256, nowSeconds + 2), null);
  room = true;
  assert.equal(member.decodesWith(256, nowSeconds + 3), 2);
});

test('while the store is away, what is under way to it does not pile up', async () => {
  const handedOver = new InTransit();
  const session = new StoreSession(
    new FarStore(),
    (messages) => {
      for (const message of messages) if (message.type === 'received') handedOver.received(message.requests);
    },
    systemClock,
  );
  for (let i = 0; i < 1_000; i++) {
    const request = { type: 'put' as const, scope: SCOPE, item: `template/${i}`, arrivedAtMs: 0 };
    const put = { ...request, value: stored(256, 1, nowSeconds) };
    handedOver.handOver(put);
    session.receive([put]);
  }
  assert.equal(handedOver.size, 1_000);
  await turn();
  assert.equal(handedOver.size, 0);
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
  const member = await new Member({ scopeLimits: { maxScopes: 4, scopeIdleMs: 600_000 } }).start();
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
