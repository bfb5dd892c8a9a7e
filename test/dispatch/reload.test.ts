import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { Collector, type Reloadable } from '../../src/collector.ts';
import { ExporterSimulator } from '../../src/generator/exporters.ts';
import { parseOutputUri } from '../../src/output/output-uri.ts';
import { assertBalanced, collectAll, type Fed } from '../support/collect.ts';
import { until } from '../support/until.ts';

const STDOUT = parseOutputUri('stdout:?format=ndjson&schema=iana', { format: 'ndjson', schema: 'iana' });
const NULL = parseOutputUri('null:?format=msgpack', { format: 'ndjson', schema: 'millrace' });
const EVERYBODY = { allow: [], exporterRate: 0 };
const renamed = (name: string): Reloadable['elements'] => [{ pen: 0, id: 1, name, type: 'unsigned64' }];

function datagrams(count: number): Fed[] {
  const simulator = new ExporterSimulator({
    version: 10,
    exporters: 1,
    startMs: 1e12,
    intervalMs: 0,
    options: true,
  });
  return Array.from({ length: count }, () => {
    const payload = simulator.next().payload.slice();
    return { payload, address: new Uint8Array(16), port: 1, receivedAtMs: 1e12 };
  });
}

test('reloads in the middle of the stream change names between two datagrams and nothing else', async () => {
  const fed = datagrams(3_000);
  const { text: expected } = await collectAll(fed, { keep: true });
  const reloads: Promise<void>[] = [];
  const steps: Record<number, (collector: Collector) => void> = {
    500: (collector) =>
      reloads.push(collector.reload({ outputs: [NULL, STDOUT], elements: [], admission: EVERYBODY })),
    1000: (collector) =>
      reloads.push(collector.reload({ outputs: [STDOUT], elements: renamed('one'), admission: EVERYBODY })),
    // A decode thread dies while it is exchanged.
    1005: (collector) => void collector.pool.terminate(collector.pool.threadIds[0]),
    2000: (collector) =>
      reloads.push(
        collector.reload({ outputs: [STDOUT, NULL], elements: renamed('two'), admission: EVERYBODY }),
      ),
  };
  // The feeder is faster than threads start: what is fed waits until a reload is through.
  async function* paced(): AsyncGenerator<Fed> {
    for (const [i, one] of fed.entries()) {
      yield one;
      if (i % 500 === 99) await reloads.at(-1);
      // Some of it is scanned between two reloads, whether the ring is full or not.
      if (i % 500 === 299) await turn();
    }
  }
  const { text, report } = await collectAll(paced(), { keep: true }, (collector, count) => {
    steps[count]?.(collector);
    collector.feeder.flush();
  });
  await Promise.all(reloads);
  assert.equal(reloads.length, 3);
  assert.equal(text.replace(/"(one|two)":/g, '"octetDeltaCount":'), expected);
  const names = [...text.matchAll(/"(octetDeltaCount|one|two)":/g)].map(([, name]) => name);
  const runs = names.filter((name, i) => name !== names[i - 1]);
  assert.deepEqual(runs, ['octetDeltaCount', 'one', 'two']);
  assert.deepEqual(
    report.outputs.map(({ output }) => output),
    [NULL.name, STDOUT.name],
  );
});

test('a reload that cannot be had changes nothing', async () => {
  const fed = datagrams(300);
  const reloads: Promise<unknown>[] = [];
  const file = parseOutputUri('file:/dev/null/a.ndjson', { format: 'ndjson', schema: 'millrace' });
  const { text, report } = await collectAll(fed, { keep: true }, (collector, count) => {
    if (count !== 100) return;
    for (const wanted of [
      { outputs: [NULL, file], elements: [], admission: EVERYBODY },
      {
        outputs: [NULL],
        elements: [{ pen: 0, id: 1, name: 'a', type: 'basicList' as const }],
        admission: EVERYBODY,
      },
    ]) {
      reloads.push(assert.rejects(collector.reload(wanted), /not a directory|needs a restart/));
    }
  });
  await Promise.all(reloads);
  assert.equal(reloads.length, 2);
  assert.equal(text, (await collectAll(fed, { keep: true })).text);
  assert.deepEqual(
    report.outputs.map(({ output }) => output),
    [STDOUT.name],
  );
});

test('a reload that takes away an output that is stuck sets free what waited for it', async () => {
  let read: (() => void) | null = null;
  const stdout = new Writable({
    write(_chunk, _encoding, done) {
      if (read === null) read = done;
      else done();
    },
  });
  const stuck = parseOutputUri('stdout:?format=ndjson&queue=64KiB', { format: 'ndjson', schema: 'millrace' });
  const collector = new Collector({ source: 'feeder', outputs: [stuck], workers: 1, stdout });
  await collector.start();
  const fed = datagrams(2_000);
  const feeding = (async () => {
    for (const { payload, address, port, receivedAtMs } of fed)
      await collector.feeder.feed(payload, address, port, receivedAtMs);
    collector.feeder.flush();
  })();
  let seen = -1;
  while (collector.status().datagrams !== seen) {
    seen = collector.status().datagrams;
    await delay(200);
  }
  assert.ok(seen > 0 && seen < fed.length);
  await collector.reload({ outputs: [NULL], elements: [], admission: EVERYBODY });
  await until('the rest is scanned', () => collector.status().datagrams === fed.length);
  await feeding;
  read!();
  assertBalanced(await collector.stop());
});
