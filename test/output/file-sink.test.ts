import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { MillraceError } from '../../src/base/errors.ts';
import { LINGER_MS } from '../../src/output/file-sink.ts';
import { until } from './manual-time.ts';
import { FileSinkFixture, given, record, records, temporaryDirectory } from './sink-fixture.ts';
import { unzstd } from './zstd-frames.ts';

const HOUR_MS = 3_600_000;

test('a file is .part until it is complete', async (t) => {
  const { sink, ...fixture } = bind(new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson'));
  await sink.open();
  assert.deepEqual(fixture.names(), [], 'no file without records');
  sink.write(records(0, 3), 3);
  assert.deepEqual([sink.counts.queued, sink.counts.written], [3, 0]);
  await until(() => sink.counts.written === 3, 'the records are written');
  assert.deepEqual(fixture.contents(), { 'flows.ndjson.part': 'rec 000\nrec 001\nrec 002\n' });
  sink.write(record(3), 1);
  await sink.close();
  assert.deepEqual(fixture.contents(), { 'flows.ndjson': 'rec 000\nrec 001\nrec 002\nrec 003\n' });
  assert.deepEqual(sink.counts, {
    written: 4,
    droppedQueueFull: 0,
    droppedFailed: 0,
    queued: 0,
    bytesWritten: 32,
  });
  assert.equal(sink.trouble, null);
});

test('what comes after close is counted as lost, and closing twice is harmless', async (t) => {
  const { sink, ...fixture } = bind(new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson'));
  await sink.open();
  await sink.close();
  sink.write(record(0), 1);
  sink.rotate();
  await sink.close();
  assert.equal(sink.counts.droppedFailed, 1);
  assert.deepEqual(fixture.names(), []);
});

test('the file is flushed before it gets its name, and the directory after', async (t) => {
  const { sink, faults } = bind(new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson'));
  await sink.open();
  faults.log.length = 0;
  sink.write(record(0), 1);
  await sink.close();
  const steps = faults.log.map(({ operation, path }) => `${operation} ${path.split('/').at(-1)}`);
  const directory = faults.log.at(-1)?.path.split('/').at(-1);
  assert.deepEqual(steps.slice(steps.indexOf('writev flows.ndjson.part')), [
    'writev flows.ndjson.part',
    'sync flows.ndjson.part',
    'close flows.ndjson.part',
    'link flows.ndjson',
    'unlink flows.ndjson.part',
    `open ${directory}`,
    `sync ${directory}`,
    `close ${directory}`,
  ]);
});

test('an existing file is never replaced', async (t) => {
  const { sink, ...fixture } = bind(new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson'));
  writeFileSync(join(fixture.directory, 'flows.ndjson'), 'old');
  writeFileSync(join(fixture.directory, 'flows.1.ndjson'), 'older');
  await sink.open();
  sink.write(record(0), 1);
  await until(() => sink.counts.written === 1, 'it is written');
  // Somebody else takes the name meanwhile.
  writeFileSync(join(fixture.directory, 'flows.2.ndjson'), 'not ours');
  await sink.close();
  assert.deepEqual(fixture.contents(), {
    'flows.ndjson': 'old',
    'flows.1.ndjson': 'older',
    'flows.2.ndjson': 'not ours',
    'flows.3.ndjson': 'rec 000\n',
  });
});

test('file systems without hard links: renamed, and still nothing is replaced', async (t) => {
  const { sink, faults, ...fixture } = bind(new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson'));
  faults.fault = (operation) => (operation === 'link' ? 'ENOTSUP' : null);
  await sink.open();
  sink.write(record(0), 1);
  await until(() => sink.counts.written === 1, 'it is written');
  writeFileSync(join(fixture.directory, 'flows.ndjson'), 'not ours');
  await sink.close();
  assert.deepEqual(fixture.contents(), { 'flows.ndjson': 'not ours', 'flows.1.ndjson': 'rec 000\n' });
  assert.equal(sink.trouble, null);
});

test('the .part of a crashed run is left alone', async (t) => {
  const { sink, ...fixture } = bind(new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson'));
  writeFileSync(join(fixture.directory, 'flows.ndjson.part'), 'half a rec');
  await sink.open();
  sink.write(record(0), 1);
  await sink.close();
  assert.deepEqual(fixture.contents(), { 'flows.ndjson.part': 'half a rec', 'flows.1.ndjson': 'rec 000\n' });
});

test('two sinks of one path do not meet', async (t) => {
  const directory = temporaryDirectory(t);
  const sinks = [0, 1].map(() => new FileSinkFixture(directory, 'flows.ndjson').sink);
  await Promise.all(sinks.map((sink) => sink.open()));
  sinks[0].write(record(0), 1);
  sinks[1].write(record(1), 1);
  await Promise.all(sinks.map((sink) => sink.close()));
  const contents = bind(new FileSinkFixture(directory, 'x')).contents();
  assert.deepEqual(Object.keys(contents), ['flows.1.ndjson', 'flows.ndjson']);
  assert.deepEqual(Object.values(contents).sort(), ['rec 000\n', 'rec 001\n']);
});

test('files begin and end at multiples of their period in UTC, named after its beginning', async (t) => {
  const { sink, time, ...fixture } = bind(
    new FileSinkFixture(temporaryDirectory(t), '%Y/flows-%d-%H%M.ndjson?rotate=1h'),
  );
  await sink.open();
  sink.write(record(0), 1);
  time.advance(43 * 60_000 - 31_000);
  sink.write(record(1), 1);
  await until(() => sink.counts.written === 2, 'two are written');
  time.advance(999);
  assert.deepEqual(fixture.names(), ['2026/flows-21-1000.ndjson.part'], '10:59:59.999 is the same hour');
  time.advance(1);
  await until(
    () => fixture.names().join() === '2026/flows-21-1000.ndjson',
    'the hour is complete, without a write',
  );
  time.advance(2 * HOUR_MS);
  assert.deepEqual(fixture.names().length, 1, 'hours without records have no file');
  sink.write(record(2), 1);
  await sink.close();
  assert.deepEqual(fixture.contents(), {
    '2026/flows-21-1000.ndjson': 'rec 000\nrec 001\n',
    '2026/flows-21-1300.ndjson': 'rec 002\n',
  });
  assert.deepEqual(time.waiting, [], 'no timer is left');
});

test('a record belongs to the period of its arrival, however late it is written', async (t) => {
  const { sink, time, faults, ...fixture } = bind(
    new FileSinkFixture(temporaryDirectory(t), 'flows-%H.ndjson?rotate=1h'),
  );
  await sink.open();
  faults.fault = (operation) => (operation === 'open' ? 'EACCES' : null);
  sink.write(record(0), 1);
  await until(() => sink.trouble !== null, 'the sink is in trouble');
  time.jumpTo(time.wallMs() + HOUR_MS);
  sink.write(record(1), 1);
  faults.fault = () => null;
  time.advance(250);
  await sink.close();
  assert.deepEqual(fixture.contents(), { 'flows-10.ndjson': 'rec 000\n', 'flows-11.ndjson': 'rec 001\n' });
});

test('rotation follows the wall clock when it is set', async (t) => {
  const { sink, time, ...fixture } = bind(
    new FileSinkFixture(temporaryDirectory(t), 'flows-%d-%H.ndjson?rotate=1h'),
  );
  await sink.open();
  sink.write(record(0), 1);
  time.jumpTo(time.wallMs() + 5 * HOUR_MS);
  time.advance(60_000);
  await until(() => fixture.names().join() === 'flows-21-10.ndjson', 'the timer noticed the jump');
  sink.write(record(1), 1);
  time.jumpTo(time.wallMs() - HOUR_MS);
  sink.write(record(2), 1);
  time.jumpTo(time.wallMs() - 24 * HOUR_MS);
  sink.write(record(3), 1);
  await sink.close();
  assert.deepEqual(fixture.contents(), {
    'flows-21-10.ndjson': 'rec 000\n',
    'flows-21-15.ndjson': 'rec 001\nrec 002\n',
    'flows-20-14.ndjson': 'rec 003\n',
  });
});

test('rotate() starts another file, but not when nothing was written', async (t) => {
  const { sink, ...fixture } = bind(new FileSinkFixture(temporaryDirectory(t), 'flows-%H%M.ndjson'));
  await sink.open();
  sink.rotate();
  sink.write(record(0), 1);
  sink.rotate();
  sink.rotate();
  sink.write(record(1), 1);
  await until(() => sink.counts.written === 2, 'both are written');
  sink.rotate();
  await until(() => fixture.names().join() === 'flows-1017.1.ndjson,flows-1017.ndjson', 'both are complete');
  sink.write(record(2), 1);
  await sink.close();
  assert.deepEqual(fixture.contents(), {
    'flows-1017.ndjson': 'rec 000\n',
    'flows-1017.1.ndjson': 'rec 001\n',
    'flows-1017.2.ndjson': 'rec 002\n',
  });
});

test('a name without a time is numbered with a dash when files end by time', async (t) => {
  const { sink, time, ...fixture } = bind(
    new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson?rotate=5m'),
  );
  await sink.open();
  for (let n = 0; n < 3; n++) {
    sink.write(record(n), 1);
    time.advance(300_000);
  }
  await sink.close();
  assert.deepEqual(fixture.contents(), {
    'flows.ndjson': 'rec 000\n',
    'flows-1.ndjson': 'rec 001\n',
    'flows-2.ndjson': 'rec 002\n',
  });
});

test('a number is not used again by the same sink when its file was taken away', async (t) => {
  const { sink, time, ...fixture } = bind(
    new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson?rotate=5m'),
  );
  await sink.open();
  for (let n = 0; n < 2; n++) {
    sink.write(record(n), 1);
    time.advance(300_000);
    await until(
      () => fixture.names().join() === (n === 0 ? 'flows.ndjson' : 'flows-1.ndjson'),
      'one is complete',
    );
    rmSync(join(fixture.directory, fixture.names()[0]));
  }
  sink.write(record(2), 1);
  await sink.close();
  assert.deepEqual(fixture.contents(), { 'flows-2.ndjson': 'rec 002\n' });
});

test('chunks that waited are gathered into one write', async (t) => {
  const { sink, faults, ...fixture } = bind(new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson'));
  await sink.open();
  for (let n = 0; n < 500; n++) sink.write(record(n), 1);
  sink.write(new Uint8Array(0), 0);
  await sink.close();
  assert.equal(faults.log.filter(({ operation }) => operation === 'writev').length, 1);
  assert.equal(fixture.read('flows.ndjson').toString(), records(0, 500).toString());
});

test('short writes are continued', async (t) => {
  const { sink, faults, ...fixture } = bind(new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson'));
  await sink.open();
  faults.takes = () => 5;
  for (let n = 0; n < 4; n++) sink.write(record(n), 1);
  await until(() => faults.log.some(({ operation }) => operation === 'open'), 'the file is being opened');
  await sink.close();
  assert.equal(fixture.read('flows.ndjson').toString(), records(0, 4).toString());
  assert.equal(sink.counts.written, 4);
});

test('gzip: few bytes wait for more, and the members are one stream', async (t) => {
  const { sink, time, ...fixture } = bind(
    new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson?compress=gzip'),
  );
  await sink.open();
  sink.write(records(0, 100), 100);
  sink.write(records(100, 100), 100);
  await until(() => time.waiting.includes(LINGER_MS), 'the few bytes wait for more');
  assert.equal(sink.counts.written, 0);
  time.advance(LINGER_MS);
  await until(() => sink.counts.written === 200, 'they waited long enough');
  sink.write(records(200, 100), 100);
  await until(() => time.waiting.includes(LINGER_MS), 'the next ones wait again');
  await sink.close();
  assert.deepEqual(time.waiting, []);
  assert.deepEqual(fixture.names(), ['flows.ndjson.gz']);
  assert.equal(gunzipSync(fixture.read('flows.ndjson.gz')).toString(), records(0, 300).toString());
  assert.equal(sink.counts.bytesWritten, fixture.read('flows.ndjson.gz').length);
});

test('zstd: many blocks and rotation', async (t) => {
  const { sink, time, ...fixture } = bind(
    new FileSinkFixture(temporaryDirectory(t), 'flows-%H.ndjson?compress=zstd&rotate=1h'),
  );
  await sink.open();
  const big = records(0, 100_000);
  sink.write(big, 100_000);
  await until(() => sink.counts.written === 100_000, 'enough bytes do not wait');
  sink.write(record(0), 1);
  time.advance(HOUR_MS);
  sink.write(record(1), 1);
  await sink.close();
  assert.deepEqual(fixture.names(), ['flows-10.ndjson.zst', 'flows-11.ndjson.zst']);
  const first = unzstd(fixture.read('flows-10.ndjson.zst'));
  assert.ok(first.content.equals(Buffer.concat([big, record(0)])));
  assert.equal(unzstd(fixture.read('flows-11.ndjson.zst')).content.toString(), 'rec 001\n');
});

test('open() creates the directory and says why it cannot', async (t) => {
  const directory = temporaryDirectory(t);
  const made = bind(new FileSinkFixture(directory, 'a/b/%Y/flows.ndjson'));
  await made.sink.open();
  await made.sink.close();
  mkdirSync(join(directory, 'a/b/2026/x'));
  assert.deepEqual(made.names(), [], 'nothing is left of the trial');

  writeFileSync(join(directory, 'file'), '');
  const failure = async (uri: string, code: string | null): Promise<string> => {
    const { sink, faults } = bind(new FileSinkFixture(directory, uri));
    faults.fault = (operation) => (operation === 'open' ? code : null);
    const error = await sink.open().then(
      () => null,
      (reason) => reason,
    );
    assert.ok(error instanceof MillraceError);
    assert.equal(error.code, 'OUTPUT_FAILED');
    assert.ok(error.message.startsWith(`--output file:${directory}/${uri}: cannot create files there: `));
    return error.message.slice(error.message.indexOf('there: ') + 7);
  };
  assert.equal(await failure('file/flows.ndjson', null), `is not a directory: ${directory}/file`);
  assert.equal(await failure('file/x/flows.ndjson', null), `not a directory: ${directory}/file/x`);
  assert.equal(await failure('a', null), `is a directory: ${directory}/a`);
  symlinkSync('/dev/null', join(directory, 'device'));
  assert.equal(await failure('device', null), `is no regular file: ${directory}/device`);
  assert.equal(await failure('flows.ndjson', 'EACCES'), 'permission denied');
  assert.equal(await failure('flows.ndjson', 'EROFS'), 'read-only file system');
});

test('a waiting sink stops its caller instead of dropping', async (t) => {
  const { sink } = bind(
    new FileSinkFixture(temporaryDirectory(t), 'flows.ndjson', { whenFull: 'wait', queueBytes: 80 }),
  );
  await sink.open();
  let readyCalls = 0;
  sink.onReady = () => readyCalls++;
  for (let n = 0; n < 20; n++) {
    sink.write(record(n), 1);
    assert.equal(sink.ready, n < 9);
  }
  await until(() => sink.ready, 'the queue is written');
  assert.equal(readyCalls, 1);
  await sink.close();
  assert.deepEqual([sink.counts.written, given(sink)], [20, 20]);
});

/** The fixture with its methods bound, so that a test can take it apart. */
function bind(fixture: FileSinkFixture) {
  const { sink, time, faults, directory } = fixture;
  return {
    sink,
    time,
    faults,
    directory,
    names: () => fixture.names(),
    read: (name: string) => fixture.read(name),
    contents: () => fixture.contents(),
  };
}
