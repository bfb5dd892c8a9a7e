/**
 * Everything at once: any datagrams, memory that is too small for them, threads that die, reloads, slow outputs, changes by others.
 * The ledger balances, nothing hangs, and when all exporters are forgotten the shared heap is empty.
 */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { unbalanced } from '../../src/accounting/balance.ts';
import { Count, Ledger } from '../../src/accounting/ledger.ts';
import { systemClock } from '../../src/base/clock.ts';
import { Gatekeeper } from '../../src/dispatch/admission.ts';
import { OutputSet } from '../../src/dispatch/output-set.ts';
import { Pipeline } from '../../src/dispatch/pipeline.ts';
import { DecodePool } from '../../src/dispatch/pool.ts';
import { DEFAULT_SCANNER_OPTIONS } from '../../src/dispatch/scanner.ts';
import { standardElements } from '../../src/elements/registry.ts';
import type { FromStore, ToStore } from '../../src/fleet/messages.ts';
import { Prng } from '../../src/generator/prng.ts';
import { SharedMemory } from '../../src/memory/shared-memory.ts';
import { Slabs } from '../../src/memory/slabs.ts';
import type { Encoding } from '../../src/output/encoder.ts';
import { type OutputSpec, parseOutputUri } from '../../src/output/output-uri.ts';
import { Feeder } from '../../src/receive/feeder.ts';
import { templatePayload } from '../../src/templates/shared-template.ts';
import { scopeName, templateItem } from '../../src/templates/store-key.ts';
import { encodeValue, ValueKind } from '../../src/templates/stored-value.ts';
import { concat, type Field, ipfix, optionsTemplate, set, template, u8, u16, u32 } from '../support/bytes.ts';
import { DEADLY_PEN, WRETCHED_PEN } from '../support/deadly.ts';

const START_MS = 1_700_000_000_000;
const WORKER = new URL('../support/mortal-worker.js', import.meta.url);
const MEMORY = { rings: 1, slots: 64, maxDatagramBytes: 2_000 };
const SLAB_BYTES = 2_048;
const MAX_SCOPES = 8;
const OUTPUTS = [
  'stdout:?format=ndjson&queue=64KiB',
  'stdout:?format=msgpack&schema=iana&queue=64KiB',
  'stdout:?format=columnar&options=true&queue=64KiB',
  'null:?format=ndjson',
].map((uri) => parseOutputUri(uri, { format: 'ndjson', schema: 'millrace' }));

/** Ids 256 to 259 are of flows, 260 to 263 of options. */
class Traffic {
  readonly #prng: Prng;

  constructor(prng: Prng) {
    this.#prng = prng;
  }

  #octets(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.#prng.below(this.#prng.pick([4, 256])));
  }

  #field(): Field {
    const prng = this.#prng;
    const pen = prng.pick([DEADLY_PEN, WRETCHED_PEN]);
    if (prng.chance(0.003)) return [1, 2, pen];
    return prng.pick<Field>([
      [1, 4],
      [2, 8],
      [8, 4],
      [10, 4],
      [82, 0xffff],
      [291, 0xffff],
      [292, 0xffff],
      [34, 4],
      [302, 4],
      [22, 4],
      [prng.below(500), prng.below(12)],
    ]);
  }

  #set(): Uint8Array {
    const prng = this.#prng;
    const fields = Array.from({ length: 1 + prng.below(4) }, () => this.#field());
    const id = 256 + prng.below(4);
    switch (prng.below(12)) {
      case 0:
        return set(2, template(id, ...fields));
      case 1:
        return set(3, optionsTemplate(id + 4, 1, [10, 4], [82, prng.pick([8, 0xffff])], [34, 4]));
      case 2:
        return set(2, template(id, [1, 4], [10, 4], [14, 4]));
      case 3:
        return prng.chance(0.2)
          ? set(prng.pick([2, 3]), u16(prng.pick([2, 3, id, id + 4]), 0))
          : set(id, u8());
      case 4:
        return set(id, this.#octets(1 + prng.below(prng.pick([10, 900]))));
      case 5:
      case 6:
        return set(id + 4, concat(...Array.from({ length: 1 + prng.below(20) }, () => this.#octets(16))));
      default:
        return set(id, concat(...Array.from({ length: 1 + prng.below(20) }, () => this.#octets(12))));
    }
  }

  next(): Uint8Array {
    const prng = this.#prng;
    const sets = Array.from({ length: prng.below(8) }, () => this.#set());
    const header = {
      domain: prng.below(3),
      sequence: prng.below(100),
      seconds: START_MS / 1000 + prng.below(3),
    };
    const datagram = ipfix(header, ...sets);
    if (prng.chance(0.1)) datagram[prng.below(datagram.length)] ^= 1 << prng.below(8);
    return datagram;
  }
}

class Run {
  readonly #prng: Prng;
  readonly #memory: SharedMemory;
  readonly #ledger = new Ledger();
  readonly #outputs: OutputSet;
  readonly #shared: boolean;
  #pipeline!: Pipeline;
  #feeder!: Feeder;
  #pool!: DecodePool;
  #fed = 0;
  #told = 0;
  #requests: ToStore[] = [];
  #exchanging: Promise<void> = Promise.resolve();

  constructor(prng: Prng, shared = prng.chance(0.5)) {
    this.#prng = prng;
    this.#shared = shared;
    const heapBytes = prng.pick([16, 48, 256]) * 1024;
    this.#memory = SharedMemory.create({ ...MEMORY, items: prng.pick([16_384, 65_536]), heapBytes });
    const stdout = () =>
      new Writable({ write: (_chunk, _encoding, done) => void setTimeout(done, prng.below(3)) });
    this.#outputs = new OutputSet({ whenFull: prng.pick(['wait', 'drop']), stdout: stdout() }, null);
  }

  async #parts(wanted = OUTPUTS.filter(() => this.#prng.chance(0.5))) {
    const change = await this.#outputs.prepare(wanted);
    const { encodings } = change;
    const slabs = Slabs.create(this.#prng.below(8), SLAB_BYTES);
    const { limits } = DEFAULT_SCANNER_OPTIONS;
    const setup = {
      memory: this.#memory.buffer,
      slabs: slabs.buffer,
      slabBytes: SLAB_BYTES,
      encodings,
      limits,
    };
    const pool = new DecodePool(2, { ...setup, elements: [], jit: 'auto', filter: null }, WORKER);
    await pool.ready();
    this.#pool = pool;
    const optionsWanted = encodings.some(({ options, schema }: Encoding) => options || schema === 'iana');
    return { pool, slabs, optionsWanted, ...change.commit() };
  }

  async #open(wanted?: OutputSpec[]): Promise<void> {
    this.#pipeline = new Pipeline({
      memory: this.#memory,
      elements: standardElements,
      scanner: {
        ...DEFAULT_SCANNER_OPTIONS,
        scopeLimits: { maxScopes: MAX_SCOPES, scopeIdleMs: 600_000 },
        pending: { maxSets: 64, maxBytes: 32 * 1024, maxSetsPerTemplate: 32, ttlMs: 300_000 },
      },
      ...(await this.#parts(wanted)),
      ledger: this.#ledger,
      clock: systemClock,
      gatekeeper: new Gatekeeper({ allow: [], exporterRate: 0 }),
      quarantine: null,
      note: (_kind, text, about) => {
        text();
        about?.();
      },
      watchRings: false,
      onRelease: () => this.#feeder?.released(),
      sharing: this.#shared
        ? {
            writer: Buffer.alloc(8),
            evictionsShared: true,
            post: (requests) => {
              this.#told += requests.length;
              this.#requests = [...requests, ...this.#requests].slice(0, 50);
            },
          }
        : null,
    });
    this.#feeder = new Feeder(this.#memory, this.#memory.ring(0), () => this.#pipeline.schedule());
  }

  /** Decode threads, slabs and outputs give way to others. */
  async #exchange(): Promise<void> {
    const before = this.#pool;
    await this.#pipeline.exchange(await this.#parts());
    this.#outputs.closeRemoved();
    await before.close();
  }

  #change(): void {
    if (!this.#shared) return;
    const prng = this.#prng;
    const changes: FromStore[] = [{ type: 'received', requests: this.#told }];
    const reset = prng.chance(0.1);
    if (reset) changes.push({ type: 'resetBegin', lost: prng.chance(0.5) });
    for (const request of this.#requests) {
      if (request.type !== 'put' || prng.chance(0.7)) continue;
      const { scope, item, value } = request;
      const items = [{ item, value, idleMs: 0 }];
      if (reset) changes.push({ type: 'resetScope', scope, items });
      else if (prng.chance(0.5))
        changes.push({ type: 'changed', index: 1, change: { type: 'put', scope, items } });
      else
        changes.push({
          type: 'changed',
          index: 1,
          change: { type: 'remove', scope, items: [item], reason: 'operator' },
        });
    }
    if (reset) changes.push({ type: 'resetEnd', index: 1 });
    this.#pipeline.receiveChanges(changes);
  }

  async #feed(payload: Uint8Array, exporter: number, atMs: number): Promise<void> {
    this.#fed++;
    await this.#feeder.feed(payload, new Uint8Array(16).fill(exporter), 2055, atMs);
  }

  /** Twice as many exporters as there is room for become established long after, and leave nothing behind. */
  async #forgetAll(): Promise<void> {
    const atMs = START_MS + 36_000_000;
    const flow = set(999, u32(1));
    for (let i = 1; i <= 2 * MAX_SCOPES; i++) {
      await this.#feed(ipfix({}, set(2, template(999, [1, 4])), flow), 100 + i, atMs);
      await this.#feed(ipfix({}, flow, set(2, u16(999, 0))), 100 + i, atMs + 2_000);
    }
    await this.#drained();
    await this.#feed(ipfix({}), 1, atMs);
    await this.#drained();
  }

  async #drained(): Promise<void> {
    this.#feeder.flush();
    await this.#pipeline.drained();
  }

  /** Somebody else's template releases options data that no output wants, and a reload follows. */
  async runReleasedOptions(): Promise<void> {
    await this.#open([OUTPUTS[3]]);
    const nowMs = Date.now();
    await this.#feed(ipfix({}, set(256, new Uint8Array(1_000))), 7, nowMs);
    await this.#drained();
    const scope = scopeName(10, new Uint8Array(16).fill(7), 0, 1);
    const fields = [{ pen: 0, id: 10, length: 4 }];
    const value = encodeValue(scope, templateItem(256), {
      kind: ValueKind.options,
      learnedAtMs: nowMs,
      exportTimeMs: nowMs,
      sequence: 0,
      writer: new Uint8Array(8),
      payload: templatePayload({ dialect: 10, scopeCount: 1, fields }),
    });
    const items = [{ item: templateItem(256), value, idleMs: 0 }];
    this.#pipeline.receiveChanges([{ type: 'changed', index: 1, change: { type: 'put', scope, items } }]);
    await this.#drained();
    assert.equal(this.#ledger.get(Count.sets_replayed), 1);
    await this.#exchange();
    await this.#finish();
  }

  async run(): Promise<void> {
    const prng = this.#prng;
    const traffic = new Traffic(prng);
    await this.#open();
    for (let i = 0; i < 1_000; i++) {
      await this.#feed(traffic.next(), prng.below(3), START_MS + prng.below(20_000));
      if (prng.chance(0.3)) this.#feeder.flush();
      if (prng.chance(0.02)) this.#change();
      if (prng.chance(0.003)) void this.#pool.terminate(prng.pick(this.#pool.threadIds) ?? 0);
      if (prng.chance(0.003)) this.#exchanging = this.#exchanging.then(() => this.#exchange());
      if (prng.chance(0.01)) await new Promise((resolve) => setTimeout(resolve, prng.below(20)));
    }
    await this.#exchanging;
    await this.#drained();
    await this.#finish();
  }

  async #finish(): Promise<void> {
    await this.#forgetAll();
    await this.#outputs.close();
    await this.#pool.close();
    this.#pipeline.settle();
    this.#ledger.set(Count.datagrams_received, this.#fed);
    this.#ledger.set(Count.datagrams_refused_oversize, this.#feeder.oversize);
    const report = { ...this.#ledger.toJSON(), outputs: this.#outputs.accounts };
    assert.deepEqual(unbalanced(report), []);
    assert.equal(this.#pipeline.heapBytes, 0);
  }
}

for (const seed of [1, 2, 3]) {
  test(`seed ${seed}: the ledger balances and the heap is empty at the end`, () =>
    new Run(new Prng(seed, 0)).run());
}

test('held options data that others release are gone from the heap when a reload follows', () =>
  new Run(new Prng(0, 0), true).runReleasedOptions());
