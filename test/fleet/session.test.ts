/** What the main thread is told while its own writes are under way, over every order of calls, results and changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import type { FromStore, ToStore } from '../../src/fleet/messages.ts';
import { StoreSession } from '../../src/fleet/session.ts';
import { MAX_QUEUED_WRITES, WriteQueue } from '../../src/fleet/write-queue.ts';
import { MemoryStore } from '../../src/templates/memory-store.ts';
import { encodeValue, ValueKind } from '../../src/templates/stored-value.ts';
import { FarStore } from '../support/far-store.ts';
import fc from '../support/fast-check.ts';

const SCOPE = 'ipfix/192.0.2.1/0/7';
const ITEMS = ['template/256', 'template/257', 'state/systemRate'];

const value = (item: string, mark: number, exportTimeMs = 0): Uint8Array =>
  encodeValue(SCOPE, item, {
    kind: item.startsWith('template/') ? ValueKind.data : ValueKind.state,
    learnedAtMs: 0,
    exportTimeMs,
    sequence: 0,
    writer: new Uint8Array(8),
    payload: Uint8Array.of(mark),
  });

/** The main thread: does at once what it tells the store, and what it is told. */
class Main {
  readonly items = new Map<string, Uint8Array>();
  readonly told: FromStore[] = [];

  take(messages: readonly FromStore[]): void {
    for (const message of messages) {
      this.told.push(message);
      if (message.type === 'resetBegin') this.items.clear();
      else if (message.type === 'resetScope') this.#put(message.items);
      else if (message.type === 'changed') {
        const { change } = message;
        if (change.type === 'put') this.#put(change.items);
        else if (change.type === 'remove') for (const item of change.items) this.items.delete(item);
        else this.items.clear();
      }
    }
  }

  #put(items: readonly { item: string; value: Uint8Array }[]): void {
    for (const { item, value: bytes } of items) this.items.set(item, bytes);
  }
}

async function start(): Promise<{ store: FarStore; main: Main; session: StoreSession }> {
  const store = new FarStore();
  const main = new Main();
  const session = new StoreSession(store, (messages) => main.take(messages), systemClock);
  await store.watch(session);
  await store.settle();
  return { store, main, session };
}

const put = (item: string, mark: number, exportTimeMs = 0): ToStore & { type: 'put' } => ({
  type: 'put',
  scope: SCOPE,
  item,
  value: value(item, mark, exportTimeMs),
  arrivedAtMs: systemClock.wallMs(),
});

test('an older change of another does not come between our write and its result', async () => {
  const { store, main, session } = await start();
  session.receive([put('template/256', 2)]);
  await store.near(SCOPE).put('template/256', value('template/256', 1));
  await store.settle();
  const puts = main.told.filter((message) => message.type === 'changed' && message.change.type === 'put');
  const marks = puts.map(
    (message) =>
      message.type === 'changed' && message.change.type === 'put' && message.change.items[0].value.at(-1),
  );
  assert.ok(!marks.includes(1), `${marks}`);
});

test('a change after our write is told once its result is here', async () => {
  const { store, main, session } = await start();
  session.receive([put('template/256', 2)]);
  await store.step('perform');
  await store.near(SCOPE).put('template/256', value('template/256', 3));
  while (await store.step('tell'));
  assert.equal(main.items.get('template/256')?.at(-1), undefined);
  await store.settle();
  assert.equal(main.items.get('template/256')?.at(-1), 3);
});

test('a definition that the store refuses as older is answered with the one that won', async () => {
  const { store, main, session } = await start();
  await store.near(SCOPE).put('template/256', value('template/256', 9, 5_000));
  await store.settle();
  main.items.set('template/256', value('template/256', 1, 1_000));
  session.receive([put('template/256', 1, 1_000)]);
  await store.settle();
  assert.equal(main.items.get('template/256')?.at(-1), 9);
  assert.equal(session.counters.refused_older, 1);
});

test('a definition that won is not told while a later one of ours is under way', async () => {
  const { store, main, session } = await start();
  await store.near(SCOPE).put('template/256', value('template/256', 9, 5_000));
  await store.settle();
  main.items.set('template/256', value('template/256', 2, 6_000));
  session.receive([put('template/256', 1, 1_000)]);
  session.receive([put('template/256', 2, 6_000)]);
  await store.settle();
  assert.equal(main.items.get('template/256')?.at(-1), 2);
  assert.equal(session.counters.refused_older, 1);
});

test('a reset counts what is on its way as done', async () => {
  const { store, main, session } = await start();
  await store.near(SCOPE).put('template/257', value('template/257', 1));
  await store.settle();
  session.receive([
    put('template/256', 2),
    { type: 'remove', scope: SCOPE, item: 'template/257', reason: 'withdrawn', said: null },
  ]);
  main.items.set('template/256', value('template/256', 2));
  main.items.delete('template/257');
  session.resetBegin(false);
  session.resetScope(SCOPE, [{ item: 'template/257', value: value('template/257', 1), idleMs: 0 }]);
  session.resetEnd(1);
  await turn();
  await turn();
  assert.deepEqual([...main.items.keys()], ['template/256']);
  await store.settle();
  assert.deepEqual([...main.items.keys()], ['template/256']);
});

test('a write that is answered while content that is older is read counts as done', async () => {
  const { store, main, session } = await start();
  await store.near(SCOPE).put('template/257', value('template/257', 1));
  await store.settle();
  // Content was read at index 1; the write is decided at 2, and answered before its scope is told.
  session.resetBegin(false);
  main.items.set('template/256', value('template/256', 2));
  session.receive([put('template/256', 2)]);
  await store.step('perform');
  await store.step('answer');
  session.resetScope(SCOPE, [{ item: 'template/257', value: value('template/257', 1), idleMs: 0 }]);
  session.resetEnd(1);
  await store.settle();
  assert.deepEqual([...main.items.keys()].sort(), ['template/256', 'template/257']);
});

test('writes wait while the store is away, in order, and are made when it is back', async () => {
  const { store, session } = await start();
  store.failing = true;
  session.receive([put('template/256', 1), put('template/257', 2)]);
  await store.settle();
  session.receive([{ type: 'remove', scope: SCOPE, item: 'template/256', reason: 'withdrawn', said: null }]);
  store.failing = false;
  session.state('synced', '');
  await turn();
  await store.settle();
  assert.deepEqual(
    (await store.near(SCOPE).content()).map(({ item }) => item),
    ['template/257'],
  );
  assert.ok(session.counters.writes_failed >= 1);
  assert.equal(await session.flush(1), 0);
});

test('a full queue remembers the scopes that have to be told again', () => {
  const queue = new WriteQueue();
  for (let i = 0; i < MAX_QUEUED_WRITES; i++) {
    const added = queue.add({ ...put('template/256', 1), scope: `ipfix/192.0.2.1/0/${i}` });
    assert.equal(added, 'added');
  }
  assert.equal(queue.add({ ...put('template/256', 1), scope: 'ipfix/192.0.2.9/0/1' }), 'full');
  assert.deepEqual(queue.takeOverflowed(), ['ipfix/192.0.2.9/0/1']);
  assert.deepEqual(queue.takeOverflowed(), []);
});

test('what found no room in the queue of a store that works is put when the queue is empty', async () => {
  const again: FromStore[] = [];
  const store = new MemoryStore();
  const post = (messages: FromStore[]): void => {
    for (const message of messages) if (message.type === 'again') again.push(message);
  };
  const session = new StoreSession(store, post, systemClock);
  await store.watch(session);
  const perScope = 4;
  const bytes = value('template/256', 1);
  const requests = Array.from({ length: MAX_QUEUED_WRITES + 1 }, (_, i): ToStore => {
    const scope = `ipfix/192.0.2.1/0/${Math.floor(i / perScope)}`;
    return { type: 'put', scope, item: `template/${256 + (i % perScope)}`, value: bytes, arrivedAtMs: 0 };
  });
  session.receive(requests);
  assert.equal(session.counters.writes_overflowed, 1);
  assert.equal(await session.flush(60_000), 0);
  await turn();
  assert.deepEqual(again, [{ type: 'again', scopes: [`ipfix/192.0.2.1/0/${MAX_QUEUED_WRITES / perScope}`] }]);
});

test('a storm of misses costs no read while changes come by themselves, and a bounded number else', async () => {
  const { store, session } = await start();
  const misses: ToStore[] = Array.from({ length: 1_000 }, (_, i) => ({
    type: 'miss',
    scope: `v9/192.0.2.1/0/${i}`,
  }));
  session.receive(misses);
  assert.equal(session.counters.misses_read, 0);
  session.state('blocked', 'an entry that is not understood');
  session.receive([...misses, ...misses]);
  await store.settle();
  assert.equal(session.counters.misses_read, 64);
});

test('over every order of writes, results and changes the main thread ends with the content of the store', async () => {
  const item = fc.constantFrom(...ITEMS);
  const mark = fc.integer({ min: 1, max: 250 });
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant('own put' as const), item, mark }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('own remove' as const), item }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('other put' as const), item, mark }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('other remove' as const), item }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('other clear' as const) }) },
    {
      weight: 8,
      arbitrary: fc.record({ do: fc.constantFrom('perform' as const, 'answer' as const, 'tell' as const) }),
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { store, main, session } = await start();
      for (const action of steps) {
        if (action.do === 'own put') {
          const request = put(action.item, action.mark);
          main.items.set(action.item, request.value);
          session.receive([request]);
        } else if (action.do === 'own remove') {
          main.items.delete(action.item);
          session.receive([
            { type: 'remove', scope: SCOPE, item: action.item, reason: 'withdrawn', said: null },
          ]);
        } else if (action.do === 'other put')
          await store.near(SCOPE).put(action.item, value(action.item, action.mark));
        else if (action.do === 'other remove') await store.near(SCOPE).remove(action.item);
        else if (action.do === 'other clear') await store.near(SCOPE).clear();
        else await store.step(action.do);
      }
      await store.settle();
      await turn();
      const expected = (await store.near(SCOPE).content()).map(({ item: name, value: bytes }) => [
        name,
        bytes.at(-1),
      ]);
      const have = [...main.items].map(([name, bytes]) => [name, bytes.at(-1)]);
      assert.deepEqual(have.sort(), expected.sort());
    }),
    { numRuns: 500 },
  );
});
