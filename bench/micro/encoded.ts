import { strict as assert } from 'node:assert';
import { decodeMulti } from '@msgpack/msgpack';
import type { Format, Schema } from '../../src/output/encoder.ts';
import { numberOf, octetsOf, type RecordRead } from '../../test/generator/reader.ts';
import { frameRecords } from './frames.ts';

/** Element ids of the 21-field template with their keys in the two schemas. */
const KEYS: Readonly<Record<number, Readonly<Record<Schema, string>>>> = {
  1: { iana: 'octetDeltaCount', millrace: 'bytes' },
  2: { iana: 'packetDeltaCount', millrace: 'packets' },
  4: { iana: 'protocolIdentifier', millrace: 'proto' },
  5: { iana: 'ipClassOfService', millrace: 'ip_tos' },
  6: { iana: 'tcpControlBits', millrace: 'tcp_flags' },
  7: { iana: 'sourceTransportPort', millrace: 'src_port' },
  8: { iana: 'sourceIPv4Address', millrace: 'src_addr' },
  9: { iana: 'sourceIPv4PrefixLength', millrace: 'src_mask' },
  10: { iana: 'ingressInterface', millrace: 'in_if' },
  11: { iana: 'destinationTransportPort', millrace: 'dst_port' },
  12: { iana: 'destinationIPv4Address', millrace: 'dst_addr' },
  13: { iana: 'destinationIPv4PrefixLength', millrace: 'dst_mask' },
  14: { iana: 'egressInterface', millrace: 'out_if' },
  15: { iana: 'ipNextHopIPv4Address', millrace: 'next_hop' },
  16: { iana: 'bgpSourceAsNumber', millrace: 'src_as' },
  17: { iana: 'bgpDestinationAsNumber', millrace: 'dst_as' },
  18: { iana: 'bgpNextHopIPv4Address', millrace: 'bgp_next_hop' },
  48: { iana: 'samplerId', millrace: 'sampler_id' },
  61: { iana: 'flowDirection', millrace: 'direction' },
};
const ADDRESSES = new Set([8, 12, 15, 18]);

const expectedValue = (record: RecordRead, id: number): string | number =>
  ADDRESSES.has(id) ? octetsOf(record, id).join('.') : numberOf(record, id);

/** Reads what an encoder wrote with somebody else's reader and compares every value with the octets of the record. */
export function checkEncoded(
  bytes: Uint8Array,
  format: Format,
  schema: Schema,
  records: readonly RecordRead[],
): void {
  if (format === 'text') checkText(bytes, schema, records);
  else checkObjects(OBJECTS[format](bytes), schema, records);
}

type Json = Record<string, unknown>;

function jsonLines(bytes: Uint8Array): Json[] {
  const lines = new TextDecoder('utf-8', { fatal: true }).decode(bytes).split('\n');
  assert.equal(lines.pop(), '');
  return lines.map((line) => JSON.parse(line) as Json);
}

const messages = (bytes: Uint8Array): Json[] => [...decodeMulti(bytes)] as Json[];

const OBJECTS = { ndjson: jsonLines, msgpack: messages, columnar: frameRecords };

/** Compares records of a schema that have become objects. */
export function checkObjects(objects: readonly Json[], schema: Schema, records: readonly RecordRead[]): void {
  assert.equal(objects.length, records.length);
  objects.forEach((object, i) => {
    const values = schema === 'iana' ? (object['fields'] as Json) : object;
    for (const [id, keys] of Object.entries(KEYS)) {
      assert.equal(
        values[keys[schema]],
        expectedValue(records[i], Number(id)),
        `${keys[schema]} of record ${i}`,
      );
    }
  });
}

function checkText(bytes: Uint8Array, schema: Schema, records: readonly RecordRead[]): void {
  const lines = new TextDecoder('utf-8', { fatal: true }).decode(bytes).split('\n');
  assert.equal(lines.pop(), '');
  assert.equal(lines.length, records.length);
  lines.forEach((line, i) => {
    if (schema === 'millrace') {
      for (const id of [8, 12]) assert.ok(line.includes(String(expectedValue(records[i], id))), line);
      return;
    }
    for (const [id, { iana }] of Object.entries(KEYS)) {
      const value = expectedValue(records[i], Number(id));
      const shown = typeof value === 'string' ? `${iana}="${value}"` : `${iana}=${value}`;
      assert.ok(` ${line} `.includes(` ${shown} `), `${shown} in ${line}`);
    }
  });
}
