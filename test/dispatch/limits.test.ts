/** What a limit takes is a fault, and the same in a collector as in a Decoder; sets that were held have limits of their own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../src/base/ip.ts';
import { DEFAULT_DECODE_LIMITS } from '../../src/decode/limits.ts';
import { concat, ipfix, optionsTemplate, SECONDS, set, template, u32 } from '../support/bytes.ts';
import { collectAll } from '../support/collect.ts';
import { decoderOf } from '../support/decoder.ts';

const address = new Uint8Array(16);
parseAddress('192.0.2.1', address);
const limits = { ...DEFAULT_DECODE_LIMITS, maxValuesPerDatagram: 4 };

/** What a collector and a Decoder make of the same datagrams. */
async function both(...payloads: Uint8Array[]) {
  const fed = payloads.map((payload) => ({ payload, address, port: 2055, receivedAtMs: SECONDS * 1000 }));
  const { report, text } = await collectAll(fed, { scanner: { limits }, keep: true });
  const { records_decoded, records_options_decoded } = report.counters;
  const decoder = decoderOf({ limits });
  const results = payloads.map((payload) => decoder.decode(payload, { address: '192.0.2.1' }));
  const written = text.split('\n').length - 1;
  assert.equal(
    written,
    results.reduce((sum, { records, optionsRecords }) => sum + records.length + optionsRecords.length, 0),
  );
  assert.deepEqual(
    Object.keys(report.faults),
    results.flatMap(({ faults }) => faults.map(({ code }) => code)),
  );
  return { flows: records_decoded, options: records_options_decoded, written, faults: report.faults };
}

test('a datagram that releases a set goes on with what it had left', async () => {
  const { flows, faults } = await both(
    ipfix({}, set(300, u32(1, 2, 3, 4))),
    ipfix(
      {},
      set(2, template(256, [1, 4])),
      set(256, u32(1, 2, 3)),
      set(2, template(300, [2, 4])),
      set(256, u32(4, 5, 6)),
    ),
  );
  assert.equal(flows, 3 + 4 + 1);
  assert.deepEqual(faults, { 'values-limit': 1 });
});

test('options data that waited do not share the limit of the datagram that releases them', async () => {
  const waiting = [1, 2, 3].map((rate) => ipfix({}, set(300, u32(0, rate, 1, rate))));
  const { options, faults } = await both(
    ...waiting,
    ipfix({}, concat(set(3, optionsTemplate(300, 1, [10, 4], [34, 4])), set(300, u32(0, 4, 1, 4)))),
  );
  assert.equal(options, 4 * 2);
  assert.deepEqual(faults, {});
});

test('options data that a limit keeps from the output are a fault', async () => {
  const learned = set(3, optionsTemplate(300, 1, [10, 4], [34, 4]));
  for (const [flows, written, faults] of [
    [2, 1, {}],
    [3, 0, { 'values-limit': 1 }],
  ] as const) {
    const data = set(256, u32(...new Array<number>(flows).fill(7)));
    const result = await both(
      ipfix({}, set(2, template(256, [1, 4])), learned),
      ipfix({}, data, set(300, u32(1, 100))),
    );
    // What an exporter says about itself is learned all the same.
    assert.deepEqual(result, { flows, options: 1, written: flows + written, faults });
  }
});
