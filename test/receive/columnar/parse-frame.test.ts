import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { standardElements } from '../../../src/elements/registry.ts';
import { parseFilter } from '../../../src/filter/parser.ts';
import { TERMS, type ValueKind } from '../../../src/filter/words.ts';
import { MAX_FRAME_COLUMNS, MAX_FRAME_ROWS } from '../../../src/output/columnar-format.ts';
import { FORMATS } from '../../../src/output/encoder.ts';
import { ColumnarError } from '../../../src/receive/columnar/body-cursor.ts';
import { FrameEncoder } from '../../../src/receive/columnar/frame-encoder.ts';
import { FrameFilter, FrameFilterError } from '../../../src/receive/columnar/frame-filter.ts';
import { type FrameView, FrameViews } from '../../../src/receive/columnar/frame-view.ts';
import { readColumnar } from '../../../src/receive/columnar/reader.ts';
import {
  columnarBytes,
  frameBytes,
  type RawColumn,
  type RawFrame,
  rawFrames,
} from '../../support/columnar.ts';
import fc from '../../support/fast-check.ts';
import { flowBatch } from '../../support/flow-batch.ts';
import { ODD_STATE, oddBatches } from '../../support/odd-batches.ts';

/** A frame with an address, a name and a list, two rows each. */
function sample(): RawFrame {
  const batch = flowBatch({
    fields: [
      [8, 4],
      [82, 65_535],
      [4, 1],
      [4, 1],
    ],
    rows: [
      ['192.0.2.1', 'abc', 1, 2],
      ['192.0.2.2', 'de', 3, 4],
    ],
  });
  return rawFrames(columnarBytes(batch, { schema: 'iana' }))[0];
}

function refusal(frame: unknown, maxFrameBytes?: number): ColumnarError {
  const bytes = frameBytes(frame);
  try {
    for (const _ of readColumnar(bytes, { maxFrameBytes }));
  } catch (error) {
    assert.ok(error instanceof ColumnarError, String(error));
    assert.ok(error.offset >= 12 && error.offset <= bytes.length);
    return error;
  }
  assert.fail('the frame is taken');
}

const octets = (count: number, value = 0): Uint8Array => new Uint8Array(count).fill(value);
const words = (...values: number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);
const doubles = (...values: number[]): Uint8Array => new Uint8Array(Float64Array.from(values).buffer);
const field = (frame: RawFrame, i: number): RawColumn => frame.schema.grouped[i];

describe('a frame', () => {
  it('is taken in whatever MessagePack forms another writer uses', () => {
    const [frame] = readColumnar(frameBytes(sample()));
    const [expected] = readColumnar(
      columnarBytes(
        flowBatch({
          fields: [
            [8, 4],
            [82, 65_535],
            [4, 1],
            [4, 1],
          ],
          rows: [
            ['192.0.2.1', 'abc', 1, 2],
            ['192.0.2.2', 'de', 3, 4],
          ],
        }),
        { schema: 'iana' },
      ),
    );
    assert.deepEqual(frame.toObjects(), expected.toObjects());
  });

  const cases: [what: string, change: (frame: RawFrame) => unknown, message: RegExp][] = [
    ['no map', () => [1], /a map is expected/],
    ['another number of members', (frame) => ({ ...frame, more: 1 }), /a map of 5/],
    ['another order of keys', ({ schema, ...rest }) => ({ ...rest, schema }), /key "schema"/],
    [
      'another record schema',
      (frame) => void (frame.schema.schema = 'sflow'),
      /allowed here are millrace, iana/,
    ],
    ['a group of the other schema', (frame) => void (frame.schema.group = 'ext'), /allowed here are fields/],
    [
      'other columns of sets',
      (frame) => void (frame.schema.sets[3][0] = 'protocol'),
      /allowed here are version/,
    ],
    ['fewer columns of sets', (frame) => void frame.schema.sets.pop(), /an array of 12/],
    ['no rows', (frame) => void (frame.rows = 0), /0 rows; allowed are 1 to 65536/],
    ['too many rows', (frame) => void (frame.rows = MAX_FRAME_ROWS + 1), /65537 rows/],
    ['rows of 64 bits', (frame) => void (frame.rows = 2 ** 40), /an unsigned integer/],
    ['negative rows', (frame) => void (frame.rows = -1), /an unsigned integer/],
    ['rows that the sets do not have', (frame) => void (frame.rows = 3), /the sets have other rows/],
    [
      'sets that are longer than the frame',
      (frame) => void (frame.sets[0] = words(3)),
      /the sets have other rows/,
    ],
    [
      'a set without rows',
      (frame) => void (frame.sets = frame.sets.map((b) => octets(b.length))),
      /a set has no rows/,
    ],
    ['sets of different number', (frame) => void (frame.sets[4] = octets(8)), /differ in length/],
    ['half a set', (frame) => void (frame.sets[0] = octets(2)), /differ in length/],
    ['a set of an unknown version', (frame) => void (frame.sets[3] = words(8)), /a set of version 8/],
    [
      'an export time that is none',
      (frame) => void (frame.sets[8] = doubles(Number.NaN)),
      /no such export time/,
    ],
    ['an export time before 1970', (frame) => void (frame.sets[8] = doubles(-1)), /no such export time/],
    [
      'an export time too late',
      (frame) => void (frame.sets[8] = doubles(2 ** 42 + 1)),
      /no such export time/,
    ],
    ['three heaps', (frame) => void frame.heaps.push(octets(1)), /an array of 2/],
    ['fewer columns than described', (frame) => void frame.columns.pop(), /an array of 3/],
    ['a column without its array', (frame) => void frame.columns[0]!.pop(), /an array of 2/],
    [
      'a column of another length',
      (frame) => void (frame.columns[0]![1] = octets(12)),
      /a column has another length/,
    ],
    [
      'a text in place of a column',
      (frame) => void (frame.columns[0]![1] = 'ab' as never),
      /binary data are expected/,
    ],
    [
      'presence of another length',
      (frame) => void (frame.columns[0]![0] = octets(3)),
      /a column has another length/,
    ],
    [
      'presence beyond a value',
      (frame) => void (frame.columns[0]![0] = octets(2, 2)),
      /more values than there are/,
    ],
    [
      'presence beyond a list',
      (frame) => void (frame.columns[2]![0] = octets(2, 3)),
      /more values than there are/,
    ],
    [
      'octets outside of the heap',
      (frame) => void (frame.columns[1]![2] = words(3, 3)),
      /outside of their heap/,
    ],
    [
      'an offset outside of the heap',
      (frame) => void (frame.columns[1]![1] = words(0, 6)),
      /outside of their heap/,
    ],
    [
      'lengths that overflow',
      (frame) => void (frame.columns[1]![1] = words(0, 0xffffffff)),
      /outside of their heap/,
    ],
    ['an unknown type', (frame) => void (field(frame, 0).type = 'cidr'), /allowed here are unsigned, /],
    ['an unknown storage', (frame) => void (field(frame, 0).storage = 'u128'), /allowed here are u32, /],
    [
      'a type in another storage',
      (frame) => void (field(frame, 0).storage = 'f64'),
      /ipv4 is not stored as f64/,
    ],
    ['an unknown heap', (frame) => void (field(frame, 1).heap = 2), /no such heap/],
    ['a column described by more', (frame) => void (field(frame, 0).heap = 0), /other keys/],
    ['an empty list', (frame) => void (field(frame, 2).list = []), /a list has no items/],
    ['two columns of one name', (frame) => void (field(frame, 1).name = 'sourceIPv4Address'), /cannot have/],
    [
      'a column that would be a prototype',
      (frame) => void (field(frame, 1).name = '__proto__'),
      /cannot have/,
    ],
    [
      'a word that there is not',
      (frame) => {
        frame.schema.grouped[0] = { name: 'x', type: 'word', storage: 'u32', words: ['a'] };
        frame.columns[0] = [null, words(0, 1)];
      },
      /no such word/,
    ],
    [
      'a list of words',
      (frame) => void (field(frame, 2).list![1] = { type: 'word', storage: 'u32', words: [] } as never),
      /items of words/,
    ],
  ];
  for (const [what, change, message] of cases) {
    it(`is refused with ${what}`, () => {
      const frame = sample();
      assert.match(refusal(change(frame) ?? frame).message, message);
    });
  }

  it('may have anything in rows without a value', () => {
    const frame = sample();
    frame.columns[1] = [Uint8Array.of(1, 0), words(0, 0xffffffff), words(3, 9)];
    frame.columns[2]![0] = Uint8Array.of(0, 1);
    const [read] = readColumnar(frameBytes(frame));
    assert.deepEqual(
      read.toObjects().map(({ fields }) => fields),
      [
        { sourceIPv4Address: '192.0.2.1', interfaceName: 'abc' },
        { sourceIPv4Address: '192.0.2.2', protocolIdentifier: [3] },
      ],
    );
  });

  it('has as many rows as allowed, and all of them without a column', () => {
    const frame = sample();
    frame.rows = MAX_FRAME_ROWS;
    frame.sets[0] = words(MAX_FRAME_ROWS);
    frame.columns = [null, null, null];
    const [read] = readColumnar(frameBytes(frame));
    assert.deepEqual(Object.keys(read.columns), []);
    assert.equal(read.toObjects().length, MAX_FRAME_ROWS);
  });

  it('has a limit on columns, items of lists and words', () => {
    const frame = sample();
    const cell = { type: 'unsigned', storage: 'u32' };
    const absent = (count: number): RawFrame => ({
      ...frame,
      schema: { ...frame.schema, grouped: [{ name: 'x', list: Array(count).fill(cell) }] },
      columns: [null],
    });
    assert.equal([...readColumnar(frameBytes(absent(MAX_FRAME_COLUMNS - 1)))].length, 1);
    assert.match(refusal(absent(MAX_FRAME_COLUMNS)).message, /more than 131072 columns/);
  });

  it('cannot make much of few octets', () => {
    const frame = sample();
    const rows = 1000;
    frame.rows = rows;
    frame.sets[0] = words(rows);
    frame.heaps[0] = octets(10_000, 65);
    frame.columns = [null, [null, octets(4 * rows), words(...Array(rows).fill(10_000))], null];
    const content = 10_000 * rows;
    assert.equal([...readColumnar(frameBytes(frame), { maxFrameBytes: content })].length, 1);
    assert.match(refusal(frame, content - 1).message, /larger than a frame may be/);
  });

  it('does not believe sizes before the octets are there', () => {
    for (const header of [[0xdd], [0xdf], [0xc6], [0xdb], [0xdc, 0xff], [0xde, 0xff]]) {
      const body = Buffer.alloc(20, 0xff);
      body.set(header);
      const bytes = Buffer.concat([Buffer.from('MRCF\x01\0\0\0\x14\0\0\0', 'latin1'), body]);
      assert.throws(() => [...readColumnar(bytes)], ColumnarError);
    }
    const nested = Buffer.alloc(100_000, 0x91);
    const header = Buffer.from('MRCF\x01\0\0\0\0\0\0\0', 'latin1');
    header.writeUInt32LE(nested.length, 8);
    assert.throws(() => [...readColumnar(Buffer.concat([header, nested]))], ColumnarError);
  });
});

describe('frames with octets changed', () => {
  const filteredOf = (view: FrameView): number => {
    try {
      return new FrameFilter(everyWord, standardElements).apply(view);
    } catch (error) {
      assert.ok(error instanceof FrameFilterError, (error as Error).stack);
      return 0;
    }
  };
  const seeds = Object.values(oddBatches()).flatMap((batch) =>
    (['millrace', 'iana'] as const).map((schema) =>
      columnarBytes(batch, { schema, options: true, state: ODD_STATE }),
    ),
  );
  const formats = FORMATS.filter((format) => format !== 'columnar');
  // Holds for few records, so that most of them are looked at by every word.
  const values: Partial<Record<ValueKind, string>> = { address: '::5', mac: '0:0:0:0:0:5' };
  const everyWord = parseFilter(
    [...TERMS].map(([phrase, { kind }]) => `${phrase} ${values[kind] ?? 99}`).join(' or '),
  );

  it('are refused, or are frames that can be used', () => {
    let taken = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds.filter(({ length }) => length < 10_000)),
        fc.array(fc.tuple(fc.nat(9999), fc.nat(255)), {
          minLength: 1,
          maxLength: 4,
        }),
        (seed, changes) => {
          const bytes = seed.slice();
          // Half of the time only behind the schema, where most changes are allowed.
          const from = changes.length % 2 === 0 ? 12 : Buffer.from(bytes).indexOf('heaps');
          for (const [where, value] of changes)
            bytes[from + Math.floor((where / 10_000) * (bytes.length - from))] = value;
          try {
            for (const frame of readColumnar(bytes)) {
              assert.equal(frame.toObjects().length, frame.rows);
              const view = new FrameViews().load(frame);
              const filtered = filteredOf(view);
              for (const format of formats)
                assert.equal(new FrameEncoder(format, true).encode(view), frame.rows - filtered);
              taken++;
            }
          } catch (error) {
            assert.ok(error instanceof ColumnarError, (error as Error).stack);
          }
        },
      ),
      { numRuns: 4000 },
    );
    assert.ok(taken > 100, `${taken} were taken`);
  });
});
