import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CounterName } from '../../src/accounting/ledger.ts';
import { SCHEMAS } from '../../src/output/encoder.ts';
import {
  concat,
  ipfix,
  optionsTemplate,
  SECONDS,
  set,
  template,
  u8,
  u16,
  u32,
  u64,
  v5,
  v9,
  v9Template,
} from '../support/bytes.ts';
import { jsonLines } from '../support/json-lines.ts';
import { countLines, Running, run, temporaryDirectory } from './child.ts';
import { readBalanced } from './ledger-balance.ts';

const directory = temporaryDirectory();
const at = (name: string): string => join(directory, name);

type Flow = Record<string, number | string | undefined>;

const FILTER = 'proto tcp and (dst port 443 or bytes > 100k) and not dst net 198.51.100.0/24';
const passes = ({ proto, dst_port, bytes, dst_addr }: Flow): boolean =>
  proto === 6 && (dst_port === 443 || Number(bytes) > 100_000) && !String(dst_addr).startsWith('198.51.100.');

async function recorded(name: string, ...args: string[]): Promise<string> {
  const { code, stderr } = await run(['generate', '--output', at(name), '--count', '300', ...args]);
  assert.equal(code, 0, stderr);
  return at(name);
}

test('decode --filter writes the flows that pass and counts the others', async () => {
  for (const version of ['5', '9', '10']) {
    const options = version === '5' ? [] : ['--options', '--templates', '3'];
    const file = await recorded(`v${version}.dgrams`, '--version', version, ...options);
    const all = await run(['decode', file, '--quiet']);
    const expected = jsonLines<Flow>(all.stdout).filter(passes);
    assert.ok(expected.length > 20);
    for (const workers of ['1', '3']) {
      const ledger = at('decode.json');
      const outputs = ['--output', 'stdout:', '--output', 'null:?format=columnar'];
      const { code, stdout, stderr } = await run([
        ...['decode', file, '--filter', FILTER, '--workers', workers, '--ledger', ledger],
        ...outputs,
      ]);
      assert.equal(code, 0, stderr);
      assert.deepEqual(jsonLines<Flow>(stdout), expected);
      const { counters, outputs: accounts } = readBalanced(ledger);
      assert.equal(counters.records_encoded, expected.length);
      assert.equal(counters.records_filtered, countLines(all.stdout) - expected.length);
      for (const { encoded, written } of accounts)
        assert.deepEqual([encoded, written], [expected.length, expected.length]);
      assert.match(stderr, new RegExp(`${counters.records_filtered} flows left out by the filter`));
    }
  }
});

test('options records are not filtered', async () => {
  const file = await recorded('options.dgrams', '--options');
  const ledger = at('options.json');
  const { stdout } = await run(['decode', file, '--filter', 'not any', '--options', '--ledger', ledger]);
  const { counters } = readBalanced(ledger);
  assert.ok(counters.records_options_decoded > 0);
  assert.equal(countLines(stdout), counters.records_options_decoded);
  assert.equal(counters.records_filtered, counters.records_decoded);
  assert.ok(jsonLines<Flow>(stdout).every(({ record }) => record === 'options'));
});

test('collect --filter', async () => {
  const ledger = at('collect.json');
  const collector = new Running([
    ...['collect', '--listen', 'netflow://127.0.0.1:0', '--recv-buffer', '2MiB', '--ledger', ledger],
    ...['--filter', 'proto udp'],
  ]);
  const port = await collector.port();
  await run(['generate', '--to', `127.0.0.1:${port}`, '--count', '50', '--version', '10']);
  await collector.lines(1);
  collector.kill('SIGTERM');
  const { code, stdout, stderr } = await collector.ended;
  assert.equal(code, 0, stderr);
  const { counters } = readBalanced(ledger);
  assert.equal(counters.records_encoded, countLines(stdout));
  assert.ok(counters.records_filtered > 0);
  assert.ok(jsonLines<Flow>(stdout).every(({ proto }) => proto === 17));
  assert.match(stderr, /records_filtered +\d+ {2}data records that the filter left out/);
});

test('a mistake is shown at its place', async () => {
  for (const command of [
    ['collect'],
    ['decode', 'some.pcap'],
    ['decode', '--from', 'columnar', 'some.mrc'],
  ]) {
    const { code, stdout, stderr } = await run([...command, '--filter', 'proto tcp and dst prot 443']);
    assert.deepEqual([code, stdout], [2, '']);
    const [message, line, mark, ...rest] = stderr.split('\n');
    assert.match(message, /^millrace: --filter: column 19: .*"prot"; did you mean port\?$/);
    assert.equal(line, '  proto tcp and dst prot 443');
    assert.equal(mark, `${' '.repeat(20)}^^^^`);
    assert.deepEqual(rest, ['']);
  }
});

/** Both address families in one template, labels, uptimes with and without the time at which they began, and v5. */
function handMade(): Uint8Array {
  const record = (payload: Uint8Array): Uint8Array =>
    concat(u32(0xc0000201), u16(2055, payload.length), payload);
  const families: [number, number][] = [
    ...([
      [8, 4],
      [12, 4],
      [27, 16],
      [28, 16],
      [7, 2],
      [11, 2],
      [4, 1],
    ] as [number, number][]),
    ...([
      [1, 8],
      [2, 4],
      [70, 3],
      [71, 3],
      [22, 4],
      [21, 4],
    ] as [number, number][]),
  ];
  const ipv6 = (last: number): Uint8Array => concat(u32(0x20010db8, 0, 0, last));
  const rest = (port: number, bytes: bigint): Uint8Array =>
    concat(u16(port, 443), u8(17), u64(bytes), u32(10), u8(0, 1, 0, 0, 2, 1), u32(90_000, 95_000));
  const flows = concat(
    ...[u32(0x0a000001, 0x0a000002), new Uint8Array(32), rest(53, 9_000_000_000n)],
    ...[u32(0, 0), ipv6(1), ipv6(2), rest(80, 40n)],
    ...[u32(0xc0000207, 0x0a000002), new Uint8Array(32), rest(53, 2n ** 64n - 1n)],
  );
  const began = concat(u32(1), u64(BigInt(SECONDS - 100) * 1000n));
  const v5Record = concat(u32(0x0a000001, 0x0a000002), new Uint8Array(8), u32(3, 4_000, 90_000, 95_000));
  return concat(
    ...[
      v9({ sequence: 1 }, set(0, v9Template(256, ...families)), set(256, flows)),
      ipfix({ domain: 2 }, set(2, template(256, ...families)), set(256, flows)),
      ipfix({ domain: 1 }, set(3, optionsTemplate(300, 1, [149, 4], [160, 8])), set(300, began)),
      ipfix({ domain: 1 }, set(2, template(256, ...families)), set(256, flows)),
      v5({ sequence: 1 }, concat(v5Record, u16(53, 443), new Uint8Array(12))),
    ].map(record),
  );
}

test('decode --filter of columnar files writes and counts what it does of the datagrams', async () => {
  writeFileSync(at('hand-made.dgrams'), handMade());
  const captures = [
    [at('hand-made.dgrams'), 'src ip in [2001:db8::1 192.0.2.7]', 'mpls label2 32 and bytes > 8G'],
    [await recorded('columnar-5.dgrams', '--version', '5'), FILTER],
    [await recorded('columnar-9.dgrams', '--version', '9', '--options', '--templates', '3'), 'duration > 5s'],
    [
      await recorded('columnar-10.dgrams', '--version', '10', '--options', '--templates', '3'),
      FILTER,
      'not any',
    ],
  ];
  let written = 0;
  const to = (format: string, schema: string): [path: string, ...args: string[]] => {
    const path = at(`output-${written++}`);
    return [path, '--output', `file://${path}?format=${format}&schema=${schema}`];
  };
  for (const [capture, ...filters] of captures) {
    const frames = SCHEMAS.map((schema) => to('columnar', schema));
    const made = await run([
      'decode',
      capture,
      '--quiet',
      '--options',
      ...frames.flatMap(([, ...args]) => args),
    ]);
    assert.equal(made.code, 0, made.stderr);
    for (const filter of filters) {
      const common = ['--filter', filter, '--options', '--ledger', at('written.json')];
      const direct = SCHEMAS.map((schema) => to('ndjson', schema));
      await run(['decode', capture, ...common, ...direct.flatMap(([, ...args]) => args)]);
      const { counters } = readBalanced(at('written.json'));
      for (const [i, schema] of SCHEMAS.entries()) {
        const [path, ...output] = to('ndjson', schema);
        const { code, stderr } = await run(['decode', frames[i][0], ...common, ...output]);
        assert.equal(code, 0, stderr);
        const text = readFileSync(path, 'utf8');
        assert.ok(text === readFileSync(direct[i][0], 'utf8'), `${capture} ${schema} ${filter}`);
        const back = JSON.parse(readFileSync(at('written.json'), 'utf8'));
        for (const [name, count] of Object.entries(back.counters))
          assert.equal(count, counters[name as CounterName], name);
        const { records_encoded: encoded, records_filtered, records_options_decoded } = back.counters;
        assert.equal(back.outputs[0].written, encoded + records_options_decoded);
        assert.equal(countLines(text), encoded + records_options_decoded);
        assert.ok(records_filtered > 0 && (filter === 'not any') === (encoded === 0));
        assert.ok(stderr.endsWith(`; ${records_filtered} flows left out by the filter\n`), stderr);
      }
    }
  }
});

test('what only options data told is in columnar files of both schemas', async () => {
  writeFileSync(at('began.dgrams'), handMade());
  const columnar = SCHEMAS.map(
    (schema) => `file://${at(`began-${schema}`)}?format=columnar&schema=${schema}`,
  );
  await run(['decode', at('began.dgrams'), ...columnar.flatMap((output) => ['--output', output])]);
  const filter = ['--filter', 'version 10 and domain 1 and duration 5s'];
  for (const schema of SCHEMAS) {
    const common = ['--quiet', '--schema', schema, ...filter];
    const direct = await run(['decode', at('began.dgrams'), ...common]);
    // Schema iana has the options record, too.
    assert.equal(countLines(direct.stdout), schema === 'iana' ? 4 : 3);
    const read = await run(['decode', at(`began-${schema}`), ...common]);
    assert.equal(read.stdout, direct.stdout);
  }
});
