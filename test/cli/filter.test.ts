import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { countLines, Running, run, temporaryDirectory } from './child.ts';
import { readBalanced } from './ledger-balance.ts';

const directory = temporaryDirectory();
const at = (name: string): string => join(directory, name);

type Flow = Record<string, number | string | undefined>;

const FILTER = 'proto tcp and (dst port 443 or bytes > 100k) and not dst net 198.51.100.0/24';
const passes = ({ proto, dst_port, bytes, dst_addr }: Flow): boolean =>
  proto === 6 && (dst_port === 443 || Number(bytes) > 100_000) && !String(dst_addr).startsWith('198.51.100.');

const flowsOf = (text: string): Flow[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Flow);

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
    const expected = flowsOf(all.stdout).filter(passes);
    assert.ok(expected.length > 20);
    for (const workers of ['1', '3']) {
      const ledger = at('decode.json');
      const outputs = ['--output', 'stdout:', '--output', 'null:?format=columnar'];
      const { code, stdout, stderr } = await run([
        ...['decode', file, '--filter', FILTER, '--workers', workers, '--ledger', ledger],
        ...outputs,
      ]);
      assert.equal(code, 0, stderr);
      assert.deepEqual(flowsOf(stdout), expected);
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
  assert.ok(flowsOf(stdout).every(({ record }) => record === 'options'));
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
  assert.ok(flowsOf(stdout).every(({ proto }) => proto === 17));
  assert.match(stderr, /records_filtered +\d+ {2}data records that the filter left out/);
});

test('a mistake is shown at its place', async () => {
  for (const command of [['collect'], ['decode', 'some.pcap']]) {
    const { code, stdout, stderr } = await run([...command, '--filter', 'proto tcp and dst prot 443']);
    assert.deepEqual([code, stdout], [2, '']);
    const [message, line, mark, ...rest] = stderr.split('\n');
    assert.match(message, /^millrace: --filter: column 19: .*"prot"; did you mean port\?$/);
    assert.equal(line, '  proto tcp and dst prot 443');
    assert.equal(mark, `${' '.repeat(20)}^^^^`);
    assert.deepEqual(rest, ['']);
  }
});

test('columnar files are not filtered', async () => {
  const { code, stderr } = await run(['decode', '--from', 'columnar', 'x.mrc', '--filter', 'any']);
  assert.equal(code, 2);
  assert.match(stderr, /^millrace: --filter "any": allowed for captures, not for columnar files\n$/);
});
