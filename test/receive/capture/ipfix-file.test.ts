/** Files of RFC 5655: messages one after another. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { concat, ipfix, set, template, u8, u16, u32 } from '../../support/bytes.ts';
import { counts, read } from './build.ts';

const announcement = ipfix({ domain: 7 }, set(2, template(256, [1, 4])));
const data = (sequence: number, records: number): Uint8Array =>
  ipfix({ domain: 7, sequence }, set(256, u32(...new Array<number>(records).fill(sequence))));

test('each message is a datagram of unknown source, also in files that are longer than a datagram can be', async () => {
  const many = [announcement, ...Array.from({ length: 40 }, (_, i) => data(i, 1 + i * 100))];
  assert.ok(concat(...many).length > 2 * 65_536);
  for (const messages of [many, [announcement, data(1, 1)], [announcement]]) {
    const file = concat(...messages);
    for (const [content, chunkBytes] of [
      [file, 65_536],
      [file, 777],
      [gzipSync(file), 65_536],
    ] as const) {
      const { datagrams, stats } = await read(content, chunkBytes);
      assert.deepEqual(
        datagrams.map(({ payload }) => payload),
        messages,
      );
      assert.deepEqual(counts(stats), { frames: messages.length, datagrams: messages.length });
      assert.ok(datagrams.every(({ address, port }) => port === 0 && address.every((octet) => octet === 0)));
    }
  }
});

test('a file that ends in a message, and one that goes on with something else', async () => {
  const long = concat(...Array.from({ length: 30 }, (_, i) => data(i, 1_000)));
  const cut = await read(long.subarray(0, long.length - 1));
  assert.deepEqual(counts(cut.stats), { frames: 29, datagrams: 29, truncated: 1 });
  for (const junk of [u8(0, 9, 0, 99), u16(10, 15)]) {
    const { stats } = await read(concat(long, junk));
    assert.deepEqual(counts(stats), { frames: 30, datagrams: 30, broken: 1 });
  }
});

test('damage behind the second message leaves what is before it, however short the file is', async () => {
  const { stats } = await read(concat(announcement, data(0, 1), u16(9, 20), data(1, 1)));
  assert.deepEqual(counts(stats), { frames: 2, datagrams: 2, broken: 1 });
});

test('what does not go on with a message is none', async () => {
  for (const content of [concat(announcement, u16(9, 20)), u16(10, 15), u16(10), u8(0, 11, 0, 16)])
    await assert.rejects(read(content), { code: 'INPUT_FAILED' });
});
