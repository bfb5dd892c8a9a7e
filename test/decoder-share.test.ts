/** Decoders of the library that share templates through a store. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DecodeResult, Decoder } from '../src/decoder.ts';
import { openStore } from '../src/fleet/open-store.ts';
import { MemoryStore } from '../src/templates/memory-store.ts';
import { StoreError, type TemplateStore } from '../src/templates/store.ts';
import { ExporterMessages, OCTETS_FIRST } from './support/fleet.ts';
import { RedisServer } from './support/redis-server.ts';
import { until } from './support/until.ts';

const source = { address: '192.0.2.1' };

test('a decoder decodes with what another has learned, and releases what waited', async () => {
  const redis = await RedisServer.start();
  try {
    const [a, b] = [new Decoder(), new Decoder()];
    const results: DecodeResult[] = [];
    const shareA = await a.share(await openStore(redis.uri));
    const shareB = await b.share(await openStore(redis.uri), (result) => results.push(result));
    const messages = new ExporterMessages(1);
    const held = b.decode(messages.data(256, OCTETS_FIRST, 1), source);
    assert.deepEqual(held.missing, [{ templateId: 256, action: 'held' }]);
    a.decode(messages.announce(256, OCTETS_FIRST), source);
    await until('released', () => results.length > 0);
    assert.deepEqual(results[0].templates, [{ action: 'restored', kind: 'data', templateId: 256 }]);
    assert.deepEqual(
      results[0].records.map(({ fields }) => fields),
      [{ octetDeltaCount: 1_000, packetDeltaCount: 1 }],
    );
    // A third one finds it at once, and a withdrawal reaches everybody.
    const c = new Decoder();
    const shareC = await c.share(await openStore(redis.uri));
    assert.equal(c.decode(messages.data(256, OCTETS_FIRST, 2), source).records.length, 1);
    c.decode(messages.withdraw(256), source);
    await until('withdrawn', () => shareB.status.index >= 2);
    await until('dropped', () => b.decode(messages.data(256, OCTETS_FIRST, 3), source).missing.length === 1);
    for (const share of [shareA, shareB, shareC]) assert.equal(await share.close(), 0);
    await assert.rejects(a.share(await openStore('memory:')), TypeError);
  } finally {
    await redis.stop();
  }
});

test('a share that does not come about leaves the decoder as it was', async () => {
  const decoder = new Decoder();
  const messages = new ExporterMessages(1);
  for (const store of [undefined, {}, 'memory:'] as unknown as TemplateStore[])
    await assert.rejects(decoder.share(store), TypeError);
  const [taken, free] = [new MemoryStore(), new MemoryStore()];
  const other = await new Decoder().share(taken);
  const refused = decoder.share(taken);
  decoder.decode(messages.announce(256, OCTETS_FIRST), source);
  await assert.rejects(refused, StoreError);
  // Templates that came meanwhile are there, and the next share is told when they are announced again.
  assert.equal(decoder.decode(messages.data(256, OCTETS_FIRST, 1), source).records.length, 1);
  const share = await decoder.share(free);
  decoder.decode(messages.announce(256, OCTETS_FIRST), source);
  await until('told', () => share.status.counters.stored === 1);
  for (const each of [share, other]) assert.equal(await each.close(), 0);
});
