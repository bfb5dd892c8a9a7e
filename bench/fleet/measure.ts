import { strict as assert } from 'node:assert';
import { Bench as Tinybench } from 'tinybench';
import { registerAppliers } from '../../src/fleet/appliers.ts';
import { EntryKind, encodeEntry } from '../../src/fleet/entries.ts';
import { chainAfter, firstChain, type LogEntry, LogGate } from '../../src/fleet/log-gate.ts';
import { RedisStore } from '../../src/fleet/redis-store.ts';
import { newStoreStatus } from '../../src/fleet/store-status.ts';
import { StoreContent } from '../../src/templates/store-content.ts';
import { Recorder } from '../../test/conformance/recorder.ts';
import type { RedisServer } from '../../test/support/redis-server.ts';
import { until } from '../../test/support/until.ts';
import { scopeOf, TEMPLATES_PER_SCOPE, templateOf, templatesOf } from './templates.ts';

export interface FleetSize {
  /** Milliseconds that each operation is measured. */
  readonly timeMs: number;
  readonly scopes: number;
  readonly largeScope: number;
  readonly entries: number;
  readonly copies: number;
}
export const SIZES: Readonly<Record<'smoke' | 'full', FleetSize>> = {
  smoke: { timeMs: 20, scopes: 20, largeScope: 50, entries: 200, copies: 20 },
  full: { timeMs: 2000, scopes: 2000, largeScope: 1000, entries: 20_000, copies: 3000 },
};

/** Microseconds of wall time per call, one call at a time, and of the CPU of this process and of Redis. */
export interface OperationCost {
  name: string;
  calls: number;
  medianUs: number;
  p99Us: number;
  clientCpuUs: number;
  redisCpuUs: number;
}

export class FleetBench {
  readonly #server: RedisServer;
  readonly #size: FleetSize;
  readonly #stores: RedisStore[] = [];

  constructor(server: RedisServer, size: FleetSize) {
    this.#server = server;
    this.#size = size;
  }

  async close(): Promise<void> {
    for (const store of this.#stores) await store.close();
  }

  async operations(): Promise<OperationCost[]> {
    const store = this.#store('operations');
    const scope = scopeOf(0);
    const large = scopeOf(1);
    await store.put(scope, templatesOf(scope));
    for (let n = 0; n < this.#size.largeScope; n += 100)
      await store.put(
        large,
        Array.from({ length: Math.min(100, this.#size.largeScope - n) }, (_, i) => templateOf(large, n + i)),
      );
    const [known] = templatesOf(scope);
    const names = templatesOf(scope).map(({ item }) => item);
    let fresh = 0;
    let turn = 0;
    const put = async (name: string, item: typeof known, outcome: string): Promise<void> => {
      assert.equal((await store.put(name, [item])).outcome, outcome);
    };
    const nextScope = (): string => scopeOf(10 + (Math.floor(fresh++ / TEMPLATES_PER_SCOPE) % 15_000));
    return [
      await this.#cost('put, a new template', () => {
        const name = nextScope();
        return put(name, templateOf(name, fresh), 'stored');
      }),
      await this.#cost('put, a redefinition', () => put(scope, templateOf(scope, 0, ++turn), 'stored')),
      await this.#cost('put, unchanged', () => put(scope, templateOf(scope, 0, turn), 'unchanged')),
      await this.#cost('touch, 5 templates', () => store.touch(scope, names)),
      await this.#cost('get', async () => assert.ok((await store.get(scope, known.item)) !== null)),
      await this.#cost('get a scope of 5 templates', async () =>
        assert.equal((await store.getScope(scope)).length, 5),
      ),
      await this.#cost(`get a scope of ${this.#size.largeScope} templates`, async () =>
        assert.equal((await store.getScope(large)).length, this.#size.largeScope),
      ),
    ];
  }

  /** Milliseconds until a collector that starts has all content. */
  async restore(): Promise<{
    scopes: number;
    templates: number;
    ms: number;
    cpuMs: number;
    commands: number;
  }> {
    await this.#fill('restore');
    const store = this.#store('restore');
    const witness = new Recorder();
    const began = performance.now();
    const cpu = process.cpuUsage();
    await store.watch(witness);
    const ms = performance.now() - began;
    const templates = witness.lines().length;
    assert.equal(templates, this.#size.scopes * TEMPLATES_PER_SCOPE);
    return { scopes: this.#size.scopes, templates, ms, cpuMs: cpuMs(cpu), commands: store.status.commands };
  }

  /** Nanoseconds of CPU to apply an entry of the log: gate, checks, decoding, content. */
  apply(): { entries: number; cpuNs: number } {
    const incarnation = '0'.repeat(32);
    const log: LogEntry[] = [];
    let chain = firstChain(incarnation);
    for (let n = 0; n < this.#size.entries; n++) {
      const scope = scopeOf(n % 2000);
      const head = { kind: EntryKind.put, by: '00', atMs: 0 };
      const envelope = encodeEntry({ ...head, scope, items: [templateOf(scope, n % 7, n)] });
      chain = chainAfter(chain, envelope);
      log.push({ incarnation, index: n + 1, chain, envelope, ageMs: 0 });
    }
    const run = (): number => {
      const gate = new LogGate(newStoreStatus());
      const content = new StoreContent();
      registerAppliers(gate, (change) => content.fold(change, 0));
      gate.reset({ incarnation, index: 0, chain: firstChain(incarnation) });
      const cpu = process.cpuUsage();
      for (const entry of log) gate.offer(entry);
      const spentMs = cpuMs(cpu);
      assert.equal(gate.position.index, log.length);
      return (spentMs * 1e6) / log.length;
    };
    run();
    return { entries: log.length, cpuNs: run() };
  }

  /** Microseconds from the call that puts on A until B has been told, one at a time. */
  async fanOut(): Promise<{ copies: number; p50Us: number; p99Us: number; maxUs: number }> {
    const [a, b] = [this.#store('fan-out'), this.#store('fan-out')];
    const witness = new Recorder();
    let told: () => void = () => {};
    const changed = witness.changed.bind(witness);
    witness.changed = (change, index) => {
      changed(change, index);
      told();
    };
    await a.watch(new Recorder());
    await b.watch(witness);
    const scope = scopeOf(0);
    const times: number[] = [];
    for (let n = 0; n < this.#size.copies; n++) {
      const item = templateOf(scope, 0, n);
      const heard = new Promise<void>((resolve) => {
        told = resolve;
      });
      const began = performance.now();
      const putting = a.put(scope, [item]);
      await heard;
      times.push((performance.now() - began) * 1000);
      await putting;
    }
    assert.equal(witness.changes.length, this.#size.copies);
    times.sort((x, y) => x - y);
    const at = (part: number): number => times[Math.min(times.length - 1, Math.floor(times.length * part))];
    return { copies: times.length, p50Us: at(0.5), p99Us: at(0.99), maxUs: times[times.length - 1] };
  }

  /** What 1 000 announcements of templates that are known cost, by the way a collector notes them. */
  async refreshes(): Promise<{ way: string; commands: number; entries: number; published: number }[]> {
    const store = this.#store('refreshes');
    const witness = new Recorder();
    await this.#store('refreshes').watch(witness);
    const scopes = Array.from({ length: 200 }, (_, n) => scopeOf(n));
    for (const scope of scopes) await store.put(scope, templatesOf(scope));
    await until('all told', () => witness.index === scopes.length);
    const ways: [way: string, run: (scope: string) => Promise<unknown>][] = [
      [
        'noted together, by scope (touch)',
        (scope) =>
          store.touch(
            scope,
            templatesOf(scope).map(({ item }) => item),
          ),
      ],
      ['put again, by scope', (scope) => store.put(scope, templatesOf(scope))],
    ];
    const results = [];
    for (const [way, run] of ways) {
      const before = store.status.commands;
      const [index, told] = [witness.index, witness.changes.length];
      for (const scope of scopes) await run(scope);
      const commands = store.status.commands - before;
      const [last] = await store.audit.read(-1, 1);
      results.push({ way, commands, entries: last.index - index, published: witness.changes.length - told });
    }
    return results;
  }

  /** Octets of Redis for templates in scopes of five, and for the entries that brought them. */
  async memory(): Promise<{ templates: number; contentBytes: number; logBytes: number }> {
    await this.#server.command('flushall');
    const empty = await this.#usedMemory();
    const log = await this.#fill('memory');
    const full = await this.#usedMemory();
    await this.#server.command('del', log);
    const content = await this.#usedMemory();
    const templates = this.#size.scopes * TEMPLATES_PER_SCOPE;
    return { templates, contentBytes: content - empty, logBytes: full - content };
  }

  /** Puts all scopes, each template by itself. Returns the key of the log. */
  async #fill(fleet: string): Promise<string> {
    const store = this.#store(fleet);
    for (let n = 0; n < this.#size.scopes; n++) {
      const scope = scopeOf(n);
      await Promise.all(templatesOf(scope).map((item) => store.put(scope, [item])));
    }
    return `{millrace:${fleet}}:log`;
  }

  async #cost(name: string, call: () => Promise<unknown>): Promise<OperationCost> {
    let calls = 0;
    const bench = new Tinybench({ time: this.#size.timeMs, warmupTime: this.#size.timeMs / 4, throws: true });
    bench.add(name, async () => {
      calls++;
      await call();
    });
    const redisBefore = await this.#redisCpuMs();
    const cpu = process.cpuUsage();
    const [{ result }] = await bench.run();
    const clientMs = cpuMs(cpu);
    const redisMs = (await this.#redisCpuMs()) - redisBefore;
    if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
    const { p50, p99 } = result.latency;
    return {
      name,
      calls,
      medianUs: p50 * 1000,
      p99Us: p99 * 1000,
      clientCpuUs: (clientMs * 1000) / calls,
      redisCpuUs: (redisMs * 1000) / calls,
    };
  }

  #store(fleet: string): RedisStore {
    const writer = new Uint8Array(8).fill(this.#stores.length + 1);
    const store = new RedisStore(`${this.#server.uri}?fleet=${fleet}`, { writer });
    this.#stores.push(store);
    return store;
  }

  async #usedMemory(): Promise<number> {
    return Number(/^used_memory:(\d+)/m.exec(String(await this.#server.command('info', 'memory')))?.[1]);
  }

  async #redisCpuMs(): Promise<number> {
    const info = String(await this.#server.command('info', 'cpu'));
    const seconds = ['user', 'sys'].map((part) =>
      Number(new RegExp(`^used_cpu_${part}:([\\d.]+)`, 'm').exec(info)?.[1]),
    );
    return (seconds[0] + seconds[1]) * 1000;
  }
}

function cpuMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}
