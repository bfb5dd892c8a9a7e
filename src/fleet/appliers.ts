import type { StoreChange } from '../templates/store.ts';
import { decodeEntry, type Entry, EntryKind, type LevelEntry } from './entries.ts';
import type { LogGate } from './log-gate.ts';

/** The highest feature level of entries that this release understands. */
export const FEATURE_LEVEL = 1;

/** What an entry of a store says, as the contract of stores puts it; null for other kinds. */
export function changeOf(entry: Entry, ageMs: number): StoreChange | null {
  switch (entry.kind) {
    case EntryKind.put: {
      const items = entry.items.map(({ item, value, ageMs: waitedMs }) => ({
        item,
        value,
        idleMs: waitedMs + ageMs,
      }));
      return { type: 'put', scope: entry.scope, items };
    }
    case EntryKind.remove:
      return { type: 'remove', scope: entry.scope, items: entry.items, reason: entry.reason };
    case EntryKind.clear:
      return { type: 'clear', scope: entry.scope, what: entry.what, reason: entry.reason };
    default:
      return null;
  }
}

/** Registers what this release does with entries: changes go to `changed`; a level it does not know is an obstacle. */
export function registerAppliers(
  gate: LogGate,
  changed: (change: StoreChange, index: number) => void,
  maxLevel = FEATURE_LEVEL,
): void {
  for (const kind of [EntryKind.put, EntryKind.remove, EntryKind.clear])
    gate.register<Entry>(kind, {
      decode: (body) => decodeEntry(kind, body),
      apply: (entry, index, ageMs) => {
        const change = changeOf(entry, ageMs);
        if (change !== null) changed(change, index);
      },
    });
  gate.register<LevelEntry>(EntryKind.level, {
    decode: (body) => {
      const entry = decodeEntry(EntryKind.level, body) as LevelEntry | null;
      return entry !== null && entry.level <= maxLevel ? entry : null;
    },
    apply: () => {},
  });
}
