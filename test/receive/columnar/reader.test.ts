import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { MillraceError } from '../../../src/base/errors.ts';
import type { FlowBatch } from '../../../src/decode/batch.ts';
import { SCHEMAS } from '../../../src/output/encoder.ts';
import { ColumnarError } from '../../../src/receive/columnar/body-cursor.ts';
import type { ColumnarFrame } from '../../../src/receive/columnar/frame.ts';
import { readColumnar } from '../../../src/receive/columnar/reader.ts';
import { anyBatch } from '../../support/arbitrary-batch.ts';
import { concat } from '../../support/bytes.ts';
import { columnarBytes, withoutBigint } from '../../support/columnar.ts';
import { type EncodeOptions, type Json, jsonRecords } from '../../support/encode.ts';
import fc from '../../support/fast-check.ts';
import { flowBatch } from '../../support/flow-batch.ts';
import { ODD_STATE, oddBatches } from '../../support/odd-batches.ts';

const objects = (frames: Iterable<ColumnarFrame>): Json[] =>
  [...frames].flatMap((frame) => frame.toObjects());

/** The records that are read are those of the JSON lines, key by key and in their order. */
function assertSame(batch: FlowBatch, options: EncodeOptions): void {
  const read = withoutBigint(objects(readColumnar(columnarBytes(batch, options)))) as Json[];
  const lines = jsonRecords(batch, options);
  assert.deepEqual(read, lines);
  assert.deepEqual(read.map(keysOf), lines.map(keysOf));
}

function keysOf(record: Json): unknown {
  return Object.entries(record).map(([key, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? [key, keysOf(value as Json)] : key,
  );
}

describe('readColumnar', () => {
  it('gives the records of the JSON lines, whatever the values are', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        for (const schema of SCHEMAS) assertSame(batch, { schema });
      }),
      { numRuns: 500 },
    );
  });

  for (const name of Object.keys(oddBatches())) {
    it(`gives the records of the JSON lines: ${name}`, () => {
      for (const schema of SCHEMAS)
        for (const options of [true, false]) {
          assertSame(oddBatches()[name], { schema, options, state: ODD_STATE });
        }
    });
  }

  it('gives structured data as hex of its octets', () => {
    const batch = flowBatch({
      fields: [[291, 65_535]],
      rows: [[Uint8Array.of(3, 0, 8, 0, 4)], [new Uint8Array(0)]],
    });
    const read = objects(readColumnar(columnarBytes(batch, { schema: 'iana' })));
    assert.deepEqual(
      read.map(({ fields }) => fields),
      [{ basicList: '0300080004' }, { basicList: '' }],
    );
    const [native] = objects(readColumnar(columnarBytes(batch)));
    assert.deepEqual(native.ext, { basicList: '0300080004' });
  });

  it('gives columns by name, with the values of single rows', () => {
    const batch = flowBatch({
      fields: [
        [8, 4],
        [1, 8],
        [10, 4],
        [434, 4],
      ],
      rows: [
        ['192.0.2.1', 2n ** 53n, 7, -1],
        ['192.0.2.2', 5, 8, -2],
      ],
      sets: [
        { rows: 1, stateAddress: 8 },
        { rows: 1, sequence: 99 },
      ],
    });
    const [frame] = readColumnar(columnarBytes(batch, { state: ODD_STATE }));
    assert.equal(frame.rows, 2);
    const { src_addr, bytes, in_if_name, out_if_name } = frame.columns;
    assert.deepEqual([...src_addr.values], [0xc0000201, 0xc0000202]);
    assert.deepEqual([src_addr.type, src_addr.storage, src_addr.more], ['ipv4', 'u32', null]);
    assert.equal(src_addr.valueAt(1), '192.0.2.2');
    assert.deepEqual(
      [[...bytes.values], [...bytes.more!]],
      [
        [0, 5],
        [0x200000, 0],
      ],
    );
    assert.equal(bytes.valueAt(0), 2n ** 53n);
    assert.deepEqual([...in_if_name.present!], [1, 0]);
    assert.deepEqual([in_if_name.valueAt(0), in_if_name.valueAt(1)], ['Gi0/0/7 "ü"', undefined]);
    assert.equal(out_if_name, undefined);
    assert.deepEqual([src_addr.valueAt(2), src_addr.valueAt(-1)], [undefined, undefined]);
    assert.ok(frame.ext.mibObjectValueInteger.values instanceof Int32Array);
    assert.deepEqual([...frame.ext.mibObjectValueInteger.values], [-1, -2]);
    assert.deepEqual(
      frame.sets.map(({ rowStart, rowEnd, sequence, version }) => [rowStart, rowEnd, sequence, version]),
      [
        [0, 1, 7, 10],
        [1, 2, 99, 10],
      ],
    );
    const [iana] = readColumnar(columnarBytes(batch, { schema: 'iana' }));
    assert.deepEqual(Object.keys(iana.columns), [
      'sourceIPv4Address',
      'octetDeltaCount',
      'ingressInterface',
      'mibObjectValueInteger',
    ]);
    assert.deepEqual(Object.keys(iana.ext), []);
  });

  it('gives memory of its own', () => {
    const bytes = columnarBytes(oddBatches()['texts that are none']);
    const [frame] = readColumnar(bytes);
    const before = frame.toObjects();
    bytes.fill(0xff);
    assert.deepEqual(frame.toObjects(), before);
  });
});

const FILE = concat(
  columnarBytes(flowBatch({ fields: [[7, 2]], rows: [[1], [2]] })),
  columnarBytes(flowBatch({ fields: [[82, 65_535]], rows: [['x'.repeat(300)]] }), { schema: 'iana' }),
  columnarBytes(flowBatch({ fields: [[7, 2]], rows: [[3]] })),
);
const RECORDS = objects(readColumnar(FILE));

describe('readColumnar of a stream', () => {
  const ofStream = async (stream: AsyncIterable<Uint8Array>): Promise<Json[]> => {
    const records: Json[] = [];
    for await (const frame of readColumnar(stream)) records.push(...frame.toObjects());
    return records;
  };

  it('gives the same, however the bytes are cut into chunks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), async (sizes) => {
        const chunks: Uint8Array[] = [];
        for (let at = 0, i = 0; at < FILE.length; i++) {
          const size = sizes[i % sizes.length];
          chunks.push(FILE.subarray(at, at + size), new Uint8Array(0));
          at += size;
        }
        assert.deepEqual(await ofStream(Readable.from(chunks)), RECORDS);
      }),
      { numRuns: 100 },
    );
  });

  it('is closed at the end, by an early return and by an error', async () => {
    for (const [bytes, read] of [
      [FILE, 3],
      [FILE, 1],
      [concat(FILE.subarray(0, 40), new Uint8Array(100)), 9],
    ] as const) {
      const stream = Readable.from([bytes, bytes.subarray(0, 0)]);
      let frames = 0;
      await (async () => {
        for await (const _ of readColumnar(stream)) if (++frames === read) break;
      })().catch((error: unknown) => assert.ok(error instanceof ColumnarError));
      assert.equal(stream.destroyed, true);
    }
  });

  it('gives a frame as soon as it is there', async () => {
    const stream = new PassThrough();
    const frames = readColumnar(stream);
    const first = frames.next();
    stream.write(FILE.subarray(0, FILE.length - 1));
    assert.equal((await first).value?.rows, 2);
    assert.equal((await frames.next()).value?.rows, 1);
    stream.end();
    await assert.rejects(frames.next(), ColumnarError);
  });

  it('passes on errors of the stream, and says when it is not one of bytes', async () => {
    const broken = new Readable({ read: () => broken.destroy(new Error('disk on fire')) });
    await assert.rejects(ofStream(broken), /disk on fire/);
    await assert.rejects(ofStream(Readable.from(['text']) as AsyncIterable<never>), TypeError);
    assert.deepEqual(await ofStream(Readable.from([])), []);
  });
});

/** What is read before the error, and the error. */
function readAll(bytes: Uint8Array, maxFrameBytes?: number): { frames: ColumnarFrame[]; error: unknown } {
  const frames: ColumnarFrame[] = [];
  try {
    for (const frame of readColumnar(bytes, { maxFrameBytes })) frames.push(frame);
    return { frames, error: undefined };
  } catch (error) {
    return { frames, error };
  }
}

describe('readColumnar of broken bytes', () => {
  it('gives the frames in front of a cut, and says that it was cut', async () => {
    const ends = [...readColumnar(FILE)].map(({ rows }) => rows);
    const lengths: number[] = [];
    const view = new DataView(FILE.buffer, FILE.byteOffset, FILE.length);
    for (let at = 0; at < FILE.length; at += 12 + view.getUint32(at + 8, true)) lengths.push(at);
    for (let length = 0; length <= FILE.length; length++) {
      const whole = [...lengths, FILE.length].filter((at) => at <= length).length - 1;
      const { frames, error } = readAll(FILE.subarray(0, length));
      assert.deepEqual(
        frames.map(({ rows }) => rows),
        ends.slice(0, whole),
      );
      if (length === FILE.length || lengths.includes(length)) {
        assert.equal(error, undefined);
        continue;
      }
      assert.ok(error instanceof MillraceError && error instanceof ColumnarError);
      assert.equal(error.code, 'INPUT_FAILED');
      assert.equal(error.offset, length);
      assert.match(error.message, new RegExp(`octet ${length}: cut short.* octet ${lengths[whole]}$`));
      if (length % 50 !== 0) continue;
      const streamed = readColumnar(Readable.from([FILE.subarray(0, length)]));
      await assert.rejects(
        async () => {
          for await (const _ of streamed);
        },
        { code: 'INPUT_FAILED', offset: length, message: error.message },
      );
    }
  });

  it('says where there is no frame', () => {
    for (const [bytes, offset, text] of [
      [concat(FILE, new Uint8Array(12)), FILE.length, /no columnar frame/],
      [concat(FILE.subarray(0, 4), [2], FILE.subarray(5)), 4, /version 2; 1 is known/],
      [concat(FILE.subarray(0, 7), [1], FILE.subarray(8)), 6, /zero/],
      [concat(FILE.subarray(0, 8), [0, 0, 0, 0x80], FILE.subarray(12)), 8, /2147483648 octets/],
      [concat(FILE.subarray(0, 8), [0, 0, 0, 0], FILE.subarray(12)), 12, /in the middle of a value/],
    ] as const) {
      const { error } = readAll(bytes);
      assert.ok(error instanceof ColumnarError, String(error));
      assert.equal(error.offset, offset);
      assert.match(error.message, text);
    }
  });

  it('takes frames up to a limit, and not beyond', () => {
    const bytes = columnarBytes(flowBatch({ fields: [[82, 65_535]], rows: [['x'.repeat(5000)]] }));
    const length = bytes.length - 12;
    assert.equal(readAll(bytes, length).error, undefined);
    assert.ok(readAll(bytes, length - 1).error instanceof ColumnarError);
    assert.deepEqual(readAll(bytes, length - 1).frames, []);
  });

  it('has no other error for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, framed) => {
        const header = Buffer.from('MRCF\x01\0\0\0\0\0\0\0', 'latin1');
        header.writeUInt32LE(bytes.length, 8);
        const { error } = readAll(framed ? concat(header, bytes) : bytes);
        assert.ok(error === undefined || error instanceof ColumnarError, String(error));
      }),
      { numRuns: 2000 },
    );
  });
});
