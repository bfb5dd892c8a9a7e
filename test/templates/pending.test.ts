import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PendingLimits, PendingSets } from '../../src/templates/pending.ts';
import { Scope } from '../../src/templates/scope.ts';
import fc from '../support/fast-check.ts';

const scopeOf = (established = false): Scope => {
  const scope = new Scope(10, new Uint8Array(16), 0, 1, 0, 0, null);
  scope.established = established;
  return scope;
};

const pendingOf = (limits: Partial<PendingLimits>) => {
  const counts = { expired: 0, overflowed: 0, withdrawn: 0 };
  const pending = new PendingSets(
    { maxSets: 100, maxBytes: 10_000, maxSetsPerTemplate: 100, ttlMs: 1_000, ...limits },
    {
      expired: (n) => (counts.expired += n),
      overflowed: (n) => (counts.overflowed += n),
      withdrawn: (n) => (counts.withdrawn += n),
    },
  );
  const hold = (scope: Scope, templateId: number, mark: number, nowMs = 0, bytes = 20) =>
    pending.hold(scope, templateId, new Uint8Array(bytes).fill(mark), 16, 20, nowMs, 2055);
  const release = (scope: Scope, templateId: number, nowMs = 0) =>
    pending.release(scope, templateId, nowMs).map(({ bytes }) => bytes[0]);
  return { pending, counts, hold, release };
};

test('sets come back in the order in which they were held, once', () => {
  const { pending, hold, release } = pendingOf({});
  const scope = scopeOf();
  for (const mark of [1, 2, 3]) assert.ok(hold(scope, 256, mark));
  assert.ok(hold(scope, 257, 4));
  assert.deepEqual(release(scope, 256), [1, 2, 3]);
  assert.deepEqual(release(scope, 256), []);
  assert.deepEqual(release(scope, 257), [4]);
  assert.equal(pending.sets, 0);
  assert.equal(pending.bytes, 0);
  assert.equal(scope.held, null);
});

test('sets per template: at the limit and above', () => {
  const { hold, release } = pendingOf({ maxSetsPerTemplate: 2 });
  const scope = scopeOf();
  assert.deepEqual([hold(scope, 256, 1), hold(scope, 256, 2), hold(scope, 256, 3)], [true, true, false]);
  assert.ok(hold(scope, 257, 4));
  assert.deepEqual(release(scope, 256), [1, 2]);
});

test('a set as large as the limit on bytes is held, a larger one is not', () => {
  const { hold } = pendingOf({ maxBytes: 100 });
  assert.equal(hold(scopeOf(), 256, 1, 0, 101), false);
  assert.equal(hold(scopeOf(), 256, 1, 0, 100), true);
});

test('age: at the limit a set is still released, past it it is counted as expired', () => {
  const { hold, release, counts } = pendingOf({ ttlMs: 1_000 });
  const scope = scopeOf();
  hold(scope, 256, 1, 0);
  hold(scope, 256, 2, 1);
  assert.deepEqual(release(scope, 256, 1_001), [2]);
  assert.equal(counts.expired, 1);
});

test('when full, unestablished exporters give way and cannot push out established ones', () => {
  const { hold, release, counts } = pendingOf({ maxSets: 2 });
  const real = scopeOf(true);
  const forged = scopeOf();
  assert.ok(hold(forged, 256, 1));
  assert.ok(hold(forged, 256, 2));
  assert.ok(hold(real, 256, 3));
  assert.ok(hold(real, 256, 4));
  assert.equal(hold(forged, 256, 5), false);
  assert.ok(hold(real, 256, 6), 'its own oldest gives way');
  assert.deepEqual(release(real, 256), [4, 6]);
  assert.equal(counts.overflowed, 3);
});

test('dropping a scope drops what it waits for', () => {
  const { pending, hold, counts } = pendingOf({});
  const scope = scopeOf();
  hold(scope, 256, 1);
  hold(scope, 300, 2);
  pending.drop(scope);
  assert.equal(pending.sets, 0);
  assert.equal(counts.overflowed, 2);
});

test('whatever happens, every held set is released, expired or overflowed, or still waits', () => {
  const step = fc.record({
    scope: fc.nat(3),
    template: fc.integer({ min: 256, max: 258 }),
    bytes: fc.integer({ min: 16, max: 400 }),
    passedMs: fc.nat(300),
    release: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { pending, counts, hold, release } = pendingOf({
        maxSets: 8,
        maxBytes: 1_500,
        maxSetsPerTemplate: 3,
      });
      const scopes = [scopeOf(), scopeOf(true), scopeOf(), scopeOf(true)];
      let now = 0;
      let held = 0;
      let released = 0;
      for (const { scope, template, bytes, passedMs, release: isRelease } of steps) {
        now += passedMs;
        if (isRelease) released += release(scopes[scope], template, now).length;
        else if (hold(scopes[scope], template, 1, now, bytes)) held++;
        assert.equal(held, released + counts.expired + counts.overflowed + pending.sets);
        assert.ok(pending.sets <= 8 && pending.bytes <= 1_500);
      }
    }),
  );
});
