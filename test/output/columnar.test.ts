import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { FlowBatch } from '../../src/decode/batch.ts';
import { readColumnar } from '../../src/receive/columnar/reader.ts';
import { anyBatch } from '../support/arbitrary-batch.ts';
import { columnarBytes, type RawColumn, type RawFrame, rawFrames } from '../support/columnar.ts';
import { encoderFor, stateSource, stateText } from '../support/encode.ts';
import fc from '../support/fast-check.ts';
import { EXPORT_MS, flowBatch, RECEIVED_MS } from '../support/flow-batch.ts';

const iana = { schema: 'iana' } as const;

const u32 = (bytes: Uint8Array): number[] =>
  Array.from({ length: bytes.length / 4 }, (_, i) => Buffer.from(bytes).readUInt32LE(4 * i));
const f64 = (bytes: Uint8Array): number[] =>
  Array.from({ length: bytes.length / 8 }, (_, i) => Buffer.from(bytes).readDoubleLE(8 * i));

/** The arrays of a column by its name, and whether rows have it; undefined when no row has. */
function column(frame: RawFrame, name: string): [Uint8Array | null, ...Uint8Array[]] | undefined {
  const described = [...frame.schema.values, ...frame.schema.grouped];
  return frame.columns[described.findIndex((one) => one.name === name)] ?? undefined;
}

function one(batch: FlowBatch, options: Parameters<typeof columnarBytes>[1] = {}): RawFrame {
  const frames = rawFrames(columnarBytes(batch, options));
  assert.equal(frames.length, 1);
  return frames[0];
}

describe('columnar frames', () => {
  it('hold the columns of the batch as they are in memory', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const frame = one(batch, iana);
        assert.equal(frame.rows, batch.rows);
        assert.deepEqual(
          frame.schema.grouped.map(({ name }) => name),
          batch.plan.fields.map(({ key }) => key),
        );
        batch.plan.fields.forEach((field, i) => {
          const [presence, ...arrays] = frame.columns[i]!;
          assert.equal(presence, null);
          const items: RawColumn[] = (frame.schema.grouped[i].list ?? [
            frame.schema.grouped[i],
          ]) as RawColumn[];
          assert.equal(frame.schema.grouped[i].list !== undefined, field.columns.length > 1);
          for (const [k, position] of field.columns.entries()) {
            const { storage, render } = batch.plan.columns[position];
            assert.deepEqual([items[k].type, items[k].storage], [render, storage]);
            const { lo, hi, f64: doubles, wide } = batch.columns[position];
            const rows = (values: Uint32Array): number[] => [...values.subarray(0, batch.rows)];
            if (storage === 'b16') assert.deepEqual(arrays.shift(), wide.subarray(0, batch.rows * 16));
            else if (storage === 'f64')
              assert.deepEqual(f64(arrays.shift()!), [...doubles.subarray(0, batch.rows)]);
            else assert.deepEqual(u32(arrays.shift()!), rows(lo));
            if (hi.length > 0) assert.deepEqual(u32(arrays.shift()!), rows(hi));
            if (storage === 'heap') assert.deepEqual(frame.heaps[0], batch.heap.slice(0, batch.heapUsed));
          }
          assert.equal(arrays.length, 0);
        });
      }),
      { numRuns: 300 },
    );
  });

  it('say of each set what came with it', () => {
    const batch = flowBatch({
      dialect: 9,
      fields: [[7, 2]],
      rows: [[1], [2], [3], [4]],
      sets: [
        { rows: 2, sequence: 0xfffffffe, exporterPort: 65_535, exportTimeMs: EXPORT_MS + 0.5 },
        { rows: 0 },
        { rows: 1, templateId: 999, options: true, observationDomainId: 0xffffffff, sysUptimeMs: -1 },
        { rows: 1, stateAddress: 8 },
      ],
    });
    const frame = one(batch, { ...iana, state: stateSource({ systemInitMs: EXPORT_MS - 5_000.5 }) });
    const address = [...new Uint8Array(10), 255, 255, 192, 0, 2, 1];
    const read = frame.schema.sets.map(([name, storage], i) => {
      const bytes = frame.sets[i];
      return [name, storage === 'b16' ? [...bytes] : storage === 'f64' ? f64(bytes) : u32(bytes)];
    });
    assert.deepEqual(Object.fromEntries(read), {
      rowEnd: [2, 3, 4],
      exporter: [...address, ...address, ...address],
      exporterPort: [65_535, 2055, 2055],
      version: [9, 9, 9],
      observationDomainId: [1, 0xffffffff, 1],
      templateId: [256, 999, 256],
      options: [0, 1, 0],
      sequence: [0xfffffffe, 7, 7],
      exportTimeMs: [EXPORT_MS + 0.5, EXPORT_MS, EXPORT_MS],
      sysUptimeMs: [100_000, -1, 100_000],
      receivedAtMs: [RECEIVED_MS, RECEIVED_MS, RECEIVED_MS],
      systemInitMs: [Number.NaN, Number.NaN, EXPORT_MS - 5_000.5],
    });
  });

  it('leave out options records between others', () => {
    const batch = flowBatch({
      fields: [
        [7, 2],
        [1, 8],
        [82, 65535],
      ],
      rows: [
        [1, 10, 'a'],
        [2, 20, 'bb'],
        [3, 30, 'ccc'],
        [4, 40, 'dddd'],
      ],
      sets: [{ rows: 1 }, { rows: 1, options: true }, { rows: 1 }, { rows: 1 }],
    });
    const frame = one(batch, { options: false });
    assert.equal(frame.rows, 3);
    assert.deepEqual(u32(frame.sets[0]), [1, 2, 3]);
    assert.deepEqual(u32(column(frame, 'src_port')![1]), [1, 3, 4]);
    assert.deepEqual(u32(column(frame, 'bytes')![1]), [10, 30, 40]);
    assert.deepEqual(u32(column(frame, 'interfaceName')![2]), [1, 3, 4]);
    assert.equal(one(batch, { options: true }).rows, 4);
  });

  it('have times to the nanosecond, words, rates and texts that were made', () => {
    const batch = flowBatch({
      fields: [
        [156, 8],
        [157, 8],
        [10, 4],
        [90, 8],
      ],
      rows: [
        [0xe8fe6f8000800000n, 0xe8fe6f80ffffffffn, 3, Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2)],
        [0n, 0n, 4, new Uint8Array(8).fill(9)],
      ],
      set: { stateAddress: 8 },
    });
    const state = stateSource({
      samplingRate: (_sampler, _selector, inIf) => (inIf === 3 ? 512 : 0),
      interfaceName: (index) => (index === 4 ? stateText('eth4') : null),
    });
    const frame = one(batch, { state });
    const [, ms, ns] = column(frame, 'time_flow_start')!;
    assert.deepEqual([f64(ms)[0], u32(ns)[0]], [1_700_000_000_001, 953_125]);
    const [replaced, source] = column(frame, 'time_source')!;
    assert.deepEqual([...replaced!], [0, 1]);
    assert.equal(u32(source)[1], 0);
    assert.deepEqual(frame.schema.values.find(({ name }) => name === 'time_source')?.words, ['export']);
    const [sampled, rate] = column(frame, 'sampling_rate')!;
    assert.deepEqual([...sampled!], [1, 0]);
    assert.equal(f64(rate)[0], 512);
    for (const [name, row, text] of [
      ['in_if_name', 1, 'eth4'],
      ['vpn_rd', 0, '1:2'],
    ] as const) {
      const [presence, offsets, lengths] = column(frame, name)!;
      assert.deepEqual([...presence!], row === 0 ? [1, 0] : [0, 1]);
      const start = u32(offsets)[row];
      assert.equal(Buffer.from(frame.heaps[1].subarray(start, start + u32(lengths)[row])).toString(), text);
    }
    assert.equal(column(frame, 'out_if_name'), undefined);
  });

  it('follow one another, each whole', () => {
    const encoder = encoderFor({ format: 'columnar' });
    const small = flowBatch({ fields: [[7, 2]], rows: [[1]] });
    const large = flowBatch({
      fields: [[82, 65535]],
      rows: Array.from({ length: 40 }, () => ['x'.repeat(60_000)]),
    });
    for (const batch of [small, large, small]) encoder.encode(batch);
    const bytes = encoder.take();
    assert.deepEqual(
      rawFrames(bytes).map(({ rows }) => rows),
      [1, 40, 1],
    );
    encoder.encode(small);
    const [first] = rawFrames(bytes);
    assert.deepEqual(rawFrames(encoder.take()), [first]);
  });

  it('hold lists of any length', () => {
    const section = (label: number, bottom: number): Uint8Array =>
      Uint8Array.of(label >>> 12, (label >>> 4) & 255, ((label & 15) << 4) | bottom);
    const batch = flowBatch({
      fields: Array.from({ length: 3 }, (_, i) => [70 + i, 3] as [number, number]),
      rows: [
        [section(100, 0), section(200, 1), section(300, 1)],
        [section(400, 0), section(500, 0), section(600, 0)],
        [new Uint8Array(3), new Uint8Array(3), new Uint8Array(3)],
      ],
    });
    const frame = one(batch);
    const [presence, ...labels] = column(frame, 'mpls_labels')!;
    assert.deepEqual([...presence!], [2, 3, 0]);
    assert.equal(labels.length, 3);
    assert.deepEqual(u32(labels[0]).slice(0, 2), [100, 400]);
    const many = flowBatch({
      fields: Array.from({ length: 40 }, () => [4, 1] as [number, number]),
      rows: [Array.from({ length: 40 }, (_, i) => i)],
    });
    assert.equal(column(one(many, iana), 'protocolIdentifier')!.length, 41);
  });
});

/** The blocks of docs/columnar.md behind a marker line. */
function documented(marker: string): string {
  const text = readFileSync(new URL('../../../docs/columnar.md', import.meta.url), 'utf8');
  const block = text.split(`<!-- ${marker} -->`)[1];
  assert.ok(block !== undefined, marker);
  return block.split('```')[1].replace(/^\w*\n/, '');
}

describe('docs/columnar.md', () => {
  const batch = (): FlowBatch =>
    flowBatch({
      fields: [
        [8, 4],
        [1, 8],
        [82, 65535],
      ],
      rows: [
        ['192.0.2.7', 1500, 'ge-0'],
        ['192.0.2.8', 2n ** 53n, ''],
      ],
      set: { exportTimeMs: 1_700_000_000_000, receivedAtMs: 1_700_000_000_250 },
    });

  it('has an example that is what the writer writes', () => {
    const octets = documented('example frame')
      .split('\n')
      .map((line) => line.replace(/^ *\d+ +/, '').split('  ')[0])
      .join('')
      .replaceAll(' ', '');
    assert.equal(Buffer.from(columnarBytes(batch(), iana)).toString('hex'), octets);
  });

  it('says what the example means', () => {
    const records = documented('example records').trim().split('\n');
    const [frame] = readColumnar(columnarBytes(batch(), iana));
    const read = frame.toObjects().map((record) => {
      return JSON.stringify(record, (_key, value) => (typeof value === 'bigint' ? `${value}n` : value));
    });
    assert.deepEqual(read, records);
  });
});
