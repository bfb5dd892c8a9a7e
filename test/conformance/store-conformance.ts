/**
 * What every template store must do, whoever wrote it. Needs only node:test; the values are made here.
 *
 * ```ts
 * import { storeConformance } from 'millrace/conformance';
 * storeConformance('my store', () => MyStore.open());
 * ```
 *
 * @module millrace/conformance
 */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type NewItem,
  REMOVAL_REASONS,
  REORDER_WINDOW_MS,
  STORE_LIMITS,
  StoreError,
  type TemplateStore,
  type Version,
} from '../../src/templates/store.ts';
import { encodeValue, type StoredValue, ValueKind } from '../../src/templates/stored-value.ts';
import { Recorder } from './recorder.ts';

/** A value that is in a store before anybody has put it there: of a later release, or damaged. */
export interface Planted {
  /** Name of the scope it is in. */
  readonly scope: string;
  /** Its name in the scope. */
  readonly item: string;
  /** Its octets. */
  readonly value: Uint8Array;
}

/** What a suite can do with a store beyond its contract; what is absent is not tested. */
export interface ConformanceOptions {
  /** Opens a store with such values in it. */
  readonly openWith?: (planted: readonly Planted[]) => Promise<TemplateStore>;
  /** Opens the content of a store once more, as another process would. */
  readonly openAgain?: (store: TemplateStore) => Promise<TemplateStore>;
}

const SCOPE = 'ipfix/192.0.2.1/0/7';
const OTHER = 'v9/2001:db8::1/2055/0';
const EXPORT_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

type Said = Partial<Omit<StoredValue, 'payload'>> & { scope?: string; item?: string; ageMs?: number };

/** An item with a definition; equal texts are equal definitions. */
function item(text: string, said: Said = {}): NewItem {
  const { scope = SCOPE, item: name = 'template/256', ageMs = 0, ...header } = said;
  const value = encodeValue(scope, name, {
    kind: ValueKind.data,
    learnedAtMs: EXPORT_MS,
    exportTimeMs: EXPORT_MS,
    sequence: 1,
    writer: new TextEncoder().encode('writer-1'),
    ...header,
    payload: new TextEncoder().encode(text),
  });
  return { item: name, value, ageMs };
}

const template = (id: number, text: string, said: Said = {}): NewItem =>
  item(text, { ...said, item: `template/${id}` });
const options = (id: number, text: string): NewItem => template(id, text, { kind: ValueKind.options });
const state = (text: string, said: Said = {}): NewItem =>
  item(text, { ...said, item: 'state/interfaceName/0000000000000005', kind: ValueKind.state });
const names = (items: readonly { item: string }[]): string[] => items.map((found) => found.item);
const bytes = (value: Uint8Array | null | undefined): string | null =>
  value == null ? null : Buffer.from(value).toString('latin1');
const rejects = (promise: Promise<unknown>): Promise<void> => assert.rejects(promise, StoreError);

/**
 * Defines the tests.
 *
 * @param name what they are called by
 * @param open a new and empty store for each test, which closes it
 * @param options what else can be tested
 */
export function storeConformance(
  name: string,
  open: () => Promise<TemplateStore>,
  { openWith, openAgain }: ConformanceOptions = {},
): void {
  const using =
    (work: (store: TemplateStore) => Promise<void>, opened: () => Promise<TemplateStore> = open) =>
    async (): Promise<void> => {
      const store = await opened();
      try {
        await work(store);
      } finally {
        await store.close();
      }
    };
  const holds = async (store: TemplateStore, expected: NewItem): Promise<void> =>
    assert.equal(bytes((await store.get(SCOPE, expected.item))?.value), bytes(expected.value));

  describe(`${name}: put and get`, () => {
    it(
      'has nothing at first',
      using(async (store) => {
        assert.equal(await store.get(SCOPE, 'template/256'), null);
        assert.deepEqual(await store.getScope(SCOPE), []);
      }),
    );

    it(
      'gives back what was put, scope by scope, in the order of names',
      using(async (store) => {
        const items = [template(300, 'c'), state('d'), template(1000, 'b'), options(256, 'a')];
        assert.equal((await store.put(SCOPE, items)).outcome, 'stored');
        const elsewhere = template(256, 'x', { scope: OTHER });
        assert.equal((await store.put(OTHER, [elsewhere])).outcome, 'stored');
        for (const one of items) await holds(store, one);
        const expected = names(items).sort();
        const found = await store.getScope(SCOPE);
        assert.deepEqual(names(found), expected);
        for (const one of found)
          assert.equal(bytes(one.value), bytes(items.find((put) => put.item === one.item)?.value));
        assert.deepEqual(names(await store.getScope(OTHER)), ['template/256']);
        assert.equal(await store.get(OTHER, 'template/300'), null);
      }),
    );

    it(
      'keeps its own copy of the bytes',
      using(async (store) => {
        const given = template(256, 'a');
        const expected = { ...given, value: given.value.slice() };
        await store.put(SCOPE, [given]);
        given.value.fill(0);
        await holds(store, expected);
        (await store.get(SCOPE, given.item))?.value.fill(0);
        (await store.getScope(SCOPE))[0].value.fill(0);
        await holds(store, expected);
      }),
    );

    it(
      'takes the same definition from anybody without a change',
      using(async (store) => {
        const first = template(256, 'a');
        const { index } = await store.put(SCOPE, [first]);
        const again = template(256, 'a', {
          exportTimeMs: EXPORT_MS + 5,
          sequence: 9,
          writer: new Uint8Array(8),
        });
        assert.deepEqual(await store.put(SCOPE, [again]), { outcome: 'unchanged', index, current: null });
        await holds(store, first);
      }),
    );

    it(
      'puts several items, or none of them',
      using(async (store) => {
        const late = { exportTimeMs: EXPORT_MS - 1 };
        await store.put(SCOPE, [template(257, 'b')]);
        const refused = await store.put(SCOPE, [template(256, 'a'), template(257, 'z', late)]);
        assert.equal(refused.outcome, 'older');
        assert.equal(bytes(refused.current), bytes(template(257, 'b').value));
        assert.deepEqual(names(await store.getScope(SCOPE)), ['template/257']);
        const both = [template(256, 'a'), template(257, 'b')];
        assert.equal((await store.put(SCOPE, both)).outcome, 'stored');
        for (const one of both) await holds(store, one);
      }),
    );

    it(
      'counts changes up, and only changes',
      using(async (store) => {
        const first = await store.put(SCOPE, [template(256, 'a')]);
        const second = await store.put(OTHER, [template(256, 'a', { scope: OTHER })]);
        assert.ok(second.index > first.index);
        const removed = await store.remove(SCOPE, ['template/256'], 'withdrawn');
        assert.ok(removed.index > second.index);
        const nothing = [
          await store.put(OTHER, [template(256, 'a', { scope: OTHER })]),
          await store.remove(SCOPE, ['template/256'], 'withdrawn'),
          await store.clearScope(SCOPE, 'all', 'operator'),
        ];
        for (const { index } of nothing) assert.equal(index, removed.index);
      }),
    );
  });

  describe(`${name}: conflicts`, () => {
    const win = REORDER_WINDOW_MS;
    /** Age, export time and sequence of the second definition; the first has 0, EXPORT_MS and the sequence given. */
    const cases: [
      what: string,
      first: number,
      ageMs: number,
      laterMs: number,
      sequence: number,
      wins: boolean,
    ][] = [
      ['exported later', 1, 0, 1_000, 1, true],
      ['exported earlier', 1, 0, -1_000, 2, false],
      ['exported later, came by a slower way', 1, win / 2, 1_000, 1, true],
      ['exported at once, sequence later', 1, 0, 0, 2, true],
      ['exported at once, sequence earlier', 2, 0, 0, 1, false],
      ['exported at once, sequence wrapped', 0xffffffff, 0, 0, 3, true],
      ['exported at once, sequence before the wrap', 3, 0, 0, 0xffffffff, false],
      ['arrived long before, whatever its export time says', 1, 2 * win, 1_000, 2, false],
    ];
    for (const [what, first, ageMs, laterMs, sequence, wins] of cases) {
      it(
        `${what}: ${wins ? 'wins' : 'loses'}`,
        using(async (store) => {
          const kept = template(256, 'first', { sequence: first });
          await store.put(SCOPE, [kept]);
          const second = template(256, 'second', { ageMs, exportTimeMs: EXPORT_MS + laterMs, sequence });
          const { outcome, current } = await store.put(SCOPE, [second]);
          assert.equal(outcome, wins ? 'stored' : 'older');
          assert.equal(bytes(current), wins ? null : bytes(kept.value));
          await holds(store, wins ? second : kept);
        }),
      );
    }

    it(
      'an exporter whose clock went back wins when the other definition is old',
      using(async (store) => {
        await store.put(SCOPE, [template(256, 'first', { ageMs: 2 * win })]);
        const second = template(256, 'second', { exportTimeMs: 5_000, sequence: 0 });
        assert.equal((await store.put(SCOPE, [second])).outcome, 'stored');
        await holds(store, second);
      }),
    );

    it(
      'a data template takes the place of an options template',
      using(async (store) => {
        await store.put(SCOPE, [options(256, 'same')]);
        const data = template(256, 'same', { sequence: 2 });
        assert.equal((await store.put(SCOPE, [data])).outcome, 'stored');
        await holds(store, data);
      }),
    );

    it(
      'of exporter state the latest wins',
      using(async (store) => {
        await store.put(SCOPE, [state('eth0', { sequence: 7 })]);
        const later = state('eth1', { exportTimeMs: EXPORT_MS - HOUR_MS, sequence: 1 });
        assert.equal((await store.put(SCOPE, [later])).outcome, 'stored');
        await holds(store, later);
      }),
    );

    it(
      'writers at the same time end with one definition, which everybody is told',
      using(async (store) => {
        const watcher = new Recorder();
        await store.watch(watcher);
        const puts = Array.from({ length: 40 }, (_, i) =>
          store.put(SCOPE, [template(256 + (i % 4), `writer ${i}`, { sequence: (i * 17) % 40 })]),
        );
        const last = Math.max(...(await Promise.all(puts)).map(({ index }) => index));
        await watcher.until(last);
        const found = await store.getScope(SCOPE);
        assert.equal(found.length, 4);
        assert.deepEqual(
          watcher.items(SCOPE),
          Object.fromEntries(found.map((one) => [one.item, bytes(one.value)])),
        );
      }),
    );

    it(
      'bytes that are said to be no value do not count, and only those',
      using(async (store) => {
        const late = template(256, 'late', { exportTimeMs: EXPORT_MS - 1_000 });
        const kept = template(256, 'kept');
        await store.put(SCOPE, [kept]);
        const others = template(256, 'others').value;
        assert.equal((await store.put(SCOPE, [late], others)).outcome, 'older');
        await holds(store, kept);
        assert.equal((await store.put(SCOPE, [late], kept.value)).outcome, 'stored');
        await holds(store, late);
      }),
    );
  });

  describe(`${name}: announcements`, () => {
    it(
      'the age of what is put counts',
      using(async (store) => {
        await store.put(SCOPE, [template(256, 'a', { ageMs: HOUR_MS }), template(257, 'b')]);
        const [old, young] = await store.getScope(SCOPE);
        assert.ok(old.idleMs >= HOUR_MS && old.idleMs < 2 * HOUR_MS, String(old.idleMs));
        assert.ok(young.idleMs >= 0 && young.idleMs < HOUR_MS, String(young.idleMs));
      }),
    );

    it(
      'touch ends the idle time, makes no change, and does not bring back what is gone',
      using(async (store) => {
        const old = [template(256, 'a', { ageMs: HOUR_MS }), template(257, 'b', { ageMs: HOUR_MS })];
        const { index } = await store.put(SCOPE, old);
        await store.touch(SCOPE, ['template/256', 'template/300']);
        await store.touch(OTHER, ['template/256']);
        assert.ok((await store.get(SCOPE, 'template/256'))!.idleMs < HOUR_MS);
        assert.ok((await store.get(SCOPE, 'template/257'))!.idleMs >= HOUR_MS);
        assert.deepEqual(names(await store.getScope(SCOPE)), ['template/256', 'template/257']);
        assert.deepEqual(await store.getScope(OTHER), []);
        assert.equal((await store.remove(SCOPE, ['none'], 'operator')).index, index);
      }),
    );

    it(
      'an announcement that changes nothing counts as one',
      using(async (store) => {
        await store.put(SCOPE, [template(256, 'a', { ageMs: HOUR_MS })]);
        assert.equal((await store.put(SCOPE, [template(256, 'a')])).outcome, 'unchanged');
        assert.ok((await store.get(SCOPE, 'template/256'))!.idleMs < HOUR_MS);
      }),
    );
  });

  describe(`${name}: removal`, () => {
    it(
      'takes what is named and counts it',
      using(async (store) => {
        await store.put(SCOPE, [template(256, 'a'), template(257, 'b'), template(258, 'c')]);
        const { removed } = await store.remove(
          SCOPE,
          ['template/256', 'template/258', 'template/400'],
          'evicted',
        );
        assert.equal(removed, 2);
        assert.deepEqual(names(await store.getScope(SCOPE)), ['template/257']);
        assert.equal((await store.remove(OTHER, ['template/257'], 'evicted')).removed, 0);
      }),
    );

    const said = (ageMs: number, laterMs: number, sequence: number): Version => ({
      ageMs,
      exportTimeMs: EXPORT_MS + laterMs,
      sequence,
    });
    const cases: [what: string, version: Version, removed: number][] = [
      ['said later', said(0, 1_000, 1), 1],
      ['said in a later message of the same second', said(0, 0, 6), 1],
      ['said in an earlier message of the same second', said(0, 0, 4), 0],
      ['said earlier, and late', said(0, -1_000, 9), 0],
      ['received long before', said(2 * REORDER_WINDOW_MS, 1_000, 9), 0],
    ];
    for (const [what, version, removed] of cases) {
      it(
        `a withdrawal ${what} takes ${removed === 0 ? 'nothing newer' : 'it away'}`,
        using(async (store) => {
          const { index } = await store.put(SCOPE, [template(256, 'a', { sequence: 5 })]);
          const result = await store.remove(SCOPE, ['template/256'], 'withdrawn', version);
          assert.equal(result.removed, removed);
          assert.equal(result.index > index, removed === 1);
          assert.equal((await store.get(SCOPE, 'template/256')) === null, removed === 1);
        }),
      );
    }

    for (const [what, left] of [
      ['data', ['state/interfaceName/0000000000000005', 'template/258']],
      ['options', ['state/interfaceName/0000000000000005', 'template/256', 'template/257']],
      ['all', []],
    ] as const) {
      it(
        `clears ${what} of one scope`,
        using(async (store) => {
          const items = [template(256, 'a'), template(257, 'b'), options(258, 'c'), state('d')];
          await store.put(SCOPE, items);
          await store.put(OTHER, [template(256, 'x', { scope: OTHER })]);
          const { removed } = await store.clearScope(SCOPE, what, 'withdrawn');
          assert.equal(removed, items.length - left.length);
          assert.deepEqual(names(await store.getScope(SCOPE)), left);
          assert.equal((await store.getScope(OTHER)).length, 1);
        }),
      );
    }

    it(
      'what was removed can come back',
      using(async (store) => {
        const one = template(256, 'a');
        for (const gone of [
          () => store.remove(SCOPE, [one.item], 'withdrawn'),
          () => store.clearScope(SCOPE, 'all', 'operator'),
        ]) {
          assert.equal((await store.put(SCOPE, [one])).outcome, 'stored');
          await gone();
          assert.equal(await store.get(SCOPE, one.item), null);
        }
      }),
    );
  });

  describe(`${name}: watch`, () => {
    it(
      'begins with what is there',
      using(async (store) => {
        await store.put(SCOPE, [template(256, 'a', { ageMs: HOUR_MS }), state('b')]);
        const { index } = await store.put(OTHER, [template(300, 'c', { scope: OTHER })]);
        const watcher = new Recorder();
        await store.watch(watcher);
        assert.equal(watcher.resets.length, 1);
        assert.ok(watcher.index >= index);
        assert.deepEqual([...watcher.scopes.keys()].sort(), [SCOPE, OTHER]);
        assert.deepEqual(Object.keys(watcher.items(SCOPE)).sort(), [
          'state/interfaceName/0000000000000005',
          'template/256',
        ]);
        assert.ok(watcher.scopes.get(SCOPE)!.get('template/256')!.idleMs >= HOUR_MS);
        await watcher.untilState('synced');
      }),
    );

    it(
      'begins with an empty reset when there is nothing',
      using(async (store) => {
        const watcher = new Recorder();
        await store.watch(watcher);
        assert.equal(watcher.resets.length, 1);
        assert.equal(watcher.scopes.size, 0);
        assert.equal(watcher.resets[0].lost, false);
      }),
    );

    it(
      'tells every change once, in order, with its reason, and nothing else',
      using(async (store) => {
        const watcher = new Recorder();
        await store.watch(watcher);
        const indexes: number[] = [];
        const note = (result: { index: number }): void => void indexes.push(result.index);
        note(await store.put(SCOPE, [template(256, 'a'), options(257, 'b'), state('c')]));
        await store.put(SCOPE, [template(256, 'a')]);
        await store.put(SCOPE, [template(256, 'older', { exportTimeMs: EXPORT_MS - 1 })]);
        await store.touch(SCOPE, ['template/256']);
        await store.remove(SCOPE, ['template/900'], 'operator');
        await store.clearScope(OTHER, 'all', 'operator');
        note(await store.remove(SCOPE, ['template/256', 'template/900'], 'evicted'));
        note(await store.clearScope(SCOPE, 'options', 'withdrawn'));
        note(await store.put(OTHER, [template(256, 'x', { scope: OTHER })]));
        for (const reason of REMOVAL_REASONS) {
          note(await store.put(SCOPE, [template(300, reason)]));
          note(await store.remove(SCOPE, ['template/300'], reason));
        }
        await watcher.until(indexes[indexes.length - 1]);
        const changed = watcher.changes.map(({ change: { type, scope, ...rest } }) =>
          type === 'put' ? `put ${scope}` : `${type} ${scope} ${(rest as { reason: string }).reason}`,
        );
        assert.deepEqual(changed, [
          `put ${SCOPE}`,
          `remove ${SCOPE} evicted`,
          `clear ${SCOPE} withdrawn`,
          `put ${OTHER}`,
          ...REMOVAL_REASONS.flatMap((reason) => [`put ${SCOPE}`, `remove ${SCOPE} ${reason}`]),
        ]);
        assert.deepEqual(
          watcher.changes.map(({ index }) => index),
          indexes,
        );
        assert.deepEqual(Object.keys(watcher.items(SCOPE)), ['state/interfaceName/0000000000000005']);
      }),
    );

    it(
      'changes during the reset are in it or come after it',
      using(async (store) => {
        await Promise.all(
          Array.from({ length: 20 }, (_, i) => store.put(SCOPE, [template(256 + i, 'before')])),
        );
        const watcher = new Recorder();
        const watching = store.watch(watcher);
        const results = await Promise.all(
          Array.from({ length: 20 }, (_, i) =>
            store.put(SCOPE, [template(266 + i, 'during', { sequence: 2 })]),
          ),
        );
        await watching;
        await watcher.until(Math.max(...results.map(({ index }) => index)));
        const found = await store.getScope(SCOPE);
        assert.equal(found.length, 30);
        assert.deepEqual(
          watcher.items(SCOPE),
          Object.fromEntries(found.map((one) => [one.item, bytes(one.value)])),
        );
      }),
    );

    it('another handle is told too', { skip: openAgain === undefined }, async () => {
      const here = await open();
      const there = await openAgain!(here);
      try {
        const watcher = new Recorder();
        await there.watch(watcher);
        const { index } = await here.put(SCOPE, [template(256, 'a')]);
        await watcher.until(index);
        assert.equal(bytes((await there.get(SCOPE, 'template/256'))?.value), bytes(template(256, 'a').value));
        const results = await Promise.all(
          Array.from({ length: 40 }, (_, i) =>
            (i % 2 === 0 ? here : there).put(SCOPE, [template(256, `writer ${i}`, { sequence: 2 + i })]),
          ),
        );
        await watcher.until(Math.max(...results.map((result) => result.index)));
        await holds(here, { ...template(256, ''), value: (await there.get(SCOPE, 'template/256'))!.value });
        assert.equal(
          watcher.items(SCOPE)['template/256'],
          bytes(template(256, 'writer 39', { sequence: 41 }).value),
        );
      } finally {
        await there.close();
        await here.close();
      }
    });
  });

  describe(`${name}: values that nobody can read`, { skip: openWith === undefined }, () => {
    const newer = template(256, 'of a later release').value.slice();
    newer[4] = 2;
    const planted = (value: Uint8Array) => () => openWith!([{ scope: SCOPE, item: 'template/256', value }]);

    it(
      'a newer format is kept',
      using(async (store) => {
        const refused = await store.put(SCOPE, [template(256, 'a')]);
        assert.equal(refused.outcome, 'newer-format');
        assert.equal(bytes(refused.current), bytes(newer));
        await store.remove(SCOPE, ['template/256'], 'withdrawn', {
          ageMs: 0,
          exportTimeMs: EXPORT_MS + HOUR_MS,
          sequence: 9,
        });
        await store.clearScope(SCOPE, 'data', 'withdrawn');
        await holds(store, { item: 'template/256', value: newer, ageMs: 0 });
        const watcher = new Recorder();
        await store.watch(watcher);
        assert.deepEqual(watcher.items(SCOPE), { 'template/256': bytes(newer) });
      }, planted(newer)),
    );

    const sound = template(256, 'sound').value;
    const wrongChecksum = sound.slice();
    wrongChecksum[sound.length - 1] ^= 1;
    const otherKey = template(257, 'of another key').value;
    for (const [what, damaged] of [
      ['nothing', new Uint8Array(0)],
      ['a text', new TextEncoder().encode('no value of ours')],
      ['half a value', sound.slice(0, sound.length / 2)],
      ['a value with a wrong checksum', wrongChecksum],
      ['the value of another key', otherKey],
    ] as const) {
      it(
        `${what} is replaced`,
        using(async (store) => {
          await holds(store, { item: 'template/256', value: damaged, ageMs: 0 });
          const late = template(256, 'good', { exportTimeMs: EXPORT_MS - 1_000 });
          assert.equal((await store.put(SCOPE, [late], damaged)).outcome, 'stored');
          await holds(store, late);
        }, planted(damaged)),
      );
    }
  });

  describe(`${name}: limits`, () => {
    const { maxValueBytes, maxItemsPerScope, maxItemsPerPut, maxScopeNameBytes, maxItemNameBytes } =
      STORE_LIMITS;
    const outcome = async (store: TemplateStore, scope: string, ...items: NewItem[]): Promise<string> =>
      (await store.put(scope, items)).outcome;

    it(
      'octets of a value',
      using(async (store) => {
        const room = maxValueBytes - template(256, '').value.length;
        assert.equal(await outcome(store, SCOPE, template(257, 'a'.repeat(room + 1))), 'full');
        assert.equal(await store.get(SCOPE, 'template/257'), null);
        const largest = template(256, 'a'.repeat(room));
        assert.equal(await outcome(store, SCOPE, largest), 'stored');
        await holds(store, largest);
      }),
    );

    it(
      'items of a put, and of a scope: the oldest make room',
      using(async (store) => {
        const items = Array.from({ length: maxItemsPerScope + 1 }, (_, i) => template(256 + i, 'a'));
        assert.equal(await outcome(store, SCOPE, ...items.slice(0, maxItemsPerPut + 1)), 'full');
        assert.deepEqual(await store.getScope(SCOPE), []);
        for (let at = 0; at < maxItemsPerScope; at += maxItemsPerPut) {
          const some = items.slice(at, Math.min(at + maxItemsPerPut, maxItemsPerScope));
          assert.equal(await outcome(store, SCOPE, ...some), 'stored');
        }
        assert.equal((await store.getScope(SCOPE)).length, maxItemsPerScope);
        const watcher = new Recorder();
        await store.watch(watcher);
        assert.equal(await outcome(store, SCOPE, items[maxItemsPerScope]), 'stored');
        const left = await store.getScope(SCOPE);
        assert.ok(left.length <= maxItemsPerScope);
        await holds(store, items[maxItemsPerScope]);
        const { index } = await store.put(OTHER, [template(256, 'a', { scope: OTHER })]);
        await watcher.until(index);
        assert.deepEqual(Object.keys(watcher.items(SCOPE)), names(left));
        const removals = watcher.changes.flatMap(({ change }) => (change.type === 'remove' ? [change] : []));
        assert.ok(removals.length > 0 && removals.every(({ reason }) => reason === 'evicted'));
      }),
    );

    it(
      'octets of names',
      using(async (store) => {
        const scope = 's'.repeat(maxScopeNameBytes);
        const name = 'i'.repeat(maxItemNameBytes);
        assert.equal(await outcome(store, scope, item('a', { scope, item: name })), 'stored');
        assert.equal((await store.getScope(scope))[0].item, name);
        await rejects(store.put(`${scope}s`, [item('a', { scope: `${scope}s` })]));
        await rejects(store.put(SCOPE, [item('a', { item: `${name}i` })]));
        await rejects(store.put('', [item('a', { scope: '' })]));
        await rejects(store.put(SCOPE, [item('a', { item: '' })]));
      }),
    );

    it(
      'scopes: the one that was idle longest makes room',
      using(async (store) => {
        const scopeOf = (i: number): string => `ipfix/192.0.2.1/0/${i}`;
        const abreast = 200;
        const idle = template(256, 'a', { scope: scopeOf(0), ageMs: HOUR_MS });
        await store.put(scopeOf(0), [idle]);
        for (let at = 1; at < STORE_LIMITS.maxScopes; at += abreast) {
          const count = Math.min(abreast, STORE_LIMITS.maxScopes - at);
          const outcomes = Array.from({ length: count }, (_, i) => {
            const scope = scopeOf(at + i);
            return outcome(store, scope, template(256, 'a', { scope }));
          });
          assert.deepEqual([...new Set(await Promise.all(outcomes))], ['stored']);
        }
        assert.equal((await store.getScope(scopeOf(0))).length, 1);
        const scope = scopeOf(STORE_LIMITS.maxScopes);
        assert.equal(await outcome(store, scope, template(256, 'a', { scope })), 'stored');
        assert.deepEqual(await store.getScope(scopeOf(0)), []);
        for (const i of [1, STORE_LIMITS.maxScopes - 1, STORE_LIMITS.maxScopes])
          assert.equal((await store.getScope(scopeOf(i))).length, 1);
      }),
    );
  });

  describe(`${name}: close`, () => {
    it('can be done twice, and then every call is refused', async () => {
      const store = await open();
      await store.watch(new Recorder());
      await Promise.all([store.close(), store.close()]);
      await store.close();
      await rejects(store.get(SCOPE, 'template/256'));
      await rejects(store.getScope(SCOPE));
      await rejects(store.put(SCOPE, [template(256, 'a')]));
      await rejects(store.touch(SCOPE, ['template/256']));
      await rejects(store.remove(SCOPE, ['template/256'], 'withdrawn'));
      await rejects(store.clearScope(SCOPE, 'all', 'operator'));
      await rejects(store.watch(new Recorder()));
    });

    it('the watcher is told nothing afterwards', async () => {
      const store = await open();
      const watcher = new Recorder();
      await store.watch(watcher);
      const put = store.put(SCOPE, [template(256, 'a')]).catch(() => {});
      await store.close();
      await put;
      const told = watcher.changes.length;
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(watcher.changes.length, told);
    });
  });
}
