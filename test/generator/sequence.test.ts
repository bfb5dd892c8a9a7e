import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ExporterSimulator,
  type GeneratedDatagram,
  type GeneratorOptions,
} from '../../src/generator/exporters.ts';
import { Reader } from './reader.ts';

const VERSIONS = [5, 7, 9, 10] as const;

interface Seen extends GeneratedDatagram {
  sequence: number;
}

function run(
  options: Partial<GeneratorOptions>,
  count: number,
): { simulator: ExporterSimulator; seen: Seen[] } {
  const simulator = new ExporterSimulator(options);
  const reader = new Reader();
  const seen: Seen[] = [];
  for (let i = 0; i < count; i++) {
    const datagram = simulator.next();
    const { sequence } = reader.read(datagram.payload);
    seen.push({ ...datagram, payload: datagram.payload.slice(), sequence });
  }
  return { simulator, seen };
}

/** What the sequence number goes on by after a datagram. */
function units(version: number, { records, optionsRecords }: Seen): number {
  return version === 9 ? 1 : version === 10 ? records + optionsRecords : records;
}

for (const version of VERSIONS) {
  test(`v${version}: the sequence number counts what the version says, modulo 2^32`, () => {
    const firstSequence = 0xffff_ffff - 5;
    const { seen } = run({ version, exporters: 2, options: true, firstSequence }, 120);
    for (const exporter of [0, 1]) {
      let expected = firstSequence;
      for (const datagram of seen.filter((d) => d.exporter === exporter)) {
        assert.equal(datagram.sequence, expected);
        expected = (expected + units(version, datagram)) % 2 ** 32;
      }
      assert.ok(expected < firstSequence);
    }
  });

  test(`v${version}: loss takes datagrams away and leaves the others as they were`, () => {
    const options = { version, exporters: 3, options: true, seed: 11 };
    const whole = run(options, 600).seen;
    const { simulator, seen } = run({ ...options, loss: 0.3 }, 300);
    const bySequence = new Map(whole.map((d) => [`${d.exporter} ${d.sequence}`, d]));
    for (const datagram of seen) {
      assert.deepEqual(
        datagram.payload,
        bySequence.get(`${datagram.exporter} ${datagram.sequence}`)?.payload,
      );
    }
    const { emitted, lost } = simulator;
    assert.equal(emitted.datagrams, 300);
    assert.equal(
      emitted.records,
      seen.reduce((sum, d) => sum + d.records, 0),
    );
    assert.ok(lost.datagrams > 80 && lost.datagrams < 180, `${lost.datagrams}`);
    const made = whole.slice(0, 300 + lost.datagrams);
    assert.equal(
      emitted.records + lost.records,
      made.reduce((sum, d) => sum + d.records, 0),
    );
    assert.equal(
      emitted.optionsRecords + lost.optionsRecords,
      made.reduce((sum, d) => sum + d.optionsRecords, 0),
    );
  });

  test(`v${version}: reordering swaps neighbours of an exporter and loses nothing`, () => {
    const options = { version, exporters: 3, options: true, seed: 12 };
    const whole = run(options, 700).seen;
    const { simulator, seen } = run({ ...options, reorder: 0.25 }, 600);
    let swaps = 0;
    for (const exporter of [0, 1, 2]) {
      const inOrder = whole.filter((d) => d.exporter === exporter).map((d) => d.sequence);
      const arrived = seen.filter((d) => d.exporter === exporter).map((d) => d.sequence);
      for (let i = 0; i < arrived.length - 1; i++) {
        if (arrived[i] === inOrder[i]) continue;
        assert.deepEqual([arrived[i], arrived[i + 1]], [inOrder[i + 1], inOrder[i]]);
        swaps++;
        i++;
      }
    }
    assert.ok(swaps > 60 && swaps < 180, `${swaps}`);
    assert.equal(simulator.lost.datagrams, 0);
  });
}

test('every datagram is emitted, lost or drained exactly once', () => {
  for (const exporters of [1, 4]) {
    const options = { version: 9, exporters, seed: 5, firstSequence: 0 } as const;
    const { simulator, seen } = run({ ...options, loss: 0.2, reorder: 0.5 }, 401);
    const numbers = seen.map((d) => `${d.exporter} ${d.sequence}`);
    const reader = new Reader();
    for (let datagram = simulator.drain(); datagram !== undefined; datagram = simulator.drain()) {
      numbers.push(`${datagram.exporter} ${reader.read(datagram.payload).sequence}`);
    }
    assert.equal(new Set(numbers).size, numbers.length);
    assert.equal(simulator.emitted.datagrams, numbers.length);
    const made = Math.round(simulator.nowMs - simulator.options.startMs);
    assert.equal(simulator.emitted.datagrams + simulator.lost.datagrams, made);
  }
});

test('with reorder 1 every pair is swapped', () => {
  const { seen } = run({ reorder: 1 }, 6);
  assert.deepEqual(
    seen.map((d) => d.sequence),
    [1, 0, 3, 2, 5, 4],
  );
});
