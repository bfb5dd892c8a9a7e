/** --elements where records are made: in the main thread and in decode threads. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ELEMENT_TYPES, type Element } from '../../src/elements/element.ts';
import { standardElements } from '../../src/elements/registry.ts';
import { ExporterSimulator } from '../../src/generator/exporters.ts';
import type { TemplatesDocument } from '../../src/ops/templates.ts';
import { DgramsWriter } from '../../src/receive/capture/writer.ts';
import { ipfix, set, template, u32 } from '../support/bytes.ts';
import { collectAll, type Fed } from '../support/collect.ts';
import { Running, run, temporaryDirectory } from './child.ts';

const directory = temporaryDirectory();
const elements = join(directory, 'elements.yaml');
writeFileSync(
  elements,
  `- { pen: 32473, id: 7, name: acmeAddress, type: ipv4Address }
- { pen: 0, id: 2, name: packets, type: unsigned64 }
`,
);
const recording = join(directory, 'a.dgrams');
const datagram = ipfix({}, set(2, template(256, [7, 4, 32473], [2, 4])), set(256, u32(0x0a000001, 5)));
writeFileSync(recording, DgramsWriter.record(new Uint8Array(16), 9, datagram));

test('decode and inspect know the elements of a file', async () => {
  const { code, stdout, stderr } = await run([
    ...['decode', recording, '--schema', 'iana', '--elements', elements],
  ]);
  assert.equal(code, 0, stderr);
  const { fields } = JSON.parse(stdout) as { fields: object };
  assert.deepEqual(fields, { acmeAddress: '10.0.0.1', packets: 5 });
  const plan = await run(['inspect', 'plan', recording, '--elements', elements]);
  assert.match(plan.stdout, /acmeAddress, 4 octets.*\n.*packets, 4 octets/);
});

test('collect knows them', async () => {
  const collector = new Running([
    ...['collect', '--listen', 'netflow://127.0.0.1:0', '--recv-buffer', '2MiB', '--status-interval', '0'],
    ...['--output', 'stdout:?schema=iana', '--elements', elements, '--http', '127.0.0.1:0'],
  ]);
  const target = `127.0.0.1:${await collector.port()}`;
  const replay = await run(['replay', recording, '--to', target]);
  assert.equal(replay.code, 0, replay.stderr);
  await collector.lines(1);
  const url = /http:[^\s"]+/.exec(collector.stderr)![0];
  const { templates } = (await (await fetch(`${url}/templates`)).json()) as TemplatesDocument;
  assert.deepEqual(
    templates.map(({ fields }) => fields!.map(({ name }) => name)),
    [['acmeAddress', 'packets']],
  );
  collector.kill('SIGTERM');
  assert.equal((await collector.ended).code, 0);
  assert.ok(collector.stdout.includes('"fields":{"acmeAddress":"10.0.0.1","packets":5}'), collector.stdout);
});

test('a bad file is one line and exit code 2', async () => {
  const bad = join(directory, 'bad.yaml');
  writeFileSync(bad, '- { pen: 0, id: 1 }\n');
  for (const command of [['collect'], ['decode', recording], ['inspect', 'plan', recording]]) {
    const { code, stderr } = await run([...command, '--elements', bad]);
    assert.deepEqual([code, stderr], [2, `millrace: ${bad}:1:3: an element without name\n`], command[0]);
  }
});

test('any type in place of the real one loses no record and no worker', async () => {
  const overridden = (type: Element['type']): Element[] =>
    [...standardElements]
      .filter(({ pen, id }) => pen === 0 && id < 512)
      .map((element) => ({ ...element, type }));
  const datagrams: Fed[] = [];
  for (const version of [5, 9, 10] as const) {
    const simulator = new ExporterSimulator({
      version,
      exporters: 1,
      options: true,
      seed: version,
      startMs: 1e12,
    });
    for (let i = 0; i < 30; i++) {
      const { payload } = simulator.next();
      datagrams.push({
        payload: payload.slice(),
        address: new Uint8Array(16),
        port: version,
        receivedAtMs: 1e12,
      });
    }
  }
  const { report: expected } = await collectAll(datagrams, {});
  for (const type of ELEMENT_TYPES) {
    const { report } = await collectAll(datagrams, {
      output: 'stdout:?format=ndjson&schema=millrace&options=true',
      elements: overridden(type),
      workers: 1,
    });
    assert.equal(report.counters.records_decoded, expected.counters.records_decoded, type);
    assert.equal(report.counters.records_options_decoded, expected.counters.records_options_decoded, type);
    assert.equal(report.counters.tasks_failed + report.counters.plans_mismatched, 0, type);
  }
});
