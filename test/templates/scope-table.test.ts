import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../src/base/ip.ts';
import type { Scope } from '../../src/templates/scope.ts';
import { ScopeTable } from '../../src/templates/scope-table.ts';

const addressOf = (n: number): Uint8Array => {
  const bytes = new Uint8Array(16);
  assert.ok(parseAddress(`10.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`, bytes));
  return bytes;
};

const tableOf = (maxScopes: number) => {
  const evicted: Scope<null>[] = [];
  const table = new ScopeTable<null>(
    { maxScopes, scopeIdleMs: 600_000 },
    { companion: () => null, opened: () => {}, evicted: (scope) => evicted.push(scope) },
  );
  return { table, evicted };
};

/** A scope that has sent data twice, seconds apart. */
const establish = (table: ScopeTable<null>, n: number, nowMs: number): Scope<null> => {
  const scope = table.obtain(9, addressOf(n), 0, 0, 1, nowMs)!;
  table.sawData(scope, nowMs);
  table.sawData(scope, nowMs + 2_000);
  assert.ok(scope.established);
  return scope;
};

test('every part of the key tells scopes apart', () => {
  const { table } = tableOf(100);
  const base = table.obtain(9, addressOf(1), 0, 7, 1, 0);
  assert.equal(table.find(9, addressOf(1), 0, 7, 1), base);
  for (const [version, n, port, domain] of [
    [10, 1, 7, 1],
    [9, 2, 7, 1],
    [9, 1, 8, 1],
    [9, 1, 7, 2],
  ]) {
    assert.equal(table.find(version, addressOf(n), 0, port, domain), undefined);
    assert.notEqual(table.obtain(version, addressOf(n), 0, port, domain, 0), base);
  }
  assert.equal(table.size, 5);
});

test('thousands of scopes are all found again', () => {
  const { table } = tableOf(20_000);
  const made = Array.from({ length: 20_000 }, (_, n) => table.obtain(10, addressOf(n), 0, 0, n % 3, 0));
  for (const [n, scope] of made.entries()) assert.equal(table.find(10, addressOf(n), 0, 0, n % 3), scope);
});

test('one data moment does not establish a scope, two moments a second apart do', () => {
  const { table } = tableOf(4);
  const scope = table.obtain(9, addressOf(1), 0, 0, 1, 0)!;
  table.sawData(scope, 0);
  table.sawData(scope, 999);
  assert.equal(scope.established, false);
  table.sawData(scope, 1_000);
  assert.equal(scope.established, true);
});

test('forged exporters push out each other and never an established one', () => {
  const { table, evicted } = tableOf(8);
  const real = [1, 2, 3, 4].map((n) => establish(table, n, 0));
  for (let n = 100; n < 100_100; n++) assert.ok(table.obtain(10, addressOf(n), 0, 0, 0, 3_000));
  assert.equal(table.size, 8);
  assert.equal(evicted.length, 100_000 - 4);
  for (const [i, scope] of real.entries()) assert.equal(table.find(9, addressOf(i + 1), 0, 0, 1), scope);
});

test('a table full of busy exporters refuses newcomers, an idle one makes room', () => {
  const { table, evicted } = tableOf(2);
  const first = establish(table, 1, 0);
  establish(table, 2, 5_000);
  assert.equal(table.obtain(9, addressOf(3), 0, 0, 1, 599_999), undefined);
  assert.ok(table.obtain(9, addressOf(3), 0, 0, 1, 600_000));
  assert.deepEqual(evicted, [first]);
});

test('the least recently seen of the unestablished goes first', () => {
  const { table, evicted } = tableOf(2);
  const a = table.obtain(9, addressOf(1), 0, 0, 1, 0);
  const b = table.obtain(9, addressOf(2), 0, 0, 1, 10);
  table.obtain(9, addressOf(1), 0, 0, 1, 5_000);
  table.obtain(9, addressOf(3), 0, 0, 1, 6_000);
  assert.deepEqual(evicted, [b]);
  assert.equal(table.find(9, addressOf(1), 0, 0, 1), a);
});

test('when the clock was set back, who is silent from then on gives way, and nobody else', () => {
  const { table, evicted } = tableOf(2);
  const day = 86_400_000;
  const [silent, busy] = [1, 2].map((n) => establish(table, n, 2 * day));
  const newcomer = (nowMs: number) => table.obtain(9, addressOf(3), 0, 0, 1, nowMs);
  for (let minute = 0; minute < 10; minute++) {
    assert.equal(newcomer(day + minute * 60_000), undefined);
    table.obtain(9, addressOf(2), 0, 0, 1, day + minute * 60_000);
  }
  const scope = newcomer(day + 10 * 60_000)!;
  assert.deepEqual(evicted, [silent]);
  assert.equal(table.find(9, addressOf(2), 0, 0, 1), busy);
  table.sawData(scope, day);
  table.sawData(scope, 0);
  assert.ok(scope.established);
});
