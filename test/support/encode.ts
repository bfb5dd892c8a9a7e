/** What the encoders make of a batch, read back. */
import assert from 'node:assert/strict';
import { decodeMulti } from '@msgpack/msgpack';
import { Unpackr } from 'msgpackr';
import type { FlowBatch } from '../../src/decode/batch.ts';
import { type BatchEncoder, createEncoder } from '../../src/output/create-encoder.ts';
import type { Encoding } from '../../src/output/encoder.ts';
import type { ListReader } from '../../src/output/rows.ts';
import type { ExporterStateSource } from '../../src/schema/state-source.ts';
import type { StateText } from '../../src/templates/state-view.ts';

export interface EncodeOptions extends Partial<Encoding> {
  state?: ExporterStateSource | null;
  listToValue?: ListReader;
}

export type Json = Record<string, unknown>;

export function encoderFor({ state = null, listToValue, ...encoding }: EncodeOptions = {}): BatchEncoder {
  return createEncoder(
    { format: 'ndjson', schema: 'millrace', options: false, ...encoding },
    { state: (address) => (address === 0 ? null : state), listToValue: listToValue ?? (() => null) },
  );
}

/** The lines of a batch as objects. Checks that each is one line of its own. */
export function jsonRecords(batch: FlowBatch, options: EncodeOptions = {}): Json[] {
  const encoder = encoderFor({ ...options, format: 'ndjson' });
  const rows = encoder.encode(batch);
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(encoder.take());
  assert.ok(text === '' || text.endsWith('\n'));
  const lines = text.split('\n').slice(0, -1);
  assert.equal(lines.length, rows);
  return lines.map((line) => JSON.parse(line) as Json);
}

/** The maps of a batch as two independent readers see them, which must be the same. */
export function msgpackRecords(batch: FlowBatch, options: EncodeOptions = {}): Json[] {
  const encoder = encoderFor({ ...options, format: 'msgpack' });
  const rows = encoder.encode(batch);
  const bytes = encoder.take();
  const records = [...decodeMulti(bytes, { useBigInt64: true })].map(narrow) as Json[];
  const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, int64AsType: 'bigint' });
  const other = bytes.length === 0 ? [] : (unpackr.unpackMultiple(bytes) as unknown[]);
  assert.deepEqual(other.map(narrow), records);
  assert.equal(records.length, rows);
  return records;
}

/** Numbers where they are exact, whatever the reader made of them; octets as plain Uint8Array. */
function narrow(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(narrow);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, narrow(member)]));
}

export function textLines(batch: FlowBatch, options: EncodeOptions = {}): string[] {
  const encoder = encoderFor({ ...options, format: 'text' });
  const rows = encoder.encode(batch);
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(encoder.take());
  const lines = text.split('\n').slice(0, -1);
  assert.equal(lines.length, rows);
  return lines;
}

/** UTF-8 as a state source hands it out: in the midst of other octets. */
export function stateText(text: string): StateText {
  const bytes = Buffer.from(`<${text}>`);
  return { bytes, start: 1, length: bytes.length - 2 };
}

/** State that knows nothing but what it is given. */
export function stateSource(known: Partial<ExporterStateSource>): ExporterStateSource {
  return {
    samplingRate: () => 0,
    ratesOfInterfaces: known.samplingRate !== undefined,
    systemInitMs: Number.NaN,
    interfaceName: () => null,
    interfaceDescription: () => null,
    vrfName: () => null,
    applicationName: () => null,
    samplerName: () => null,
    selectorName: () => null,
    ...known,
  };
}
