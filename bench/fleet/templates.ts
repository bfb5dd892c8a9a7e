import { layoutBytes } from '../../src/decode/layout.ts';
import { DEFAULT_START_MS } from '../../src/generator/exporters.ts';
import { shapeFields } from '../../src/generator/template-data.ts';
import type { NewItem } from '../../src/templates/store.ts';
import { scopeName, templateItem } from '../../src/templates/store-key.ts';
import { encodeValue, ValueKind } from '../../src/templates/stored-value.ts';

export const TEMPLATES_PER_SCOPE = 5;
/** Shapes of the generator's v9 templates, in turns of their fields. */
const SHAPES = 16;

/** Name of the nth scope. */
export function scopeOf(n: number): string {
  const address = new Uint8Array(16);
  address.set([0xff, 0xff, 10, (n >> 16) & 255, (n >> 8) & 255, n & 255], 10);
  return scopeName(9, address, 0, 1);
}

/** A template of the generator; `turn` makes another definition of it. */
export function templateOf(scope: string, n: number, turn = 0): NewItem {
  const item = templateItem(256 + n);
  const payload = layoutBytes(9, 0, shapeFields(9, (n + turn) % SHAPES));
  const exportTimeMs = DEFAULT_START_MS + turn * 1000;
  const said = {
    kind: ValueKind.data,
    learnedAtMs: exportTimeMs,
    exportTimeMs,
    sequence: turn,
    writer: new Uint8Array(8),
  };
  return { item, value: encodeValue(scope, item, { ...said, payload }), ageMs: 0 };
}

export function templatesOf(scope: string, count = TEMPLATES_PER_SCOPE): NewItem[] {
  return Array.from({ length: count }, (_, n) => templateOf(scope, n));
}
