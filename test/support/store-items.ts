import type { NewItem } from '../../src/templates/store.ts';
import { encodeValue, type StoredValue, ValueKind } from '../../src/templates/stored-value.ts';

/** A template as a store takes it; equal texts are equal definitions. */
export function templateItemOf(
  scope: string,
  id: number,
  text: string,
  said: Partial<StoredValue> & { ageMs?: number } = {},
): NewItem {
  const { ageMs = 0, ...rest } = said;
  const item = `template/${id}`;
  const value = encodeValue(scope, item, {
    kind: ValueKind.data,
    learnedAtMs: 1_700_000_000_000,
    exportTimeMs: 1_700_000_000_000,
    sequence: 1,
    writer: new TextEncoder().encode('writer-1'),
    payload: new TextEncoder().encode(text),
    ...rest,
  });
  return { item, value, ageMs };
}
