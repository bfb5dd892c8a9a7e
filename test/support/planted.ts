import { systemClock } from '../../src/base/clock.ts';
import { StoreContent } from '../../src/templates/store-content.ts';
import type { Planted } from '../conformance/store-conformance.ts';

/** The content of a store in which such values stand since now. */
export function plantedContent(planted: readonly Planted[]): StoreContent {
  const content = new StoreContent();
  const nowMs = systemClock.wallMs();
  for (const { scope, item, value } of planted) {
    content.set(scope, item, { value, arrivedAtMs: nowMs, announcedAtMs: nowMs });
  }
  return content;
}
