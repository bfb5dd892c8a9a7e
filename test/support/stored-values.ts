import type { NewItem } from '../../src/templates/store.ts';
import { encodeValue, ValueKind } from '../../src/templates/stored-value.ts';

export interface ValueSaying {
  readonly kind?: number;
  readonly exportTimeMs?: number;
  readonly sequence?: number;
  readonly payload?: string | Uint8Array;
  readonly ageMs?: number;
}

/** A sound value, told apart by its payload. */
export function value(scope: string, item: string, saying: ValueSaying = {}): Buffer {
  const { payload = item } = saying;
  return Buffer.from(
    encodeValue(scope, item, {
      kind: saying.kind ?? ValueKind.data,
      learnedAtMs: 1_700_000_000_000,
      exportTimeMs: saying.exportTimeMs ?? 1_700_000_000_000,
      sequence: saying.sequence ?? 1,
      writer: new Uint8Array(8),
      payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    }),
  );
}

export function newItem(scope: string, item: string, saying: ValueSaying = {}): NewItem {
  return { item, value: value(scope, item, saying), ageMs: saying.ageMs ?? 0 };
}

/** The value as a later release would write it. */
export function newerFormat(octets: Buffer): Buffer {
  const newer = Buffer.from(octets);
  newer[4] = 2;
  return newer;
}
