/** What a withdrawal (RFC 7011 section 8.1) means for data that wait, and for what was announced after it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DecodeResult } from '../src/decoder.ts';
import { concat, ipfix, optionsTemplate, SECONDS, set, template, u16, u32 } from './support/bytes.ts';
import { decoderOf } from './support/decoder.ts';

const SOURCE = { address: '192.0.2.1', port: 2055, receivedAtMs: SECONDS * 1000 };
const octets = template(256, [1, 4]);
/** Another shape of the same length under the same id. */
const packets = template(256, [2, 2], [2, 2]);
const options = optionsTemplate(300, 1, [10, 4], [34, 4]);
const all = { data: set(2, u16(2, 0)), options: set(3, u16(3, 0)) };

function decodeAll(...datagrams: Uint8Array[]): DecodeResult {
  const decoder = decoderOf();
  return datagrams.map((datagram) => decoder.decode(datagram, SOURCE)).at(-1)!;
}

test('data that wait for a template that is taken back are not read with the next one of its id', () => {
  const waiting = ipfix({}, set(256, u32(0x0001_0002)));
  for (const withdrawal of [
    ipfix({}, set(2, u16(256, 0))),
    ipfix({}, all.data),
    // Known for a moment only, and taken back by the same set.
    ipfix({}, set(2, concat(octets, u16(256, 0)))),
  ]) {
    const { templates, records } = decodeAll(waiting, withdrawal, ipfix({}, set(2, packets)));
    assert.deepEqual(templates, [{ action: 'learned', kind: 'data', templateId: 256 }]);
    assert.deepEqual(records, []);
  }
  const { records } = decodeAll(waiting, ipfix({}, set(2, u16(257, 0))), ipfix({}, set(2, octets)));
  assert.deepEqual(
    records.map(({ fields }) => fields),
    [{ octetDeltaCount: 0x0001_0002 }],
  );
});

test('a withdrawal of all that comes late does not take what was announced after it', () => {
  const decoder = decoderOf();
  const decode = (datagram: Uint8Array) => decoder.decode(datagram, SOURCE);
  decode(ipfix({ seconds: 1_000, sequence: 1 }, set(2, template(257, [2, 4])), set(3, options)));
  decode(ipfix({ seconds: 1_002, sequence: 5 }, set(2, octets)));
  decode(ipfix({ seconds: 1_002, sequence: 5 }, set(258, u32(7))));
  const late = decode(ipfix({ seconds: 1_001, sequence: 3 }, all.data));
  assert.deepEqual(late.templates, [{ action: 'withdrawn', kind: 'data', templateId: 257 }]);
  const after = decode(
    ipfix(
      { seconds: 1_002, sequence: 5 },
      set(256, u32(1)),
      set(257, u32(2)),
      set(2, template(258, [1, 4])),
      set(300, u32(1, 2)),
    ),
  );
  assert.deepEqual(
    after.records.map(({ templateId, fields }) => [templateId, fields.octetDeltaCount]),
    [
      [256, 1],
      [258, 7],
    ],
  );
  assert.deepEqual(after.missing, [{ templateId: 257, action: 'held' }]);
  assert.equal(after.optionsRecords.length, 1);
  assert.deepEqual(decode(ipfix({ seconds: 1_003, sequence: 9 }, all.options)).templates, [
    { action: 'withdrawn', kind: 'options', templateId: 300 },
  ]);
});
