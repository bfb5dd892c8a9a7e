import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ExporterState } from '../../src/templates/exporter-state.ts';
import { hashBytes, hashNumber, StateKind } from '../../src/templates/state-block.ts';
import { STATE_LIMITS } from '../../src/templates/state-limits.ts';
import { Put, StateTable } from '../../src/templates/state-table.ts';
import { StateReader, type StateText, type StateView } from '../../src/templates/state-view.ts';
import fc from '../support/fast-check.ts';
import { LastingBlocks, ReusedBlocks } from './blocks.ts';
import { optionsBatch } from './options-batch.ts';

function learnName(state: ExporterState, index: number, name: string): void {
  const { batch, set } = optionsBatch(9, '2/4 | 82/16', [index, name]);
  state.learn(batch, set);
}

function learnRate(state: ExporterState, rate: number): void {
  const { batch, set } = optionsBatch(9, '1/4 | 34/4', [0, rate]);
  state.learn(batch, set);
}

const textOf = (text: StateText | null): string | null =>
  text && Buffer.from(text.bytes).toString('utf8', text.start, text.start + text.length);

describe('exporter state snapshots', () => {
  it('nothing known: no snapshot', () => {
    const blocks = new LastingBlocks(1 << 16);
    const state = new ExporterState({ entries: 0 });
    assert.equal(state.publish(blocks), 0);
    learnRate(state, 0);
    assert.equal(state.publish(blocks), 0);
    state.release(blocks);
    assert.equal(blocks.allocations, 0);
    const none = new StateReader(blocks).at(0);
    assert.equal(none.samplingRate(1, 1, 1, 1), 0);
    assert.ok(Number.isNaN(none.systemInitMs));
    assert.equal(none.interfaceName(0), null);
    assert.equal(none.applicationName(Uint8Array.of(1), 0, 1), null);
  });

  it('what is announced again changes nothing', () => {
    const blocks = new LastingBlocks(1 << 16);
    const state = new ExporterState({ entries: 0 });
    learnName(state, 1, 'one');
    learnRate(state, 10);
    const address = state.publish(blocks);
    const { allocations } = blocks;
    for (let i = 0; i < 3; i++) {
      learnName(state, 1, 'one\0\0');
      learnRate(state, 10);
      assert.equal(state.publish(blocks), address);
    }
    assert.equal(blocks.allocations, allocations);
    learnRate(state, 11);
    assert.notEqual(state.publish(blocks), address);
  });

  it('names that were taken back cost no memory', () => {
    const table = new StateTable({ entries: 0 });
    const key = new Uint8Array(8);
    const keyOf = (id: number): Uint8Array => {
      new DataView(key.buffer).setUint32(4, id);
      return key;
    };
    const name = new Uint8Array(STATE_LIMITS.maxNameBytes).fill(97);
    const kind = StateKind.interfaceName;
    for (let id = 0; id < 4_096; id++) table.put(kind, keyOf(id), 8, name, name.length);
    for (let id = 0; id < 4_096; id++) if (id % 512 !== 0) table.remove(kind, keyOf(id), 8);
    for (let id = 0; id < 4_096; id += 512) {
      const kept = table.get(kind, keyOf(id), 8)!;
      assert.equal(kept.byteLength, name.length);
      assert.equal(kept.getUint8(254), 97);
      assert.ok(kept.buffer.byteLength < 8 * name.length, `${kept.buffer.byteLength} octets for a name`);
    }
  });

  it('a change writes the root and one page, however much is known', () => {
    const blocks = new LastingBlocks(1 << 22);
    const state = new ExporterState({ entries: 0 });
    for (let i = 0; i < 3000; i++) learnName(state, i, `interface ${i}`);
    state.publish(blocks);
    const { size } = blocks.live;
    assert.ok(size > 3000 / STATE_LIMITS.pageEntries && size < 3000 / 12, `${size} blocks`);
    const { allocations } = blocks;
    learnName(state, 77, 'another');
    state.publish(blocks);
    assert.equal(blocks.allocations, allocations + 2);
    assert.equal(blocks.live.size, size);
  });

  it('release gives everything back', () => {
    const blocks = new LastingBlocks(1 << 20);
    const state = new ExporterState({ entries: 0 });
    for (let i = 0; i < 500; i++) learnName(state, i, `interface ${i}`);
    learnRate(state, 5);
    state.publish(blocks);
    assert.ok(blocks.live.size > 10);
    state.release(blocks);
    assert.equal(blocks.live.size, 0);
    assert.equal(state.publish(blocks), 0);
    assert.deepEqual(state.describe(), new ExporterState({ entries: 0 }).describe());
    learnName(state, 1, 'anew');
    assert.equal(textOf(new StateReader(blocks).at(state.publish(blocks)).interfaceName(1)), 'anew');
  });

  it('a full heap: the snapshot before stays, and it is tried again later', () => {
    const blocks = new LastingBlocks(1 << 16);
    const state = new ExporterState({ entries: 0 });
    const reader = new StateReader(blocks);
    learnName(state, 1, 'old');
    const old = state.publish(blocks);
    blocks.full = true;
    learnName(state, 1, 'new');
    assert.equal(state.publish(blocks), old);
    assert.equal(state.outdated, true);
    blocks.full = false;
    for (let i = 0; i < STATE_LIMITS.publishesSkippedWhenFull; i++) assert.equal(state.publish(blocks), old);
    assert.equal(state.outdated, true);
    assert.equal(textOf(reader.at(old).interfaceName(1)), 'old');
    const next = state.publish(blocks);
    assert.notEqual(next, old);
    assert.equal(textOf(reader.at(next).interfaceName(1)), 'new');
    assert.equal(state.outdated, false);
  });

  it('room for some of the blocks only: none is kept', () => {
    const state = new ExporterState({ entries: 0 });
    for (let i = 0; i < 100; i++) learnName(state, i, `interface ${i}`);
    const blocks = new LastingBlocks(2000);
    assert.equal(state.publish(blocks), 0);
    assert.equal(blocks.live.size, 0);
    assert.ok(blocks.allocations > 1);
    assert.equal(state.outdated, true);
  });

  it('a reader answers from no block that is gone', () => {
    const blocks = new ReusedBlocks(1 << 16);
    const state = new ExporterState({ entries: 0 });
    const reader = new StateReader(blocks);
    learnName(state, 1, 'one');
    learnName(state, 2, 'two');
    const address = state.publish(blocks);
    const view = reader.at(address);
    assert.equal(textOf(view.interfaceName(1)), 'one');
    state.release(blocks);
    assert.equal(textOf(view.interfaceName(2)), 'two');
    blocks.reclaim();
    assert.equal(view.interfaceName(1), null);
    assert.equal(view.interfaceName(2), null);
    assert.equal(reader.at(address).interfaceName(1), null);
    // Another exporter's snapshot of the same form takes the place.
    const other = new ExporterState({ entries: 0 });
    learnName(other, 1, 'uno');
    learnName(other, 2, 'due');
    assert.equal(other.publish(blocks), address);
    assert.equal(view.interfaceName(1), null);
    assert.equal(textOf(reader.at(address).interfaceName(1)), 'uno');
  });

  it('nor from a page other than the one its root means', () => {
    const blocks = new LastingBlocks(1 << 16);
    const state = new ExporterState({ entries: 0 });
    learnName(state, 1, 'one');
    const root = state.publish(blocks);
    const page = [...blocks.live.keys()].find((address) => address !== root)!;
    blocks.bytes.fill(0xdb, page, page + 8);
    assert.equal(new StateReader(blocks).at(root).interfaceName(1), null);
  });

  it('what a reader remembers is never taken for an answer of another snapshot', () => {
    const blocks = new ReusedBlocks(1 << 16);
    const state = new ExporterState({ entries: 0 });
    const reader = new StateReader(blocks);
    for (let i = 0; i < 20_000; i++) {
      const name = `name ${i % 7}`;
      learnName(state, 1, name);
      assert.equal(textOf(reader.at(state.publish(blocks)).interfaceName(1)), name);
      blocks.reclaim();
    }
  });
});

/** What a snapshot must answer: kept beside it by the test. */
interface Expected {
  names: Map<number, string>;
  apps: Map<string, string>;
  rate: number;
}

type Step =
  | { op: 'name'; index: number; name: string }
  | { op: 'app'; id: Uint8Array; name: string }
  | { op: 'rate'; rate: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant('name' as const),
      index: fc.nat(200),
      name: fc.stringMatching(/^[a-z]{0,40}$/),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('app' as const),
      id: fc.uint8Array({ minLength: 1, maxLength: 16, max: 2 }),
      name: fc.stringMatching(/^[A-Z]{0,20}$/),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('rate' as const), rate: fc.integer({ min: 1, max: 5 }) }),
  },
);

function apply(state: ExporterState, expected: Expected, one: Step): void {
  if (one.op === 'name') {
    learnName(state, one.index, one.name);
    if (one.name === '') expected.names.delete(one.index);
    else expected.names.set(one.index, one.name);
  } else if (one.op === 'app') {
    const { batch, set } = optionsBatch(10, '95/65535 | 96/65535', [one.id, one.name]);
    state.learn(batch, set);
    const id = Buffer.from(one.id).toString('hex');
    if (one.name === '') expected.apps.delete(id);
    else expected.apps.set(id, one.name);
  } else {
    learnRate(state, one.rate);
    expected.rate = one.rate;
  }
}

function check(view: StateView, expected: Expected, ids: Iterable<string>): void {
  for (let index = 0; index <= 200; index++) {
    assert.equal(textOf(view.interfaceName(index)), expected.names.get(index) ?? null);
  }
  for (const id of ids) {
    const bytes = Buffer.from(id, 'hex');
    assert.equal(textOf(view.applicationName(bytes, 0, bytes.length)), expected.apps.get(id) ?? null);
  }
  assert.equal(view.samplingRate(-1, -1, -1, -1), expected.rate);
}

const copyOf = ({ names, apps, rate }: Expected): Expected => ({
  names: new Map(names),
  apps: new Map(apps),
  rate,
});

describe('exporter state snapshots: any history', () => {
  const history = fc.array(fc.array(step, { maxLength: 60 }), { minLength: 1, maxLength: 12 });
  const start = (): Expected => ({ names: new Map(), apps: new Map(), rate: 0 });

  it('every snapshot keeps what was known when it was made', () => {
    fc.assert(
      fc.property(history, (rounds) => {
        const blocks = new LastingBlocks(1 << 20);
        const state = new ExporterState({ entries: 0 });
        const reader = new StateReader(blocks);
        const expected = start();
        const ids = new Set<string>();
        const snapshots: [number, Expected][] = [];
        for (const round of rounds) {
          for (const one of round) {
            apply(state, expected, one);
            if (one.op === 'app') ids.add(Buffer.from(one.id).toString('hex'));
          }
          const address = state.publish(blocks);
          check(reader.at(address), expected, ids);
          snapshots.push([address, copyOf(expected)]);
        }
        const late = new StateReader(blocks);
        for (const [address, then] of snapshots) {
          check(reader.at(address), then, ids);
          check(late.at(address), then, ids);
        }
        state.release(blocks);
        assert.equal(blocks.live.size, 0);
      }),
      { numRuns: 60 },
    );
  });

  it('also where memory is used again: until it is reclaimed, and never mixed up after', () => {
    fc.assert(
      fc.property(
        history,
        history,
        fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
        (one, two, reclaims) => {
          const blocks = new ReusedBlocks(1 << 20);
          const reader = new StateReader(blocks);
          const exporters = [one, two].map((rounds) => ({
            rounds,
            state: new ExporterState({ entries: 0 }),
            expected: start(),
          }));
          const ids = new Set<string>();
          let inFlight: [number, Expected][] = [];
          for (const [i, reclaim] of reclaims.entries()) {
            for (const { rounds, state, expected } of exporters) {
              for (const single of rounds[i] ?? []) {
                apply(state, expected, single);
                if (single.op === 'app') ids.add(Buffer.from(single.id).toString('hex'));
              }
              inFlight.push([state.publish(blocks), copyOf(expected)]);
            }
            for (const [address, then] of inFlight) check(reader.at(address), then, ids);
            if (reclaim) {
              blocks.reclaim();
              inFlight = [];
            }
          }
          for (const { state } of exporters) state.release(blocks);
          assert.equal(blocks.live.size, 0);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('the table behind it', () => {
  it('hashes a number as it does its octets', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(10), (id, kind) => {
        const key = Buffer.alloc(9);
        key.writeBigUInt64BE(BigInt(id), 1);
        assert.equal(hashNumber(kind, id), hashBytes(kind, key, 1, 8));
      }),
    );
  });

  it('keys that share all low bits of their hash fill one page and no more', () => {
    const table = new StateTable({ entries: 0 });
    const value = Uint8Array.of(1);
    const key = Buffer.alloc(8);
    let tried = 0;
    let refused = 0;
    for (let id = 0; tried < STATE_LIMITS.maxPageEntries + 10; id++) {
      if ((hashNumber(StateKind.vrfName, id) & (2 ** STATE_LIMITS.maxDirectoryDepth - 1)) !== 5) continue;
      key.writeUInt32BE(id, 4);
      tried++;
      if (table.put(StateKind.vrfName, key, 8, value, 1) === Put.refused) refused++;
    }
    assert.equal(refused, 10);
    assert.equal(table.counts[StateKind.vrfName], STATE_LIMITS.maxPageEntries);
    let seen = 0;
    table.forEach(() => {
      seen++;
    });
    assert.equal(seen, STATE_LIMITS.maxPageEntries);
  });
});
