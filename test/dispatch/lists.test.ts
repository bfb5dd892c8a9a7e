/** Structured data is taken apart by each encoding for itself, and counted once. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseAddress } from '../../src/base/ip.ts';
import { DEFAULT_DECODE_LIMITS } from '../../src/decode/limits.ts';
import { parseOutputUri } from '../../src/output/output-uri.ts';
import { temporaryDirectory } from '../cli/child.ts';
import { concat, ipfix, SECONDS, set, template, u8, u16 } from '../support/bytes.ts';
import { collectAll } from '../support/collect.ts';

const address = new Uint8Array(16);
parseAddress('192.0.2.1', address);
const fed = { address, port: 2055, receivedAtMs: SECONDS * 1000 };
const flowKey = (values: number): Uint8Array =>
  concat(u8(5 + values, 3), u16(4, 1), new Uint8Array(values).fill(6));

async function read(limits: object, formats: readonly string[], ...lists: Uint8Array[]) {
  const directory = temporaryDirectory();
  const uri = (format: string) => `file://${directory}/${format}?format=${format}&schema=iana`;
  const outputs = formats.map((format) => parseOutputUri(uri(format), { format: 'ndjson', schema: 'iana' }));
  const messages = [
    ipfix({}, set(2, template(256, [291, 0xffff])), ...lists.map((list) => set(256, list))),
  ].map((payload) => ({ ...fed, payload }));
  const { report } = await collectAll(messages, {
    outputs,
    scanner: { limits: { ...DEFAULT_DECODE_LIMITS, ...limits } },
  });
  const values = readFileSync(`${directory}/ndjson`, 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { fields: { basicList: unknown } }).fields.basicList);
  return { malformed: report.counters.lists_malformed, taken: values.map((v) => typeof v === 'object') };
}

const orders = [['ndjson'], ['msgpack', 'text', 'ndjson'], ['ndjson', 'columnar'], ['columnar', 'ndjson']];

test('a list that cannot be taken apart is counted once, whatever the number of outputs', async () => {
  for (const formats of orders)
    assert.deepEqual(await read({}, formats, u8(2, 3, 0), flowKey(1)), {
      malformed: 1,
      taken: [false, true],
    });
});

test('a datagram has the same limits whatever its outputs are and their order', async () => {
  // Each record is a value, or so many octets, of its own, and its list four more.
  for (const formats of orders) {
    const values = { maxValuesPerDatagram: 6 };
    assert.deepEqual(await read(values, formats, flowKey(4), flowKey(0)), {
      malformed: 0,
      taken: [true, true],
    });
    assert.deepEqual(await read(values, formats, flowKey(4), flowKey(1)), {
      malformed: 1,
      taken: [true, false],
    });
    const content = { maxContentBytesPerDatagram: 9 + 4 + 6 };
    assert.deepEqual(await read(content, formats, flowKey(4), flowKey(1)), {
      malformed: 1,
      taken: [true, false],
    });
  }
});
