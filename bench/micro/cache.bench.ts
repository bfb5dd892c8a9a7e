import { strict as assert } from 'node:assert';
import { DEFAULT_DECODE_LIMITS } from '../../src/decode/limits.ts';
import { standardElements } from '../../src/elements/registry.ts';
import { DEFAULT_START_MS } from '../../src/generator/exporters.ts';
import { Prng } from '../../src/generator/prng.ts';
import { shapeFields } from '../../src/generator/template-data.ts';
import type { TemplateEntry } from '../../src/templates/scope.ts';
import { DEFAULT_SCOPE_LIMITS, ScopeTable } from '../../src/templates/scope-table.ts';
import { LOCAL_ENTRIES, TemplateRegistry } from '../../src/templates/template-registry.ts';
import type { Bench, Prepared, Size } from '../harness.ts';
import { digest, exporterAddress, SEED } from './input.ts';

const DOMAINS_PER_EXPORTER = 4;
const TEMPLATES = 5;
const TTL_MS = 30 * 60 * 1000;
const NOW_MS = DEFAULT_START_MS;

/** A scope by its address and domain, and one of its templates, in an order of chance. */
export const cacheBenches: Bench[] = [
  { name: 'cache/find-10000-scopes', unit: 'lookup', prepare: (size) => prepare(size) },
];

function prepare(size: Size): Prepared {
  const scopes = size === 'full' ? 10_000 : 200;
  const lookups = size === 'full' ? 16_384 : 512;
  const table = new ScopeTable<null>(DEFAULT_SCOPE_LIMITS, {
    companion: () => null,
    opened: () => {},
    evicted: () => {},
  });
  const registry = new TemplateRegistry(DEFAULT_DECODE_LIMITS, TTL_MS, standardElements, LOCAL_ENTRIES);
  const addresses = new Uint8Array(16 * scopes);
  for (let i = 0; i < scopes; i++) {
    addresses.set(exporterAddress(Math.floor(i / DOMAINS_PER_EXPORTER)), i * 16);
    const scope = table.obtain(9, addresses, i * 16, 0, domainOf(i), NOW_MS)!;
    for (let t = 0; t < TEMPLATES; t++) {
      registry.learn(scope, 256 + t, 'data', 9, 0, shapeFields(9, t * 4), {
        nowMs: NOW_MS,
        exportTimeMs: NOW_MS,
        sequence: t,
      });
    }
  }

  const prng = new Prng(SEED, 3);
  const scopeOf = Uint32Array.from({ length: lookups }, () => prng.below(scopes));
  const templateOf = Uint32Array.from({ length: lookups }, () => 256 + prng.below(TEMPLATES));
  const found: (TemplateEntry | undefined)[] = new Array(lookups);
  return {
    unitsPerRun: lookups,
    run() {
      for (let i = 0; i < lookups; i++) {
        const scope = table.find(9, addresses, scopeOf[i] * 16, 0, domainOf(scopeOf[i]))!;
        found[i] = registry.find(scope, templateOf[i], NOW_MS + 1);
      }
      return found;
    },
    check() {
      assert.equal(table.size, scopes);
      found.forEach((entry, i) => {
        const { scope, templateId } = entry!;
        const at = scopeOf[i] * 16;
        assert.equal(templateId, templateOf[i]);
        assert.equal(scope.domain, domainOf(scopeOf[i]));
        assert.deepEqual(scope.address, addresses.slice(at, at + 16));
      });
    },
    hash: () => digest(...found.map((entry) => entry!.templateId * 8 + entry!.scope.domain)),
  };
}

const domainOf = (scope: number): number => 1 + (scope % DOMAINS_PER_EXPORTER);
