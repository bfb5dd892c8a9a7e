import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from '../../src/base/nearest.ts';

test('one or two slips are forgiven, other words are not', () => {
  const names = ['listen', 'workers', 'slots', 'recv-buffer'];
  for (const [given, expected] of [
    ['lisen', 'listen'],
    ['wrokers', 'workers'],
    ['recvbuffer', 'recv-buffer'],
    ['slot', 'slots'],
    ['x', undefined],
    ['template', undefined],
    ['', undefined],
    ['w'.repeat(100_000), undefined],
  ] as const) {
    assert.equal(nearest(given, names), expected, given.slice(0, 20));
  }
});
