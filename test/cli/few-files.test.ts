/** A collector that may open no more files goes on, says so, and loses nothing when it may again. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { ExporterMessages, Exporters, OCTETS_FIRST } from '../support/fleet.ts';
import { requireProgram } from '../support/system-packages.ts';
import { until } from '../support/until.ts';
import { countLines, Running, temporaryDirectory } from './child.ts';
import { readBalanced } from './ledger-balance.ts';

const prlimit = requireProgram('prlimit');
const directory = temporaryDirectory();
const exporters = new Exporters();
const ADDRESS = '127.0.0.11';

test('without a file descriptor left', { skip: prlimit.skip }, async () => {
  const ledger = join(directory, 'ledger.json');
  const collector = new Running([
    ...['collect', '--listen', 'netflow://127.0.0.1:0', '--http', '127.0.0.1:0', '--templates', 'memory:'],
    ...['--workers', '1', '--recv-buffer', '2MiB', '--ledger', ledger, '--status-interval', '1s'],
    ...['--output', `file://${directory}/%H%M%S.ndjson?rotate=1s`],
  ]);
  const port = await collector.port();
  const { pid } = collector.child;
  const allow = (files: number): void => {
    const { status, stderr } = spawnSync(prlimit.path, ['--pid', String(pid), `--nofile=${files}:`]);
    assert.equal(status, 0, String(stderr));
  };
  const messages = new ExporterMessages(1);
  const send = () => exporters.send(ADDRESS, port, messages.data(256, OCTETS_FIRST, 1, 2));
  await exporters.send(ADDRESS, port, messages.announce(256, OCTETS_FIRST));

  allow(8);
  const [, http] = /http:\/\/127\.0\.0\.1:(\d+)/.exec(collector.stderr)!;
  const visitors = Array.from({ length: 20 }, () => connect(Number(http), '127.0.0.1').on('error', () => {}));
  let sent = 0;
  await until('the output says what is wrong', async () => {
    await send();
    sent++;
    return /cannot create a file: too many open files/.test(collector.stderr);
  });
  const said = collector.stderr.length;
  collector.kill('SIGHUP');
  // Twice the time between two samples of the page, which look at the process.
  await until('it goes on', () => (collector.stderr.slice(said).match(/datagrams\/s/g) ?? []).length > 4);
  for (const visitor of visitors) visitor.destroy();

  allow(1024);
  await until('it has recovered', () => readdirSync(directory).some((name) => name.endsWith('.ndjson')));
  collector.kill('SIGTERM');
  const { code, stderr } = await collector.ended;
  assert.equal(code, 0, stderr);
  const { counters, outputs } = readBalanced(ledger);
  assert.equal(counters.records_decoded, 2 * sent);
  assert.equal(outputs[0].written, 2 * sent);
  const files = readdirSync(directory).filter((name) => name.endsWith('.ndjson'));
  const lines = files.map((name) => countLines(readFileSync(join(directory, name), 'utf8')));
  assert.equal(
    lines.reduce((sum, count) => sum + count, 0),
    2 * sent,
  );
});
