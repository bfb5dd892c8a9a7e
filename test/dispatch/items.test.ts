/** The ring of work items at its end: what was held gives way to what a datagram brings itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { parseAddress } from '../../src/base/ip.ts';
import { concat, type Field, ipfix, set, template, u8, u16 } from '../support/bytes.ts';
import { collectAll, type Fed } from '../support/collect.ts';

const address = new Uint8Array(16);
parseAddress('192.0.2.1', address);
const fed = (payload: Uint8Array): Fed => ({ payload, address, port: 2055, receivedAtMs: 1_700_000_000_000 });

test('held sets that are released by one datagram leave room for its own sets', async () => {
  const items = 16_384;
  const ids = Array.from({ length: 16 }, (_, i) => 256 + i);
  const waiting = ids.map((id) => ipfix({}, ...Array.from({ length: 1_024 }, () => set(id, u8(1)))));
  const own = 1_000;
  const last = ipfix(
    {},
    set(2, concat(...ids.map((id) => template(id, [4, 1])))),
    ...Array.from({ length: own }, () => set(256, u8(1))),
  );
  const memory = { slots: 64, maxDatagramBytes: 9_216, items, heapBytes: 16 * 1024 * 1024 };
  const { report } = await collectAll([...waiting, last].map(fed), { workers: 1, memory });
  const { counters } = report;
  assert.equal(counters.sets_held, items);
  assert.equal(counters.sets_replayed, items);
  assert.equal(counters.sets_bound, own);
  assert.equal(counters.sets_abandoned, Math.ceil(9_216 / 5));
  assert.equal(counters.records_decoded, items - counters.sets_abandoned + own);
});

test('a storm of large held sets leaves the shared heap usable for templates', async () => {
  const wide = (id: number) => ipfix({}, set(id, new Uint8Array(8_000)));
  const ids = [256, 257];
  const storm = ids.flatMap((id) => Array.from({ length: 64 }, () => wide(id)));
  const definitions = ipfix({}, set(2, concat(...ids.map((id) => template(id, [4, 1])))));
  const fields = Array.from({ length: 200 }, (): Field => [4, 1]);
  const others = Array.from({ length: 50 }, (_, domain) =>
    ipfix({ domain: domain + 2 }, set(2, template(256, [210, domain + 1], ...fields))),
  );
  const memory = { slots: 64, maxDatagramBytes: 9_216, items: 16_384, heapBytes: 1024 * 1024 };
  const { report } = await collectAll([...storm, definitions, ...others].map(fed), { workers: 1, memory });
  const { counters } = report;
  assert.equal(counters.sets_replayed, storm.length);
  assert.ok(counters.sets_abandoned > 0, 'the heap was full');
  assert.equal(counters.templates_refused, 0);
  assert.equal(counters.templates_learned, ids.length + others.length);
});

test('lists are taken apart again when the heap has room again', async () => {
  // A record of one list of records of template 300, which is found in the directory of the scope.
  const list = set(400, concat(u8(255, 0, 8, 3), u16(300), u8(5, 6, 7, 8, 9)));
  const definitions = concat(
    template(300, [4, 1]),
    template(400, [292, 0xffff]),
    ...Array.from({ length: 30 }, (_, i) => template(500 + i, [4, 1])),
  );
  const storm = [
    ...Array.from({ length: 64 }, () => ipfix({}, set(256, new Uint8Array(8_000)))),
    ...Array.from({ length: 4 }, () => ipfix({}, ...Array.from({ length: 256 }, () => set(257, u8(1))))),
  ];
  const release = ipfix({}, set(2, concat(template(256, [4, 1]), template(257, [4, 1]))), list);
  const memory = { slots: 64, maxDatagramBytes: 9_216, items: 16_384, heapBytes: 512 * 1024 };
  async function* traffic(): AsyncGenerator<Fed> {
    for (const payload of [ipfix({}, set(2, definitions)), ...storm, release]) yield fed(payload);
    await delay(500);
    yield fed(ipfix({}, list));
  }
  const { report, text } = await collectAll(traffic(), { workers: 1, memory, keep: true });
  assert.ok(report.counters.sets_abandoned > 0, 'the heap was full');
  const lists = text
    .split('\n')
    .filter((line) => line.includes('subTemplateList'))
    .map((line) => JSON.parse(line).fields.subTemplateList);
  assert.deepEqual(
    lists.map(({ octets, records }) => octets ?? records.length),
    ['0506070809', 5],
  );
});

test('who redefines a template with every set takes the room of nobody else', async () => {
  // A directory of the scope's templates is written for every list behind a change of them.
  const definitions = ipfix(
    {},
    set(
      2,
      concat(
        template(400, [292, 0xffff]),
        ...Array.from({ length: 100 }, (_, i) => template(500 + i, [4, 1])),
      ),
    ),
  );
  const list = set(400, concat(u8(255, 0, 8, 3), u16(500), u8(5, 6, 7, 8, 9)));
  const restless = ipfix(
    {},
    ...Array.from({ length: 30 }, (_, i) => [set(2, template(501, [4, 1 + (i % 2)])), list]).flat(),
  );
  const memory = { slots: 64, maxDatagramBytes: 9_216, items: 65_536, heapBytes: 512 * 1024 };
  const storm = Array.from({ length: 400 }, () => restless);
  const { report } = await collectAll([definitions, ...storm].map(fed), { workers: 1, memory });
  const { counters } = report;
  assert.equal(counters.templates_redefined + counters.templates_refreshed, 400 * 30);
  assert.equal(counters.templates_refused, 0);
  assert.equal(counters.sets_heap_full, 0);
});
