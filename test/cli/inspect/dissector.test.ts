/** What inspect shows is what the decoder decodes, at the place where it stands. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAddress } from '../../../src/base/ip.ts';
import { Dissector } from '../../../src/cli/inspect/dissector.ts';
import type { Dissection, Part } from '../../../src/cli/inspect/part.ts';
import { dissectionLines, dumpLines } from '../../../src/cli/inspect/text.ts';
import { MAX_VALUE_CHARACTERS } from '../../../src/cli/inspect/value-text.ts';
import { Decoder } from '../../../src/decoder.ts';
import { standardElements } from '../../../src/elements/registry.ts';
import { ExporterSimulator } from '../../../src/generator/exporters.ts';
import {
  concat,
  ipfix,
  optionsTemplate,
  set,
  template,
  u8,
  u16,
  u32,
  v9,
  v9Template,
} from '../../support/bytes.ts';
import fc from '../../support/fast-check.ts';

const ADDRESS = new Uint8Array(16);
parseAddress('192.0.2.1', ADDRESS);
const SOURCE = { address: '192.0.2.1', port: 2055, receivedAtMs: 0 };

const dissector = () => new Dissector(standardElements);
const dissect = (...datagrams: Uint8Array[]): Dissection => {
  const one = dissector();
  return datagrams.map((datagram) => one.dissect(datagram, ADDRESS, 2055)).at(-1)!;
};
const rows = ({ parts }: Dissection, depth: number) =>
  parts.filter((part) => part.depth === depth).map(({ at, name, value }) => [at, name, value]);

/** Every part lies in the datagram and inside of the part that it is a part of. */
function assertNested(parts: readonly Part[], length: number): void {
  const open: Part[] = [];
  for (const part of parts) {
    while (open.length > part.depth) open.pop();
    const outer = open.at(-1);
    const [from, to] = outer === undefined ? [0, length] : [outer.at, outer.at + outer.octets];
    assert.ok(part.at >= from && part.at + part.octets <= to, `${part.name} at ${part.at}`);
    open.push(part);
  }
}

describe('Dissector', () => {
  it('shows the records that the decoder decodes, and its faults, also in damaged datagrams', () => {
    const damage = fc.array(fc.tuple(fc.nat(1_500), fc.nat(255)), { maxLength: 6 });
    const cut = fc.option(fc.nat(1_500), { nil: Number.POSITIVE_INFINITY });
    const kinds = fc.record({
      version: fc.constantFrom<5 | 7 | 9 | 10>(5, 7, 9, 10),
      seed: fc.nat(1_000),
      damages: fc.array(fc.tuple(damage, cut), { minLength: 4, maxLength: 4 }),
    });
    let records = 0;
    let faults = 0;
    fc.assert(
      fc.property(kinds, ({ version, seed, damages }) => {
        const templates = version >= 9 ? { templates: 2, options: true } : {};
        const simulator = new ExporterSimulator({ version, seed, exporters: 1, ...templates });
        const decoder = new Decoder({ pending: false, jit: 'off', templateTtlMs: Number.POSITIVE_INFINITY });
        const one = dissector();
        for (const [changes, length] of damages) {
          const payload = simulator.next().payload.slice(0, length);
          for (const [at, value] of changes) payload[at % Math.max(1, payload.length)] = value;
          const found = one.dissect(payload, ADDRESS, 2055);
          const result = decoder.decode(payload, SOURCE);
          const shown = found.parts.filter(({ name }) => /^record \d+$/.test(name));
          assert.equal(shown.length, result.records.length + result.optionsRecords.length);
          const byPlace = (a: { at: number }, b: { at: number }) => a.at - b.at;
          assert.deepEqual(
            found.faults,
            result.faults.map(({ code, offset }) => ({ at: offset, code })).sort(byPlace),
          );
          assertNested(found.parts, payload.length);
          for (const line of [...dissectionLines(found), ...dumpLines(payload, found.faults)])
            assert.ok(!/\p{Cc}/u.test(line), line);
          records += shown.length;
          faults += found.faults.length;
        }
      }),
      { numRuns: 300 },
    );
    assert.ok(records > 1_000 && faults > 100, `${records} records, ${faults} faults`);
  });

  it('shows every value that the decoder decodes', () => {
    const simulator = new ExporterSimulator({
      version: 10,
      seed: 4,
      exporters: 1,
      templates: 3,
      options: true,
    });
    const decoder = new Decoder();
    const one = dissector();
    const cut = (text: string) =>
      text.length > MAX_VALUE_CHARACTERS
        ? `${text.slice(0, MAX_VALUE_CHARACTERS)}... (${text.length} characters)`
        : text;
    let values = 0;
    for (let i = 0; i < 50; i++) {
      const { payload } = simulator.next();
      const { parts } = one.dissect(payload, ADDRESS, 2055);
      const { records, optionsRecords } = decoder.decode(payload, SOURCE);
      const left = new Map<string, number>();
      for (const { name, value, depth } of parts)
        if (depth === 3) left.set(`${name} ${value}`, (left.get(`${name} ${value}`) ?? 0) + 1);
      for (const { fields } of [...records, ...optionsRecords])
        for (const [name, value] of Object.entries(fields)) {
          const forms = [String(value), JSON.stringify(value), `0x${value}`].map(cut);
          const text = forms.find((form) => left.has(`${name} ${form}`));
          assert.ok(text !== undefined, `${name} ${value}`);
          values++;
        }
    }
    assert.ok(values > 1_000);
  });

  it('says what became of templates', () => {
    const first = ipfix({}, set(2, concat(template(256, [1, 4]), template(257, [1, 4]))));
    const found = dissect(
      first,
      ipfix(
        {},
        set(
          2,
          concat(template(256, [1, 4]), template(257, [1, 8]), template(255, [1, 4]), u16(256, 0, 300, 0)),
        ),
        set(3, optionsTemplate(258, 1, [149, 4], [99, 2, 4242])),
      ),
    );
    assert.deepEqual(
      rows(found, 2).map(([, name, value]) => `${name}: ${value}`),
      [
        'template 256: 1 field, records of 4 octets or more, refreshed',
        'template 257: 1 field, records of 8 octets or more, redefined',
        'template 255: 1 field, records of 4 octets or more, refused: id-reserved',
        'template 256: withdrawal, withdrawn',
        'template 300: withdrawal, not used',
        'options template 258: 2 fields, records of 6 octets or more, learned',
      ],
    );
    assert.deepEqual(rows(found, 3).slice(-2), [
      [62, 'observationDomainId', 'scope, id 149, 4 octets'],
      [66, '4242.99', 'enterprise 4242, id 99, 2 octets'],
    ]);
  });

  it('says why a set is not taken apart', () => {
    const unknown = dissect(ipfix({}, set(300, u32(1)), set(99, u32(1)), set(256, u8())));
    assert.deepEqual(rows(unknown, 2), [
      [20, 'not taken apart', 'template 300 was not defined before'],
      [28, 'not taken apart', 'nothing is known of such sets'],
    ]);
    // An IPFIX message with a nonsensical length is refused whole; v9 keeps what stands in front of it.
    const broken = concat(set(256, u32(1)), u16(256, 999));
    const definition = ipfix({}, set(2, template(256, [1, 4])));
    const refused = dissect(definition, ipfix({}, broken));
    assert.deepEqual(refused.faults, [{ at: 24, code: 'set-length-invalid' }]);
    assert.deepEqual(rows(refused, 1).slice(-1), [[24, 'no set', '4 octets']]);
    assert.deepEqual(rows(refused, 2), [[20, 'not taken apart', 'the message is refused as a whole']]);
    const used = dissect(v9({}, set(0, v9Template(256, [1, 4]))), v9({}, broken));
    assert.deepEqual(rows(used, 3), [[24, 'octetDeltaCount', '1']]);
  });

  it('finds padding, further messages and what is behind them', () => {
    const two = concat(ipfix({}, set(99, u32(1), 2)), ipfix({ domain: 2 }), u8(0, 0, 0));
    assert.deepEqual(rows(dissect(two), 0), [
      [0, 'IPFIX message', '26 octets'],
      [26, 'IPFIX message', '16 octets'],
      [42, 'padding', ''],
    ]);
    const trailing = dissect(concat(ipfix({}), u8(1, 2, 3)));
    assert.deepEqual(rows(trailing, 0)[1], [16, 'no flow export', '3 octets']);
    assert.deepEqual(trailing.faults, [{ at: 16, code: 'trailing-bytes' }]);
    assert.deepEqual(dissect(u8()).faults, [{ at: 0, code: 'datagram-too-short' }]);
  });

  it('cuts long values', () => {
    const octets = (n: number) =>
      dissect(ipfix({}, set(2, template(256, [313, n])), set(256, new Uint8Array(n)))).parts.at(-1)?.value;
    const most = (MAX_VALUE_CHARACTERS - 2) / 2;
    assert.equal(octets(most), `0x${'00'.repeat(most)}`);
    assert.equal(octets(most + 1), `0x${'00'.repeat(most)}... (${MAX_VALUE_CHARACTERS + 2} characters)`);
  });
});
