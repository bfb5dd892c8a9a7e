/** LOG-9 and LOG-11: changes of others between datagrams, over all workers, a million datagrams long. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { parseAddress } from '../../src/base/ip.ts';
import { RedisStore } from '../../src/fleet/redis-store.ts';
import { templatePayload } from '../../src/templates/shared-template.ts';
import { encodeValue, ValueKind } from '../../src/templates/stored-value.ts';
import { collectAll, type Fed } from '../support/collect.ts';
import { type Definition, ExporterMessages, OCTETS_FIRST, PACKETS_FIRST } from '../support/fleet.ts';
import { RedisServer } from '../support/redis-server.ts';

const SCOPE = 'ipfix/192.0.2.1/0/1';
const ITEM = 'template/256';
const ROUNDS = 500;
const DATAGRAMS = 2_000;

const address = new Uint8Array(16);
parseAddress('192.0.2.1', address);

let redis: RedisServer;
before(async () => {
  redis = await RedisServer.start();
});
after(() => redis.stop());

const stored = (definition: Definition, round: number): Uint8Array =>
  encodeValue(SCOPE, ITEM, {
    kind: ValueKind.data,
    learnedAtMs: Date.now(),
    exportTimeMs: round,
    sequence: 0,
    writer: new Uint8Array(8),
    payload: templatePayload({
      dialect: 10,
      scopeCount: 0,
      fields: definition.map(([id, length]) => ({ pen: 0, id, length })),
    }),
  });

test('LOG-9, LOG-11: what was received before a change is decoded as before it, what comes after it never', async () => {
  const uri = `${redis.uri}/0?fleet=race`;
  const other = new RedisStore(uri, { writer: Buffer.alloc(8, 1) });
  const messages = new ExporterMessages(1);
  let released = 0;
  let applied = (): number => 0;
  const heapBytes: number[] = [];
  let heap = (): number => 0;

  async function* traffic(): AsyncGenerator<Fed> {
    for (let round = 0; round < ROUNDS; round++) {
      const definition = round % 2 === 0 ? OCTETS_FIRST : PACKETS_FIRST;
      const { outcome, index } = await other.put(SCOPE, [
        { item: ITEM, value: stored(definition, round), ageMs: 0 },
      ]);
      assert.equal(outcome, 'stored');
      while (applied() < index) await turn();
      for (let i = 0; i < DATAGRAMS; i++) {
        const payload = messages.data(256, definition, round * DATAGRAMS + i + 1);
        yield { payload, address, port: 2055, receivedAtMs: Date.now() };
      }
      if (round % 50 !== 49) continue;
      // Everything that was fed is on its way; then nobody has a template, here or elsewhere.
      const removed = await other.remove(SCOPE, [ITEM], 'operator');
      while (applied() < removed.index) await turn();
      yield {
        payload: messages.data(256, definition, 1_000_000_000 + round),
        address,
        port: 2055,
        receivedAtMs: Date.now(),
      };
      released++;
      heapBytes.push(heap());
    }
  }

  const { report, text } = await collectAll(
    traffic(),
    { workers: 2, keep: true, output: 'stdout:?format=ndjson&schema=millrace', store: { uri } },
    undefined,
    (collector) => {
      applied = () => collector.status().store?.applied ?? 0;
      heap = () => collector.status().heapBytes;
    },
  );
  await other.close();
  let late = 0;
  let right = 0;
  let at = 0;
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
    const { bytes, packets } = JSON.parse(text.slice(at, end)) as { bytes: number; packets: number };
    at = end + 1;
    if (packets >= 1_000_000_000) {
      // What waited between two definitions of equal length belongs to the next, in which the numbers are exchanged.
      late++;
      continue;
    }
    assert.equal(bytes, packets * 1000);
    right++;
  }
  assert.equal(right, ROUNDS * DATAGRAMS);
  assert.equal(report.counters.sets_held, released);
  assert.ok(late <= released);
  assert.ok(Math.max(...heapBytes) <= heapBytes[0] + 64 * 1024, `${heapBytes}`);
});
