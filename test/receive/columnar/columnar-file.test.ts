import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { beginsColumnar, ColumnarFile } from '../../../src/receive/columnar/columnar-file.ts';
import { concat } from '../../support/bytes.ts';
import { columnarBytes } from '../../support/columnar.ts';
import { flowBatch } from '../../support/flow-batch.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-columnar-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const BYTES = concat(
  columnarBytes(flowBatch({ fields: [[7, 2]], rows: [[1], [2]] })),
  columnarBytes(
    flowBatch({
      scopes: 1,
      fields: [
        [10, 4],
        [82, 4],
      ],
      rows: [[3, 'eth3']],
    }),
    { options: true },
  ),
);
const never = new AbortController().signal;

function stored(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

async function rowsOf(file: ColumnarFile): Promise<number[]> {
  const rows: number[] = [];
  for await (const frame of file.frames()) rows.push(frame.rows);
  return rows;
}

describe('a columnar file', () => {
  it('is read and counted, plain and packed, from a path and from standard input', async () => {
    for (const bytes of [
      BYTES,
      gzipSync(BYTES),
      Buffer.concat([gzipSync(BYTES.subarray(0, 99)), gzipSync(BYTES.subarray(99))]),
    ]) {
      const path = stored('flows', bytes);
      for (const file of [
        await ColumnarFile.open(path),
        await ColumnarFile.open('-', undefined, Readable.from([bytes])),
      ]) {
        assert.deepEqual(await rowsOf(file), [2, 1]);
        const { bytesRead, frames, flows, optionsRecords } = file.stats;
        assert.deepEqual([bytesRead, frames, flows, optionsRecords], [bytes.length, 2, 2, 1]);
      }
      assert.equal((await ColumnarFile.open(path)).stats.bytesTotal, bytes.length);
    }
  });

  it('says what cannot be read, and what was damaged in packing', async () => {
    await assert.rejects(ColumnarFile.open(join(folder, 'missing')), {
      code: 'INPUT_FAILED',
      message: /no such file/,
    });
    await assert.rejects(ColumnarFile.open(folder), { code: 'INPUT_FAILED', message: /is a directory/ });
    const packed = gzipSync(BYTES);
    const cut = await ColumnarFile.open(stored('cut.gz', packed.subarray(0, packed.length - 4)));
    await assert.rejects(rowsOf(cut), { code: 'INPUT_FAILED', message: /cut short/ });
    assert.equal(cut.stats.frames, 2);
    packed[packed.length >> 1] ^= 0xff;
    await assert.rejects(rowsOf(await ColumnarFile.open(stored('broken.gz', packed))), {
      code: 'INPUT_FAILED',
    });
  });

  it('may be closed at any time', async () => {
    const stdin = new PassThrough();
    stdin.write(BYTES.subarray(0, BYTES.length - 10));
    const file = await ColumnarFile.open('-', undefined, stdin);
    const frames = file.frames();
    await frames.next();
    const second = frames.next();
    await file.close();
    await assert.rejects(second, { code: 'INPUT_FAILED', message: /cut short/ });
    await file.close();
  });
});

describe('beginsColumnar', () => {
  it('looks into files without using them up', async () => {
    for (const [bytes, expected] of [
      [BYTES, true],
      [gzipSync(BYTES), true],
      [BYTES.subarray(0, 4), true],
      [BYTES.subarray(0, 3), false],
      [new Uint8Array(0), false],
      [Buffer.from('MRCX....'), false],
    ] as const) {
      assert.equal(await beginsColumnar(stored('some', bytes), never), expected);
    }
    assert.equal(await beginsColumnar(join(folder, 'missing'), never), false);
    assert.equal(await beginsColumnar(folder, never), false);
  });

  it('looks into standard input and leaves it as it was', async () => {
    const stdin = new PassThrough();
    const answer = beginsColumnar('-', never, stdin);
    stdin.end(BYTES);
    assert.equal(await answer, true);
    assert.deepEqual(await rowsOf(await ColumnarFile.open('-', undefined, stdin)), [2, 1]);
    assert.equal(await beginsColumnar('-', never, Readable.from([Buffer.from('other')])), false);
    assert.equal(await beginsColumnar('-', never, Readable.from([])), false);
  });

  it('is given up by a signal that comes while it is opened', async () => {
    const controller = new AbortController();
    const opening = ColumnarFile.open('-', controller.signal, new PassThrough());
    controller.abort();
    for await (const _ of (await opening).frames()) assert.fail('closed');
  });

  it('gives standard input up with the signal, and when it breaks', async () => {
    const controller = new AbortController();
    const silent = new PassThrough();
    const answer = beginsColumnar('-', controller.signal, silent);
    controller.abort();
    assert.equal(await answer, false);
    assert.equal(silent.destroyed, true);
    const broken = new PassThrough();
    const other = beginsColumnar('-', never, broken);
    broken.destroy(new Error('gone'));
    assert.equal(await other, false);
  });
});
