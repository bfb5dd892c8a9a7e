import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { computeFacts, FACTS_FOLDER } from '../../bench/facts.ts';

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
