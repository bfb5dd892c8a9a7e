/** What exporters may make a collector remember in all: learned from options data, and from a template store. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { parseAddress } from '../../src/base/ip.ts';
import type { Collector } from '../../src/collector.ts';
import { FileStore } from '../../src/templates/file-store.ts';
import { StateKind } from '../../src/templates/state-block.ts';
import { STATE_LIMITS } from '../../src/templates/state-limits.ts';
import { STORE_LIMITS } from '../../src/templates/store.ts';
import { stateItem } from '../../src/templates/store-key.ts';
import { encodeValue, ValueKind } from '../../src/templates/stored-value.ts';
import { temporaryDirectory } from '../cli/child.ts';
import { concat, optionsTemplate, set, template, u32 } from '../support/bytes.ts';
import { collectAll, type Fed } from '../support/collect.ts';
import { ExporterMessages } from '../support/fleet.ts';

const address = new Uint8Array(16);
parseAddress('192.0.2.1', address);
const { maxNames, maxEntriesInAll } = STATE_LIMITS;

/** Names of interfaces, in messages of some thousand. */
function* naming(messages: ExporterMessages, from: number, to: number): Generator<Fed> {
  const fed = (payload: Uint8Array): Fed => ({ payload, address, port: 2055, receivedAtMs: Date.now() });
  yield fed(messages.raw(set(3, optionsTemplate(300, 1, [10, 4], [82, 4]))));
  for (let at = from; at < to; at += 4096) {
    const count = Math.min(4096, to - at);
    const rows = Array.from({ length: count }, (_, i) => u32(at + i, 0x69663031));
    yield fed(messages.raw(set(300, concat(...rows))));
  }
}

test('all exporters together: the last name there is room for, and the next', async () => {
  function* exporters(): Generator<Fed> {
    for (let domain = 0; domain < maxEntriesInAll / maxNames; domain++)
      yield* naming(new ExporterMessages(domain), 0, maxNames);
    yield* naming(new ExporterMessages(1_000_000), 0, 1);
  }
  const refused: number[] = [];
  const { report } = await collectAll(exporters(), { output: 'null:' }, ({ ledger }) => {
    refused.push(ledger.toJSON().counters.options_refused);
  });
  assert.equal(report.counters.records_options_decoded, maxEntriesInAll + 1);
  assert.equal(report.counters.options_refused, 1);
  assert.equal(refused.at(-1), 0);
});

test('one exporter, of which the template store knows as many names as it may have, and one more', async () => {
  const uri = pathToFileURL(`${temporaryDirectory()}/templates.mrt`);
  const store = await FileStore.open(uri.pathname);
  const scope = 'ipfix/192.0.2.1/0/7';
  const about = { kind: ValueKind.state, learnedAtMs: 0, exportTimeMs: 0, sequence: 0 };
  const key = Buffer.alloc(8);
  const items = Array.from({ length: maxNames + 1 }, (_, i) => {
    key.writeUInt32BE(i, 4);
    const item = stateItem(StateKind.interfaceName, key);
    const payload = Buffer.from('if01');
    return {
      item,
      value: encodeValue(scope, item, { ...about, writer: Buffer.alloc(8), payload }),
      ageMs: 0,
    };
  });
  for (let at = 0; at < items.length; at += STORE_LIMITS.maxItemsPerPut)
    await store.put(scope, items.slice(at, at + STORE_LIMITS.maxItemsPerPut));
  await store.close();
  let collector!: Collector;
  const { report } = await collectAll(
    naming(new ExporterMessages(7), 0, maxNames + 2),
    { output: 'null:', store: { uri: uri.href } },
    undefined,
    (started) => {
      collector = started;
    },
  );
  assert.equal(collector.status().store?.counters['unshared_full'], 1);
  assert.equal(report.counters.options_refused, 2);
});

test('a shared heap that has just room for what an exporter has told, and one that is smaller', async () => {
  const messages = new ExporterMessages(1);
  const fed = (...sets: Uint8Array[]): Fed => ({
    payload: messages.raw(...sets),
    address,
    port: 2055,
    receivedAtMs: Date.now(),
  });
  const datagrams = [
    fed(set(3, optionsTemplate(300, 1, [149, 4], [34, 4])), set(2, template(256, [10, 4], [2, 4]))),
    fed(set(300, u32(0, 100)), set(256, u32(1, 7))),
  ];
  const collect = async (heapBytes: number) => {
    let collector!: Collector;
    const { report, text } = await collectAll(
      datagrams,
      { output: 'stdout:?format=ndjson&schema=millrace', memory: { heapBytes }, keep: true },
      undefined,
      (started) => {
        collector = started;
      },
    );
    const { sampling_rate: rate, packets } = JSON.parse(text);
    return { used: collector.status().heapBytes, packets, rate, full: report.counters.sets_heap_full };
  };
  const { used } = await collect(1 << 20);
  assert.deepEqual(await collect(used), { used, packets: 7, rate: 100, full: 0 });
  const small = await collect(used - 64);
  assert.deepEqual(small, { used: small.used, packets: 7, rate: undefined, full: 1 });
});
