import { readFileSync } from 'node:fs';
import { Budget } from '../../src/decode/batch.ts';
import { BatchCache } from '../../src/decode/batch-cache.ts';
import { SetCursor } from '../../src/decode/interpret.ts';
import { Decoder } from '../../src/decoder.ts';
import { IGNORE_ALL } from '../../src/dispatch/ignore-all.ts';
import { DEFAULT_SCANNER_OPTIONS, Scanner } from '../../src/dispatch/scanner.ts';
import { standardElements } from '../../src/elements/registry.ts';
import { LOCAL_ENTRIES } from '../../src/templates/template-registry.ts';

/**
 * Millrace’s decoders fed from memory, in a process of their own.
 *   objects FILE PASSES   the public Decoder: one object per record, every field named
 *   columns FILE PASSES   scanner and batches: columns of numbers, which is what encoders are given
 * Prints CPU ns, records.
 */
interface Fed {
  datagram: Uint8Array;
  exporter: number;
}
/** Takes a datagram and returns its records. */
type Decode = (datagram: Uint8Array, exporter: number) => number;

function objects(): Decode {
  const decoder = new Decoder();
  return (datagram, exporter) =>
    decoder.decode(datagram, { address: `127.0.${exporter >> 8}.${exporter & 255}` }).records.length;
}

function columns(): Decode {
  const { limits } = DEFAULT_SCANNER_OPTIONS;
  const batches = new BatchCache(standardElements, 1024);
  const cursor = new SetCursor();
  const budget = new Budget();
  const address = new Uint8Array(16);
  address.set([0xff, 0xff, 127], 10);
  let bytes: Uint8Array = new Uint8Array(0);
  let view: DataView = new DataView(bytes.buffer as ArrayBuffer);
  let records = 0;
  const scanner = new Scanner<null>(DEFAULT_SCANNER_OPTIONS, standardElements, LOCAL_ENTRIES, {
    ...IGNORE_ALL,
    companion: () => null,
    bound: (entry, _scope, header, start, end) => {
      const runner = batches.get(entry.layout.uid, () => entry.layout);
      const { batch } = runner;
      budget.reset(limits.maxValuesPerDatagram, limits.maxContentBytesPerDatagram);
      cursor.begin(header.start, start, end, limits.maxRecordsPerSet);
      for (let done = false; !done; records += batch.rows) {
        batch.reset();
        const context = batch.beginSet();
        context.exportTimeMs = header.exportTimeMs;
        context.sysUptimeMs = header.sysUptimeMs;
        done = runner.decode(bytes, view, cursor, budget);
        context.rowEnd = batch.rows;
      }
    },
  });
  return (datagram, exporter) => {
    bytes = datagram;
    view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
    address[14] = exporter >> 8;
    address[15] = exporter & 255;
    const before = records;
    scanner.receivedAtMs = 1_800_000_000_000;
    scanner.scan(view, bytes, 0, bytes.length, address, 0, 2055);
    return records - before;
  };
}

function run(decode: Decode, datagrams: readonly Fed[], passes: number): { cpuNs: number; records: number } {
  let records = 0;
  const start = process.cpuUsage();
  for (let pass = 0; pass < passes; pass++) {
    for (const { datagram, exporter } of datagrams) records += decode(datagram, exporter);
  }
  const { user, system } = process.cpuUsage(start);
  return { cpuNs: (user + system) * 1000, records };
}

const [mode, path, passes] = process.argv.slice(2);
const bytes = readFileSync(path);
const datagrams: Fed[] = [];
for (let at = 0; at < bytes.length; ) {
  const length = bytes.readUInt16BE(at + 2);
  datagrams.push({
    exporter: bytes.readUInt16BE(at) + 1,
    datagram: Uint8Array.from(bytes.subarray(at + 4, at + 4 + length)),
  });
  at += 4 + length;
}
const decode = mode === 'objects' ? objects() : columns();
run(decode, datagrams, Math.ceil(Number(passes) / 4));
console.log(JSON.stringify(run(decode, datagrams, Number(passes))));
