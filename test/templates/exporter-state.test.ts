import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Dialect } from '../../src/decode/layout.ts';
import { ExporterState } from '../../src/templates/exporter-state.ts';
import { STATE_LIMITS } from '../../src/templates/state-limits.ts';
import type { StateTotal } from '../../src/templates/state-table.ts';
import { StateReader, type StateText, type StateView } from '../../src/templates/state-view.ts';
import fc from '../support/fast-check.ts';
import { LastingBlocks } from './blocks.ts';
import { type Cell, optionsBatch } from './options-batch.ts';

const NONE = -1;

/** A state with everything around it. */
class Bench {
  readonly blocks: LastingBlocks;
  readonly state: ExporterState;
  readonly reader: StateReader;

  constructor(capacity = 1 << 20, total: StateTotal = { entries: 0 }) {
    this.state = new ExporterState(total);
    this.blocks = new LastingBlocks(capacity);
    this.reader = new StateReader(this.blocks);
  }

  learn(dialect: Dialect, fields: string, ...rows: Cell[][]): this {
    const { batch, set } = optionsBatch(dialect, fields, ...rows);
    this.state.learn(batch, set);
    return this;
  }

  v9(fields: string, ...rows: Cell[][]): this {
    return this.learn(9, fields, ...rows);
  }

  ipfix(fields: string, ...rows: Cell[][]): this {
    return this.learn(10, fields, ...rows);
  }

  get address(): number {
    return this.state.publish(this.blocks);
  }

  get view(): StateView {
    return this.reader.at(this.address);
  }
}

const textOf = (text: StateText | null): string | null =>
  text && Buffer.from(text.bytes).toString('utf8', text.start, text.start + text.length);
const systemRate = (view: StateView): number => view.samplingRate(NONE, NONE, NONE, NONE);

/** Rate of a record that names selector 1, whose options record had these values. */
function selectorRate(fields: string, row: Cell[]): number {
  return new Bench().ipfix(`302/8 | ${fields}`, [1, ...row]).view.samplingRate(NONE, 1, NONE, NONE);
}

describe('exporter state: sampling rates', () => {
  it('of the whole system', () => {
    const v9 = new Bench().v9('1/4 | 34/4 35/1', [7, 100, 2]);
    assert.equal(systemRate(v9.view), 100);
    assert.equal(v9.view.samplingRate(1, 2, 3, 256), 100);
    for (const scope of [130, 143, 144, 149]) {
      assert.equal(systemRate(new Bench().ipfix(`${scope}/4 | 34/4`, [2, 1000]).view), 1000);
    }
    assert.equal(systemRate(new Bench().ipfix('143/4 | 305/4 306/4', [7, 1, 99]).view), 100);
  });

  it('not of a part of the system', () => {
    for (const [dialect, scope] of [
      [9, 3],
      [9, 4],
      [9, 77],
      [10, 141],
      [10, 2],
    ] as [Dialect, number][]) {
      assert.equal(new Bench().learn(dialect, `${scope}/4 | 34/4`, [7, 100]).address, 0);
    }
    // An enterprise element with the number of observationDomainId.
    assert.equal(new Bench().ipfix('149/4@9 | 34/4', [7, 100]).address, 0);
  });

  it('of a sampler', () => {
    const { view } = new Bench().v9('1/4 | 48/2 50/4 49/1', [0, 1, 30000, 2], [0, 2, 500, 2]);
    assert.equal(view.samplingRate(1, NONE, NONE, NONE), 30000);
    assert.equal(view.samplingRate(2, NONE, NONE, NONE), 500);
    assert.equal(view.samplingRate(3, NONE, NONE, NONE), 0);
    assert.equal(view.ratesOfInterfaces, false);
    assert.equal(systemRate(view), 0);
    const interval = new Bench().v9('1/4 | 48/2 34/4', [0, 1, 64]);
    assert.equal(interval.view.samplingRate(1, NONE, NONE, NONE), 64);
  });

  it('of a selector, in every form', () => {
    assert.equal(selectorRate('304/2 305/4 306/4', [1, 1, 9]), 10);
    assert.equal(selectorRate('305/4 306/4', [2, 3]), 2.5);
    assert.equal(selectorRate('309/4 310/4', [1, 256]), 256);
    assert.equal(selectorRate('311/8', [0.01]), 100);
    assert.equal(selectorRate('34/4', [50]), 50);
    // As IOS XR sends it.
    assert.equal(selectorRate('305/4 304/2 309/4 310/4', [1, 3, 1, 256]), 256);
    // All the elements there are, and the algorithm tells which of them count.
    const all = '304/2 305/4 306/4 309/4 310/4 311/8';
    assert.equal(selectorRate(all, [1, 1, 9, 1, 20, 0.5]), 10);
    assert.equal(selectorRate(all, [3, 1, 9, 1, 20, 0.5]), 20);
    assert.equal(selectorRate(all, [4, 1, 9, 1, 20, 0.5]), 2);
  });

  it('nonsense is not learned', () => {
    const fields: [string, Cell[]][] = [
      ['34/4', [0]],
      ['50/4', [0]],
      ['305/4', [1000]],
      ['305/4 306/4', [0, 9]],
      ['309/4 310/4', [0, 9]],
      ['309/4 310/4', [10, 9]],
      ['310/4', [9]],
      ['311/8', [0]],
      ['311/8', [1.5]],
      ['311/8', [-0.5]],
      ['311/8', [Number.NaN]],
      ['311/8', [1e-300]],
      ['34/8', [2n ** 32n + 1n]],
      ['34/9', [new Uint8Array(9).fill(1)]],
    ];
    for (const [columns, row] of fields) assert.equal(selectorRate(columns, row), 0, columns);
    assert.equal(selectorRate('34/8', [2n ** 32n]), 2 ** 32);
    assert.equal(selectorRate('34/4', [1]), 1);
  });

  it('does not take back an earlier rate', () => {
    const bench = new Bench().v9('1/4 | 34/4', [0, 100], [0, 0]);
    assert.equal(systemRate(bench.view), 100);
  });

  it('of an interface and of a template', () => {
    const v9 = new Bench().v9('2/4 | 34/4 35/1', [3, 100, 1], [0, 7, 1]);
    assert.equal(v9.view.samplingRate(NONE, NONE, 3, NONE), 100);
    assert.equal(v9.view.ratesOfInterfaces, true);
    assert.equal(v9.view.samplingRate(NONE, NONE, 0, NONE), 7);
    assert.equal(systemRate(v9.view), 0);
    for (const id of [10, 14]) {
      const ipfix = new Bench().ipfix(`${id}/4 | 50/4`, [3, 100]);
      assert.equal(ipfix.view.samplingRate(NONE, NONE, 3, NONE), 100);
    }
    const template = new Bench().ipfix('149/4 145/2 | 304/2 305/4 306/4', [1, 2510, 1, 1, 9]);
    assert.equal(template.view.samplingRate(NONE, NONE, NONE, 2510), 10);
    assert.equal(systemRate(template.view), 0);
    assert.equal(new Bench().v9('5/2 | 34/4', [256, 9]).view.samplingRate(NONE, NONE, NONE, 256), 9);
  });

  it('a v9 scope type is no element', () => {
    // Type 2 is Interface; element 2 is packetDeltaCount. Type 48 is nothing.
    assert.equal(new Bench().v9('48/4 | 34/4', [3, 100]).address, 0);
    const { view } = new Bench().v9('2/4 | 2/4 34/4', [3, 4, 100]);
    assert.equal(view.samplingRate(NONE, NONE, 3, NONE), 100);
  });

  it('selector, sampler, template, interface, system: in this order', () => {
    const { view } = new Bench()
      .ipfix('302/8 | 34/4', [1, 11])
      .ipfix('48/1 | 34/4', [2, 12])
      .ipfix('145/2 | 34/4', [256, 13])
      .ipfix('10/4 | 34/4', [4, 14])
      .ipfix('149/4 | 34/4', [0, 15]);
    assert.equal(view.samplingRate(2, 1, 4, 256), 11);
    assert.equal(view.samplingRate(2, 9, 4, 256), 12);
    assert.equal(view.samplingRate(2, NONE, 4, 256), 12);
    assert.equal(view.samplingRate(9, 9, 4, 256), 13);
    assert.equal(view.samplingRate(NONE, NONE, 4, 257), 14);
    assert.equal(view.samplingRate(NONE, NONE, NONE, NONE), 15);
  });

  it('of a selector for a record that calls it a sampler, and the other way round', () => {
    const selector = new Bench().ipfix('302/4 | 305/4 306/4', [7, 1, 999]).ipfix('149/4 | 34/4', [0, 15]);
    assert.equal(selector.view.samplingRate(7, NONE, NONE, NONE), 1000);
    assert.equal(selector.view.samplingRate(8, NONE, NONE, NONE), 15);
    const sampler = new Bench().v9('1/4 | 48/1 50/4', [0, 7, 500]).ipfix('302/4 | 34/4', [8, 20]);
    assert.equal(sampler.view.samplingRate(NONE, 7, NONE, NONE), 500);
    assert.equal(sampler.view.samplingRate(7, 8, NONE, NONE), 20);
  });

  it('a record with a sampler and a selector is about both', () => {
    const { view } = new Bench().ipfix('48/1 302/4 | 34/4', [1, 2, 30]);
    assert.equal(view.samplingRate(1, NONE, NONE, NONE), 30);
    assert.equal(view.samplingRate(NONE, 2, NONE, NONE), 30);
  });

  it('ids beyond 2^53 are neither kept nor found', () => {
    const bench = new Bench().ipfix('302/8 | 34/4', [2n ** 53n, 5], [2n ** 53n - 1n, 6], [0, 7]);
    assert.equal(bench.view.samplingRate(NONE, 2 ** 53 - 1, NONE, NONE), 6);
    assert.equal(bench.view.samplingRate(NONE, 2 ** 53, NONE, NONE), 0);
    assert.equal(bench.view.samplingRate(NONE, 2 ** 64, NONE, NONE), 0);
    assert.equal(bench.view.samplingRate(NONE, Number.NaN, NONE, NONE), 0);
    assert.equal(bench.view.samplingRate(NONE, 0, NONE, NONE), 7);
  });
});

describe('exporter state: system time and names', () => {
  it('systemInitTimeMilliseconds', () => {
    const bench = new Bench().ipfix('149/4 | 160/8', [0, 1_702_643_467_860]);
    assert.equal(bench.view.systemInitMs, 1_702_643_467_860);
    bench.ipfix('149/4 | 160/8', [0, 0], [0, 2n ** 63n]);
    assert.equal(bench.view.systemInitMs, 1_702_643_467_860);
    assert.ok(Number.isNaN(new Bench().v9('1/4 | 34/4', [0, 9]).view.systemInitMs));
  });

  it('interfaces, by every key', () => {
    const names = '82/16 83/16';
    const padded = (name: string): string => name.padEnd(16, '\0');
    const row: Cell[] = [padded('Gi0/1'), padded('to the core')];
    for (const bench of [
      new Bench().v9(`2/4 | ${names}`, [7, ...row]),
      new Bench().v9(`1/4 | 10/4 ${names}`, [0, 7, ...row]),
      new Bench().ipfix(`10/4 | ${names}`, [7, ...row]),
      new Bench().ipfix(`14/4 | ${names}`, [7, ...row]),
      new Bench().ipfix(`10/4 14/4 | ${names}`, [7, 7, ...row]),
      new Bench().ipfix(`252/4 | ${names}`, [7, ...row]),
      new Bench().ipfix(`253/4 | ${names}`, [7, ...row]),
    ]) {
      assert.equal(textOf(bench.view.interfaceName(7)), 'Gi0/1');
      assert.equal(textOf(bench.view.interfaceDescription(7)), 'to the core');
      assert.equal(bench.view.interfaceName(8), null);
      assert.equal(bench.view.interfaceName(NONE), null);
      assert.equal(bench.view.vrfName(7), null);
    }
    assert.equal(new Bench().ipfix('143/4 | 82/16', [7, 'eth0']).address, 0);
  });

  it('VRFs, samplers, selectors', () => {
    const vrf = new Bench().ipfix('234/4 | 236/32 234/4 235/4', [0x60000000, 'MGMT', 1, 2]);
    assert.equal(textOf(vrf.view.vrfName(0x60000000)), 'MGMT');
    assert.equal(vrf.view.vrfName(1), null);
    assert.equal(textOf(new Bench().v9('1/4 | 235/4 236/8', [0, 5, 'A']).view.vrfName(5)), 'A');
    const sampler = new Bench().v9('1/4 | 48/2 84/8', [0, 3, 'S3']);
    assert.equal(textOf(sampler.view.samplerName(3)), 'S3');
    const selector = new Bench().ipfix('302/4 | 84/8', [3, 'MAP']);
    assert.equal(textOf(selector.view.selectorName(3)), 'MAP');
    assert.equal(selector.view.samplerName(3), null);
    assert.equal(textOf(new Bench().ipfix('302/4 | 335/8', [3, 'M2']).view.selectorName(3)), 'M2');
  });

  it('applications, by the octets of their id', () => {
    const id = Uint8Array.of(13, 0, 0, 80);
    const longer = Uint8Array.of(20, 0, 0, 0, 0, 0, 0, 0, 1);
    const bench = new Bench()
      .v9('1/4 | 95/4 96/8 94/8', [0, id, 'http', 'the web'])
      .v9('1/4 | 95/9 96/8', [0, longer, 'forti']);
    const around = Uint8Array.of(9, ...id, ...longer, 9);
    for (let twice = 0; twice < 2; twice++) {
      assert.equal(textOf(bench.view.applicationName(around, 1, 4)), 'http');
      assert.equal(textOf(bench.view.applicationDescription(around, 1, 4)), 'the web');
      assert.equal(textOf(bench.view.applicationName(around, 5, 9)), 'forti');
      assert.equal(bench.view.applicationDescription(around, 5, 9), null);
      assert.equal(bench.view.applicationName(around, 1, 3), null);
      assert.equal(bench.view.applicationName(around, 1, 5), null);
      assert.equal(bench.view.applicationName(around, 1, 0), null);
    }
    const most = STATE_LIMITS.maxApplicationIdBytes;
    const ids = new Bench().ipfix(
      '95/65535 | 96/8',
      [new Uint8Array(most), 'y'],
      [new Uint8Array(most + 1), 'n'],
    );
    ids.ipfix('95/65535 | 96/8', [new Uint8Array(0), 'n']);
    assert.equal(textOf(ids.view.applicationName(new Uint8Array(20), 2, most)), 'y');
    assert.equal(ids.view.applicationName(new Uint8Array(20), 2, most + 1), null);
    assert.equal(ids.state.counters.refusedNames, 2);
  });

  it('an empty name takes back an earlier one', () => {
    const bench = new Bench().v9('2/4 | 82/8 83/8', [1, 'a', 'b']);
    assert.equal(textOf(bench.view.interfaceDescription(1)), 'b');
    bench.v9('2/4 | 82/8 83/8', [1, 'a', '\0\0\0\0']);
    assert.equal(bench.view.interfaceDescription(1), null);
    assert.equal(textOf(bench.view.interfaceName(1)), 'a');
    bench.v9('2/4 | 82/8', [1, '']);
    assert.equal(bench.address, 0);
    assert.equal(bench.blocks.live.size, 0);
    bench.v9('2/4 | 82/8', [1, 'again']);
    assert.equal(textOf(bench.view.interfaceName(1)), 'again');
  });

  it('describes itself', () => {
    const { state } = new Bench()
      .v9('1/4 | 34/4 35/1', [0, 100, 2])
      .v9('1/4 | 48/2 50/4 49/1 84/8', [0, 12, 10, 2, 'late'], [0, 3, 5, 1, 'early'])
      .v9('1/4 | 48/2 34/4', [0, 12, 20])
      .ipfix('302/8 | 304/2 309/4 310/4', [2n ** 40n, 3, 1, 50])
      .ipfix('10/4 | 82/8 83/8', [7, 'Gi0/7', 'x'])
      .ipfix('10/4 | 34/4', [8, 4])
      .ipfix('145/2 | 34/4', [300, 6])
      .ipfix('234/4 | 236/8', [1, 'red'])
      .ipfix('95/4 | 96/8 160/8', [Uint8Array.of(3, 0, 0, 22), 'ssh', 1_700_000_000_000]);
    assert.deepEqual(state.describe(), {
      samplingRate: 100,
      samplingAlgorithm: 2,
      systemInitTimeMilliseconds: 1_700_000_000_000,
      samplers: [
        { id: 3, samplingRate: 5, samplingAlgorithm: 1, name: 'early' },
        { id: 12, samplingRate: 20, samplingAlgorithm: 2, name: 'late' },
      ],
      selectors: [{ id: 2 ** 40, samplingRate: 50, samplingAlgorithm: 3 }],
      templates: [{ id: 300, samplingRate: 6 }],
      interfaces: [
        { id: 7, name: 'Gi0/7', description: 'x' },
        { id: 8, samplingRate: 4 },
      ],
      vrfs: [{ id: 1, name: 'red' }],
      applications: [{ id: '03000016', name: 'ssh' }],
    });
    assert.deepEqual(new ExporterState({ entries: 0 }).describe(), {
      samplers: [],
      selectors: [],
      templates: [],
      interfaces: [],
      vrfs: [],
      applications: [],
    });
  });
});

describe('exporter state: limits', () => {
  const interfaceRows = (from: number, to: number): Cell[][] =>
    Array.from({ length: to - from }, (_, i) => [from + i, `if${from + i}`]);

  it('keeps all the names and rates it may, and refuses and counts the next', () => {
    const { maxNames, maxRatesPerKind } = STATE_LIMITS;
    const bench = new Bench(1 << 22);
    bench.v9('2/4 | 82/8', ...interfaceRows(0, maxNames));
    const kinds: [Dialect, number, number][] = [
      [10, 48, 2],
      [10, 302, 8],
      [10, 10, 4],
      [10, 145, 2],
    ];
    for (const [dialect, id, length] of kinds) {
      const rows = Array.from({ length: maxRatesPerKind }, (_, i) => [i, i + 1]);
      bench.learn(dialect, `${id}/${length} | 34/4`, ...rows);
    }
    assert.deepEqual(bench.state.counters, { refusedNames: 0, refusedRates: 0, cutNames: 0 });
    bench.v9('2/4 | 82/8', [maxNames, 'over'], [5, 'new name']);
    bench.v9('2/4 | 83/8', [5, 'over']);
    for (const [dialect, id, length] of kinds) {
      bench.learn(dialect, `${id}/${length} | 34/4`, [maxRatesPerKind, 9], [7, 70]);
    }
    assert.deepEqual(bench.state.counters, { refusedNames: 2, refusedRates: 4, cutNames: 0 });
    const { view } = bench;
    for (let i = 0; i < maxNames; i++) {
      assert.equal(textOf(view.interfaceName(i)), i === 5 ? 'new name' : `if${i}`);
    }
    for (let i = 0; i <= maxRatesPerKind; i++) {
      const rate = i === 7 ? 70 : i === maxRatesPerKind ? 0 : i + 1;
      assert.equal(view.samplingRate(i, NONE, NONE, NONE), rate);
      assert.equal(view.samplingRate(NONE, i, NONE, NONE), rate);
      assert.equal(view.samplingRate(NONE, NONE, i, NONE), rate);
      assert.equal(view.samplingRate(NONE, NONE, NONE, i), rate);
    }
    assert.equal(view.interfaceName(maxNames), null);
    // A name that goes makes room for another.
    bench.v9('2/4 | 82/8', [0, ''], [maxNames, 'in']);
    assert.equal(textOf(bench.view.interfaceName(maxNames)), 'in');
  });

  it('all exporters together keep so many names and rates', () => {
    const total = { entries: STATE_LIMITS.maxEntriesInAll - 3 };
    const [one, other] = [new Bench(1 << 20, total), new Bench(1 << 20, total)];
    one.v9('2/4 | 82/8', [1, 'a'], [2, 'b']);
    other.ipfix('48/2 | 34/4', [1, 10]);
    assert.deepEqual(other.state.counters, { refusedNames: 0, refusedRates: 0, cutNames: 0 });
    other.v9('2/4 | 82/8', [1, 'over']);
    other.ipfix('48/2 | 34/4', [1, 20], [2, 10]);
    one.v9('2/4 | 82/8', [1, 'another']);
    assert.deepEqual(other.state.counters, { refusedNames: 1, refusedRates: 1, cutNames: 0 });
    assert.deepEqual(one.state.counters, { refusedNames: 0, refusedRates: 0, cutNames: 0 });
    assert.equal(textOf(one.view.interfaceName(1)), 'another');
    assert.equal(other.view.interfaceName(1), null);
    assert.equal(other.view.samplingRate(1, NONE, NONE, NONE), 20);
    // What one takes back, or an exporter that is gone, makes room for the others.
    one.v9('2/4 | 82/8', [2, '']);
    other.v9('2/4 | 82/8', [1, 'in'], [2, 'over']);
    assert.equal(textOf(other.view.interfaceName(1)), 'in');
    assert.equal(other.state.counters.refusedNames, 2);
    one.state.release(one.blocks);
    other.v9('2/4 | 82/8', [2, 'in'], [3, 'over']);
    assert.equal(other.state.counters.refusedNames, 3);
    other.state.release(other.blocks);
    other.state.release(other.blocks);
    assert.equal(total.entries, STATE_LIMITS.maxEntriesInAll - 3);
  });

  it('cuts long names between characters', () => {
    const { maxNameBytes } = STATE_LIMITS;
    const bench = new Bench().v9(
      '2/4 | 82/600',
      [1, 'x'.repeat(maxNameBytes)],
      [2, 'x'.repeat(maxNameBytes + 1)],
      [3, `${'x'.repeat(maxNameBytes - 2)}€€`],
      [4, `${'x'.repeat(maxNameBytes)}${'\0'.repeat(300)}`],
    );
    assert.equal(bench.view.interfaceName(1)?.length, maxNameBytes);
    assert.equal(textOf(bench.view.interfaceName(2)), 'x'.repeat(maxNameBytes));
    assert.equal(textOf(bench.view.interfaceName(3)), 'x'.repeat(maxNameBytes - 2));
    assert.equal(textOf(bench.view.interfaceName(4)), 'x'.repeat(maxNameBytes));
    assert.equal(bench.state.counters.cutNames, 2);
  });

  it('names are clean UTF-8', () => {
    const bench = new Bench().v9(
      '2/4 | 82/16',
      [1, 'Zürich–Genève'],
      [2, Uint8Array.of(0x61, 0xff, 0x62)],
      [3, 'a\x1b[31m\x07b\x7f\u0085c\r\n'],
      [4, '\0\0right'],
      [5, Uint8Array.of(0xe2, 0x82)],
    );
    const { view } = bench;
    assert.equal(textOf(view.interfaceName(1)), 'Zürich–Genève');
    assert.equal(textOf(view.interfaceName(2)), 'a\ufffdb');
    assert.equal(textOf(view.interfaceName(3)), 'a[31mbc');
    assert.equal(textOf(view.interfaceName(4)), 'right');
    assert.equal(textOf(view.interfaceName(5)), '\ufffd');
  });

  it('records of any shape and content: never throws, and what is published can be read', () => {
    const ids = [
      1, 2, 5, 10, 14, 34, 35, 48, 50, 82, 83, 84, 94, 95, 96, 145, 149, 160, 234, 236, 302, 305, 306, 311,
    ];
    const field = fc.tuple(fc.constantFrom(...ids), fc.constantFrom(0, 1, 2, 4, 8, 12, 65535));
    const cell = fc.record({
      octets: fc.uint8Array({ maxLength: 20 }),
      real: fc.double(),
      word: fc.bigInt(0n, 2n ** 64n - 1n),
    });
    const record = fc.tuple(field, cell);
    fc.assert(
      fc.property(
        fc.constantFrom<Dialect>(9, 10),
        fc.array(fc.array(record, { minLength: 1, maxLength: 8 }), { maxLength: 20 }),
        fc.nat(3),
        (dialect, batches, scopes) => {
          const bench = new Bench();
          for (const records of batches) {
            const fields = records.map(([[id, length]]) => `${id}/${length}`);
            if (scopes > 0) fields.splice(scopes, 0, '|');
            bench.learn(
              dialect,
              fields.join(' '),
              ...[1, 2].map(() => records.map(([, content]) => content)),
            );
            const { view } = bench;
            assert.ok(view.samplingRate(1, 1, 1, 1) >= 0);
          }
          bench.state.describe();
          bench.state.release(bench.blocks);
          assert.equal(bench.blocks.live.size, 0);
        },
      ),
    );
  });
});
