import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  DEFAULT_START_MS,
  ExporterSimulator,
  type GeneratedDatagram,
  type GeneratorOptions,
} from '../../src/generator/exporters.ts';
import fc from '../support/fast-check.ts';
import { fieldNumber, hasElement, numberOf, octetsOf, Reader, textOf } from './reader.ts';

const VERSIONS = [5, 7, 9, 10] as const;

function take(options: Partial<GeneratorOptions>, count: number): GeneratedDatagram[] {
  const simulator = new ExporterSimulator(options);
  return Array.from({ length: count }, () => copy(simulator.next()));
}

function copy(datagram: GeneratedDatagram): GeneratedDatagram {
  return { ...datagram, payload: datagram.payload.slice() };
}

function digest(options: Partial<GeneratorOptions>, count: number): string {
  const hash = createHash('sha256');
  for (const { payload } of take(options, count)) hash.update(payload);
  return hash.digest('hex').slice(0, 16);
}

test('equal options and seed give equal bytes, another seed gives others', () => {
  for (const version of VERSIONS) {
    const options = { version, exporters: 3, options: true, loss: 0.1, reorder: 0.1, seed: 7 };
    assert.deepEqual(take(options, 100), take(options, 100));
    assert.notEqual(digest(options, 10), digest({ ...options, seed: 8 }, 10));
  }
});

test('the bytes of a seed are the same on every machine', () => {
  // A change of the generator changes these; a platform must not.
  const lively = { templates: 9, exporters: 2, options: true, loss: 0.1, reorder: 0.1, redefine: 7 };
  assert.deepEqual(
    [
      digest({ version: 5 }, 100),
      digest({ version: 7 }, 100),
      digest({ version: 9, ...lively }, 100),
      digest({ version: 10, ...lively }, 100),
    ],
    ['159f4737bd9207d3', '60c8e60eeab7867b', '7553fce647462dfe', 'db0309f3a0da02af'],
  );
});

test('exporters take turns, each with a domain, an uptime and a network of its own', () => {
  const reader = new Reader();
  const datagrams = take({ exporters: 3, intervalMs: 250 }, 9);
  const messages = datagrams.map(({ payload }) => reader.read(payload));
  assert.deepEqual(
    datagrams.map(({ exporter }) => exporter),
    [0, 1, 2, 0, 1, 2, 0, 1, 2],
  );
  assert.deepEqual(
    datagrams.map(({ atMs }) => atMs - DEFAULT_START_MS),
    [0, 250, 500, 750, 1000, 1250, 1500, 1750, 2000],
  );
  assert.deepEqual(
    messages.map(({ domain }) => domain),
    [1, 2, 3, 1, 2, 3, 1, 2, 3],
  );
  assert.deepEqual(
    messages.map(({ seconds }) => seconds - DEFAULT_START_MS / 1000),
    [0, 0, 0, 0, 1, 1, 1, 1, 2],
  );
  assert.equal(new Set(messages.slice(0, 3).map(({ uptimeMs }) => uptimeMs)).size, 3);
  for (let i = 3; i < 9; i++) assert.equal(messages[i].uptimeMs - messages[i - 3].uptimeMs, 750);
  messages.forEach(({ data }, i) => {
    for (const record of data) {
      const local = [octetsOf(record, 8), octetsOf(record, 12)].filter((address) => address[0] === 10);
      assert.equal(local.length, 1);
      assert.equal(local[0][1] * 256 + local[0][2], datagrams[i].exporter);
    }
  });
});

test('the virtual clock can be set forward and not back', () => {
  const simulator = new ExporterSimulator({ intervalMs: 0 });
  assert.equal(simulator.next().atMs, DEFAULT_START_MS);
  simulator.advanceTo(DEFAULT_START_MS + 5000.5);
  assert.equal(simulator.next().atMs, DEFAULT_START_MS + 5000.5);
  simulator.advanceTo(DEFAULT_START_MS);
  assert.equal(simulator.next().atMs, DEFAULT_START_MS + 5000.5);
});

test('template 0 of v9 and IPFIX is a flow of 21 fields and 59 octets, 23 of them to a datagram', () => {
  for (const version of [9, 10] as const) {
    const reader = new Reader();
    const [first, second] = take({ version }, 2);
    const { templates } = reader.read(first.payload);
    assert.equal(templates.length, 1);
    assert.equal(templates[0].id, 256);
    assert.equal(templates[0].fields.length, 21);
    assert.equal(
      templates[0].fields.reduce((sum, { length }) => sum + length, 0),
      59,
    );
    assert.equal(new Set(templates[0].fields.map(({ id }) => id)).size, 21);
    const { data, paddings } = reader.read(second.payload);
    assert.equal(data.length, 23);
    assert.deepEqual(paddings, [3]);
    assert.equal(second.payload.length, version === 9 ? 1384 : 1380);
  }
});

test('flows look like flows', () => {
  const reader = new Reader();
  const datagrams = take({ version: 9 }, 100);
  const records = datagrams.flatMap(({ payload }) => reader.read(payload).data);
  const protocols = new Map<number, number>();
  const hosts = new Set<number>();
  for (const record of records) {
    const protocol = numberOf(record, 4);
    protocols.set(protocol, (protocols.get(protocol) ?? 0) + 1);
    const packets = numberOf(record, 2);
    const octets = numberOf(record, 1);
    assert.ok(packets >= 1 && octets >= packets * 40 && octets <= packets * 1500);
    if (protocol !== 6) assert.equal(numberOf(record, 6), 0);
    if (protocol === 1) assert.equal(numberOf(record, 11), 0x0800);
    else assert.ok(numberOf(record, 7) > 0 && numberOf(record, 11) > 0);
    hosts.add(numberOf(record, 8));
    const outbound = octetsOf(record, 8)[0] === 10;
    assert.equal(numberOf(record, 61), outbound ? 1 : 0);
    assert.equal(numberOf(record, outbound ? 10 : 14) <= 6, true);
    assert.equal(numberOf(record, outbound ? 14 : 10) >= 7, true);
  }
  const share = (protocol: number) => (protocols.get(protocol) ?? 0) / records.length;
  assert.deepEqual([...protocols.keys()].sort(), [1, 17, 6]);
  assert.ok(share(6) > 0.4 && share(17) > 0.2 && share(1) > 0.01);
  assert.ok(hosts.size > 100 && hosts.size < 1000, `${hosts.size}`);
});

test('flow times of v5, v7 and v9 are before the uptime of the header, also when it wraps', () => {
  for (const version of [5, 7, 9] as const) {
    const reader = new Reader();
    // 50 days: every exporter passes 2^32 ms on the way.
    let wraps = 0;
    let last = -1;
    for (const { payload } of take({ version, intervalMs: 3_600_000, recordsPerDatagram: 5 }, 24 * 50)) {
      const { uptimeMs, data } = reader.read(payload);
      if (uptimeMs < last) wraps++;
      last = uptimeMs;
      for (const record of data) {
        const start = version === 9 ? numberOf(record, 22) : fieldNumber(record, 7);
        const end = version === 9 ? numberOf(record, 21) : fieldNumber(record, 8);
        const ago = (uptimeMs - end) >>> 0;
        assert.ok(ago >= 1000 && ago <= 15_000, `${ago}`);
        assert.ok((end - start) >>> 0 <= 60_000);
      }
    }
    assert.equal(wraps, 1);
  }
});

test('all kinds of IPFIX flow time mean a time shortly before the export', () => {
  const reader = new Reader();
  const kinds = new Set<number>();
  const NTP = 2_208_988_800;
  const ntpMs = (octets: Uint8Array) => {
    const view = new DataView(octets.buffer);
    assert.equal(view.getUint32(4) & 0x7ff, 0);
    return (view.getUint32(0) - NTP + view.getUint32(4) / 2 ** 32) * 1000;
  };
  for (const { payload, atMs } of take({ version: 10, templates: 7, intervalMs: 333.3 }, 200)) {
    const { data, seconds } = reader.read(payload);
    assert.equal(seconds, Math.floor(atMs / 1000));
    for (const record of data) {
      let times: [startMs: number, endMs: number];
      if (hasElement(record, 150)) {
        times = [numberOf(record, 150) * 1000, numberOf(record, 151) * 1000];
        kinds.add(150);
      } else if (hasElement(record, 152)) {
        times = [numberOf(record, 152), numberOf(record, 153)];
        kinds.add(152);
      } else if (hasElement(record, 154)) {
        times = [ntpMs(octetsOf(record, 154)), ntpMs(octetsOf(record, 155))];
        kinds.add(154);
      } else if (hasElement(record, 158)) {
        times = [
          seconds * 1000 - numberOf(record, 158) / 1000,
          seconds * 1000 - numberOf(record, 159) / 1000,
        ];
        kinds.add(158);
      } else if (hasElement(record, 22)) {
        const boot = numberOf(record, 160);
        times = [boot + numberOf(record, 22), boot + numberOf(record, 21)];
        kinds.add(22);
      } else {
        times = [numberOf(record, 323), numberOf(record, 323)];
        kinds.add(323);
      }
      assert.ok(times[0] <= times[1] && times[1] <= seconds * 1000);
      assert.ok(times[1] >= atMs - 16_001 && times[0] >= times[1] - 61_000);
    }
  }
  assert.deepEqual([...kinds].sort(), [150, 152, 154, 158, 22, 323].sort());
});

test('templates differ: IPv6, reduced sizes, wide counters, enterprise elements, strings of any length', () => {
  const seen = (version: 9 | 10) => {
    const reader = new Reader();
    return take({ version, templates: 7 }, 300).flatMap(({ payload }) => reader.read(payload).data);
  };
  const v9 = seen(9);
  const ipfix = seen(10);
  for (const records of [v9, ipfix]) {
    assert.ok(records.some((record) => hasElement(record, 27) && octetsOf(record, 27).length === 16));
    const lengths = new Set(records.filter((r) => hasElement(r, 1)).map((r) => octetsOf(r, 1).length));
    assert.deepEqual([...lengths].sort(), [4, 5, 8]);
    assert.ok(records.some((record) => hasElement(record, 1) && numberOf(record, 1) > 2 ** 32));
  }
  assert.ok(v9.some((record) => hasElement(record, 40_000) && textOf(record, 40_000).startsWith('user')));
  assert.ok(ipfix.some((record) => hasElement(record, 2, 32473)));
  assert.ok(ipfix.some((record) => hasElement(record, 1, 29305)));
  const targets = ipfix
    .filter((record) => hasElement(record, 461))
    .map((record) => octetsOf(record, 461).length);
  assert.ok(targets.some((length) => length > 254) && targets.some((length) => length < 100));
  const hosts = ipfix.filter((record) => hasElement(record, 460)).map((record) => textOf(record, 460));
  assert.ok(hosts.includes('') && hosts.some((host) => host.endsWith('.example.com')));
});

test('v5 and v7 datagrams have as many records as fit or as were asked for', () => {
  const lengths = (options: Partial<GeneratorOptions>) =>
    take(options, 3).map(({ payload, records }) => {
      const message = new Reader().read(payload);
      assert.equal(message.data.length, records);
      return [records, payload.length];
    })[2];
  assert.deepEqual(lengths({ version: 5 }), [30, 1464]);
  assert.deepEqual(lengths({ version: 5, maxDatagramBytes: 1400 }), [28, 1368]);
  assert.deepEqual(lengths({ version: 5, recordsPerDatagram: 1 }), [1, 72]);
  assert.deepEqual(lengths({ version: 7 }), [27, 1428]);
  assert.deepEqual(lengths({ version: 7, recordsPerDatagram: 28 }), [28, 1480]);
});

test('the v5 header tells engine, milliseconds and sampling', () => {
  const [first, , third] = take(
    { version: 5, exporters: 2, options: true, startMs: DEFAULT_START_MS + 123 },
    3,
  );
  const message = new Reader().read(first.payload);
  assert.equal(message.domain, 1);
  assert.equal(message.nanoseconds, 123_000_000);
  assert.equal(message.sampling >>> 14, 1);
  assert.equal(message.sampling & 0x3fff, 1000);
  assert.equal(new Reader().read(third.payload).nanoseconds, 125_000_000);
  assert.equal(new Reader().read(take({ version: 5 }, 1)[0].payload).sampling, 0);
});

test('any valid options give well-formed datagrams that fit', () => {
  const options = fc.record({
    version: fc.constantFrom(...VERSIONS),
    exporters: fc.integer({ min: 1, max: 4 }),
    templates: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constant(200)),
    seed: fc.nat(),
    options: fc.boolean(),
    templateEvery: fc.integer({ min: 1, max: 30 }),
    recordsPerDatagram: fc.option(fc.integer({ min: 1, max: 28 }), { nil: undefined }),
    maxDatagramBytes: fc.oneof(fc.integer({ min: 1024, max: 1500 }), fc.constant(65_507)),
    redefine: fc.integer({ min: 0, max: 10 }),
  });
  fc.assert(
    fc.property(options, (drawn) => {
      const fixed = drawn.version < 9;
      const given = fixed ? { ...drawn, templates: 1, redefine: 0 } : drawn;
      const reader = new Reader();
      const simulator = new ExporterSimulator(given);
      for (let i = 0; i < 60; i++) {
        const { payload, records, optionsRecords, exporter } = simulator.next();
        const message = reader.read(payload);
        if (fixed && given.recordsPerDatagram !== undefined) assert.equal(records, given.recordsPerDatagram);
        else assert.ok(payload.length <= given.maxDatagramBytes);
        assert.ok(records >= 1 && records <= (given.recordsPerDatagram ?? 65_535));
        if (given.version !== 7) assert.equal(message.domain, exporter + 1);
        const sent = message.templates.length + message.optionsTemplates.length + records + optionsRecords;
        if (given.version === 10) assert.equal(message.count, payload.length);
        else assert.equal(message.count, sent);
        assert.equal(message.unknown, 0);
        assert.equal(message.data.length, records);
        assert.equal(message.optionsData.length, optionsRecords);
      }
    }),
    { numRuns: 80 },
  );
});
