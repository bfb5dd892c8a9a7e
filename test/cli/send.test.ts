import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Running, run, temporaryDirectory } from './child.ts';
import { Receiver } from './udp.ts';

const directory = temporaryDirectory();
const at = (name: string): string => join(directory, name);

/** The payloads of a .dgrams file. */
function payloads(path: string): Buffer[] {
  const bytes = readFileSync(path);
  const found: Buffer[] = [];
  for (let i = 0; i < bytes.length; ) {
    const length = bytes.readUInt16BE(i + 6);
    found.push(bytes.subarray(i + 8, i + 8 + length));
    i += 8 + length;
  }
  return found;
}

test('generate sends datagrams of every version, as many as wanted', async () => {
  for (const version of ['5', '7', '9', '10']) {
    const receiver = await Receiver.open();
    const { code, stdout, stderr } = await run(
      `generate --to ${receiver.target} --version ${version} --count 60 --rate 2000 --exporters 3`.split(' '),
    );
    assert.equal(code, 0, stderr);
    assert.equal(stdout, '');
    assert.match(
      stderr,
      new RegExp(`^sent 60 datagrams \\(\\d+ flows, .* of 3 exporters to ${receiver.target}\n$`),
    );
    await receiver.received(60);
    assert.ok(receiver.datagrams.every((datagram) => datagram.readUInt16BE(0) === Number(version)));
    assert.equal(receiver.sources.size, 3);
  }
});

test('generate ends cleanly on SIGINT', async () => {
  const receiver = await Receiver.open();
  const running = new Running(['generate', '--to', receiver.target, '--rate', '200']);
  await receiver.received(5);
  running.kill('SIGINT');
  const { code, stderr } = await running.ended;
  assert.equal(code, 0);
  assert.match(stderr, /^sent \d+ datagrams? /);
});

test('equal options make equal files, other seeds make others', async () => {
  const make = async (name: string, seed: string): Promise<Buffer> => {
    const { code, stderr } = await run(['generate', '--output', at(name), '--count', '50', '--seed', seed]);
    assert.equal(code, 0, stderr);
    return readFileSync(at(name));
  };
  const one = await make('one', '1');
  assert.deepEqual(await make('again', '1'), one);
  assert.notDeepEqual(await make('other', '2'), one);
  assert.equal(payloads(at('one')).length, 50);
});

test('generate loses and changes places on purpose, and says so', async () => {
  const { stderr } = await run(
    `generate --output ${at('loss')} --count 500 --loss 10% --reorder 0.1 --redefine 20 --templates 4`.split(
      ' ',
    ),
  );
  assert.match(stderr, /^wrote 500 datagrams .*; \d+ datagrams \(\d+ flows\) lost on purpose/);
  assert.equal(payloads(at('loss')).length, 500);
});

test('generate tells in one line what it cannot write or reach', async () => {
  assert.equal((await run(['generate', '--output', at('file'), '--count', '1', '--quiet'])).stderr, '');
  const below = await run(['generate', '--output', join(at('file'), 'x'), '--count', '1']);
  assert.equal(below.code, 1);
  assert.match(below.stderr, /^millrace: --output [^\n]*not a directory[^\n]*\n$/);
  const name = await run(['generate', '--to', 'nobody.invalid:2055', '--count', '1']);
  assert.equal(name.code, 1);
  assert.match(name.stderr, /^millrace: cannot send to nobody\.invalid [^\n]*\n$/);
});

test('replay sends what is in the file, in its order, as often as wanted', async () => {
  const file = at('replay.dgrams');
  await run(['generate', '--output', file, '--count', '80', '--version', '10']);
  const receiver = await Receiver.open();
  const { code, stdout, stderr } = await run([
    'replay',
    file,
    '--to',
    receiver.target,
    '--rate',
    '2000',
    '--loop',
    '2',
  ]);
  assert.equal(code, 0, stderr);
  assert.equal(stdout, '');
  assert.equal(stderr, `sent 160 datagrams in 2 rounds to ${receiver.target}\n`);
  await receiver.received(160);
  const sent = payloads(file);
  assert.deepEqual(receiver.datagrams, [...sent, ...sent]);
});

test('replay keeps to --speed, reads standard input, and ends on SIGINT', async () => {
  const file = at('speed.dgrams');
  await run(['generate', '--output', file, '--count', '30']);
  const receiver = await Receiver.open();
  const speed = await run(
    ['replay', '-', '--to', receiver.target, '--speed', '2', '--quiet'],
    readFileSync(file),
  );
  assert.equal(speed.code, 0, speed.stderr);
  assert.equal(speed.stderr, '');
  await receiver.received(30);
  const forever = new Running(['replay', file, '--to', receiver.target, '--rate', '500', '--loop', '0']);
  await receiver.received(100);
  forever.kill('SIGINT');
  const { code, stderr } = await forever.ended;
  assert.equal(code, 0);
  assert.match(stderr, /^sent \d+ datagrams in \d+ rounds to /);
});

test('replay tells in one line that a file is missing', async () => {
  const missing = await run(['replay', at('missing.pcap'), '--to', '127.0.0.1:2055']);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^millrace: cannot read [^\n]*missing\.pcap: no such file or directory\n$/);
  assert.ok(!existsSync(at('missing.pcap')));
});
