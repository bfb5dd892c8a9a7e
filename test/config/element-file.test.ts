import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readElements } from '../../src/config/element-file.ts';
import { elementsWith } from '../../src/elements/registry.ts';
import { temporaryDirectory } from '../cli/child.ts';

const path = join(temporaryDirectory(), 'elements.yaml');

async function refusal(text: string): Promise<string> {
  writeFileSync(path, text);
  const error: unknown = await readElements(path).then(
    () => assert.fail(`taken: ${text}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error);
  return error.message.replace(path, 'FILE');
}

const one = (
  pen: number | string,
  id: number | string,
  name: string,
  type = 'unsigned32',
  more = '',
): string => `- { pen: ${pen}, id: ${id}, name: ${name}, type: ${type}${more} }\n`;

test('elements are added and overridden, and what follows from them follows', async () => {
  writeFileSync(
    path,
    `# ours
- pen: 32473
  id: 7
  name: acmeQueueDepth
  type: unsigned32
  semantics: quantity
  units: packets
  description: Packets in the queue
${one(0, 1, 'octets', 'unsigned64')}`,
  );
  const elements = await readElements(path);
  assert.deepEqual(elements, [
    { pen: 32473, id: 7, name: 'acmeQueueDepth', type: 'unsigned32' },
    { pen: 0, id: 1, name: 'octets', type: 'unsigned64' },
  ]);
  const registry = elementsWith(elements);
  assert.equal(registry.lookup(32473, 7)?.name, 'acmeQueueDepth');
  assert.equal(registry.lookup(0, 1)?.name, 'octets');
  assert.equal(registry.lookup(29305, 1)?.name, 'reverseOctets');
});

test('nothing named or nothing in it is no element', async () => {
  assert.deepEqual(await readElements(undefined), []);
  writeFileSync(path, '# none yet\n');
  assert.deepEqual(await readElements(path), []);
});

test('limits of numbers and names, both sides', async () => {
  for (const good of [one(4294967295, 32767, 'a'), one(0, 65535, 'a'.repeat(128)), one(9, 0, 'x-_9')]) {
    writeFileSync(path, good);
    assert.equal((await readElements(path)).length, 1, good);
  }
  for (const [bad, reason] of [
    [one(4294967296, 1, 'a'), 'element 4294967296.1: the enterprise number must be 0 to 4294967295'],
    [one(9, 32768, 'a'), 'element 9.32768: the id must be 0 to 32767'],
    [one(0, 65536, 'a'), 'element 0.65536: the id must be 0 to 65535'],
    [one(9, 1, 'a'.repeat(129)), `"${'a'.repeat(129)}" is not a name`],
    [one(9, 1, '"a b"'), '"a b" is not a name'],
    [one(9, 1, '9a'), '"9a" is not a name'],
    [one(9, 1, '__proto__'), '"__proto__" is not a name'],
    [one(9, 1, "'a\"];x'"), '"a\\"];x" is not a name'],
    [one(9, 1, 'a', 'uint32'), '"uint32" is not a type of RFC 7011 or RFC 6313'],
  ]) {
    const text = await refusal(bad);
    assert.ok(text.startsWith('FILE:1:3: ') && text.includes(reason), text);
  }
});

test('mistakes in the form name their line', async () => {
  for (const [bad, reason] of [
    ['pen: 9', 'FILE:1:1: allowed is a list of elements'],
    ['- 9', 'FILE:1:3: an element has the keys pen, id, name, type, semantics, units, description'],
    ['- { pen: 9, id: 1, name: a }', 'FILE:1:3: an element without type'],
    ['- { pen: 9, id: 0x1, name: a, type: string }', 'FILE:1:17: id "0x1": allowed is a whole number'],
    ['- { pen: 9, id: 1, nme: a, type: string }', 'FILE:1:20: unknown key "nme"; did you mean name?'],
    ['- { pen: 9, id: 1, name: [a], type: string }', 'FILE:1:26: name: allowed is one value'],
    ['- { pen: 9, id: 1, name: , type: string }', 'FILE:1:26: name: allowed is one value'],
  ]) {
    assert.equal(await refusal(bad), reason);
  }
  assert.match(
    await refusal(one(9, 1, 'a', 'string', ', semantics: gauge')),
    /^FILE:1:\d+: semantics "gauge": allowed are default, /,
  );
});

test('conflicts name both places', async () => {
  assert.equal(
    await refusal(one(9, 1, 'a') + one(9, 1, 'b')),
    'FILE:2:3: element 9.1 is there already, in line 1',
  );
  assert.equal(
    await refusal(one(9, 1, 'a') + one(9, 2, 'a')),
    'FILE:2:3: name "a" is there already, in line 1',
  );
  assert.equal(
    await refusal(one(9, 1, 'a') + one(9, 2, 'octetDeltaCount')),
    'FILE:2:3: elements 0.1 and 9.2 have the same name "octetDeltaCount"',
  );
  assert.match(
    await refusal(one(9, 1, 'a') + one(9, 2, 'reversePacketDeltaCount')),
    /^FILE:2:3: elements .* have the same name "reversePacketDeltaCount"$/,
  );
  // The name of an element that has another one now is free.
  writeFileSync(path, one(0, 1, 'octets') + one(9, 2, 'octetDeltaCount'));
  assert.equal((await readElements(path)).length, 2);
});

test('the example of docs/elements.md is a file that is taken', async () => {
  const page = readFileSync(new URL('../../../docs/elements.md', import.meta.url), 'utf8');
  writeFileSync(path, /```yaml\n(.*?)```/s.exec(page)![1]);
  assert.deepEqual(await readElements(path), [
    { pen: 32473, id: 7, name: 'acmeQueueDepth', type: 'unsigned32' },
  ]);
});
