import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { MillraceError } from '../../src/base/errors.ts';
import { defaultStoreUri, openStore } from '../../src/fleet/open-store.ts';
import { FileStore } from '../../src/templates/file-store.ts';
import { MemoryStore } from '../../src/templates/memory-store.ts';
import { StoreError } from '../../src/templates/store.ts';
import { temporaryDirectory } from '../cli/child.ts';
import { templateItemOf } from '../support/store-items.ts';

const directory = temporaryDirectory();
const SCOPE = 'ipfix/192.0.2.1/0/7';

async function refused(uri: string, ...parts: string[]): Promise<void> {
  await assert.rejects(openStore(uri), (error) => {
    assert.ok(error instanceof StoreError && error.fatal, String(error));
    assert.ok(error instanceof MillraceError && error.code === 'STORE_FAILED');
    for (const part of parts) assert.ok(error.message.includes(part), error.message);
    for (const bad of ['\n', '\u001b', 'hunter2']) assert.ok(!error.message.includes(bad), error.message);
    return true;
  });
}

test('memory:', async () => {
  assert.ok((await openStore('memory:')) instanceof MemoryStore);
  await refused('memory:x', 'takes nothing');
  await refused(undefined as unknown as string, 'a text is expected');
});

test('file: with an encoded path, made when it is missing', async () => {
  const store = await openStore(`file://${directory}/a%20b/%3Fc.mrt`);
  assert.ok(store instanceof FileStore);
  await store.put(SCOPE, [templateItemOf(SCOPE, 256, 'a')]);
  await store.close();
  assert.ok(existsSync(join(directory, 'a b', '?c.mrt')));
});

test('read only: beside the process that uses the file, and only what is there', async () => {
  const uri = `file://${directory}/used.mrt`;
  const store = await openStore(uri);
  await assert.rejects(openStore(uri), /in use by process/);
  await assert.rejects(openStore(uri, { readOnly: true }), /no such file/);
  await store.put(SCOPE, [templateItemOf(SCOPE, 256, 'a')]);
  await store.close();
  const using = await openStore(uri);
  const reading = await openStore(uri, { readOnly: true });
  assert.equal((await reading.getScope(SCOPE)).length, 1);
  await reading.close();
  await using.close();
});

test('URIs that mean no store', async () => {
  await refused('', 'allowed are memory:');
  await refused('templates.mrt', 'allowed are memory:');
  await refused('/var/templates.mrt', 'allowed are memory:');
  await refused('constructor:x', 'allowed are memory:');
  await refused('nats://u:hunter2@h/x', 'nats://u:***@h', 'allowed are memory:');
  await refused('file:templates.mrt', 'absolute');
  await refused('file://host/templates.mrt', 'absolute');
  await refused('file:///templates.mrt?x=1', 'no options');
  await refused('file:///templates.mrt#x', 'no options');
  await refused('file:///a%2Fb', 'no path of a file');
  await refused('file:///a%00b', 'no path of a file');
  await refused('file:///a%zz', 'no path of a file');
  await refused('file:///directory/', 'no path of a file');
  await refused('file:///a\nb\u001b[31m', 'encoded');
  await refused('module:own.js', 'absolute');
});

test('module: a store of the user', async () => {
  const path = join(directory, 'own.mjs');
  const memory = new URL('../../src/templates/memory-store.js', import.meta.url).href;
  writeFileSync(
    path,
    `import { MemoryStore } from ${JSON.stringify(memory)};
     export default async (parameters, { clock }) => {
       if (parameters.get('fail')) throw new Error('cannot reach nats://u:hunter2@h');
       return parameters.get('half') ? { get() {} } : new MemoryStore(clock);
     };`,
  );
  const store = await openStore(`module:${path}?name=x`);
  assert.equal((await store.put(SCOPE, [templateItemOf(SCOPE, 256, 'a')])).outcome, 'stored');
  await store.close();
  await refused(`module:${path}?fail=1`, 'nats://u:***@h');
  await refused(`module:${path}?half=1`, 'no getScope');
  await refused(`module:${directory}/none.mjs`, 'cannot be loaded');
  const bare = join(directory, 'bare.mjs');
  writeFileSync(bare, 'export const store = 1;');
  await refused(`module:${bare}`, 'default export');
});

test('the default place', () => {
  const uri = (env: NodeJS.ProcessEnv): string => defaultStoreUri(env, '/home/flow user');
  assert.equal(uri({ STATE_DIRECTORY: '/var/lib/millrace' }), 'file:///var/lib/millrace/templates.mrt');
  assert.equal(
    uri({ STATE_DIRECTORY: '/var/lib/a:/var/lib/b', XDG_STATE_HOME: '/x' }),
    'file:///var/lib/a/templates.mrt',
  );
  assert.equal(uri({ STATE_DIRECTORY: '', XDG_STATE_HOME: '/x' }), 'file:///x/millrace/templates.mrt');
  assert.equal(
    uri({ XDG_STATE_HOME: 'relative' }),
    'file:///home/flow%20user/.local/state/millrace/templates.mrt',
  );
  assert.equal(uri({}), 'file:///home/flow%20user/.local/state/millrace/templates.mrt');
  const odd = join(directory, 'a?b#c%d');
  assert.equal(uri({ STATE_DIRECTORY: odd }), pathToFileURL(join(odd, 'templates.mrt')).href);
});

test('the default place can be opened, whatever it is called', async () => {
  const store = await openStore(defaultStoreUri({ STATE_DIRECTORY: join(directory, 'a?b#c%d e') }));
  await store.close();
});
