import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { computeFacts, FACTS_FOLDER } from '../../bench/facts.ts';
import { countMade } from '../../bench/made.ts';

test('facts are as they are written down', async () => {
  const facts = await computeFacts();
  const files = readdirSync(FACTS_FOLDER).filter((name) => name.endsWith('.json'));
  assert.deepEqual(files.sort(), Object.keys(facts).sort());
  for (const [name, computed] of Object.entries(facts)) {
    const written = JSON.parse(readFileSync(join(FACTS_FOLDER, name), 'utf8')) as object;
    assert.deepEqual(
      computed,
      written,
      `${name} has changed; if that is meant: node dist/bench/facts.js --write`,
    );
  }
});

test('what work makes is counted, and nothing is counted after it', () => {
  const { Uint8Array: before } = globalThis;
  const made = countMade(() => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(7));
    return [bytes.subarray(1), Buffer.from('text'), String(7), JSON.stringify(bytes.length)];
  });
  assert.deepEqual(made, { arrays: 4, texts: 3 });
  assert.equal(globalThis.Uint8Array, before);
  assert.throws(() =>
    countMade(() => {
      throw new Error('work fails');
    }),
  );
  assert.equal(globalThis.Uint8Array, before);
});
