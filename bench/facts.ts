/**
 * Facts that do not depend on the machine: perf-reports/facts/*.json. A test compares them exactly, so that a change of
 * layout, output or generated code is seen. `node dist/bench/facts.js --write` writes them anew; without it, prints them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Collector } from '../src/collector.ts';
import { createV5Layout } from '../src/decode/builtin.ts';
import { planSource } from '../src/decode/compile.ts';
import { createLayout, type Layout } from '../src/decode/layout.ts';
import { createPlan, type Plan } from '../src/decode/plan.ts';
import { standardElements } from '../src/elements/registry.ts';
import { shapeFields } from '../src/generator/template-data.ts';
import {
  HEADER_REGION_BYTES,
  ItemWord,
  type MemorySize,
  memoryOffsets,
  RecordOffset,
  RingControl,
} from '../src/memory/layout.ts';
import { Slabs } from '../src/memory/slabs.ts';
import { createEncoder } from '../src/output/create-encoder.ts';
import { FORMATS, SCHEMAS } from '../src/output/encoder.ts';
import { parseOutputUri } from '../src/output/output-uri.ts';
import { countMade, type Made } from './made.ts';
import { boundSets } from './micro/decoded.ts';
import { encodeBenches, encodeInput } from './micro/encode.bench.ts';
import { planBenches, SHAPES } from './micro/plan.bench.ts';

export const FACTS_FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../perf-reports/facts');

/** Facts by file name. */
export async function computeFacts(): Promise<Record<string, object>> {
  return {
    'memory.json': await memoryFacts(),
    'plans.json': planFacts(),
    'encoded.json': encodedFacts(),
    'copies.json': copyFacts(),
    'allocations.json': await allocationFacts(),
  };
}

const round = (value: number): number => Math.round(value * 100) / 100;

interface SharedBytes {
  size: MemorySize;
  memory: number;
  slabs: number;
  slabBytes: number;
}

/** Starts a live collector on the loopback interface and looks at what it shares between its threads. */
async function sharedBytes(addresses: number, workers: number): Promise<SharedBytes> {
  const listen = Array.from({ length: addresses }, () => ({ host: '127.0.0.1', port: 0 }));
  const output = parseOutputUri('null:', { format: 'ndjson', schema: 'millrace' });
  const { create } = Slabs;
  let slabs: Slabs | undefined;
  Slabs.create = (count, slabBytes) => (slabs = create.call(Slabs, count, slabBytes));
  try {
    const collector = new Collector({ source: { listen }, outputs: [output], workers, receive: 'dgram' });
    await collector.start();
    await collector.stop();
    const { size, buffer } = collector.memory;
    return { size, memory: buffer.byteLength, slabs: slabs!.buffer.byteLength, slabBytes: slabs!.slabBytes };
  } finally {
    Slabs.create = create;
  }
}

/** Sizes of shared structures, and the shared memory of a live collector with default options. */
async function memoryFacts(): Promise<object> {
  const one = await sharedBytes(1, 1);
  const twoAddresses = await sharedBytes(2, 1);
  const twoWorkers = await sharedBytes(1, 2);
  const { size } = one;
  const { slotBytes, ringBytes } = memoryOffsets(size);
  return {
    how:
      'Counted: shared memory of a collector with 1 listen address, 1 worker and 1 encoding, and how it grows with a ' +
      'second address or worker. Slabs grow with the encodings as well.',
    headerBytes: HEADER_REGION_BYTES,
    ringControlBytes: RingControl.bytes,
    datagramRecordHeaderBytes: RecordOffset.payload,
    slotBytes,
    slotsPerRing: size.slots,
    ringBytes,
    itemBytes: ItemWord.words * 4,
    items: size.items,
    heapBytes: size.heapBytes,
    slabBytes: one.slabBytes,
    sharedBytes: one.memory + one.slabs,
    sharedBytesPerListenAddress: twoAddresses.memory + twoAddresses.slabs - one.memory - one.slabs,
    sharedBytesPerWorker: twoWorkers.memory + twoWorkers.slabs - one.memory - one.slabs,
  };
}

/** The template at a place of a simulated exporter, under a number of its own. */
function simulatedLayout(uid: number, version: 9 | 10, place: number): Layout {
  return createLayout(uid, version, 0, shapeFields(version, place * 4), standardElements);
}

function layouts(): Record<string, Layout> {
  return {
    v5: createV5Layout(standardElements),
    'v9-21-fields': simulatedLayout(900, 9, 0),
    'ipfix-variable': simulatedLayout(901, 10, 2),
  };
}

/** Source of compiled plans, in characters, all of them ASCII. */
function planFacts(): object {
  return mapValues(layouts(), (layout) => {
    const plan = createPlan(layout, standardElements);
    return {
      fields: layout.fields.length,
      columns: plan.columns.length,
      sourceBytes: planSource(plan)?.length ?? 0,
    };
  });
}

/** Octets that each encoding makes of the same simulated v9 records of 21 fields. */
function encodedFacts(): object {
  const { batches, records, state } = encodeInput('smoke', false);
  const facts: Record<string, object> = {};
  for (const format of FORMATS) {
    for (const schema of SCHEMAS) {
      const encoder = createEncoder({ format, schema, options: false }, { state, listToValue: () => null });
      for (const batch of batches) encoder.encode(batch);
      const bytes = encoder.take().length;
      facts[`${format}-${schema}`] = {
        records: records.length,
        bytes,
        perRecord: round(bytes / records.length),
      };
    }
  }
  return facts;
}

/** Octets of memory written for a record, step by step, from the layout and the plan. */
function copyFacts(): object {
  return {
    how:
      'Derived. wire: octets of the sets by their records; the kernel writes them into the slot (recvmmsg), or ' +
      'node:dgram does to a buffer of its own and a copy to the slot follows. columns: what the plan stores in a row of a ' +
      'batch. What an encoder writes is in encoded.json; it writes into slabs, which outputs read: no copies after it.',
    ...mapValues(
      { v5: SHAPES.v5, 'v9-21-fields': SHAPES['v9-21-fields'], 'ipfix-ipv6': SHAPES['ipfix-ipv6'] },
      (shape) => {
        const { sets, records, entry } = boundSets('smoke', shape);
        const plan = createPlan(entry.layout, standardElements);
        const setOctets = sets.reduce((sum, { start, end }) => sum + end - start, 0);
        return {
          wireBytesPerRecord: round(setOctets / records.length),
          columnBytesPerRecord: rowBytes(plan),
          copiesBeforeColumns: { recvmmsg: 0, dgram: 1 },
        };
      },
    ),
  };
}

/** What decoding and encoding make anew for 1 000 records when they have run before. */
async function allocationFacts(): Promise<object> {
  const facts: Record<string, Made | string> = {
    how:
      'Counted, for 1 000 records after a first run: typed arrays, views and buffers that are made, and calls of the functions that make ' +
      'strings and BigInts of values. Columnar frames take a view for each array of a batch. Octets of all that is made depend on ' +
      'what V8 has optimised, and are in the reports of the micro benches.',
  };
  // Not with names: which of them are still at hand is up to hashes.
  const benches = [...planBenches, ...encodeBenches].filter(({ name }) => !name.endsWith('-named'));
  for (const { name, prepare } of benches) {
    const prepared = await prepare('smoke');
    prepared.run();
    const { arrays, texts } = countMade(() => prepared.run());
    const per1000 = (count: number): number => round((1000 * count) / prepared.unitsPerRun);
    facts[name] = { arrays: per1000(arrays), texts: per1000(texts) };
    await prepared.close?.();
  }
  return facts;
}

/** Octets of a row in the arrays of a batch; contents of variable length not counted. */
function rowBytes(plan: Plan): number {
  const widths = { u32: 4, i32: 4, u64: 8, i64: 8, f64: 8, b16: 16, heap: 8 };
  return plan.columns.reduce(
    (sum, { storage, length }) =>
      sum + widths[storage] + (storage === 'heap' && length < 0xffff ? length : 0),
    0,
  );
}

function mapValues<T, R>(source: Record<string, T>, map: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(source).map(([key, value]) => [key, map(value)]));
}

export const factsText = (facts: object): string => `${JSON.stringify(facts, null, 2)}\n`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const write = process.argv.includes('--write');
  if (write) mkdirSync(FACTS_FOLDER, { recursive: true });
  for (const [name, facts] of Object.entries(await computeFacts())) {
    if (write) writeFileSync(join(FACTS_FOLDER, name), factsText(facts));
    else console.log(`${name} ${factsText(facts)}`);
  }
}
