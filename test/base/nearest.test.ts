import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestWord } from '../../src/base/nearest.ts';

test('the nearest word, when one is near', () => {
  const known = ['port', 'proto', 'packets', 'ip', 'in'];
  for (const [word, expected] of [
    ['prot', 'port'],
    ['PORT', 'port'],
    ['potro', 'proto'],
    ['pakets', 'packets'],
    ['pckts', 'packets'],
    ['pi', 'ip'],
    ['x', undefined],
    ['xy', undefined],
    ['bytes', undefined],
    ['', undefined],
  ] as const)
    assert.equal(nearestWord(word, known), expected, word);
});
