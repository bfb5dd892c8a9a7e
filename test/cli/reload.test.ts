/** SIGHUP on a collector that receives all the while. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { countLines, eventually, Running, run, temporaryDirectory } from './child.ts';
import { readBalanced } from './ledger-balance.ts';

const directory = temporaryDirectory();
let cases = 0;

/** A collector with a file of options in a directory of its own, and what a test does to it. */
class Reloaded {
  readonly directory = join(directory, String(cases++));
  readonly collector: Running;
  #port = 0;

  constructor(yaml: string, ...flags: string[]) {
    mkdirSync(this.directory);
    this.write(yaml);
    this.collector = new Running([
      ...['collect', '--listen', 'netflow://127.0.0.1:0', '--recv-buffer', '2MiB', '--status-interval', '0'],
      ...['--config', this.at('a.yaml'), '--ledger', this.at('ledger.json'), '--workers', '1', ...flags],
    ]);
  }

  at(name: string): string {
    return join(this.directory, name);
  }

  /** FILE stands for the path of a file. */
  write(yaml: string): void {
    writeFileSync(this.at('a.yaml'), yaml.replaceAll('FILE', `file://${this.directory}`));
  }

  /** Reads the options again; resolves when the log has said so. */
  async reload(expected: string, yaml?: string): Promise<void> {
    await this.port();
    if (yaml !== undefined) this.write(yaml);
    const from = this.collector.stderr.length;
    this.collector.kill('SIGHUP');
    await this.collector.until(expected, () => this.collector.stderr.slice(from).includes(expected));
  }

  async port(): Promise<number> {
    this.#port ||= await this.collector.port();
    return this.#port;
  }

  async send(count: number): Promise<void> {
    const target = `127.0.0.1:${await this.port()}`;
    const sent = await run(['generate', '--to', target, '--count', String(count), '--rate', '2000']);
    assert.equal(sent.code, 0, sent.stderr);
  }

  async end(): Promise<ReturnType<typeof readBalanced>> {
    this.collector.kill('SIGTERM');
    const { code, stderr } = await this.collector.ended;
    assert.equal(code, 0, stderr);
    return readBalanced(this.at('ledger.json'));
  }

  /** Lines of the files that are complete and have this in their name. */
  lines(part: string): number {
    const names = readdirSync(this.directory).filter(
      (name) => name.startsWith(part) && name.endsWith('.ndjson'),
    );
    return names.reduce((sum, name) => sum + countLines(readFileSync(this.at(name), 'utf8')), 0);
  }
}

test('outputs come and go while flows arrive, and none is lost', async () => {
  const it = new Reloaded('output: FILE/a.ndjson');
  const sending = it.send(6_000);
  await it.reload('changed: output', 'output: [FILE/a.ndjson, "FILE/b.ndjson?schema=iana"]');
  await eventually('flows in the new output', () => existsSync(it.at('b.ndjson.part')));
  // The other way round, with other positions of the same encodings.
  await it.reload('changed: output', 'output: ["FILE/b.ndjson?schema=iana", FILE/c.ndjson]');
  await eventually('flows in the third output', () => existsSync(it.at('c.ndjson.part')));
  // The output that is gone is complete although the collector goes on.
  await eventually(
    'the first output is complete',
    () => !readdirSync(it.directory).some((name) => /^a\..*part$/.test(name)),
  );
  const early = it.lines('a.');
  await sending;
  const { counters, outputs } = await it.end();
  assert.equal(counters.datagrams_received, 6_000);
  assert.equal(it.lines('a.'), early);
  assert.ok(early > 0 && it.lines('b.') > 0 && it.lines('c.') > 0);
  // Every flow has gone to one of the outputs with the schema millrace.
  assert.equal(early + it.lines('c.'), counters.records_decoded);
  assert.deepEqual(
    outputs.map(({ written }) => written),
    [early, it.lines('b.'), it.lines('c.')],
  );
});

test('an output that comes back counts on', async () => {
  const it = new Reloaded('output: FILE/a.ndjson');
  await it.send(20);
  await it.reload('changed: output', 'output: "null:"');
  await it.reload('changed: output', 'output: FILE/a.ndjson');
  await it.send(20);
  const { counters, outputs } = await it.end();
  assert.deepEqual(
    outputs.map(({ output }) => output.replace(/^file.*\//, '')),
    ['a.ndjson', 'null:'],
  );
  assert.equal(outputs[0].written + outputs[1].written, counters.records_decoded);
  assert.equal(it.lines('a.'), outputs[0].written);
});

test('a file with a mistake, and an output that cannot be opened, change nothing', async () => {
  const it = new Reloaded('output: FILE/a.ndjson\nallow: 127.0.0.0/8');
  await it.reload('the configuration stays as it was: ', 'output: FILE/b.ndjson\nallwo: 10.0.0.0/8');
  assert.match(it.collector.stderr, /a\.yaml:2:1: unknown option "allwo"; did you mean allow\?/);
  writeFileSync(it.at('file'), '');
  await it.reload('not a directory', 'output: [FILE/b.ndjson, FILE/file/c.ndjson]\nallow: 10.0.0.0/8');
  await it.reload('the configuration stays as it was: ', 'output: FILE/b.ndjson\nelements: /no/such/file');
  await it.send(20);
  const { counters } = await it.end();
  assert.equal(counters.datagrams_refused_not_admitted, 0);
  assert.equal(it.lines('a.'), counters.records_decoded);
  assert.equal(it.lines('b.'), 0);
});

test('admission and log level change at once; what needs a restart is said every time', async () => {
  const it = new Reloaded('output: "null:"', '--log-format', 'json');
  await it.send(10);
  await it.reload('changed: log-level', 'output: "null:"\nallow: 192.0.2.1\nslots: 64\nlog-level: warn');
  assert.match(it.collector.stderr, /changed: allow: \\"192\.0\.2\.1\\" \(\S+a\.yaml:2\)/);
  assert.match(
    it.collector.stderr,
    /needs a restart: slots: \\"64\\" \(\S+a\.yaml:3\); until then it is \\"8192\\"/,
  );
  const from = it.collector.stderr.length;
  await it.send(10);
  await it.reload('needs a restart: slots');
  const later = it.collector.stderr.slice(from);
  assert.ok(!later.includes('"level":"info"'), later);
  const line = JSON.parse(later.split('\n').find((text) => text.includes('refused'))!) as Record<
    string,
    unknown
  >;
  assert.deepEqual(
    [line['level'], line['event'], line['exporter'], line['datagram'], line['muted']],
    ['warn', 'not-admitted', '127.0.0.1', 11, 0],
  );
  const { counters } = await it.end();
  assert.deepEqual([counters.datagrams_decoded, counters.datagrams_refused_not_admitted], [10, 10]);
});

test('elements are read again, also under the same name', async () => {
  const elements = join(directory, 'elements.yaml');
  const name = (octets: string): void =>
    writeFileSync(elements, `- { pen: 0, id: 1, name: ${octets}, type: unsigned64 }\n`);
  name('octetsBefore');
  const it = new Reloaded(`output: "FILE/a.ndjson?schema=iana"\nelements: ${elements}`);
  await it.send(10);
  await eventually('flows', () => existsSync(it.at('a.ndjson.part')));
  name('octetsAfter');
  await it.reload('changed: 1 element in --elements');
  await it.send(10);
  writeFileSync(elements, '- { pen: 0, id: 1, name: octets, type: basicList }\n');
  await it.reload('elements of structured types changed, which needs a restart');
  const { counters } = await it.end();
  const text = ['a.ndjson', 'a.1.ndjson'].map((file) => readFileSync(it.at(file), 'utf8')).join('');
  const count = (octets: string): number => text.split(`"${octets}":`).length - 1;
  assert.equal(count('octetsBefore') + count('octetsAfter'), counters.records_decoded);
  assert.ok(count('octetsBefore') > 0 && count('octetsAfter') > 0);
  assert.ok(text.lastIndexOf('octetsBefore') < text.indexOf('octetsAfter'));
});

test('the format of standard output needs a restart; the rest is taken over', async () => {
  const it = new Reloaded('output: "stdout:?format=ndjson"');
  await it.send(5);
  await it.reload('changed: output', 'output: ["stdout:?format=text", "null:"]');
  assert.match(
    it.collector.stderr,
    /--output stdout:\?format=text needs a restart; until then it is stdout:\?format=ndjson/,
  );
  await it.send(5);
  const { counters, outputs } = await it.end();
  assert.equal(outputs[0].written, counters.records_decoded);
  assert.ok(outputs[1].written > 0);
  for (const line of it.collector.stdout.trimEnd().split('\n')) JSON.parse(line);
});

test('signals that come fast, and the end in the middle of it', async () => {
  const it = new Reloaded('output: FILE/a.ndjson');
  const sending = it.send(2_000);
  await it.port();
  for (let i = 0; i < 6; i++) {
    it.write(i % 2 === 0 ? 'output: "FILE/b.msgpack?format=msgpack"' : 'output: FILE/a.ndjson');
    it.collector.kill('SIGHUP');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await sending;
  it.collector.kill('SIGHUP');
  const { counters, outputs } = await it.end();
  assert.equal(counters.datagrams_received, 2_000);
  assert.equal(
    outputs.reduce((sum, { written }) => sum + written, 0),
    counters.records_decoded,
  );
});

test('SIGHUP while the options are still being read is obeyed after the start', async () => {
  const fifo = join(directory, 'options.yaml');
  assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
  /** Resolves when the collector has opened the file to read it. */
  const opened = (): Promise<FileHandle> => open(fifo, 'w');
  const collector = new Running(['collect', '--config', fifo]);
  let writer = await opened();
  collector.kill('SIGHUP');
  const yaml = 'listen: netflow://127.0.0.1:0\nrecv-buffer: 2MiB\noutput: "null:"\n';
  await writer.writeFile(yaml);
  await writer.close();
  await collector.until('it obeys', () => /SIGHUP: new files/.test(collector.stderr));
  writer = await opened();
  await writer.writeFile(yaml);
  await writer.close();
  await collector.until('it has read them again', () => /has not changed/.test(collector.stderr));
  collector.kill('SIGTERM');
  const { code, stderr } = await collector.ended;
  assert.equal(code, 0, stderr);
});
