/** What the scripts decide, on a real Redis. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { FleetKeys } from '../../src/fleet/fleet-keys.ts';
import type { RedisStore } from '../../src/fleet/redis-store.ts';
import { REORDER_WINDOW_MS, STORE_LIMITS, StoreError, type Version } from '../../src/templates/store.ts';
import { supersedes, ValueKind } from '../../src/templates/stored-value.ts';
import { Recorder } from '../conformance/recorder.ts';
import fc from '../support/fast-check.ts';
import { RedisFleets } from '../support/redis-fleets.ts';
import { newerFormat, newItem, value } from '../support/stored-values.ts';
import { until } from '../support/until.ts';

const fleets = new RedisFleets();
const S = 'ipfix/192.0.2.1/0/7';
const T = 'template/256';
const entriesOf = async (keys: FleetKeys): Promise<number> =>
  Number((await fleets.raw.hget(keys.meta, 'index')) ?? 0);

test('LOG-23: two collectors that learn the same template at the same time make one entry', async () => {
  const { store, another, keys } = fleets.place();
  const other = another();
  const results = await Promise.all([
    store.put(S, [newItem(S, T)]),
    other.put(S, [newItem(S, T, { sequence: 9 })]),
  ]);
  assert.deepEqual(results.map(({ outcome }) => outcome).sort(), ['stored', 'unchanged']);
  assert.equal(await entriesOf(keys), 1);
  assert.equal(store.status.writes + other.status.writes, 1);
});

test('LOG-25: 1 000 refreshes make no entry, and move the time of the last announcement', async () => {
  const { store, keys } = fleets.place();
  await store.put(S, [newItem(S, T)]);
  await fleets.raw.hset(keys.ofScope(S)[2], T, '1000:1000');
  for (let i = 0; i < 500; i++) {
    await store.touch(S, [T]);
    assert.equal((await store.put(S, [newItem(S, T, { sequence: i })])).outcome, 'unchanged');
  }
  assert.equal(await entriesOf(keys), 1);
  assert.equal(await fleets.raw.xlen(keys.log), 1);
  const [seen, arrived] = String(await fleets.raw.hget(keys.ofScope(S)[2], T)).split(':');
  assert.ok(Number(seen) > 1_600_000_000_000);
  assert.equal(arrived, '1000');
  const found = await store.get(S, T);
  assert.ok(found !== null && found.idleMs < 60_000);
});

test('a touch does not bring back what is not there', async () => {
  const { store, keys } = fleets.place();
  await store.touch(S, [T]);
  assert.equal(await fleets.raw.exists(keys.ofScope(S)[2], keys.scopes), 0);
  assert.equal(await store.get(S, T), null);
});

test('LOG-27: a clear and a template learnt at the same time end alike everywhere, by index', async () => {
  const { store, another } = fleets.place();
  const other = another();
  const witnesses = [new Recorder(), new Recorder()];
  await store.watch(witnesses[0]);
  await other.watch(witnesses[1]);
  for (let round = 0; round < 20; round++) {
    await store.put(S, [newItem(S, T, { sequence: round, payload: `${round}` })]);
    await Promise.all([
      store.clearScope(S, 'all', 'operator'),
      other.put(S, [newItem(S, 'template/300', { payload: `new ${round}`, sequence: round })]),
    ]);
  }
  await until('both at the end', () => witnesses.every(({ index }) => index === store.status.index));
  await until('the same', () => store.status.appliedIndex === other.status.appliedIndex);
  const expected = (await store.getScope(S)).map((one) => one.item);
  for (const witness of witnesses)
    assert.deepEqual([...(witness.scopes.get(S)?.keys() ?? [])].sort(), expected);
  assert.equal((await store.audit.verify()).content, 'equal');
});

test('the script decides conflicts as supersedes does', async () => {
  const { store, keys } = fleets.place();
  const version = fc.record({
    ageMs: fc.constantFrom(0, 10_000, 59_000, 200_000, 500_000),
    exportTimeMs: fc.constantFrom(0, 1, 1_700_000_000_000, -5),
    sequence: fc.constantFrom(0, 1, 2 ** 31, 2 ** 31 - 1, 2 ** 32 - 1),
  });
  await fc.assert(
    fc.asyncProperty(version, version, version, async (current: Version, candidate, withdrawal) => {
      const wins = supersedes(candidate, current);
      const winner = wins ? candidate : current;
      // Where the time that passes between two commands could decide, nothing is to be learnt.
      for (const [a, b] of [
        [current, candidate],
        [winner, withdrawal],
      ])
        fc.pre(Math.abs(Math.abs(a.ageMs - b.ageMs) - REORDER_WINDOW_MS) > 5_000);
      await fleets.raw.del(...keys.ofScope(S));
      await store.put(S, [newItem(S, T, { ...current, payload: 'current' })]);
      const { outcome, current: kept } = await store.put(S, [
        newItem(S, T, { ...candidate, payload: 'candidate' }),
      ]);
      assert.equal(outcome, wins ? 'stored' : 'older');
      assert.deepEqual(kept, wins ? null : value(S, T, { ...current, payload: 'current' }));
      const { removed } = await store.remove(S, [T], 'withdrawn', withdrawal);
      assert.equal(removed, supersedes(withdrawal, winner) ? 1 : 0);
    }),
    { numRuns: 200 },
  );
});

test('a put of several items is all or none, one entry', async () => {
  const { store, keys } = fleets.place();
  await store.put(S, [newItem(S, 'template/258', { exportTimeMs: 2000, payload: 'late' })]);
  const many = ['template/256', 'template/257', 'template/258'].map((item) =>
    newItem(S, item, { exportTimeMs: 1000 }),
  );
  const refused = await store.put(S, many);
  assert.equal(refused.outcome, 'older');
  assert.equal((await store.getScope(S)).length, 1);
  const stored = await store.put(S, many.slice(0, 2));
  assert.deepEqual(stored, { outcome: 'stored', index: 2, current: null });
  assert.deepEqual(
    (await store.getScope(S)).map(({ item }) => item),
    ['template/256', 'template/257', 'template/258'],
  );
  assert.equal(await entriesOf(keys), 2);
});

test('of exporter state the latest wins, whatever it says about its time', async () => {
  const { store } = fleets.place();
  const state = (exportTimeMs: number, payload: string) =>
    newItem(S, 'state/systemRate', { kind: ValueKind.state, exportTimeMs, payload });
  await store.put(S, [state(2000, 'a')]);
  assert.equal((await store.put(S, [state(1000, 'b')])).outcome, 'stored');
  assert.equal((await store.put(S, [state(500, 'b')])).outcome, 'unchanged');
});

test('a value of a newer format stays', async () => {
  const { store, keys } = fleets.place();
  await store.put(S, [newItem(S, T)]);
  const newer = newerFormat(value(S, T, { payload: 'from tomorrow' }));
  await fleets.raw.hset(keys.ofScope(S)[0], T, newer);
  const { outcome, current } = await store.put(S, [newItem(S, T, { payload: 'x', sequence: 5 })], newer);
  assert.equal(outcome, 'newer-format');
  assert.deepEqual(current, newer);
  assert.equal((await store.remove(S, [T], 'withdrawn')).removed, 0);
  assert.equal((await store.clearScope(S, 'data', 'withdrawn')).removed, 0);
  assert.deepEqual((await store.get(S, T))?.value, newer);
  assert.equal((await store.remove(S, [T], 'operator')).removed, 1);
});

test('damaged values do not count: by their header, or because the caller says so', async () => {
  const { store, keys } = fleets.place();
  const late = value(S, T, { exportTimeMs: 2_000_000_000_000, payload: 'damaged' });
  late[late.length - 1] ^= 1;
  const candidates = [
    Buffer.from('random octets'),
    Buffer.alloc(0),
    value(S, T).subarray(0, 50),
    Buffer.alloc(300_000),
  ];
  for (const damaged of candidates) {
    await store.put(S, [newItem(S, T)]);
    await fleets.raw.hset(keys.ofScope(S)[0], T, damaged);
    assert.equal((await store.put(S, [newItem(S, T)])).outcome, 'stored');
  }
  await fleets.raw.hset(keys.ofScope(S)[0], T, late);
  assert.equal((await store.put(S, [newItem(S, T, { payload: 'y' })])).outcome, 'older');
  assert.equal(
    (await store.put(S, [newItem(S, T, { payload: 'y' })], Buffer.from('other'))).outcome,
    'older',
  );
  assert.equal((await store.put(S, [newItem(S, T, { payload: 'y' })], late)).outcome, 'stored');
});

test('a removal names what it removes; with a version only what is not newer', async () => {
  const { store, keys } = fleets.place();
  const witness = new Recorder();
  await store.watch(witness);
  await store.put(S, [
    newItem(S, 'template/256', { exportTimeMs: 1000 }),
    newItem(S, 'template/257', { exportTimeMs: 3000 }),
  ]);
  const version = { ageMs: 0, exportTimeMs: 2000, sequence: 0 };
  const result = await store.remove(
    S,
    ['template/256', 'template/257', 'template/999'],
    'withdrawn',
    version,
  );
  assert.deepEqual(result, { removed: 1, index: 2 });
  assert.deepEqual(await store.remove(S, ['template/256'], 'withdrawn'), { removed: 0, index: 2 });
  await until('change', () => witness.index === 2);
  assert.deepEqual(witness.changes[1].change, {
    type: 'remove',
    scope: S,
    items: ['template/256'],
    reason: 'withdrawn',
  });
  assert.deepEqual(await store.remove(S, ['template/257'], 'operator'), { removed: 1, index: 3 });
  assert.equal(await fleets.raw.exists(...keys.ofScope(S), keys.scopes), 0);
});

test('clear takes one kind of templates or everything', async () => {
  const { store, keys } = fleets.place();
  const fill = () =>
    store.put(S, [
      newItem(S, 'template/256'),
      newItem(S, 'template/257', { kind: ValueKind.options }),
      newItem(S, 'state/systemRate', { kind: ValueKind.state }),
    ]);
  await fill();
  assert.equal((await store.clearScope(S, 'options', 'withdrawn')).removed, 1);
  assert.equal((await store.clearScope(S, 'options', 'withdrawn')).removed, 0);
  assert.equal((await store.clearScope(S, 'data', 'withdrawn')).removed, 1);
  assert.deepEqual(
    (await store.getScope(S)).map(({ item }) => item),
    ['state/systemRate'],
  );
  await fill();
  assert.equal((await store.clearScope(S, 'all', 'operator', 'moved away')).removed, 3);
  assert.deepEqual(await store.getScope(S), []);
  assert.equal(await fleets.raw.exists(...keys.ofScope(S)), 0);
  const [last] = await store.audit.read(-1, 1);
  assert.equal(last.entry?.note, 'moved away');
  assert.equal((await store.audit.verify()).content, 'equal');
});

test('a full scope gives up what was announced longest ago, with an entry', async () => {
  const { store, keys } = fleets.place({ limits: { maxItemsPerScope: 4 } });
  const witness = new Recorder();
  await store.watch(witness);
  for (const [i, ageMs] of [400, 100, 300, 200].entries())
    await store.put(S, [newItem(S, `template/${256 + i}`, { ageMs: ageMs * 1000 })]);
  await store.touch(S, ['template/256']);
  assert.equal((await store.put(S, [newItem(S, 'template/300')])).outcome, 'stored');
  assert.deepEqual(
    (await store.getScope(S)).map(({ item }) => item),
    ['template/256', 'template/257', 'template/259', 'template/300'],
  );
  await until('told', () => witness.changes.length === 6);
  const evicted = witness.changes[4].change;
  assert.deepEqual(evicted, { type: 'remove', scope: S, items: ['template/258'], reason: 'evicted' });
  assert.equal(store.status.evicted, 1);
  assert.equal(await fleets.raw.hlen(keys.ofScope(S)[2]), 4);
  const five = Array.from({ length: 5 }, (_, i) => newItem(S, `template/${400 + i}`));
  assert.equal((await store.put(S, five)).outcome, 'full');
  assert.equal(store.status.refusedFull, 1);
  assert.equal((await store.put(S, five.slice(0, 4))).outcome, 'stored');
  assert.equal((await store.audit.verify()).content, 'equal');
});

test('a full store gives up the scope that was announced longest ago, with an entry', async () => {
  const { store } = fleets.place({ limits: { maxScopes: 3 } });
  for (const [i, ageMs] of [100, 300, 200].entries()) {
    await store.put(`s${i}`, [newItem(`s${i}`, T, { ageMs: ageMs * 1000 })]);
  }
  await store.put('s3', [newItem('s3', T)]);
  assert.deepEqual(await store.getScope('s1'), []);
  for (const scope of ['s0', 's2', 's3']) assert.equal((await store.getScope(scope)).length, 1);
  const records = await store.audit.read(3, 10);
  assert.deepEqual(
    records.map(({ entry }) => entry?.kind),
    [3, 1],
  );
  assert.equal(store.status.evicted, 1);
  // Another item of a scope that is there needs no place.
  await store.put('s3', [newItem('s3', 'template/257')]);
  assert.equal(store.status.evicted, 1);
});

test('scopes that nobody announces any more are swept, others stay', async () => {
  const { store } = fleets.place({ limits: { maxIdleMs: 3_600_000 } });
  await store.put('old', [newItem('old', T, { ageMs: 3_700_000 })]);
  await store.put('young', [newItem('young', T, { ageMs: 3_500_000 })]);
  await store.sweep();
  assert.deepEqual(await store.getScope('old'), []);
  assert.equal((await store.getScope('young')).length, 1);
  assert.equal(store.status.evicted, 1);
});

test('limits of values, items and names, on both sides', async () => {
  const { store } = fleets.place();
  const sized = (bytes: number) => {
    const overhead = value(S, T, { payload: '' }).length;
    return [newItem(S, T, { payload: new Uint8Array(bytes - overhead), sequence: bytes })];
  };
  assert.equal((await store.put(S, sized(STORE_LIMITS.maxValueBytes))).outcome, 'stored');
  assert.equal((await store.put(S, sized(STORE_LIMITS.maxValueBytes + 1))).outcome, 'full');
  const many = (count: number) => Array.from({ length: count }, (_, i) => newItem('many', `template/${i}`));
  assert.equal((await store.put('many', many(STORE_LIMITS.maxItemsPerPut))).outcome, 'stored');
  assert.equal((await store.put('many', many(STORE_LIMITS.maxItemsPerPut + 1))).outcome, 'full');
  const name = (bytes: number) => 'n'.repeat(bytes);
  const longest = name(STORE_LIMITS.maxItemNameBytes);
  assert.equal((await store.put(longest, [newItem(longest, longest)])).outcome, 'stored');
  assert.equal((await store.getScope(longest)).length, 1);
  await assert.rejects(store.put(S, [newItem(S, name(STORE_LIMITS.maxItemNameBytes + 1))]), StoreError);
  await assert.rejects(store.put(name(STORE_LIMITS.maxScopeNameBytes + 1), []), StoreError);
  assert.equal(
    (
      await store.remove(
        'many',
        many(256).map(({ item }) => item),
        'operator',
      )
    ).removed,
    256,
  );
});

test('an entry too large for a copy on the channel reaches the others all the same', async () => {
  const { store, another } = fleets.place();
  const witness = new Recorder();
  await another().watch(witness);
  const large = Array.from({ length: 20 }, (_, i) =>
    newItem(S, `template/${256 + i}`, { payload: new Uint8Array(80_000) }),
  );
  assert.equal((await store.put(S, large)).outcome, 'stored');
  await until('told', () => witness.scopes.get(S)?.size === 20);
  const tooLarge = Array.from({ length: 60 }, (_, i) =>
    newItem(S, `template/${400 + i}`, { payload: new Uint8Array(80_000) }),
  );
  assert.equal((await store.put(S, tooLarge)).outcome, 'full');
});

test('a scope that fills many pages is read whole, in order', async () => {
  const { store, another } = fleets.place();
  for (let part = 0; part < 12; part++)
    await store.put(
      S,
      Array.from({ length: 30 }, (_, i) =>
        newItem(S, `template/${1000 + part * 30 + i}`, { payload: new Uint8Array(20_000) }),
      ),
    );
  await store.put('v9/192.0.2.9/0/1', [newItem('v9/192.0.2.9/0/1', T)]);
  const names = (await store.getScope(S)).map(({ item }) => item);
  assert.equal(names.length, 360);
  assert.deepEqual(names, [...names].sort());
  const witness = new Recorder();
  await another().watch(witness);
  assert.equal(witness.scopes.get(S)?.size, 360);
  assert.equal(witness.scopes.get('v9/192.0.2.9/0/1')?.size, 1);
});

test('LOG-39: a feature level is refused while a collector that is alive is below it, and taken when it has left', async () => {
  const { store, another, keys } = fleets.place({ level: 5 });
  await store.watch(new Recorder());
  const old = another({ level: 2 });
  const seen = new Recorder();
  await old.watch(seen);
  await assert.rejects(store.members.raiseLevel(3), /understands feature level 2 only/);
  assert.equal(await fleets.raw.hget(keys.meta, 'level'), null);
  assert.equal(await entriesOf(keys), 0);
  assert.equal(await store.members.raiseLevel(2), true);
  await old.close();
  assert.equal(await store.members.raiseLevel(3), true);
  assert.equal(await store.members.raiseLevel(3), false);
  assert.equal(await fleets.raw.hget(keys.meta, 'level'), '3');
  // Who comes later and does not understand is told so at once.
  await assert.rejects(another({ level: 2 }).watch(new Recorder()), (error: unknown) => {
    return error instanceof StoreError && error.fatal && /feature level 3/.test(error.message);
  });
});

test('who only looks is no member of the fleet, and changes nothing', async () => {
  const { store, another, keys } = fleets.place();
  const look = async (): Promise<Recorder> => {
    const reader = another({ readOnly: true, times: { checkMs: 20 } });
    const witness = new Recorder();
    await reader.watch(witness);
    const { commands } = reader.status;
    await until('several checks', () => reader.status.commands > commands + 2);
    await until('synced', () => witness.last === 'synced');
    assert.deepEqual(await fleets.raw.exists(keys.members, keys.levels), 0);
    await reader.close();
    return witness;
  };
  assert.equal((await look()).scopes.size, 0);
  assert.equal(await fleets.raw.exists(keys.meta, keys.log), 0);
  await store.put(S, [newItem(S, T)]);
  const whole = await look();
  assert.deepEqual([whole.index, whole.scopes.get(S)?.size], [1, 1]);
  // What is left of a log is begun anew by whoever writes; until then the items are what there is.
  await fleets.raw.hdel(keys.meta, 'chain');
  assert.equal((await look()).scopes.get(S)?.size, 1);
  assert.equal(await fleets.raw.hget(keys.meta, 'chain'), null);
  // A member stays one whoever looks.
  await store.watch(new Recorder());
  const reader = another({ readOnly: true });
  await reader.watch(new Recorder());
  assert.equal(await fleets.raw.zcard(keys.members), 1);
  await reader.close();
  assert.equal(await fleets.raw.zcard(keys.members), 1);
});

test('the audit finds a changed entry, a changed chain, a hole and content that is not of the log', async () => {
  const { store, keys } = fleets.place();
  for (let i = 0; i < 5; i++) await store.put(S, [newItem(S, `template/${256 + i}`)]);
  const sound = await store.audit.verify();
  assert.deepEqual([sound.first, sound.last, sound.complete, sound.content], [1, 5, true, 'equal']);
  await fleets.raw.hset(keys.ofScope(S)[0], 'template/999', value(S, 'template/999'));
  const foreign = await store.audit.verify();
  assert.deepEqual([foreign.content, foreign.differences], ['different', [`${S} template/999`]]);
  await fleets.raw.xdel(keys.log, '3-0');
  const holed = await store.audit.verify();
  assert.deepEqual(
    holed.broken.map(({ index }) => index),
    [4],
  );
  await fleets.raw.xtrim(keys.log, 'MINID', '5-0');
  const trimmed = await store.audit.verify();
  assert.deepEqual([trimmed.first, trimmed.complete, trimmed.content], [5, false, 'not-checked']);
  assert.deepEqual(await fleets.place().store.audit.verify(), {
    incarnation: '',
    first: 0,
    last: 0,
    complete: true,
    broken: [],
    content: 'equal',
    differences: [],
  });
});

test('content that changes while it is read is right in the end, for many who come in the middle', async () => {
  const { store, another } = fleets.place();
  const scopes = Array.from({ length: 300 }, (_, i) => `v9/198.51.100.${i % 250}/0/${i}`);
  for (const scope of scopes)
    await store.put(
      scope,
      [256, 257, 258].map((id) => newItem(scope, `template/${id}`, { payload: new Uint8Array(2000) })),
    );
  let writing = true;
  const writer = (async () => {
    for (let i = 0; writing; i++) {
      const scope = scopes[(i * 37) % scopes.length];
      if (i % 3 === 0) await store.clearScope(scope, 'all', 'operator');
      else if (i % 3 === 1) await store.remove(scope, ['template/257'], 'withdrawn');
      else await store.put(scope, [newItem(scope, 'template/257', { payload: `${i}`, sequence: i })]);
    }
  })();
  const witnesses: Recorder[] = [];
  const readers: RedisStore[] = [];
  for (let i = 0; i < 8; i++) {
    witnesses.push(new Recorder());
    readers.push(another());
    await readers[i].watch(witnesses[i]);
  }
  writing = false;
  await writer;
  const { index } = await store.put('last', [newItem('last', T)]);
  for (const witness of witnesses) await until('the end', () => witness.index === index);
  const expected = new Recorder();
  await another().watch(expected);
  assert.ok(expected.lines().length > 300);
  assert.ok(witnesses.some((witness) => witness.changes.length > 1));
  for (const witness of witnesses) assert.deepEqual(witness.lines(), expected.lines());
  assert.equal((await store.audit.verify()).content, 'equal');
});

test('a store that is closed leaves no timer that would keep the process', async () => {
  const program = `
    import { setImmediate as turn } from 'node:timers/promises';
    import { openStore } from ${JSON.stringify(new URL('../../src/fleet/open-store.js', import.meta.url))};
    const ignore = () => {};
    const store = await openStore(${JSON.stringify(`${fleets.server.uri}?fleet=exit`)}, { writer: '00'.repeat(8) });
    await store.watch({ resetBegin: ignore, resetScope: ignore, resetEnd: ignore, changed: ignore, state: ignore });
    await store.close();
    const left = (kind) => process.getActiveResourcesInfo().filter((name) => name === kind).length;
    while (left('TCPSocketWrap') > 0) await turn();
    await turn();
    console.log(left('Timeout'));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  assert.equal(stdout, '0\n');
});

test('a store that is in use is checked while its watch begins', async () => {
  for (let i = 0; i < 10; i++) {
    const { store } = fleets.place({ times: { checkMs: 1 } });
    await store.put(S, [newItem(S, T)]);
    const witness = new Recorder();
    await store.watch(witness);
    assert.equal(witness.scopes.get(S)?.size, 1);
    assert.equal(store.status.reconnects, 0);
  }
});
