import { strict as assert } from 'node:assert';
import { layoutBytes } from '../../src/decode/layout.ts';
import { contentBytes, readContent } from '../../src/templates/content-bytes.ts';
import { MemoryStore } from '../../src/templates/memory-store.ts';
import type { NewItem, StoredItem, StoreWatcher } from '../../src/templates/store.ts';
import { StoreContent } from '../../src/templates/store-content.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { templateItemOf } from '../../test/support/store-items.ts';
import type { Bench, Prepared, Size } from '../harness.ts';
import { digest } from './input.ts';

const TEMPLATES_PER_SCOPE = 5;
const FIELDS = 21;
const TAKEN_AT_MS = 1_700_000_000_000;

/** What a template costs in the memory store, and in the format of the file store, without the disk. */
export const storeBenches: Bench[] = [
  { name: 'store/put-new', unit: 'template', prepare: (size) => preparePut(size, true) },
  { name: 'store/put-same', unit: 'template', prepare: (size) => preparePut(size, false) },
  { name: 'store/get-scope', unit: 'template', prepare: prepareGet },
  { name: 'store/restore', unit: 'template', prepare: prepareRestore },
  { name: 'store/file-write', unit: 'template', prepare: prepareWrite },
  { name: 'store/file-read', unit: 'template', prepare: prepareRead },
];

function scopesOf(size: Size): Map<string, NewItem[]> {
  const scopes = size === 'full' ? 2_000 : 20;
  const all = new Map<string, NewItem[]>();
  for (let i = 0; i < scopes; i++) {
    const scope = `ipfix/10.0.${i >> 8}.${i & 255}/0/${i}`;
    const items = Array.from({ length: TEMPLATES_PER_SCOPE }, (_, t) => {
      const fields = Array.from({ length: FIELDS }, (_, f) => ({ pen: 0, id: 1 + t + f, length: 4 }));
      return templateItemOf(scope, 256 + t, '', { payload: layoutBytes(10, 0, fields) });
    });
    all.set(scope, items);
  }
  return all;
}

const countOf = (scopes: ReadonlyMap<string, unknown>): number => scopes.size * TEMPLATES_PER_SCOPE;

async function filled(scopes: ReadonlyMap<string, NewItem[]>): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const [scope, items] of scopes) await store.put(scope, items);
  return store;
}

function contentOf(scopes: ReadonlyMap<string, NewItem[]>): StoreContent {
  const content = new StoreContent();
  for (const [scope, items] of scopes) {
    const stored = items.map(({ item, value }) => ({ item, value, idleMs: 0 }));
    content.apply({ type: 'put', scope, items: stored }, content.index + 1, TAKEN_AT_MS);
  }
  return content;
}

async function preparePut(size: Size, fresh: boolean): Promise<Prepared> {
  const scopes = scopesOf(size);
  const kept = await filled(scopes);
  const outcomes = new Map<string, number>();
  return {
    unitsPerRun: countOf(scopes),
    async run() {
      outcomes.clear();
      const store = fresh ? new MemoryStore() : kept;
      for (const [scope, items] of scopes) {
        const { outcome } = await store.put(scope, items);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
      return store;
    },
    check: () => assert.deepEqual([...outcomes], [[fresh ? 'stored' : 'unchanged', scopes.size]]),
    hash: () => digest(JSON.stringify([...outcomes])),
  };
}

async function prepareGet(size: Size): Promise<Prepared> {
  const scopes = scopesOf(size);
  const store = await filled(scopes);
  const found = new Map<string, StoredItem[]>();
  return {
    unitsPerRun: countOf(scopes),
    async run() {
      for (const scope of scopes.keys()) found.set(scope, await store.getScope(scope));
      return found;
    },
    check: () => checkContent(found, scopes),
    hash: () => hashOf(found),
  };
}

/** From a store to its watcher, as at the start of a collector. */
async function prepareRestore(size: Size): Promise<Prepared> {
  const scopes = scopesOf(size);
  const content = contentOf(scopes);
  // Its time is that of the content: nothing is too old.
  const clock = new ManualClock();
  const found = new Map<string, readonly StoredItem[]>();
  const watcher: StoreWatcher = {
    resetBegin: () => found.clear(),
    resetScope: (scope, items) => void found.set(scope, items),
    resetEnd: () => {},
    changed: () => {},
    state: () => {},
  };
  return {
    unitsPerRun: countOf(scopes),
    run: () => new MemoryStore(clock, content).watch(watcher),
    check: () => checkContent(found, scopes),
    hash: () => hashOf(found),
  };
}

function prepareWrite(size: Size): Prepared {
  const scopes = scopesOf(size);
  const content = contentOf(scopes);
  let bytes: Uint8Array = new Uint8Array(0);
  return {
    unitsPerRun: countOf(scopes),
    run: () => (bytes = contentBytes(content, TAKEN_AT_MS)),
    check() {
      const values = [...scopes.values()].flat().reduce((sum, { value }) => sum + value.length, 0);
      assert.ok(bytes.length > values && bytes.length < values + 100 * countOf(scopes));
    },
    hash: () => digest(bytes),
  };
}

function prepareRead(size: Size): Prepared {
  const scopes = scopesOf(size);
  const bytes = contentBytes(contentOf(scopes), TAKEN_AT_MS);
  let content = new StoreContent();
  return {
    unitsPerRun: countOf(scopes),
    run() {
      const read = readContent(bytes);
      assert.ok(typeof read !== 'string');
      content = read.content;
      return content;
    },
    check() {
      const found = [...scopes.keys()].map((scope) => [scope, content.items(scope)] as const);
      checkContent(
        new Map(found.map(([scope, items]) => [scope, items.map(([item, { value }]) => ({ item, value }))])),
        scopes,
      );
    },
    hash: () => digest(contentBytes(content, TAKEN_AT_MS)),
  };
}

type Values = ReadonlyMap<string, readonly { readonly item: string; readonly value: Uint8Array }[]>;

function checkContent(found: Values, scopes: Values): void {
  assert.equal(found.size, scopes.size);
  assert.equal(hashOf(found), hashOf(scopes));
}

function hashOf(content: Values): string {
  const lines = [...content].map(([scope, items]) =>
    [scope, ...items.map(({ item, value }) => `${item} ${Buffer.from(value).toString('hex')}`)].join('\n'),
  );
  return digest(lines.sort().join('\n'));
}
