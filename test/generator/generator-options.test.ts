import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '../../src/base/errors.ts';
import { ExporterSimulator, type GeneratorOptions } from '../../src/generator/exporters.ts';
import { resolveGeneratorOptions } from '../../src/generator/generator-options.ts';

function refused(options: Partial<GeneratorOptions>): string {
  try {
    resolveGeneratorOptions(options);
  } catch (error) {
    assert.ok(error instanceof MillraceError);
    assert.equal(error.code, 'CONFIG_INVALID');
    assert.ok(!error.message.includes('\n'));
    return error.message;
  }
  return '';
}

test('defaults are one v9 exporter with one template and no disturbance', () => {
  const options = resolveGeneratorOptions({});
  assert.equal(options.version, 9);
  assert.equal(options.exporters, 1);
  assert.equal(options.templates, 1);
  assert.equal(options.templateEvery, 20);
  assert.equal(options.maxDatagramBytes, 1400);
  assert.equal(options.loss + options.reorder + options.redefine, 0);
  assert.equal(options.options, false);
  assert.deepEqual(resolveGeneratorOptions({ seed: undefined, loss: undefined }), options);
});

const LIMITS: [keyof GeneratorOptions, inside: number[], outside: number[]][] = [
  ['exporters', [1, 65_535], [0, 65_536, 1.5, Number.NaN]],
  ['templates', [1, 1000], [0, 1001, 2.5]],
  ['seed', [0, Number.MAX_SAFE_INTEGER], [-1, 0.5, 2 ** 53]],
  [
    'startMs',
    [86_400_000 * 50, 0xffff_ffff * 1000],
    [0, 0x1_0000_0000 * 1000, Number.NaN, Number.POSITIVE_INFINITY],
  ],
  ['intervalMs', [0, 0.001, 86_400_000], [-1, 86_400_001, Number.NaN]],
  ['templateEvery', [1, 0xffff_ffff], [0, 1.5]],
  ['recordsPerDatagram', [1, 65_535], [0, 65_536, 1.5]],
  ['maxDatagramBytes', [1024, 65_507], [1023, 65_508]],
  ['loss', [0, 0.999], [-0.1, 1, 1.1, Number.NaN]],
  ['reorder', [0, 1], [-0.1, 1.1, Number.NaN]],
  ['redefine', [0, 1], [-1, 0.5]],
  ['firstSequence', [0, 0xffff_ffff], [-1, 0x1_0000_0000]],
];
for (const [name, inside, outside] of LIMITS) {
  test(`${name} has its limits`, () => {
    for (const value of inside) assert.equal(refused({ [name]: value }), '', `${value}`);
    for (const value of outside)
      assert.match(refused({ [name]: value }), new RegExp(`option ${name} must be`));
  });
}

test('versions have their own limits', () => {
  assert.match(refused({ version: 8 as 9 }), /option version must be 5, 7, 9 or 10, not 8/);
  assert.equal(refused({ version: 5, recordsPerDatagram: 30 }), '');
  assert.match(refused({ version: 5, recordsPerDatagram: 31 }), /recordsPerDatagram .* from 1 to 30, not 31/);
  assert.equal(refused({ version: 7, recordsPerDatagram: 28 }), '');
  assert.match(refused({ version: 7, recordsPerDatagram: 29 }), /recordsPerDatagram/);
  assert.match(refused({ version: 5, templates: 2 }), /option templates must be 1 for this version, not 2/);
  assert.match(refused({ version: 7, redefine: 5 }), /option redefine must be 0 for this version, not 5/);
});

test('the simulator refuses what the options refuse', () => {
  assert.throws(() => new ExporterSimulator({ exporters: 0 }), { code: 'CONFIG_INVALID' });
});
