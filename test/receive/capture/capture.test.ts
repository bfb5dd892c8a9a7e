import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type CapturedDatagram, openCapture } from '../../../src/receive/capture/capture.ts';
import { DgramsWriter } from '../../../src/receive/capture/writer.ts';
import { concat, u8, u16 } from '../../support/bytes.ts';
import {
  counts,
  enhancedPacket,
  frame,
  little,
  networkInterface,
  pattern,
  pcap,
  pcapHeader,
  pcapRecord,
  read,
  section,
} from './build.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-capture-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function stored(name: string, content: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const FRAMES = Array.from({ length: 2000 }, (_, i) => frame(pattern(100 + (i % 700), i)));
const PCAP = pcap(1, ...FRAMES);
const PCAPNG = concat(
  section(little),
  networkInterface(little, 1),
  ...FRAMES.map((data) => enhancedPacket(little, 0, 0n, data)),
);
const DGRAMS = concat(
  ...FRAMES.map((_, i) =>
    DgramsWriter.record(new Uint8Array(16), 1, concat(u16(9), pattern(100 + (i % 700), i))),
  ),
);

test('files, plain and compressed, whatever their name', async () => {
  for (const [format, content] of Object.entries({ PCAP, PCAPNG, DGRAMS })) {
    for (const bytes of [content, gzipSync(content)]) {
      const path = await stored('capture.txt', bytes);
      const capture = await openCapture(path);
      assert.equal(capture.stats.bytesTotal, bytes.length);
      let i = 0;
      for await (const batch of capture.batches()) {
        assert.ok(batch.length > 0 && batch.length <= 512);
        for (const { payload } of batch) {
          const wanted = pattern(100 + (i % 700), i);
          assert.deepEqual(payload, format === 'DGRAMS' ? concat(u16(9), wanted) : wanted);
          i++;
        }
      }
      assert.deepEqual(counts(capture.stats), { frames: 2000, datagrams: 2000 });
      assert.equal(capture.stats.bytesRead, bytes.length);
    }
  }
});

test('batches of up to 512', async () => {
  const small = pcap(1, ...new Array<Uint8Array>(1025).fill(frame(u8(1))));
  const { batches } = await read(small, small.length);
  assert.deepEqual(batches, [512, 512, 1]);
});

test('a batch goes out when a live pipe falls silent', async () => {
  const pipe = new PassThrough();
  pipe.write(
    concat(pcapHeader(little), pcapRecord(little, FRAMES[0]), pcapRecord(little, FRAMES[1]).subarray(0, 50)),
  );
  const capture = await openCapture('-', { stdin: pipe });
  const batches = capture.batches()[Symbol.asyncIterator]();
  const first = (await batches.next()).value as CapturedDatagram[];
  assert.deepEqual(
    first.map(({ payload }) => payload),
    [pattern(100, 0)],
  );
  pipe.end(pcapRecord(little, FRAMES[1]).subarray(50));
  const second = (await batches.next()).value as CapturedDatagram[];
  assert.deepEqual(second[0].payload, pattern(101, 1));
  assert.equal((await batches.next()).done, true);
});

test('empty input is an empty capture', async () => {
  for (const content of [u8(), gzipSync(u8())]) {
    const capture = await openCapture(await stored('empty', content));
    for await (const _ of capture.batches()) assert.fail('a batch of nothing');
    assert.deepEqual(counts(capture.stats), {});
  }
  assert.equal((await read(u8())).datagrams.length, 0);
});

test('standard input through a pipe', async () => {
  const path = await stored('piped.pcap.gz', gzipSync(PCAP));
  const child = spawn(
    process.execPath,
    ['-e', 'fs.createReadStream(process.argv[1]).pipe(process.stdout)', path],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const capture = await openCapture('-', { stdin: child.stdout });
  assert.ok(Number.isNaN(capture.stats.bytesTotal));
  let total = 0;
  for await (const batch of capture.batches()) total += batch.length;
  assert.equal(total, 2000);
});

test('what cannot be opened is INPUT_FAILED with the path and the reason', async () => {
  const missing = join(folder, 'missing.pcap');
  await assert.rejects(openCapture(missing), {
    name: 'MillraceError',
    code: 'INPUT_FAILED',
    message: `cannot read ${missing}: no such file or directory`,
  });
  await assert.rejects(openCapture(folder), {
    code: 'INPUT_FAILED',
    message: `cannot read ${folder}: is a directory`,
  });
  const inFile = join(await stored('file', u8(1)), 'x');
  await assert.rejects(openCapture(inFile), {
    code: 'INPUT_FAILED',
    message: `cannot read ${inFile}: not a directory`,
  });
});

test('no permission', { skip: process.getuid?.() === 0 || process.platform === 'win32' }, async () => {
  const path = await stored('secret', PCAP);
  await chmod(path, 0);
  await assert.rejects(openCapture(path), {
    code: 'INPUT_FAILED',
    message: `cannot read ${path}: permission denied`,
  });
});

test('standard input that fails', async () => {
  const failing = (sent: Uint8Array): Readable =>
    Readable.from(
      (async function* () {
        yield sent;
        throw Object.assign(new Error('EISDIR: …'), { code: 'EISDIR', syscall: 'read' });
      })(),
    );
  const failure = { code: 'INPUT_FAILED', message: 'cannot read standard input: is a directory' };
  await assert.rejects(openCapture('-', { stdin: failing(u8(1, 2)) }), failure);
  const capture = await openCapture('-', { stdin: failing(pcap(1, FRAMES[0])) });
  const batches = capture.batches()[Symbol.asyncIterator]();
  assert.equal((await batches.next()).value.length, 1);
  await assert.rejects(batches.next(), failure);
  // The same behind gunzip.
  await assert.rejects(openCapture('-', { stdin: failing(gzipSync(PCAP).subarray(0, 20)) }), failure);
});

test('a stream that was closed before', async () => {
  const gone = Readable.from([PCAP]);
  gone.destroy();
  const capture = await openCapture('-', { stdin: gone });
  for await (const _ of capture.batches()) assert.fail('nothing can be there');
  const failed = Readable.from([PCAP]).on('error', () => {});
  failed.destroy(new Error('the disk is gone'));
  await assert.rejects(openCapture('-', { stdin: failed }), {
    code: 'INPUT_FAILED',
    message: /the disk is gone$/,
  });
});

test('gzip: several members, and what is cut or damaged', async () => {
  const half = 24 + 30_000;
  const members = concat(gzipSync(PCAP.subarray(0, half)), gzipSync(PCAP.subarray(half)));
  assert.equal((await read(members)).stats.datagrams, 2000);

  const packed = gzipSync(PCAP);
  // Cut in the trailer, after the last record: everything is there, and the cut is told.
  const trailer = await read(packed.subarray(0, -3));
  assert.deepEqual(counts(trailer.stats), { frames: 2000, datagrams: 2000, truncated: 1 });

  const cut = await read(packed.subarray(0, packed.length >> 1));
  assert.equal(cut.stats.truncated, 1);
  assert.ok(cut.stats.datagrams > 0 && cut.stats.datagrams < 2000);

  const crc = packed.slice();
  crc[crc.length - 8] ^= 1;
  assert.equal((await read(crc)).stats.broken, 1);

  for (const start of [packed.subarray(0, 10), concat(packed.subarray(0, 10), u8(0xff, 0xff, 0xff, 0xff))]) {
    await assert.rejects(read(start), { code: 'INPUT_FAILED' });
  }
  await assert.rejects(read(gzipSync(packed)), { code: 'INPUT_FAILED' });
});

test('gzip: all that a cut file still holds is read', async () => {
  const packed = gzipSync(PCAP, { level: 0 });
  const { stats } = await read(packed.subarray(0, packed.length - 8 - FRAMES[1999].length), 1000);
  assert.deepEqual(counts(stats), { frames: 1999, datagrams: 1999, truncated: 1 });
});

test('gzip: much out of little stays in bounded memory', async () => {
  const bytes = 64 * 1024 * 1024;
  const packed = gzipSync(concat(pcapHeader(little), pcapRecord(little, FRAMES[0]), new Uint8Array(bytes)));
  assert.ok(packed.length < 100_000);
  const capture = await openCapture(await stored('bomb', packed));
  let frames = 0;
  for await (const batch of capture.batches()) frames += batch.length;
  // The zeros are records of no bytes.
  assert.equal(capture.stats.frames, 1 + bytes / 16);
  assert.equal(frames, 1);
});

test('a signal gives the opening up, whenever it comes', async () => {
  for (const [abortFirst, ticks] of [[true, 0] as const, [false, 0] as const, [false, 5] as const]) {
    const controller = new AbortController();
    const { signal } = controller;
    if (abortFirst) controller.abort();
    const opening = openCapture('-', { stdin: new PassThrough(), signal });
    for (let i = 0; i < ticks; i++) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    for await (const _ of (await opening).batches()) assert.fail('closed');
  }
});

test('a capture can be given up at any time', async () => {
  const path = await stored('left.pcap', PCAP);
  const unread = await openCapture(path);
  await unread.close();
  await unread.close();
  for await (const _ of unread.batches()) assert.fail('closed');

  const left = await openCapture(path);
  for await (const batch of left.batches()) {
    assert.ok(batch.length > 0);
    break;
  }
  assert.ok(left.stats.datagrams < 2000);

  const pipe = new PassThrough();
  pipe.write(PCAP.subarray(0, 24));
  const waiting = await openCapture('-', { stdin: pipe });
  const next = waiting.batches()[Symbol.asyncIterator]().next();
  await waiting.close();
  assert.equal((await next).done, true);
  assert.equal(pipe.destroyed, true);
  assert.deepEqual(counts(waiting.stats), {});

  const packed = await openCapture(await stored('left.pcap.gz', gzipSync(PCAP)));
  for await (const _ of packed.batches()) break;
  await packed.close();
});
