import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cidr, parseAddress } from '../../src/base/ip.ts';
import { Admission, type AdmissionRules, Gatekeeper } from '../../src/dispatch/admission.ts';
import fc from '../support/fast-check.ts';

const START_MS = 1_700_000_000_000;
const bytesOf = (text: string): Uint8Array => {
  const bytes = new Uint8Array(16);
  assert.ok(parseAddress(text, bytes));
  return bytes;
};
const gatekeeper = (rules: Partial<AdmissionRules>, maxExporters?: number): Gatekeeper =>
  new Gatekeeper({ allow: [], exporterRate: 0, ...rules }, maxExporters);
const ask = (keeper: Gatekeeper, address: string, atMs: number): number =>
  keeper.judge(bytesOf(address), 0, atMs);

test('address ranges come first, and nothing that is not allowed spends anything', () => {
  const allow = [Cidr.parse('10.0.0.0/8')!, Cidr.parse('2001:db8::/32')!];
  const keeper = gatekeeper({ allow, exporterRate: 1 });
  assert.equal(ask(keeper, '11.0.0.1', START_MS), Admission.notAllowed);
  assert.equal(keeper.exporters, 0);
  assert.equal(ask(keeper, '10.0.0.1', START_MS), Admission.admitted);
  assert.equal(ask(keeper, '2001:db8::1', START_MS), Admission.admitted);
  assert.equal(ask(keeper, '10.0.0.1', START_MS), Admission.overRate);
});

test('the rate, both sides: a second of it at once, then one for each share of a second', () => {
  for (const exporterRate of [1, 3, 1000]) {
    const keeper = gatekeeper({ exporterRate });
    for (let i = 0; i < exporterRate; i++) assert.equal(ask(keeper, '::1', START_MS), Admission.admitted);
    assert.equal(ask(keeper, '::1', START_MS), Admission.overRate);
    const shareMs = 1000 / exporterRate;
    assert.equal(ask(keeper, '::1', START_MS + shareMs * 0.9), Admission.overRate);
    assert.equal(ask(keeper, '::1', START_MS + shareMs + 0.01), Admission.admitted);
    assert.equal(ask(keeper, '::1', START_MS + shareMs + 0.01), Admission.overRate);
    assert.equal(ask(keeper, '::2', START_MS), Admission.admitted, 'others have their own');
  }
});

test('over any time an address gets its rate and one burst, no less and no more', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), gaps, (exporterRate, waits) => {
      const keeper = gatekeeper({ exporterRate });
      let tokens = exporterRate;
      let atMs = START_MS;
      for (const wait of waits) {
        atMs += wait;
        tokens = Math.min(exporterRate, tokens + (wait * exporterRate) / 1000);
        const admitted = ask(keeper, '192.0.2.1', atMs) === Admission.admitted;
        // Within rounding of a whole token either answer is right.
        if (Math.abs(tokens - 1) > 1e-2) assert.equal(admitted, tokens >= 1);
        if (admitted) tokens -= 1;
      }
    }),
  );
});

test('the table is bounded, both sides: without room newcomers share one rate, and known ones keep theirs', () => {
  const keeper = gatekeeper({ exporterRate: 2 }, 2);
  assert.equal(ask(keeper, '10.0.0.1', START_MS), Admission.admitted);
  assert.equal(ask(keeper, '10.0.0.2', START_MS), Admission.admitted);
  assert.equal(ask(keeper, '10.0.0.3', START_MS), Admission.admitted);
  assert.equal(ask(keeper, '10.0.0.4', START_MS), Admission.admitted);
  assert.equal(ask(keeper, '10.0.0.5', START_MS), Admission.overRate);
  assert.equal(ask(keeper, '10.0.0.1', START_MS), Admission.admitted);
  assert.equal(keeper.exporters, 2);
  // Later the silent ones are forgotten.
  assert.equal(ask(keeper, '10.0.0.5', START_MS + 2_000), Admission.admitted);
  assert.equal(keeper.exporters, 1);
});

test('a clock that is set back locks nobody out', () => {
  const keeper = gatekeeper({ exporterRate: 1 }, 1);
  ask(keeper, '10.0.0.1', START_MS);
  assert.equal(ask(keeper, '10.0.0.1', START_MS - 3_600_000), Admission.admitted);
  assert.equal(ask(keeper, '10.0.0.1', START_MS - 3_600_000), Admission.overRate);
  ask(keeper, '10.0.0.2', START_MS);
  assert.equal(ask(keeper, '10.0.0.3', START_MS - 3_600_000), Admission.admitted);
  assert.equal(keeper.exporters, 1);
});

test('new rules hold at once', () => {
  const keeper = gatekeeper({ exporterRate: 1 });
  ask(keeper, '10.0.0.1', START_MS);
  keeper.change({ allow: [], exporterRate: 2 });
  assert.equal(ask(keeper, '10.0.0.1', START_MS), Admission.admitted);
  keeper.change({ allow: [Cidr.parse('::1')!], exporterRate: 0 });
  assert.equal(ask(keeper, '10.0.0.1', START_MS), Admission.notAllowed);
  assert.equal(ask(keeper, '::1', START_MS), Admission.admitted);
});
