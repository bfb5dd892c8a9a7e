import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DgramsWriter } from '../../src/receive/capture/writer.ts';
import { concat, ipfix, set, template, u8, u32, v5 } from '../support/bytes.ts';
import { Running, run } from './child.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-inspect-'));
test.after(() => rmSync(directory, { recursive: true }));

test('inspect plan shows fields and code of every layout, once', async () => {
  const file = join(directory, 'two.dgrams');
  const octets = set(2, template(256, [1, 4], [8, 4]));
  const datagrams = [ipfix({}, octets, set(256, u32(1, 2))), ipfix({}, octets), v5({}, new Uint8Array(48))];
  writeFileSync(file, Buffer.concat(datagrams.map((d) => DgramsWriter.record(new Uint8Array(16), 9, d))));
  const { code, stdout, stderr } = await run(['inspect', 'plan', file]);
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout.match(/function decodeSet/g)?.length, 2);
  assert.match(
    stdout,
    /^\/\/ data template 256, template 256: 2 columns\n\/\/ +0 {2}octetDeltaCount, 4 octets, u32$/m,
  );
  assert.match(stdout, /^\/\/ version 5: 24 columns$/m);
});

test('inspect says what it can show', async () => {
  const wrong = await run(['inspect', 'flow', 'x']);
  assert.equal(wrong.code, 2);
  assert.equal(wrong.stderr, 'millrace: inspect "flow x": allowed is one file, or plan and one file\n');
  assert.equal((await run(['inspect', 'plan'])).code, 2);
  const missing = await run(['inspect', 'plan', join(directory, 'missing.pcap')]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^millrace: [^\n]*missing\.pcap[^\n]*\n$/);
});

const dgrams = (...datagrams: Uint8Array[]): Uint8Array => {
  const address = u8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1);
  return Buffer.concat(datagrams.map((datagram) => DgramsWriter.record(address, 2055, datagram)));
};
const EVIL = new TextEncoder().encode('\u001b]0;owned\u0007\u009b31m');
/** A template, then a record with a name that would act on a terminal, then one that is cut short. */
const FAULTY = ipfix(
  { sequence: 3, domain: 7 },
  set(2, template(256, [82, 65535], [1, 4])),
  set(256, concat(u8(EVIL.length), EVIL, u32(40), u8(250), u32(0))),
);

test('a datagram is taken apart, to the fault in it, and nothing in it acts on the terminal', async () => {
  const file = join(directory, 'faulty.dgrams');
  writeFileSync(file, dgrams(FAULTY));
  const { code, stdout, stderr } = await run(['inspect', file, '--hex']);
  assert.deepEqual([code, stderr], [0, '']);
  assert.deepEqual(stdout.split('\n'), [
    'datagram 1 from 192.0.2.1:2055, 61 octets',
    '  0000  IPFIX message                     61 octets',
    '  0000    version                         10',
    '  0002    length                          61',
    '  0004    exportTime                      1700000000 (2023-11-14T22:13:20Z)',
    '  0008    sequence                        3',
    '  000c    observationDomainId             7',
    '  0010    set 2                           template set, 16 octets',
    '  0014      template 256                  2 fields, records of 5 octets or more, learned',
    '  0018        interfaceName               id 82, variable length',
    '  001c        octetDeltaCount             id 1, 4 octets',
    '  0020    set 256                         data set, 29 octets',
    '  0024      record 1',
    '  0024        interfaceName               "\\u001b]0;owned\\u0007\\u009b31m"',
    '  0034        octetDeltaCount             40',
    '  0038      not taken apart               5 octets',
    '!!0038  variable-length-overrun: a value of this record would reach beyond the end of the set',
    '',
    '  0000  00 0a 00 3d 65 53 f1 00 00 00 00 03 00 00 00 07  ...=eS..........',
    '  0010  00 02 00 10 01 00 00 02 00 52 ff ff 00 01 00 04  .........R......',
    '  0020  01 00 00 1d 0f 1b 5d 30 3b 6f 77 6e 65 64 07 c2  ......]0;owned..',
    '  0030  9b 33 31 6d 00 00 00 28 fa 00 00 00 00           .31m...(.....',
    '!!                              ^^',
    '',
    '',
  ]);
});

test('a file that is one datagram, from a file and from a pipe, as text and as JSON', async () => {
  const file = join(directory, 'raw.bin');
  writeFileSync(file, FAULTY);
  const [fromFile, fromPipe, json] = [
    await run(['inspect', file]),
    await run(['inspect', '-'], FAULTY),
    await run(['inspect', file, '--json', '--hex']),
  ];
  assert.match(fromFile.stdout, /^datagram 1 of unknown source, 61 octets\n {2}0000 {2}IPFIX message/);
  assert.deepEqual(fromPipe, fromFile);
  const { parts, faults, hex, ...rest } = JSON.parse(json.stdout);
  assert.deepEqual(rest, { datagram: 1, octets: 61 });
  assert.deepEqual(faults, [{ at: 0x38, code: 'variable-length-overrun' }]);
  assert.equal(hex, Buffer.from(FAULTY).toString('hex'));
  assert.deepEqual(parts[0], { at: 0, octets: 61, depth: 0, name: 'IPFIX message', value: '61 octets' });
  assert.ok(!/(?!\n)\p{Cc}/u.test(json.stdout));
  const nothing = await run(['inspect', '-'], u8(1, 2, 3));
  assert.equal(nothing.code, 1);
  assert.match(nothing.stderr, /^millrace: cannot read standard input: not a capture[^\n]*\n$/);
});

test('--skip and --limit; templates of what is skipped are known', async () => {
  const file = join(directory, 'many.dgrams');
  const data = (n: number) => ipfix({ sequence: n }, set(256, u32(n)));
  writeFileSync(file, dgrams(ipfix({}, set(2, template(256, [1, 4]))), ...[1, 2, 3, 4].map(data)));
  const shown = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(['inspect', file, ...args]);
    assert.equal(code, 0);
    return [
      stdout.match(/(?<=^datagram )\d+/gm)?.join(' '),
      stdout.match(/(?<=octetDeltaCount +)\d+$/gm),
      stderr,
    ];
  };
  const more = 'there are more datagrams; --skip and --limit show others\n';
  assert.deepEqual(await shown('--skip', '1', '--limit', '2'), ['2 3', ['1', '2'], more]);
  assert.deepEqual(await shown('--limit', '4'), ['1 2 3 4', ['1', '2', '3'], more]);
  assert.deepEqual(await shown('--limit', '0'), ['1 2 3 4 5', ['1', '2', '3', '4'], '']);
  assert.deepEqual(await shown('--skip', '4'), ['5', ['4'], '']);
});

test('a reader that goes away ends it quietly', async () => {
  const file = join(directory, 'long.dgrams');
  writeFileSync(file, dgrams(...Array.from({ length: 3_000 }, () => FAULTY)));
  const running = new Running(['inspect', file, '--limit', '0'], {}, false);
  await running.somethingToRead();
  running.child.stdout?.destroy();
  const { code, stderr } = await running.ended;
  assert.deepEqual([code, stderr], [0, '']);
});
