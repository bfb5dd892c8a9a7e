/** Columnar frames as two MessagePack readers of other people see them, which must be the same. */
import assert from 'node:assert/strict';
import { decode, encode } from '@msgpack/msgpack';
import { unpack } from 'msgpackr';
import type { FlowBatch } from '../../src/decode/batch.ts';
import { type EncodeOptions, encoderFor, type Json } from './encode.ts';

export interface RawColumn {
  name: string;
  type?: string;
  storage?: string;
  words?: string[];
  heap?: number;
  list?: { type: string; storage: string; heap?: number }[];
}

export interface RawFrame {
  schema: {
    schema: string;
    group: string;
    sets: [string, string][];
    values: RawColumn[];
    grouped: RawColumn[];
  };
  rows: number;
  sets: Uint8Array[];
  heaps: Uint8Array[];
  columns: (null | [presence: Uint8Array | null, ...arrays: Uint8Array[]])[];
}

export const HEADER_BYTES = 12;

/** Cuts frames at their lengths and unpacks their bodies. */
export function rawFrames(bytes: Uint8Array): RawFrame[] {
  const frames: RawFrame[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; ) {
    assert.equal(Buffer.from(bytes.subarray(at, at + 8)).toString('latin1'), 'MRCF\x01\0\0\0');
    const end = at + HEADER_BYTES + view.getUint32(at + 8, true);
    const body = bytes.slice(at + HEADER_BYTES, end);
    const frame = plain(decode(body));
    assert.deepEqual(plain(unpack(body)), frame);
    frames.push(frame as RawFrame);
    at = end;
  }
  return frames;
}

/** The bytes of a frame that says this, as another writer would write it. */
export function frameBytes(frame: unknown): Uint8Array {
  const body = encode(frame, { sortKeys: false });
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  bytes.set(Buffer.from('MRCF\x01\0\0\0', 'latin1'));
  new DataView(bytes.buffer).setUint32(8, body.length, true);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

export function columnarBytes(batch: FlowBatch, options: EncodeOptions = {}): Uint8Array {
  const encoder = encoderFor({ ...options, format: 'columnar' });
  encoder.encode(batch);
  return encoder.take();
}

/** Octets as plain Uint8Array, whatever a reader makes of them. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

/** As JSON lines show it: decimal text in place of bigint. */
export function withoutBigint(value: unknown): unknown {
  if (typeof value === 'bigint') {
    assert.ok(!Number.isSafeInteger(Number(value)), `${value} is no bigint`);
    return String(value);
  }
  if (Array.isArray(value)) return value.map(withoutBigint);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value as Json).map(([key, member]) => [key, withoutBigint(member)]),
  );
}
