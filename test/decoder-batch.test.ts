/** The library's way to batches: the records of `decode`, column by column, in memory of their own. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressText } from '../src/base/ip.ts';
import type { FlowBatch } from '../src/decode/batch.ts';
import { type DecodedRecord, recordsOf } from '../src/decode/records.ts';
import type { BatchReport, Datagram, DatagramSource, Decoder } from '../src/decoder.ts';
import { standardElements } from '../src/elements/registry.ts';
import { ExporterSimulator } from '../src/generator/exporters.ts';
import { concat, ipfix, optionsTemplate, SECONDS, set, template, u8, u16, u32, v5 } from './support/bytes.ts';
import { decoderOf } from './support/decoder.ts';

const SOURCE: DatagramSource = { address: '192.0.2.1', port: 2055, receivedAtMs: SECONDS * 1000 };
const from = (payload: Uint8Array, source: Partial<DatagramSource> = {}): Datagram => ({
  payload,
  ...SOURCE,
  ...source,
});
const batchesOf = (decoder: Decoder, ...payloads: Uint8Array[]): FlowBatch[] =>
  decoder.decodeBatch(payloads.map((payload) => from(payload)));
const records = (batches: readonly FlowBatch[]): DecodedRecord[] =>
  batches.flatMap((batch) => [...recordsOf(batch)]);
const fields = (batches: readonly FlowBatch[]) => records(batches).map((record) => record.fields);

const octets = template(256, [1, 4]);
const packets = template(257, [2, 4]);

function* simulated(version: 5 | 7 | 9 | 10, count: number): Generator<Datagram> {
  const simulator = new ExporterSimulator({
    version,
    exporters: 3,
    templates: version >= 9 ? 3 : 1,
    options: version >= 9,
    redefine: version >= 9 ? 7 : 0,
    reorder: 0.1,
    seed: 11,
  });
  for (let i = 0; i < count; i++) {
    const { payload, exporter, atMs } = simulator.next();
    yield { payload, address: `10.0.0.${exporter + 1}`, port: 2000 + exporter, receivedAtMs: atMs };
  }
}

describe('decodeBatch', () => {
  for (const version of [5, 7, 9, 10] as const) {
    it(`has the records of decode, in their order (version ${version})`, () => {
      const single = decoderOf();
      const expected: DecodedRecord[] = [];
      const options: DecodedRecord[] = [];
      for (const { payload, ...source } of simulated(version, 400)) {
        const result = single.decode(payload, source);
        expected.push(...result.records);
        options.push(...result.optionsRecords);
        assert.deepEqual(result.faults, []);
      }
      // The simulator writes each datagram over the one before it.
      const batches = decoderOf().decodeBatch(simulated(version, 400));
      const actual: Record<'data' | 'options', DecodedRecord[]> = { data: [], options: [] };
      for (const batch of batches) {
        const all = [...recordsOf(batch)];
        assert.equal(all.length, batch.rows);
        for (const { rowStart, rowEnd, options } of batch.sets)
          actual[options ? 'options' : 'data'].push(...all.slice(rowStart, rowEnd));
      }
      assert.deepEqual(actual.data, expected);
      assert.deepEqual(actual.options, options);
      assert.ok(expected.length > 1000);
    });
  }

  it('puts sets of one layout that follow one another into one batch', () => {
    const decoder = decoderOf();
    const batches = batchesOf(
      decoder,
      ipfix({}, set(2, concat(octets, packets)), set(256, u32(1)), set(256, u32(2, 3))),
      ipfix({ sequence: 3 }, set(256, u32(4)), set(257, u32(5)), set(256, u32(6))),
      ipfix({ domain: 2 }, set(2, template(300, [1, 4])), set(300, u32(7))),
    );
    assert.deepEqual(
      batches.map(({ rows, setCount }) => [rows, setCount]),
      [
        [4, 3],
        [1, 1],
        [2, 2],
      ],
    );
    assert.deepEqual(
      fields(batches).map((one) => Object.values(one)[0]),
      [1, 2, 3, 4, 5, 6, 7],
    );
    const [{ sets, columns, plan }] = batches;
    assert.deepEqual(
      sets.map(({ rowStart, rowEnd, sequence, templateId }) => [rowStart, rowEnd, sequence, templateId]),
      [
        [0, 1, 0, 256],
        [1, 3, 0, 256],
        [3, 4, 3, 256],
      ],
    );
    assert.equal(plan.columns[0].key, 'octetDeltaCount');
    assert.deepEqual([...columns[0].lo], [1, 2, 3, 4]);
    assert.deepEqual(
      records(batches).map(({ templateId }) => templateId),
      [256, 256, 256, 256, 257, 256, 300],
    );
  });

  it('cuts runs that are longer than a batch', () => {
    const decoder = decoderOf();
    const rows = Array.from({ length: 5000 }, (_, i) => i);
    const batches = batchesOf(decoder, ipfix({}, set(2, octets)), ipfix({}, set(256, u32(...rows))));
    assert.deepEqual(
      batches.map((batch) => batch.rows),
      [1024, 1024, 1024, 1024, 904],
    );
    assert.deepEqual(
      fields(batches).map(({ octetDeltaCount }) => octetDeltaCount),
      rows,
    );
    for (const { setCount, rows, sets } of batches) assert.deepEqual([setCount, sets[0].rowEnd], [1, rows]);
  });

  it('gives memory of its own, and no more than is needed', () => {
    const decoder = decoderOf();
    const name = template(256, [82, 65_535], [27, 16], [1, 8], [311, 8]);
    const row = concat(u8(3), Buffer.from('abc'), new Uint8Array(32).fill(7));
    const payload = ipfix({}, set(2, name), set(256, row));
    const [batch] = batchesOf(decoder, payload);
    const before = [...recordsOf(batch)];
    payload.fill(0xff);
    batchesOf(decoder, ipfix({}, set(256, concat(u8(2), Buffer.from('zz'), new Uint8Array(32)))));
    assert.deepEqual([...recordsOf(batch)], before);
    assert.equal(before[0].fields.interfaceName, 'abc');
    assert.deepEqual([batch.capacity, batch.heap.length, batch.columns[1].wide.length], [1, 3, 16]);
  });

  it('says what came with each set', () => {
    const decoder = decoderOf();
    const batches = decoder.decodeBatch([
      from(v5({ sequence: 9, engineType: 1, engineId: 2, sysUptime: 77 }, new Uint8Array(48)), {
        address: '2001:db8::1',
        port: 9,
      }),
      from(v5({}, new Uint8Array(48)), { address: '10.0.0.1', port: undefined, receivedAtMs: 5.5 }),
    ]);
    assert.equal(batches.length, 1);
    assert.deepEqual(
      batches[0].sets.map(({ exporter, exporterOffset, ...rest }) => [
        addressText(exporter, exporterOffset),
        rest.exporterPort,
        rest.version,
        rest.observationDomainId,
        rest.sequence,
        rest.sysUptimeMs,
        rest.exportTimeMs,
        rest.receivedAtMs,
        rest.options,
      ]),
      [
        ['2001:db8::1', 9, 5, 258, 9, 77, SECONDS * 1000, SECONDS * 1000, false],
        ['10.0.0.1', 0, 5, 0, 0, 100_000, SECONDS * 1000, 5.5, false],
      ],
    );
  });

  it('delivers held sets with the port and time of their own datagram', () => {
    const batches = decoderOf().decodeBatch([
      from(ipfix({ seconds: SECONDS - 1 }, set(256, u32(1))), { port: 1, receivedAtMs: 1000 }),
      from(ipfix({}, set(2, octets), set(256, u32(2))), { port: 2, receivedAtMs: 2000 }),
    ]);
    assert.deepEqual(fields(batches), [{ octetDeltaCount: 1 }, { octetDeltaCount: 2 }]);
    assert.deepEqual(
      batches[0].sets.map(({ exporterPort, receivedAtMs, exportTimeMs }) => [
        exporterPort,
        receivedAtMs,
        exportTimeMs,
      ]),
      [
        [1, 1000, (SECONDS - 1) * 1000],
        [2, 2000, SECONDS * 1000],
      ],
    );
  });

  it('has options records among the others, told by their set', () => {
    const options = optionsTemplate(300, 1, [10, 4], [34, 4]);
    const [batch, ...more] = batchesOf(decoderOf(), ipfix({}, set(3, options), set(300, u32(1, 2))));
    assert.equal(more.length, 0);
    assert.equal(batch.sets[0].options, true);
    assert.deepEqual(fields([batch]), [{ ingressInterface: 1, samplingInterval: 2 }]);
  });

  it('reports templates, missing templates and faults with the datagram', () => {
    const report: BatchReport = { templates: [], missing: [], faults: [] };
    const decoder = decoderOf({ pending: false });
    const batches = decoder.decodeBatch(
      [from(u8(1)), from(ipfix({}, set(256, u32(1)))), from(ipfix({}, set(2, octets), set(256, u8(1, 2))))],
      report,
    );
    assert.deepEqual(batches, []);
    assert.deepEqual(report, {
      templates: [{ action: 'learned', kind: 'data', templateId: 256, datagram: 2 }],
      missing: [{ templateId: 256, action: 'dropped', datagram: 1 }],
      faults: [
        { code: 'datagram-too-short', offset: 0, datagram: 0 },
        { code: 'set-shorter-than-record', offset: 32, datagram: 2 },
      ],
    });
    decoder.decodeBatch([from(u8(1))]);
    assert.equal(report.faults.length, 2);
  });

  it('shares templates and held sets with decode', () => {
    const decoder = decoderOf();
    decoder.decode(ipfix({}, set(2, octets), set(257, u32(8))), SOURCE);
    assert.deepEqual(fields(batchesOf(decoder, ipfix({}, set(256, u32(1))), ipfix({}, set(2, packets)))), [
      { octetDeltaCount: 1 },
      { packetDeltaCount: 8 },
    ]);
    assert.equal(decoder.decode(ipfix({}, set(257, u32(2))), SOURCE).records.length, 1);
  });

  it('may be used from inside of the iterable', () => {
    const decoder = decoderOf();
    const inner: unknown[] = [];
    const batches = decoder.decodeBatch(
      (function* () {
        yield from(ipfix({}, set(2, octets), set(256, u32(1))));
        inner.push(decoder.decode(ipfix({}, set(256, u32(100))), SOURCE).records[0].fields);
        inner.push(...fields(batchesOf(decoder, ipfix({}, set(256, u32(101))))));
        yield from(ipfix({}, set(256, u32(2))));
      })(),
    );
    assert.deepEqual(fields(batches), [{ octetDeltaCount: 1 }, { octetDeltaCount: 2 }]);
    assert.deepEqual(inner, [{ octetDeltaCount: 100 }, { octetDeltaCount: 101 }]);
  });

  it('throws what is no address or comes from the iterable, and works afterwards', () => {
    const decoder = decoderOf();
    const good = ipfix({}, set(2, octets), set(256, u32(1)));
    assert.throws(() => decoder.decodeBatch([from(good), from(good, { address: 'nobody' })]), TypeError);
    const failing = function* (): Generator<Datagram> {
      yield from(good);
      throw new Error('no more');
    };
    assert.throws(() => decoder.decodeBatch(failing()), /no more/);
    assert.deepEqual(fields(batchesOf(decoder, ipfix({}, set(256, u32(9))))), [{ octetDeltaCount: 9 }]);
    assert.deepEqual(decoder.decodeBatch([]), []);
  });
});

/** A sub-template list with records of a template. */
const list = (templateId: number, ...content: Uint8Array[]): Uint8Array => {
  const bytes = concat(u8(3), u16(templateId), ...content);
  return concat(u8(bytes.length), bytes);
};

describe('structured data in batches', () => {
  const lists = template(256, [292, 65_535]);

  it('is read with the templates that were valid where it stood', () => {
    const batches = batchesOf(
      decoderOf(),
      ipfix({}, set(2, concat(lists, template(300, [1, 4]))), set(256, list(300, u32(1)))),
      ipfix({}, set(2, template(300, [2, 4])), set(256, list(300, u32(2)))),
      ipfix({}, set(2, u16(300, 0)), set(256, list(300, u32(3)))),
    );
    assert.equal(batches.length, 1);
    const expected = [
      { subTemplateList: { semantic: 'allOf', templateId: 300, records: [{ octetDeltaCount: 1 }] } },
      { subTemplateList: { semantic: 'allOf', templateId: 300, records: [{ packetDeltaCount: 2 }] } },
      { subTemplateList: { semantic: 'allOf', templateId: 300, octets: '00000003' } },
    ];
    assert.deepEqual(fields(batches), expected);
    assert.deepEqual(fields(batches), expected, 'as often as they are asked for');
  });

  it('does not know templates that had expired', () => {
    const decoder = decoderOf({ templateTtlMs: 1000 });
    const at = (receivedAtMs: number) => ({ receivedAtMs });
    const batches = decoder.decodeBatch([
      from(ipfix({}, set(2, concat(lists, template(300, [1, 4])))), at(0)),
      from(ipfix({}, set(2, lists), set(256, list(300, u32(1)))), at(1000)),
      from(ipfix({}, set(256, list(300, u32(2)))), at(1001)),
    ]);
    assert.deepEqual(
      fields(batches).map(({ subTemplateList }) => Object.keys(subTemplateList as object)[2]),
      ['records', 'octets'],
    );
  });

  it('of a dictionary of its own needs that dictionary', () => {
    const elements = {
      lookup: (pen: number, id: number) =>
        pen === 0 && id === 1
          ? { ...standardElements.lookup(0, 1)!, name: 'volume' }
          : standardElements.lookup(pen, id),
    };
    const decoder = decoderOf({ elements });
    const basic = concat(u8(9), u8(3), u16(1, 4), u32(5));
    const [batch] = batchesOf(
      decoder,
      ipfix({}, set(2, template(256, [291, 65_535], [1, 1])), set(256, concat(basic, u8(6)))),
    );
    assert.deepEqual([...recordsOf(batch, elements)][0].fields, {
      basicList: { semantic: 'allOf', element: 'volume', values: [5] },
      volume: 6,
    });
  });

  it('counts against limits by its part of the datagram, however it is spread over sets', () => {
    // Each octet of a list is 101 values: one field of one octet and a hundred of none.
    const wide = template(300, [4, 1], ...Array.from({ length: 100 }, () => [5, 0] as [number, number]));
    const read = (sets: number, octetsEach: number): number => {
      const data = set(256, list(300, new Uint8Array(octetsEach)));
      const batches = batchesOf(
        decoderOf({ limits: { maxValuesPerDatagram: 10_000 } }),
        ipfix({}, set(2, concat(lists, wide))),
        ipfix({}, ...Array.from({ length: sets }, () => data)),
      );
      let values = 0;
      for (const { subTemplateList } of fields(batches)) {
        if (typeof subTemplateList !== 'object' || !('records' in subTemplateList)) continue;
        values += (subTemplateList.records?.length ?? 0) * 101;
      }
      return values;
    };
    assert.equal(read(1, 50), 50 * 101);
    assert.equal(read(1, 100), 0, 'one list is too large');
    for (const sets of [2, 10, 50]) assert.ok(read(sets, 50) <= 10_000, `${sets} sets`);
  });
});
