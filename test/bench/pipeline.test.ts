import assert from 'node:assert/strict';
import { test } from 'node:test';
import { combinations, readOptions } from '../../bench/pipeline/options.ts';
import { pipelineReport } from '../../bench/pipeline/pipeline-report.ts';
import { cpuPer, measure, Session } from '../../bench/pipeline/session.ts';
import { chooseReceive } from '../../src/receive/receive-mode.ts';

const linux = process.platform === 'linux';
const fast = linux && chooseReceive('auto', 1).mode === 'recvmmsg';

test('the grid leaves out what does not exist', () => {
  const options = readOptions(['--workers', '1,2', '--receivers', '1,2', '--receive', 'dgram,recvmmsg']);
  const setups = combinations({ ...options, formats: ['null', 'ndjson'] });
  assert.equal(setups.length, 2 * 2 + 2 * 2 * 2);
  assert.ok(setups.every(({ receive, receivers }) => receive === 'recvmmsg' || receivers === 1));
  assert.throws(() => readOptions(['--format', 'xml']), RangeError);
  assert.throws(() => readOptions(['--rate', '0']), RangeError);
  assert.deepEqual(readOptions(['--rate', 'max']).rates, [0]);
  assert.equal(readOptions(['--soak', '10m']).soakSeconds, 600);
});

for (const receive of ['dgram', 'recvmmsg'] as const) {
  const skip =
    receive === 'recvmmsg' ? !fast && 'no recvmmsg here' : !fast && 'the sender needs Linux and koffi';
  test(`a small load through ${receive}: all that is sent is accounted for`, { skip }, async () => {
    const load = { exporters: 3, templates: 1, seed: 7, maxDatagramBytes: 1384 };
    const setup = { workers: 1, receivers: 1, receive, outputs: ['null:?format=ndjson'], load };
    const run = await measure(setup, 300, 1, 0.2);
    assert.equal(run.sent.datagrams, 300);
    assert.equal(run.sent.errors, 0);
    assert.equal(run.unaccounted, 0);
    assert.deepEqual(run.unbalanced, []);
    assert.equal(run.lost, 0);
    const { counters, outputs } = run.report;
    assert.equal(counters.datagrams_received, 360);
    assert.equal(counters.sequence_lost_datagrams, 0);
    assert.equal(counters.sequence_duplicates, 0);
    assert.equal(outputs[0].written, counters.records_decoded);
    const names = run.threads.map(({ name }) => name);
    for (const name of ['main', 'decode', ...(receive === 'recvmmsg' ? ['receive'] : [])]) {
      assert.ok(names.includes(name), name);
      const { user, system } = cpuPer(run.threads, 1, name);
      assert.ok(user + system > 0, name);
    }
    assert.ok(run.latency.samples > 0 && run.latency.p50 <= run.latency.p99);
    const report = pipelineReport([run], [], []);
    assert.equal(report.tables[0].rows.length, 1);
  });
}

test('a heap is found all at once', { skip: !fast && 'no recvmmsg here' }, async () => {
  const load = { exporters: 3, templates: 1, seed: 7, maxDatagramBytes: 1384 };
  const session = await Session.open({ workers: 1, receivers: 1, receive: 'recvmmsg', outputs: [], load });
  try {
    const burst = await session.heap(512);
    assert.equal(burst.lost, 0);
    assert.equal(burst.tasks, 2);
    // The kernel takes samples of how this divides, and there may be none of user code.
    const { user, system } = cpuPer(burst.threads, 512, 'decode');
    assert.ok(user + system > 0);
    const { unaccounted, unbalanced } = await session.close();
    assert.equal(unaccounted, 0);
    assert.deepEqual(unbalanced, []);
  } finally {
    session.kill();
  }
});
