import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { LOOK_MS } from '../../src/output/file-sink.ts';
import type { Operation } from './file-faults.ts';
import { until } from './manual-time.ts';
import { FileSinkFixture, given, record, records, temporaryDirectory } from './sink-fixture.ts';

const only =
  (failing: Operation, code: string, when: (path: string) => boolean = () => true) =>
  (operation: Operation, path: string): string | null =>
    operation === failing && when(path) ? code : null;

for (const code of ['ENOSPC', 'EIO', 'EDQUOT']) {
  test(`${code}: what was cut is taken back, retried with growing pauses, and nothing is lost`, async (t) => {
    const fixture = new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson');
    const { sink, time, faults } = fixture;
    await sink.open();
    sink.write(records(0, 2), 2);
    await until(() => sink.counts.written === 2, 'the disk still had room');
    let room = 5;
    faults.takes = () => {
      const taken = room;
      room = 0;
      return taken;
    };
    faults.fault = only('writev', code);
    sink.write(records(2, 2), 2);
    await until(() => sink.trouble !== null, 'the disk is full');
    assert.match(sink.trouble!, /^cannot write .*\/flows\.ndjson\.part: [^\n]+$/);
    await until(() => time.waiting.includes(250), 'it waits for the next attempt');
    assert.equal(fixture.contents()['flows.ndjson.part'], 'rec 000\nrec 001\n', 'no half record');
    time.advance(250);
    await until(() => time.waiting.includes(500), 'it failed again');
    sink.write(record(4), 1);
    assert.deepEqual([sink.counts.written, sink.counts.queued], [2, 3]);
    faults.fault = () => null;
    faults.takes = () => Number.POSITIVE_INFINITY;
    time.advance(499);
    assert.equal(sink.counts.written, 2);
    time.advance(1);
    await until(() => sink.counts.written === 5, 'the disk has room again');
    assert.equal(sink.trouble, null);
    faults.fault = only('writev', code);
    sink.write(record(5), 1);
    await until(() => time.waiting.includes(250), 'the next trouble begins with a short pause');
    faults.fault = () => null;
    await sink.close();
    assert.deepEqual(fixture.contents(), { 'flows.ndjson': records(0, 6).toString() });
  });
}

test('while the disk is full the queue fills and then drops', async (t) => {
  const fixture = new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson', { queueBytes: 80 });
  const { sink, time, faults } = fixture;
  await sink.open();
  faults.fault = only('writev', 'ENOSPC');
  for (let n = 0; n < 15; n++) sink.write(record(n), 1);
  assert.deepEqual(sink.counts, {
    written: 0,
    droppedQueueFull: 5,
    droppedFailed: 0,
    queued: 10,
    bytesWritten: 0,
  });
  await until(() => time.waiting.includes(250), 'it waits for the next attempt');
  faults.fault = () => null;
  time.advance(250);
  await until(() => sink.counts.written === 10, 'the disk has room again');
  await sink.close();
  assert.deepEqual(fixture.contents(), { 'flows.ndjson': records(0, 10).toString() });
  assert.equal(given(sink), 15);
});

test('a file that cannot be cut back is left as .part, its last chunks count as failed, and a new file goes on', async (t) => {
  const fixture = new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson');
  const { sink, time, faults } = fixture;
  await sink.open();
  sink.write(records(0, 2), 2);
  await until(() => sink.counts.written === 2, 'two are written');
  let room = 5;
  faults.takes = () => {
    const taken = room;
    room = 0;
    return taken;
  };
  faults.fault = (operation) => (operation === 'writev' || operation === 'truncate' ? 'EIO' : null);
  sink.write(records(2, 2), 2);
  await until(() => sink.counts.droppedFailed === 2, 'the write failed');
  assert.match(sink.trouble!, /^cannot write .*flows\.ndjson\.part: EIO$/);
  faults.fault = () => null;
  faults.takes = () => Number.POSITIVE_INFINITY;
  sink.write(record(4), 1);
  await until(() => time.waiting.length > 0, 'it waits for the next attempt');
  time.advance(250);
  await until(() => sink.counts.written === 3, 'a new file works');
  assert.match(sink.trouble!, /^left incomplete: .*flows\.ndjson\.part$/, 'told until a file is complete');
  await sink.close();
  assert.equal(sink.trouble, null);
  assert.deepEqual(fixture.contents(), {
    'flows.ndjson.part': 'rec 000\nrec 001\nrec 0',
    'flows.1.ndjson': 'rec 004\n',
  });
  assert.equal(given(sink), 5);
});

test('a compressed file is cut back to its last whole block', async (t) => {
  const fixture = new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson?compress=gzip');
  const { sink, time, faults } = fixture;
  await sink.open();
  const first = records(0, 40_000);
  const second = records(40_000, 40_000);
  sink.write(first, 40_000);
  await until(() => sink.counts.written === 40_000, 'the first is written');
  faults.takes = () => 100;
  faults.fault = () => null;
  let writes = 0;
  const stop = (operation: Operation): string | null =>
    operation === 'writev' && ++writes > 0 ? 'ENOSPC' : null;
  let room = 100;
  faults.takes = () => {
    const taken = room;
    room = 0;
    return taken;
  };
  faults.fault = stop;
  sink.write(second, 40_000);
  await until(() => time.waiting.includes(250), 'it waits for the next attempt');
  assert.ok(gunzipSync(fixture.read('flows.ndjson.gz.part')).equals(first));
  faults.fault = () => null;
  faults.takes = () => Number.POSITIVE_INFINITY;
  time.advance(250);
  await sink.close();
  assert.ok(gunzipSync(fixture.read('flows.ndjson.gz')).equals(Buffer.concat([first, second])));
});

test('close() tries once more, then counts what is queued as failed and leaves no empty file', async (t) => {
  const fixture = new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson');
  const { sink, time, faults } = fixture;
  await sink.open();
  faults.fault = only('writev', 'ENOSPC');
  sink.write(records(0, 3), 3);
  await until(() => time.waiting.includes(250), 'it waits for the next attempt');
  const attempts = faults.log.filter(({ operation }) => operation === 'writev').length;
  await sink.close();
  assert.equal(faults.log.filter(({ operation }) => operation === 'writev').length, attempts + 1);
  assert.deepEqual(sink.counts, {
    written: 0,
    droppedQueueFull: 0,
    droppedFailed: 3,
    queued: 0,
    bytesWritten: 0,
  });
  assert.match(sink.trouble!, /no space left on device$/);
  assert.deepEqual(fixture.names(), []);
  assert.deepEqual(time.waiting, []);
});

test('close() in the middle of trouble writes everything when the trouble is over', async (t) => {
  const fixture = new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson');
  const { sink, time, faults } = fixture;
  await sink.open();
  faults.fault = only('open', 'EMFILE');
  sink.write(record(0), 1);
  await until(() => time.waiting.includes(250), 'it waits for the next attempt');
  assert.match(sink.trouble!, /^cannot create a file: too many open files/);
  faults.fault = () => null;
  await sink.close();
  assert.deepEqual(fixture.contents(), { 'flows.ndjson': 'rec 000\n' });
  assert.equal(sink.trouble, null);
});

for (const operation of ['sync', 'link', 'close'] as const) {
  test(`a file that cannot be completed (${operation}) is left as .part, and the next one goes on`, async (t) => {
    const fixture = new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson');
    const { sink, faults } = fixture;
    await sink.open();
    sink.write(record(0), 1);
    await until(() => sink.counts.written === 1, 'one is written');
    faults.fault = only(operation, 'EIO', (path) => path.includes('ndjson'));
    sink.rotate();
    await until(() => sink.trouble !== null, 'completing failed');
    assert.match(sink.trouble!, /^cannot complete .*\/flows\.ndjson\.part: EIO$/);
    faults.fault = () => null;
    sink.write(record(1), 1);
    await sink.close();
    assert.equal(sink.trouble, null);
    assert.deepEqual(fixture.contents(), { 'flows.ndjson.part': 'rec 000\n', 'flows.1.ndjson': 'rec 001\n' });
    assert.equal(sink.counts.written, 2);
  });
}

test('a directory that cannot be flushed is trouble only when flushing is possible at all', async (t) => {
  for (const [code, trouble] of [
    ['EINVAL', null],
    ['EIO', /^cannot complete/],
  ] as const) {
    const fixture = new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson');
    const { sink, faults } = fixture;
    await sink.open();
    sink.write(record(0), 1);
    await until(() => sink.counts.written === 1, 'one is written');
    faults.fault = only('sync', code, (path) => !path.includes('ndjson'));
    await sink.close();
    if (trouble === null) assert.equal(sink.trouble, null);
    else assert.match(sink.trouble!, trouble);
    assert.deepEqual(fixture.contents(), { 'flows.ndjson': 'rec 000\n' });
  }
});

test('close() tries the file of every period that is queued', async (t) => {
  const fixture = new FileSinkFixture(temporaryDirectory(t), '%H/flows.ndjson?rotate=1h');
  const { sink, time } = fixture;
  await sink.open();
  sink.write(record(0), 1);
  await until(() => sink.counts.written === 1, 'one is written');
  writeFileSync(join(fixture.directory, '11'), 'in the way');
  time.advance(3_600_000);
  sink.write(record(1), 1);
  await until(() => sink.trouble !== null, 'the directory of the next period cannot be made');
  assert.match(sink.trouble!, /^cannot create a file: /);
  await until(() => fixture.names().join() === '10/flows.ndjson,11', 'the old file is complete all the same');
  time.advance(3_600_000);
  sink.write(record(2), 1);
  await sink.close();
  assert.deepEqual(fixture.contents(), {
    '10/flows.ndjson': 'rec 000\n',
    '11': 'in the way',
    '12/flows.ndjson': 'rec 002\n',
  });
  assert.deepEqual(sink.counts, {
    written: 2,
    droppedQueueFull: 0,
    droppedFailed: 1,
    queued: 0,
    bytesWritten: 16,
  });
});

test('a file that is removed while it is written is told of, and another one is begun', async (t) => {
  const directory = join(temporaryDirectory(t), 'sub');
  const fixture = new FileSinkFixture(directory, 'flows.ndjson');
  const { sink, time } = fixture;
  await sink.open();
  sink.write(records(0, 2), 2);
  await until(() => sink.counts.written === 2, 'it is written');
  sink.write(records(2, 1), 1);
  await until(() => sink.counts.written === 3, 'it was there when it was looked for');
  rmSync(directory, { recursive: true });
  time.advance(LOOK_MS);
  sink.write(records(3, 2), 2);
  await until(() => sink.counts.written === 5, 'it goes on');
  assert.match(sink.trouble!, /^removed while it was written: .*\/flows\.ndjson\.part$/);
  await sink.close();
  assert.deepEqual(fixture.contents(), { 'flows.1.ndjson': records(3, 2).toString() });
});
