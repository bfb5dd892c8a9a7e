import { createHash } from 'node:crypto';
import { DEFAULT_SCANNER_OPTIONS, type ScanHandler, Scanner } from '../../src/dispatch/scanner.ts';
import { standardElements } from '../../src/elements/registry.ts';
import { ExporterSimulator, type GeneratorOptions } from '../../src/generator/exporters.ts';
import { Prng } from '../../src/generator/prng.ts';
import { RecordOffset } from '../../src/memory/layout.ts';
import { writeRecord } from '../../src/memory/ring.ts';
import { SharedMemory } from '../../src/memory/shared-memory.ts';
import type { Scope, TemplateEntry } from '../../src/templates/scope.ts';
import { SharedEntries } from '../../src/templates/shared-entries.ts';
import type { MessageHeader } from '../../src/wire/header.ts';
import { type MessageRead, Reader } from '../../test/generator/reader.ts';
import type { Size } from '../harness.ts';

/** What the micro benches are fed with: simulated datagrams, read by an independent reader, in slots of a real ring. */

export const SEED = 20260101;
const PORT = 2055;

/** A simulated datagram; what is in it according to a reader that shares no code with the collector. */
export interface Datagram {
  payload: Uint8Array;
  exporter: number;
  atMs: number;
  message: MessageRead;
}

/** An endless stream of datagrams. */
export function* simulate(options: Partial<GeneratorOptions>): Generator<Datagram, never> {
  const simulator = new ExporterSimulator({ seed: SEED, ...options });
  const reader = new Reader();
  for (;;) {
    const { payload, exporter, atMs } = simulator.next();
    const copy = payload.slice();
    yield { payload: copy, exporter, atMs, message: reader.read(copy) };
  }
}

/** Shared memory as a live collector has it by default, or a small one. */
export function createMemory(size: Size, slots = 8_192): SharedMemory {
  const full = size === 'full';
  return SharedMemory.create({
    rings: 1,
    slots: full ? slots : 512,
    maxDatagramBytes: full ? 9_216 : 1_472,
    items: full ? 65_536 : 16_384,
    heapBytes: (full ? 64 : 4) * 2 ** 20,
  });
}

/** The 16-byte address of a simulated exporter: 10.n.n.n. */
export function exporterAddress(exporter: number): Uint8Array {
  const address = new Uint8Array(16);
  address.set([255, 255, 10, exporter >>> 16, exporter >>> 8, exporter], 10);
  return address;
}

/** Puts a datagram into a slot or block at this address. */
export function place(memory: SharedMemory, at: number, { payload, exporter, atMs }: Datagram): void {
  writeRecord(memory, at, payload, exporterAddress(exporter), 0, PORT, atMs);
}

export function createScanner(memory: SharedMemory, handler: ScanHandler<null>): Scanner<null> {
  const entries = new SharedEntries(memory.heap());
  return new Scanner(DEFAULT_SCANNER_OPTIONS, standardElements, entries, handler);
}

/** Scans a datagram that is in no slot: for the announcements that come before what is measured. */
export function teach(scanner: Scanner<null>, { payload, exporter, atMs }: Datagram): void {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  scanner.receivedAtMs = atMs;
  scanner.scan(view, payload, 0, payload.length, exporterAddress(exporter), 0, PORT);
}

/** Scans the datagram in a slot, as the main thread does. */
export function scanSlot(scanner: Scanner<null>, memory: SharedMemory, slot: number): number {
  const { view, bytes } = memory;
  const payload = slot + RecordOffset.payload;
  scanner.receivedAtMs = view.getFloat64(slot + RecordOffset.receivedAtMs, true);
  return scanner.scan(
    view,
    bytes,
    payload,
    payload + view.getUint32(slot + RecordOffset.length, true),
    bytes,
    slot + RecordOffset.address,
    view.getUint16(slot + RecordOffset.port),
  );
}

/** A handler that does nothing with data sets, and counts what should not happen. */
export class CountingHandler implements ScanHandler<null> {
  sets = 0;
  surprises = 0;

  bound(
    _entry: TemplateEntry,
    _scope: Scope<null>,
    _header: MessageHeader,
    _start: number,
    _end: number,
  ): void {
    this.sets++;
  }
  companion(): null {
    return null;
  }
  message(): void {}
  template(): void {}
  scopeEvicted(): void {
    this.surprises++;
  }
  released(): void {
    this.surprises++;
  }
  missing(): void {
    this.surprises++;
  }
  fault(): void {
    this.surprises++;
  }
  withdrawalIgnored(): void {
    this.surprises++;
  }
  reservedSet(): void {
    this.surprises++;
  }
  emptySet(): void {
    this.surprises++;
  }
  heldExpired(): void {
    this.surprises++;
  }
  heldOverflowed(): void {
    this.surprises++;
  }
  heldWithdrawn(): void {
    this.surprises++;
  }
}

/** Joins the data sets of v9 datagrams of one exporter into one datagram with as many sets as there are. */
export function joinSets(parts: readonly Datagram[]): Datagram {
  const [first] = parts;
  const payload = Buffer.concat([first.payload, ...parts.slice(1).map((part) => part.payload.subarray(20))]);
  const records = parts.reduce((sum, { message }) => sum + message.data.length, 0);
  payload.writeUInt16BE(records, 2);
  const message: MessageRead = {
    ...first.message,
    sets: parts.flatMap((part) => part.message.sets),
    data: parts.flatMap((part) => part.message.data),
  };
  return { ...first, payload, message };
}

/** In an order of chance, the same every time. */
export function shuffled<T>(items: readonly T[]): T[] {
  const prng = new Prng(SEED, 7);
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const other = prng.below(i + 1);
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}

/** Short digest of bytes and numbers. */
export function digest(...parts: readonly (Uint8Array | Uint32Array | number | string)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    if (typeof part === 'object') hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    else hash.update(String(part));
  }
  return hash.digest('hex').slice(0, 16);
}
