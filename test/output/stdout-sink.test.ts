import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { StdoutSink, type StdoutSinkOptions } from '../../src/output/stdout-sink.ts';
import { systemError } from './file-faults.ts';
import { ManualTime, until } from './manual-time.ts';
import { given, record, records, temporaryDirectory } from './sink-fixture.ts';

const CHILD = fileURLToPath(new URL('./stdout-child.js', import.meta.url));
/** A file of this process, open for reading only. */
const openedFile = openSync(CHILD, 'r');

function sinkOf(options: Partial<StdoutSinkOptions>): { sink: StdoutSink; time: ManualTime } {
  const time = new ManualTime(0);
  const sink = new StdoutSink({
    name: 'stdout:',
    queueBytes: 1024,
    whenFull: 'drop',
    timers: time,
    ...options,
  });
  return { sink, time };
}

interface Report {
  counts: { written: number; droppedFailed: number; queued: number; bytesWritten: number };
  trouble: string | null;
  closedCalls: number;
}

async function reportOf(child: ChildProcess): Promise<Report> {
  const [report, [code]] = await Promise.all([text(child.stderr!), once(child, 'close')]);
  assert.equal(code, 0, report);
  return JSON.parse(report) as Report;
}

test('a process with a piped stdout exits only when the reader has everything', async () => {
  const child = spawn(process.execPath, [CHILD, '300', '65000'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const report = reportOf(child);
  // A slow reader: nothing is read until the pipe and the queue had time to fill.
  for (let i = 0; i < 50; i++) await nextTurn();
  const out = await buffer(child.stdout!);
  assert.equal(out.length, 300 * 65_000);
  for (let i = 0; i < 300; i++) assert.equal(out[i * 65_000], 48 + (i % 10));
  const { counts, trouble, closedCalls } = await report;
  assert.deepEqual([counts.written, counts.bytesWritten, trouble, closedCalls], [300, 300 * 65_000, null, 0]);
});

test('a reader that goes away ends the command quietly', async () => {
  const child = spawn(process.execPath, [CHILD, '100000', '65000'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const report = reportOf(child);
  await once(child.stdout!, 'readable');
  child.stdout!.destroy();
  const { counts, trouble, closedCalls } = await report;
  assert.deepEqual([trouble, closedCalls, counts.queued], ['the reader went away', 1, 0]);
  assert.ok(counts.droppedFailed > 0);
});

test('stdout may be a file', async (t) => {
  const path = join(temporaryDirectory(t), 'out');
  const fd = openSync(path, 'w');
  const child = spawn(process.execPath, [CHILD, '100', '65000'], { stdio: ['ignore', fd, 'pipe'] });
  const { counts, trouble } = await reportOf(child);
  closeSync(fd);
  assert.deepEqual([counts.written, trouble], [100, null]);
  const out = readFileSync(path);
  assert.equal(out.length, 100 * 65_000);
  for (let i = 0; i < 100; i++) assert.equal(out[i * 65_000], 48 + (i % 10));
});

test('one write at a time goes to a stream, and written means that the stream is through with it', async () => {
  const done: (() => void)[] = [];
  const stream = new Writable({ write: (_chunk, _encoding, callback) => void done.push(callback) });
  const { sink } = sinkOf({ target: stream });
  await sink.open();
  sink.write(record(0), 1);
  sink.write(record(1), 1);
  await until(() => done.length === 1, 'the first is being written');
  for (let i = 0; i < 10; i++) await nextTurn();
  assert.equal(done.length, 1);
  assert.deepEqual([sink.counts.written, sink.counts.queued], [0, 2]);
  done[0]();
  await until(() => done.length === 2, 'the second is being written');
  assert.deepEqual([sink.counts.written, sink.counts.bytesWritten], [1, 8]);
  let closed = false;
  const closing = sink.close().then(() => {
    closed = true;
  });
  for (let i = 0; i < 10; i++) await nextTurn();
  assert.equal(closed, false, 'close() waits for the stream');
  done[1]();
  await closing;
  assert.deepEqual([sink.counts.written, sink.counts.queued], [2, 0]);
  assert.equal(stream.writableEnded, false, 'the stream is its owner’s');
});

test('a full queue drops, or stops the caller, while the stream is slow', async () => {
  for (const whenFull of ['drop', 'wait'] as const) {
    const done: (() => void)[] = [];
    const stream = new Writable({ write: (_chunk, _encoding, callback) => void done.push(callback) });
    const { sink } = sinkOf({ target: stream, queueBytes: 32, whenFull });
    await sink.open();
    for (let n = 0; n < 6; n++) sink.write(record(n), 1);
    assert.equal(sink.ready, whenFull === 'drop');
    assert.equal(sink.counts.droppedQueueFull, whenFull === 'drop' ? 2 : 0);
    let readyCalls = 0;
    sink.onReady = () => readyCalls++;
    const closing = sink.close();
    while (sink.counts.queued > 0) {
      await until(() => done.length > 0, 'a chunk is being written');
      done.shift()!();
      await nextTurn();
    }
    await closing;
    assert.equal(readyCalls, whenFull === 'drop' ? 0 : 1);
    assert.deepEqual([sink.counts.written, given(sink)], [whenFull === 'drop' ? 4 : 6, 6]);
  }
});

test('a stream that breaks: told once, everything queued and to come is counted as failed', async () => {
  const stream = new Writable({
    write: (_chunk, _encoding, callback) => callback(systemError('EPIPE', 'write')),
  });
  let closedCalls = 0;
  const { sink } = sinkOf({
    target: stream,
    onClosed: () => closedCalls++,
    queueBytes: 16,
    whenFull: 'wait',
  });
  await sink.open();
  for (let n = 0; n < 3; n++) sink.write(record(n), 1);
  assert.equal(sink.ready, false);
  await until(() => closedCalls > 0, 'the sink noticed');
  assert.equal(sink.ready, true, 'nobody waits for a sink that is gone');
  sink.write(record(3), 1);
  await sink.close();
  assert.equal(sink.trouble, 'the reader went away');
  assert.deepEqual([closedCalls, sink.counts.droppedFailed, given(sink)], [1, 4, 4]);
});

test('a stream that closes in the middle of a write or between writes', async () => {
  for (const idle of [true, false]) {
    const stream = new Writable({ write: () => {} });
    let closedCalls = 0;
    const { sink } = sinkOf({ target: stream, onClosed: () => closedCalls++ });
    await sink.open();
    if (!idle) sink.write(record(0), 1);
    stream.destroy();
    await until(() => closedCalls > 0, 'the sink noticed');
    await sink.close();
    assert.deepEqual([closedCalls, sink.trouble], [1, 'the reader went away']);
    assert.equal(sink.counts.droppedFailed, idle ? 0 : 1);
  }
});

test('a stream that ends after close() is no trouble', async () => {
  const stream = new PassThrough();
  let closedCalls = 0;
  const { sink } = sinkOf({ target: stream, onClosed: () => closedCalls++ });
  await sink.open();
  sink.write(record(0), 1);
  await sink.close();
  stream.end();
  assert.equal(await text(stream), 'rec 000\n');
  await until(() => stream.closed, 'the stream is closed');
  assert.deepEqual([closedCalls, sink.trouble], [0, null]);
});

test('a full disk behind a descriptor: the write goes on where it stopped', async () => {
  const taken: Buffer[] = [];
  let room = 13;
  const writeDescriptor = async (_fd: number, bytes: Uint8Array): Promise<number> => {
    if (room === 0) throw systemError('ENOSPC', 'write');
    const some = Buffer.from(bytes.subarray(0, room));
    room -= some.length;
    taken.push(some);
    return some.length;
  };
  const { sink, time } = sinkOf({ target: openedFile, writeDescriptor });
  await sink.open();
  for (let n = 0; n < 4; n++) sink.write(record(n), 1);
  await until(() => time.waiting.length > 0, 'the disk is full');
  assert.equal(sink.trouble, 'cannot write: no space left on device');
  assert.deepEqual([sink.counts.written, sink.counts.queued, sink.counts.bytesWritten], [1, 3, 13]);
  time.advance(250);
  await until(() => time.waiting.includes(500), 'it failed again');
  room = 1000;
  time.advance(500);
  await until(() => sink.counts.written === 4, 'the disk has room again');
  assert.equal(sink.trouble, null);
  room = 0;
  sink.write(record(4), 1);
  await until(() => time.waiting.includes(250), 'the disk is full again');
  await sink.close();
  assert.deepEqual([sink.counts.written, sink.counts.droppedFailed], [4, 1]);
  assert.equal(Buffer.concat(taken).toString(), records(0, 4).toString());
});

test('a descriptor that is not open for writing is final', async () => {
  let closedCalls = 0;
  const { sink } = sinkOf({ target: openedFile, onClosed: () => closedCalls++ });
  await sink.open();
  sink.write(record(0), 1);
  await until(() => closedCalls > 0, 'the sink noticed');
  assert.match(sink.trouble!, /^cannot write: EBADF/);
  await sink.close();
  assert.equal(sink.counts.droppedFailed, 1);
});

test('a descriptor that is not open is told at once', async () => {
  const { sink } = sinkOf({ target: 1_000_000 });
  await assert.rejects(sink.open(), { code: 'OUTPUT_FAILED', message: /^--output stdout:: cannot write: / });
});
