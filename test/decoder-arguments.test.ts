/** What a Decoder is told: options, datagrams and sources that are none are errors of the caller; and what it keeps of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { Decoder, type DecoderOptions, MillraceError } from '../src/index.ts';
import { ipfix, SECONDS, set, template, u8, u32 } from './support/bytes.ts';

const SOURCE = { address: '192.0.2.1', port: 2055, receivedAtMs: SECONDS * 1000 };
const octets = template(256, [1, 4]); // octetDeltaCount

function refused(options: unknown, message: string): void {
  assert.throws(
    () => new Decoder(options as DecoderOptions),
    (error: unknown) => {
      assert.ok(error instanceof MillraceError && error.code === 'CONFIG_INVALID', String(error));
      assert.equal(error.message, message);
      return true;
    },
  );
}

test('options that are none are refused, each with what is allowed', () => {
  refused(5, 'DecoderOptions is 5; allowed is an object');
  refused(null, 'DecoderOptions is null; allowed is an object');
  refused({ templateTtl: 1 }, 'there is no option "templateTtl"; did you mean templateTtlMs?');
  refused({ limits: 5 }, 'limits is 5; allowed is an object');
  refused({ limits: { maxRecords: 1 } }, 'there is no option "limits.maxRecords"');
  for (const value of ['5', -1, Number.NaN, null, 5n]) {
    const shown = typeof value === 'string' ? `'${value}'` : typeof value === 'bigint' ? `${value}n` : value;
    refused(
      { limits: { maxFieldsPerTemplate: value } },
      `limits.maxFieldsPerTemplate is ${shown}; allowed is a number from 0 on`,
    );
    refused({ pending: { ttlMs: value } }, `pending.ttlMs is ${shown}; allowed is a number from 0 on`);
    refused({ templateTtlMs: value }, `templateTtlMs is ${shown}; allowed is a number from 0 on`);
  }
  refused({ pending: true }, 'pending is true; allowed is an object or false');
  refused({ allowedVersions: 9 }, 'allowedVersions is 9; allowed is an array of 5, 7, 9, 10');
  refused({ allowedVersions: ['9'] }, "allowedVersions is [ '9' ]; allowed is an array of 5, 7, 9, 10");
  refused({ allowedVersions: [8] }, 'allowedVersions is [ 8 ]; allowed is an array of 5, 7, 9, 10');
  refused({ honourUdpWithdrawals: 'no' }, "honourUdpWithdrawals is 'no'; allowed is true or false");
  refused({ exporterKey: 'port' }, "exporterKey is 'port'; allowed is address, address+port");
  refused({ jit: false }, 'jit is false; allowed is auto, off, eager');
  refused({ elements: [] }, 'elements is []; allowed is an object with a method lookup');
});

test('undefined stands for the default, at every place', () => {
  const decoder = new Decoder({
    limits: { maxFieldsPerTemplate: 1, maxRecordsPerSet: undefined, maxTemplatesPerScope: undefined },
    allowedVersions: undefined,
    pending: { maxSets: undefined, ttlMs: undefined },
    templateTtlMs: undefined,
    honourUdpWithdrawals: undefined,
    exporterKey: undefined,
    jit: undefined,
    elements: undefined,
  });
  const early = decoder.decode(ipfix({}, set(256, u32(1))), SOURCE);
  assert.deepEqual(early.missing, [{ templateId: 256, action: 'held' }]);
  assert.equal(decoder.decode(ipfix({}, set(2, octets)), SOURCE).records.length, 1);
  const wide = decoder.decode(ipfix({}, set(2, template(257, [1, 4], [2, 4]))), SOURCE);
  assert.deepEqual(
    wide.templates.map(({ action }) => action),
    ['refused'],
  );
});

test('numbers may be Infinity, and 0', () => {
  const datagram = ipfix({}, set(2, octets), set(256, u32(1, 2, 3)));
  for (const [amount, records] of [
    [Number.POSITIVE_INFINITY, 3],
    [0, 0],
  ]) {
    const limits = {
      maxFieldsPerTemplate: amount,
      maxTemplateBytes: amount,
      maxTemplatesPerScope: amount,
      maxRecordsPerSet: amount,
      maxValuesPerDatagram: amount,
      maxContentBytesPerDatagram: amount,
    };
    const pending = { maxSets: amount, maxBytes: amount, maxSetsPerTemplate: amount, ttlMs: amount };
    for (const jit of ['off', 'eager'] as const) {
      const decoder = new Decoder({ limits, pending, jit });
      assert.equal(decoder.decode(datagram, SOURCE).records.length, records);
      const batches = decoder.decodeBatch([{ ...SOURCE, payload: datagram }]);
      assert.equal(
        batches.reduce((sum, { rows }) => sum + rows, 0),
        records,
      );
    }
  }
});

test('datagrams and sources that are none are errors of the caller', () => {
  const decoder = new Decoder();
  const throws = (datagram: unknown, source: unknown, message: RegExp): void => {
    const expected = { name: 'TypeError', message };
    assert.throws(() => decoder.decode(datagram as Uint8Array, source as typeof SOURCE), expected);
    const datagrams = [{ ...(source as typeof SOURCE), payload: datagram as Uint8Array }];
    assert.throws(() => decoder.decodeBatch(datagrams), expected);
  };
  for (const datagram of [undefined, null, 'abc', [0, 10], new ArrayBuffer(4), new Uint16Array(4)])
    throws(datagram, SOURCE, /^the datagram is no Uint8Array$/);
  throws(new DataView(new ArrayBuffer(4)), SOURCE, /^the datagram is no Uint8Array$/);
  for (const address of [undefined, 5, 'router', '', '192.0.2', ' 192.0.2.1'])
    throws(new Uint8Array(4), { address }, /^source\.address is not an IP address: /);
  throws(new Uint8Array(4), undefined, /^source\.address is not an IP address: undefined$/);
  for (const port of [-1, 65_536, 1.5, '2055', Number.NaN])
    throws(new Uint8Array(4), { ...SOURCE, port }, /^source\.port is not 0 to 65535: /);
  for (const receivedAtMs of [Number.NaN, Number.POSITIVE_INFINITY, '1', new Date(0)])
    throws(new Uint8Array(4), { ...SOURCE, receivedAtMs }, /^source\.receivedAtMs is not a finite number: /);
  // Nothing of it stays.
  assert.equal(decoder.decode(ipfix({}, set(2, octets), set(256, u32(1))), SOURCE).records.length, 1);
});

test('a datagram may lie anywhere, in any memory, and is not needed after the call', () => {
  const datagrams = [
    ipfix({}, set(256, u32(1))),
    ipfix({}, set(2, template(256, [82, 65_535])), set(256, u8(3, 0x61, 0x62, 0x63))),
  ];
  const fields = (memory: Uint8Array) => {
    const decoder = new Decoder();
    const results = datagrams.map((datagram) => {
      memory.fill(0xff);
      memory.set(datagram, 5);
      return decoder.decode(memory.subarray(5, 5 + datagram.length), SOURCE);
    });
    memory.fill(0);
    return results.flatMap(({ records }) => records.map((record) => record.fields));
  };
  const expected = fields(new Uint8Array(200));
  assert.deepEqual(expected.at(-1), { interfaceName: 'abc' });
  const foreign = runInNewContext('new Uint8Array(200)') as Uint8Array;
  for (const memory of [Buffer.alloc(200), new Uint8Array(new SharedArrayBuffer(200)), foreign])
    assert.deepEqual(fields(memory), expected);
});
