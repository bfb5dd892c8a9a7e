import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_COMPILED_COLUMNS } from '../../src/decode/compile.ts';
import { ipfix, set, template, u32 } from '../support/bytes.ts';
import { collectAll, type Fed } from '../support/collect.ts';
import { jsonLines } from '../support/json-lines.ts';

const ADDRESS = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1);
const DATAGRAMS = 200;

function* traffic(): Generator<Fed> {
  for (let n = 0; n < DATAGRAMS; n++) {
    const payload = ipfix({ sequence: n }, set(2, template(256, [1, 4])), set(256, u32(0x1_0000 + n)));
    yield { payload, address: ADDRESS, port: 2055, receivedAtMs: 1_700_000_000_000 };
  }
}

async function collect(jit: 'auto' | 'off') {
  const warnings: string[] = [];
  const { report, text } = await collectAll(traffic(), {
    workers: 1,
    keep: true,
    jit,
    workerEntry: new URL('../support/wrong-compiler.js', import.meta.url),
    log: { info: () => {}, warn: (line) => warnings.push(line) },
  });
  const values = jsonLines(text).map(({ fields }) => fields.octetDeltaCount);
  assert.deepEqual(
    values,
    Array.from({ length: DATAGRAMS }, (_, n) => 0x1_0000 + n),
  );
  return { counters: report.counters, warnings };
}

test('wrong compiled code: an alarm and a counter, and nothing wrong in the output', async () => {
  const { counters, warnings } = await collect('auto');
  assert.equal(counters.plans_mismatched, 1, 'the layout stays with the interpreter');
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /^ALARM: compiled code and interpreter disagree/);
});

test('a plan that is too large to be compiled is interpreted, and counted', async () => {
  const refused = async (columns: number): Promise<number> => {
    const fields = Array.from({ length: columns }, (): [number, number] => [4, 1]);
    const payload = ipfix({}, set(2, template(256, ...fields)), set(256, new Uint8Array(40 * columns)));
    const fed = [{ payload, address: ADDRESS, port: 2055, receivedAtMs: 1_700_000_000_000 }];
    const memory = { maxDatagramBytes: 0xffff, slots: 16 };
    const { report } = await collectAll(fed, { workers: 1, memory });
    assert.equal(report.counters.records_decoded, 40);
    return report.counters.plans_refused;
  };
  assert.equal(await refused(MAX_COMPILED_COLUMNS), 0);
  assert.equal(await refused(MAX_COMPILED_COLUMNS + 1), 1);
});

test('without compiled code there is nothing to disagree', async () => {
  const { counters, warnings } = await collect('off');
  assert.equal(counters.plans_mismatched, 0);
  assert.deepEqual(warnings, []);
});
