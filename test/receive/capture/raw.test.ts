import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCapture } from '../../../src/receive/capture/capture.ts';
import { DgramsWriter } from '../../../src/receive/capture/writer.ts';
import { temporaryDirectory } from '../../cli/child.ts';
import { concat, ipfix, set, template, u16, v5, v9 } from '../../support/bytes.ts';

const folder = temporaryDirectory();
const datagrams = [
  ipfix({ sequence: 0x0009_0000 }, set(2, template(256, [1, 4]))),
  v9({}),
  v5({}, new Uint8Array(48)),
  // What is wrong behind the version is for whoever looks at it.
  u16(9),
];

async function payloads(content: Uint8Array, raw: boolean): Promise<Buffer[]> {
  const path = join(folder, 'content');
  writeFileSync(path, content);
  const found: Buffer[] = [];
  for await (const batch of (await openCapture(path, { raw })).batches())
    for (const { payload } of batch) found.push(Buffer.from(payload));
  return found;
}

test('a file that begins like flow export is one datagram, if that is asked for', async () => {
  for (const datagram of datagrams) assert.deepEqual(await payloads(datagram, true), [Buffer.from(datagram)]);
  await assert.rejects(payloads(v9({}), false), { code: 'INPUT_FAILED' });
});

test('other files are what they are without it', async () => {
  const address = concat(new Uint8Array(10), u16(0xffff, 0x0a00, 0x0001));
  for (const source of [address, new Uint8Array(16)]) {
    const file = Buffer.concat(datagrams.map((datagram) => DgramsWriter.record(source, 2055, datagram)));
    const expected = datagrams.map((datagram) => Buffer.from(datagram));
    assert.deepEqual(await payloads(file, true), expected);
    assert.deepEqual(await payloads(file, false), expected);
  }
  await assert.rejects(payloads(u16(6, 1), true), { code: 'INPUT_FAILED' });
});

test('no datagram is longer than UDP allows', async () => {
  const longest = concat(u16(10), new Uint8Array(65_533));
  assert.equal((await payloads(longest, true))[0].length, 65_535);
  await assert.rejects(payloads(concat(longest, [0]), true), { code: 'INPUT_FAILED' });
});
