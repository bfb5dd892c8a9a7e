import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { concat, ipfix, SECONDS, set, template, u8, u16, u32 } from '../support/bytes.ts';
import { jsonLines } from '../support/json-lines.ts';
import { countLines, Running, run, temporaryDirectory } from './child.ts';
import { readBalanced } from './ledger-balance.ts';

const directory = temporaryDirectory();
const at = (name: string): string => join(directory, name);

function namedPipe(name: string): string {
  assert.equal(spawnSync('mkfifo', [at(name)]).status, 0);
  return at(name);
}

interface Generated {
  path: string;
  flows: number;
  options: number;
}

async function generated(name: string, ...args: string[]): Promise<Generated> {
  const path = at(name);
  const { code, stderr } = await run(['generate', '--output', path, ...args]);
  assert.equal(code, 0, stderr);
  const [, flows, options] = /\((\d+) flows?, (\d+) options records?\)/.exec(stderr) ?? [];
  return { path, flows: Number(flows), options: Number(options) };
}

/** A record of a .dgrams file. */
const record = (payload: Uint8Array, v4 = 0, port = 0): Uint8Array =>
  concat(u32(v4), u16(port, payload.length), payload);

const FIELDS: [number, number][] = [
  [8, 4],
  [12, 4],
];
const announcement = (sequence: number, seconds = SECONDS): Uint8Array =>
  ipfix({ sequence, domain: 7, seconds }, set(2, template(256, ...FIELDS)));
const data = (sequence: number, seconds = SECONDS): Uint8Array =>
  ipfix({ sequence, domain: 7, seconds }, set(256, u8(10, 0, 0, 1, 10, 0, 0, 2)));

function writeRecords(name: string, ...records: Uint8Array[]): string {
  writeFileSync(at(name), concat(...records));
  return at(name);
}

test('what was generated is decoded, all of it and in order', async () => {
  for (const version of ['5', '7', '9', '10']) {
    const templates = version === '5' || version === '7' ? [] : ['--templates', '3', '--options'];
    const file = await generated(`v${version}.dgrams`, '--version', version, '--count', '300', ...templates);
    const ledger = at(`v${version}.json`);
    const { code, stdout, stderr } = await run(['decode', file.path, '--workers', '3', '--ledger', ledger]);
    assert.equal(code, 0, stderr);
    assert.equal(countLines(stdout), file.flows);
    assert.equal(stderr, `300 datagrams, ${file.flows} flows, ${file.options} options records\n`);
    const report = readBalanced(ledger);
    assert.equal(report.counters.datagrams_received, 300);
    assert.equal(report.counters.records_decoded, file.flows);
    assert.equal(report.counters.records_options_decoded, file.options);
    const sequences = jsonLines(stdout).map(({ sequence }) => sequence);
    for (let i = 1; i < sequences.length; i++) assert.ok(sequences[i] >= sequences[i - 1], `line ${i}`);
  }
});

test('--options, --schema, --format and --quiet', async () => {
  const file = await generated('formats.dgrams', '--count', '40', '--options');
  const withOptions = await run(['decode', file.path, '--options', '--quiet']);
  assert.equal(withOptions.stderr, '');
  assert.equal(countLines(withOptions.stdout), file.flows + file.options);
  const iana = await run(['decode', file.path, '--schema', 'iana', '--quiet']);
  assert.equal(countLines(iana.stdout), file.flows + file.options);
  assert.match(iana.stdout, /"sourceIPv4Address"/);
  const text = await run(['decode', file.path, '--format', 'text', '--quiet']);
  assert.match(text.stdout, /→/);
  const msgpack = await run(['decode', file.path, '--format', 'msgpack', '--quiet']);
  assert.notEqual(msgpack.stdout.length, 0);
});

test('several outputs at once', async () => {
  const file = await generated('several.dgrams', '--count', '50');
  const flows = at('several/flows.ndjson');
  const ledger = at('several.json');
  const outputs = ['null:', `file://${flows}?compress=gzip`, 'stdout:?format=text'].flatMap((uri) => [
    '--output',
    uri,
  ]);
  const { code, stdout } = await run(['decode', file.path, '--ledger', ledger, ...outputs]);
  assert.equal(code, 0);
  assert.equal(countLines(stdout), file.flows);
  assert.ok(existsSync(`${flows}.gz`));
  const report = readBalanced(ledger);
  assert.deepEqual(
    report.outputs.map(({ written }) => written),
    [file.flows, file.flows, file.flows],
  );
});

test('standard input', async () => {
  const file = await generated('stdin.dgrams', '--count', '200', '--version', '10');
  const { code, stdout, stderr } = await run(['decode', '-'], readFileSync(file.path));
  assert.equal(code, 0, stderr);
  assert.equal(countLines(stdout), file.flows);
});

test('a named pipe', async () => {
  const file = await generated('piped.dgrams', '--count', '30');
  const pipe = namedPipe('in.fifo');
  const running = new Running(['decode', pipe]);
  await writeFile(pipe, readFileSync(file.path));
  const { code, stderr } = await running.ended;
  assert.equal(code, 0, stderr);
  assert.equal(stderr, `30 datagrams, ${file.flows} flows, 0 options records\n`);
});

test('SIGINT ends the wait for a pipe that nobody writes to, wherever it stands', async () => {
  const file = await generated('before.dgrams', '--count', '30');
  const frames = at('before.columnar');
  await run(['decode', file.path, '--output', `file:${frames}?format=columnar`]);
  const pipe = namedPipe('silent.fifo');
  for (const first of [file.path, frames]) {
    for (const silent of [pipe, '-']) {
      const running = new Running(['decode', first, silent], { stdio: ['pipe', 'pipe', 'pipe'] });
      await running.lines(file.flows);
      running.kill('SIGINT');
      const { code, stderr } = await running.ended;
      assert.equal(code, 130, stderr);
      assert.doesNotMatch(stderr, /millrace:/);
    }
  }
});

test('files share what was learned of templates', async () => {
  const first = writeRecords('first.dgrams', record(announcement(0)));
  const second = writeRecords('second.dgrams', record(data(0)), record(data(1)));
  const together = await run(['decode', first, second]);
  assert.equal(together.code, 0);
  assert.equal(countLines(together.stdout), 2);
  const ledger = at('alone.json');
  const alone = await run(['decode', second, '--ledger', ledger]);
  assert.equal(alone.code, 0);
  assert.equal(alone.stdout, '');
  assert.match(alone.stderr, /^2 datagrams, 0 flows, 0 options records; 2 sets without a template\n$/);
  assert.equal(readBalanced(ledger).counters.sets_unresolved, 2);
  const late = await run(['decode', second, first]);
  assert.equal(countLines(late.stdout), 2);
});

test('a recording has its own time: nothing expires, and times that are missing are those of the export', async () => {
  const year = 365 * 86_400;
  const file = writeRecords(
    'year.dgrams',
    record(data(0)),
    record(announcement(1, SECONDS + year), 0xc0000201, 4739),
    record(announcement(1, SECONDS + year)),
    record(data(1, SECONDS + 2 * year)),
  );
  const { code, stdout } = await run(['decode', file]);
  assert.equal(code, 0);
  const flows = jsonLines(stdout);
  assert.deepEqual(
    flows.map((flow) => [flow['exporter_addr'], flow['time_received'], flow['src_addr']]),
    [
      ['0.0.0.0', SECONDS * 1000, '10.0.0.1'],
      ['0.0.0.0', (SECONDS + 2 * year) * 1000, '10.0.0.1'],
    ],
  );
});

test('--udp-withdrawals and --exporter-key', async () => {
  const withdrawal = ipfix({ sequence: 0, domain: 7 }, set(2, u16(256, 0)));
  const withdrawn = writeRecords(
    'withdrawn.dgrams',
    record(announcement(0)),
    record(withdrawal),
    record(data(0)),
  );
  assert.equal(countLines((await run(['decode', withdrawn])).stdout), 0);
  const ignoring = ['decode', withdrawn, '--udp-withdrawals', 'ignore', '--log-level', 'warn'];
  const ignored = await run(ignoring);
  assert.equal(countLines(ignored.stdout), 1);
  assert.match(ignored.stderr, /a template withdrawal is ignored/);
  const ports = writeRecords('ports.dgrams', record(announcement(0), 1, 1000), record(data(0), 1, 2000));
  assert.equal(countLines((await run(['decode', ports])).stdout), 1);
  assert.equal(countLines((await run(['decode', ports, '--exporter-key', 'address+port'])).stdout), 0);
});

test('datagrams that are no flow export are counted, not errors', async () => {
  const ledger = at('strange.json');
  const file = writeRecords(
    'strange.dgrams',
    record(announcement(0)),
    record(u8(1)),
    record(u8(0, 42, 1, 2, 3)),
    record(u8(0, 10, 0, 3)),
    record(data(0)),
  );
  const { code, stdout, stderr } = await run(['decode', file, '--ledger', ledger]);
  assert.equal(code, 0, stderr);
  assert.equal(countLines(stdout), 1);
  const { counters } = readBalanced(ledger);
  assert.equal(counters.datagrams_received, 5);
  assert.equal(counters.datagrams_decoded, 2);
});

test('a file that cannot be read is told, and the others are decoded', async () => {
  const file = await generated('good.dgrams', '--count', '10');
  const missing = at('missing.pcap');
  const { code, stdout, stderr } = await run(['decode', missing, file.path, directory]);
  assert.equal(code, 1);
  assert.equal(countLines(stdout), file.flows);
  const lines = stderr.trimEnd().split('\n');
  assert.equal(lines.length, 3, stderr);
  assert.equal(lines[0], `millrace: cannot read ${missing}: no such file or directory`);
  assert.equal(lines[1], `millrace: cannot read ${directory}: is a directory`);
  assert.match(lines[2], /^10 datagrams, /);
  const folder = openSync(directory, 'r');
  const fromFolder = await new Running(['decode', '-'], { stdio: [folder, 'pipe', 'pipe'] }).ended;
  closeSync(folder);
  assert.equal(fromFolder.code, 1);
  assert.equal(fromFolder.stderr, 'millrace: cannot read standard input: is a directory\n');
  const alone = await run(['decode', missing]);
  assert.equal(alone.code, 1);
  assert.equal(countLines(alone.stderr), 1);
  const noCapture = writeRecords(
    'no-capture',
    new TextEncoder().encode('this is no capture of anything at all\n'),
  );
  const strange = await run(['decode', noCapture]);
  assert.equal(strange.code, 1);
  assert.match(strange.stderr, /^millrace: cannot read [^\n]*no-capture[^\n]*\n$/);
});

test('outputs and ledgers that cannot be written are one line and exit code 1', async () => {
  const file = await generated('unwritable.dgrams', '--count', '10');
  const below = join(file.path, 'below', 'x.ndjson');
  const output = await run(['decode', file.path, '--output', `file://${below}`]);
  assert.equal(output.code, 1);
  assert.match(output.stderr, /^millrace: --output [^\n]*not a directory[^\n]*\n$/);
  const ledger = await run(['decode', file.path, '--ledger', below]);
  assert.equal(ledger.code, 1);
  assert.match(ledger.stderr, /^millrace: --ledger [^\n]*\n$/);
  assert.equal(ledger.stdout, '');
  const same = await run(['decode', file.path, '--ledger', directory]);
  assert.equal(same.code, 1);
  assert.match(same.stderr, /^millrace: --ledger [^\n]*is a directory\n$/);
  const pipe = namedPipe('ledger.fifo');
  const device = await run(['decode', file.path, '--ledger', pipe]);
  assert.equal(device.code, 1);
  assert.match(device.stderr, /^millrace: --ledger [^\n]*is no regular file\n$/);
  assert.ok(lstatSync(pipe).isFIFO());
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.endsWith('.part')),
    [],
  );
});

test('a ledger goes where a link points', async () => {
  const file = await generated('linked.dgrams', '--count', '10');
  writeFileSync(at('ledger-behind.json'), '');
  symlinkSync('ledger-behind.json', at('ledger-link.json'));
  assert.equal((await run(['decode', file.path, '--ledger', at('ledger-link.json')])).code, 0);
  assert.ok(lstatSync(at('ledger-link.json')).isSymbolicLink());
  assert.equal(readBalanced(at('ledger-behind.json')).counters.datagrams_received, 10);
});

test('a full disk ends the run with one line, also when there is more to decode than queues hold', {
  skip: existsSync('/dev/full') ? false : 'this system has no /dev/full',
}, async () => {
  const file = await generated('full.dgrams', '--count', '3000');
  const ledger = at('full.json');
  const full = openSync('/dev/full', 'w');
  const running = new Running(
    ['decode', file.path, '--output', 'stdout:?queue=64KiB', '--ledger', ledger, '--quiet'],
    {
      stdio: ['ignore', full, 'pipe'],
    },
  );
  const { code, stderr } = await running.ended;
  closeSync(full);
  assert.equal(code, 1);
  assert.match(stderr, /^millrace: stdout:[^\n]*no space left on device\n$/);
  const [output] = readBalanced(ledger).outputs;
  assert.equal(output.dropped_failed, output.encoded);
});

test('a reader that goes away ends the run quietly', async () => {
  const file = await generated('head.dgrams', '--count', '3000');
  const ledger = at('head.json');
  const running = new Running(['decode', file.path, '--ledger', ledger]);
  await running.lines(1);
  running.child.stdout?.destroy();
  const { code, stderr } = await running.ended;
  assert.equal(stderr, '');
  assert.equal(code, 0);
  const report = readBalanced(ledger);
  assert.ok(report.counters.datagrams_received < 3000);
});

test('SIGINT ends the run with what was decoded, and a second signal at once', async () => {
  const file = await generated('interrupted.dgrams', '--count', '200');
  const bytes = readFileSync(file.path);
  const open = new Running(['decode', '-'], { stdio: ['pipe', 'pipe', 'pipe'] });
  open.child.stdin?.write(bytes);
  await open.lines(file.flows);
  open.kill('SIGINT');
  const ended = await open.ended;
  assert.equal(ended.code, 130);
  assert.equal(ended.stderr, `200 datagrams, ${file.flows} flows, 0 options records\n`);

  // Nobody reads the flows, so that there is no end after the first signal.
  const stuck = new Running(['decode', file.path, '--output', 'stdout:?queue=64KiB'], {}, false);
  await stuck.somethingToRead();
  // Signals that are sent together come in any order.
  stuck.kill('SIGINT');
  stuck.kill('SIGTERM');
  const { code, stderr } = await stuck.ended;
  const second = code === 130 ? 'SIGINT' : 'SIGTERM';
  assert.equal(code, second === 'SIGINT' ? 130 : 143);
  assert.equal(stderr, `millrace: ${second} again: ended at once, what was not written is lost\n`);
});
