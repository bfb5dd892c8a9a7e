/** The template-sync thread ends in the middle of its work: it is started again, and told everything again. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { parseAddress } from '../../src/base/ip.ts';
import { Collector } from '../../src/collector.ts';
import { StoreHost } from '../../src/dispatch/store-host.ts';
import type { FromStore } from '../../src/fleet/messages.ts';
import { StoreThread } from '../../src/fleet/store-thread.ts';
import { parseOutputUri } from '../../src/output/output-uri.ts';
import { ExporterMessages, OCTETS_FIRST } from '../support/fleet.ts';
import { until } from '../support/until.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-store-host-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const at = (name: string): string => join(directory, name);

/** A store of one's own that keeps everything in memory, writes down what is put, and ends its thread when it is told to. */
const STORE = `
import { appendFileSync, existsSync, rmSync } from 'node:fs';
import { MemoryStore } from '${new URL('../../src/templates/memory-store.js', import.meta.url)}';
export default () => new (class extends MemoryStore {
  async put(scope, items, replacing) {
    if (existsSync('${at('end')}')) {
      rmSync('${at('end')}');
      process.exit(1);
    }
    appendFileSync('${at('puts')}', items.map(({ item }) => item + '\\n').join(''));
    return super.put(scope, items, replacing);
  }
})();
`;

const puts = (): string[] =>
  existsSync(at('puts')) ? readFileSync(at('puts'), 'utf8').trim().split('\n') : [];

test('a thread that ended is replaced, and the store knows everything again', async () => {
  writeFileSync(at('store.mjs'), STORE);
  const warnings: string[] = [];
  const collector = new Collector({
    source: 'feeder',
    outputs: [parseOutputUri('null:', { format: 'ndjson', schema: 'millrace' })],
    workers: 1,
    store: { uri: `module:${pathToFileURL(at('store.mjs')).pathname}` },
    log: { info: () => {}, warn: (line) => warnings.push(line) },
  });
  await collector.start();
  const address = new Uint8Array(16);
  parseAddress('192.0.2.1', address);
  const messages = new ExporterMessages(1);
  const feed = async (payload: Uint8Array): Promise<void> => {
    await collector.feeder.feed(payload, address, 2055, Date.now());
    collector.feeder.flush();
  };
  await feed(messages.announce(256, OCTETS_FIRST));
  await until('the first is put', () => puts().length === 1);
  writeFileSync(at('end'), '');
  await feed(messages.announce(257, OCTETS_FIRST));
  await until('both are put to the new thread', () => puts().length >= 3);
  assert.deepEqual(puts(), ['template/256', 'template/256', 'template/257']);
  await until('it works again', () => collector.status().store?.state === 'synced');
  assert.match(warnings.join('\n'), /template store thread is started again/);
  assert.match(warnings.join('\n'), /template store: degraded, its thread ended/);
  await collector.stop();
});

const setup = (uri: string) => ({ uri, writer: '00'.repeat(8), deadlineMs: 5_000, optional: false });
const ignoring = { status: () => {}, notice: () => {}, lost: () => {} };

/** Ends its thread at the first put of the first thread. The second begins to read, and then begins anew. */
const INTERRUPTED = `
import { existsSync, writeFileSync } from 'node:fs';
import { MemoryStore } from '${new URL('../../src/templates/memory-store.js', import.meta.url)}';
export default () => new (class extends MemoryStore {
  async put() {
    writeFileSync('${at('ended')}', '');
    process.exit(1);
  }
  watch(watcher) {
    if (existsSync('${at('ended')}')) watcher.resetBegin(false);
    return super.watch(watcher);
  }
})();
`;

test('a reset that is begun again after a restart is one of a store that has lost something, too', async () => {
  writeFileSync(at('interrupted.mjs'), INTERRUPTED);
  const resets: boolean[] = [];
  const changes = (messages: readonly FromStore[]): void => {
    for (const message of messages) if (message.type === 'resetBegin') resets.push(message.lost);
  };
  const uri = `module:${pathToFileURL(at('interrupted.mjs')).pathname}`;
  const thread = new StoreThread(setup(uri), { ...ignoring, changes });
  await thread.start();
  const value = new Uint8Array();
  thread.post([{ type: 'put', scope: 'v9/192.0.2.1/0/1', item: 'template/256', value, arrivedAtMs: 0 }]);
  await until('it has begun twice again', () => resets.length === 3);
  assert.deepEqual(resets, [false, true, true]);
  await thread.close(1_000);
});

test('what is told to a store that can never be used counts as received, so that nothing waits for it', async () => {
  const received: number[] = [];
  const changes = (messages: readonly FromStore[]): void => {
    for (const message of messages) if (message.type === 'received') received.push(message.requests);
  };
  const host = new StoreHost(
    { uri: 'file:///dev/null/templates', dispensable: true },
    { info: () => {}, warn: () => {} },
  );
  await host.start({ replica: null, receiveChanges: changes });
  received.length = 0;
  let posted = 0;
  await until('its thread is gone', () => {
    host.post([{ type: 'miss', scope: `v9/192.0.2.1/0/${posted++}` }]);
    return received.length > 0;
  });
  assert.deepEqual(received, [posted]);
  assert.equal(host.report, null);
  await host.close();
});
