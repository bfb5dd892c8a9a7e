import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLayout } from '../../src/decode/layout.ts';
import { standardElements } from '../../src/elements/registry.ts';
import { SharedHeap } from '../../src/memory/heap.ts';
import { Scope } from '../../src/templates/scope.ts';
import {
  entryIsOptions,
  entryLayout,
  entryTemplateId,
  SharedEntries,
} from '../../src/templates/shared-entries.ts';

test('entries keep layouts apart also after 2^32 of them', () => {
  const buffer = new SharedArrayBuffer(4096);
  const heap = new SharedHeap(new Uint8Array(buffer), new DataView(buffer), 64, 4096);
  const entries = new SharedEntries(heap);
  const scope = new Scope(10, new Uint8Array(16), 0, 1, 0, 0, null);
  for (const uid of [5, 2 ** 32 + 5]) {
    const layout = createLayout(uid, 10, 0, [{ pen: 0, id: 1, length: 4 }], standardElements);
    const address = entries.publish(scope, 65_535, 'options', layout);
    assert.deepEqual(entryLayout(heap.view, address, standardElements), layout);
    assert.equal(entryTemplateId(heap.view, address), 65_535);
    assert.equal(entryIsOptions(heap.view, address), true);
  }
});
