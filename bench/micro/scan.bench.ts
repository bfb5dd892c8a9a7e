import { strict as assert } from 'node:assert';
import { RecordOffset } from '../../src/memory/layout.ts';
import type { SharedMemory } from '../../src/memory/shared-memory.ts';
import { WorkItems } from '../../src/memory/work-items.ts';
import type { Scope, TemplateEntry } from '../../src/templates/scope.ts';
import type { MessageHeader } from '../../src/wire/header.ts';
import type { Bench, Prepared, Size } from '../harness.ts';
import {
  CountingHandler,
  createMemory,
  createScanner,
  type Datagram,
  digest,
  joinSets,
  place,
  scanSlot,
  shuffled,
  simulate,
  teach,
} from './input.ts';

const TARGET_NS = 250;
const TEMPLATES = 5;

/** Datagrams that a run goes through: half a ring, no longer in any cache; or what has just been received. */
const WAITING = 4096;
const RECENT = 128;

/**
 * Scan and bind: 1000 exporters with 5 templates each, datagrams in an order of chance. `items`: work items are made
 * besides, as in the pipeline; `recent`: the datagrams are still in a cache.
 */
export const scanBenches: Bench[] = [
  bench('scan/1-set', 1, WAITING, false),
  bench('scan/8-sets', 8, WAITING, false),
  bench('scan/1-set-items', 1, WAITING, true),
  bench('scan/8-sets-items', 8, WAITING, true),
  bench('scan/1-set-items-recent', 1, RECENT, true),
  bench('scan/8-sets-items-recent', 8, RECENT, true),
];

function bench(name: string, sets: number, datagrams: number, items: boolean): Bench {
  return {
    name,
    unit: 'datagram',
    targetNs: TARGET_NS,
    prepare: (size) => prepare(size, sets, datagrams, items),
  };
}

/** Keeps a running number over what was bound, in order: which domain, which template, how long its records are. */
class BindingHandler extends CountingHandler {
  binding = 0;

  override bound(
    entry: TemplateEntry,
    scope: Scope<null>,
    _header: MessageHeader,
    _start: number,
    _end: number,
  ): void {
    this.sets++;
    this.binding = fold(this.binding, scope.domain, entry.templateId, entry.layout.minRecordBytes);
  }
}

/** Makes work items besides, as the pipeline does. */
class ItemHandler extends BindingHandler {
  readonly #items: WorkItems;
  payload = 0;

  constructor(memory: SharedMemory) {
    super();
    this.#items = new WorkItems(memory);
  }

  override bound(
    entry: TemplateEntry,
    scope: Scope<null>,
    header: MessageHeader,
    start: number,
    end: number,
  ): void {
    super.bound(entry, scope, header, start, end);
    const { payload } = this;
    const items = this.#items;
    if (items.free === 0) items.retired = items.made;
    items.make(payload, header.start - payload, start - payload, end - payload, false, entry.address, 0, 0);
  }
}

const fold = (sum: number, domain: number, templateId: number, recordBytes: number): number =>
  (Math.imul(sum, 31) + Math.imul(domain, 0x10001) + Math.imul(templateId, 257) + recordBytes) | 0;

function prepare(size: Size, sets: number, fullCount: number, withItems: boolean): Prepared {
  const exporters = size === 'full' ? 1000 : 20;
  const count = size === 'full' ? fullCount : 64;
  const memory = createMemory(size);
  const handler = withItems ? new ItemHandler(memory) : new BindingHandler();
  const scanner = createScanner(memory, handler);
  const datagrams = shuffled(collect(exporters, count, sets, (datagram) => teach(scanner, datagram)));
  const ring = memory.ring(0);
  const slots = datagrams.map((datagram) => {
    const slot = ring.claim();
    place(memory, slot, datagram);
    ring.publish();
    return slot;
  });

  function run(): number {
    handler.sets = 0;
    handler.binding = 0;
    for (let i = 0; i < slots.length; i++) {
      if (handler instanceof ItemHandler) handler.payload = slots[i] + RecordOffset.payload;
      scanSlot(scanner, memory, slots[i]);
    }
    return handler.binding;
  }

  return {
    unitsPerRun: count,
    run,
    check() {
      assert.equal(handler.surprises, 0);
      assert.equal(scanner.scopes.size, exporters);
      assert.equal(scanner.templates.size, exporters * TEMPLATES);
      assert.equal(handler.sets, count * sets);
      assert.equal(handler.binding, expected(datagrams));
    },
    hash: () => digest(handler.sets, handler.binding),
  };
}

function expected(datagrams: readonly Datagram[]): number {
  let sum = 0;
  for (const { message } of datagrams) {
    const lengths = new Map(message.data.map(({ templateId, template }) => [templateId, template.fields]));
    for (const id of message.sets) {
      const recordBytes = lengths.get(id)!.reduce((octets, { length }) => octets + length, 0);
      sum = fold(sum, message.domain, id, recordBytes);
    }
  }
  return sum;
}

/** Datagrams with so many data sets and nothing else; the announcements in front of them go to `announce`. */
function collect(
  exporters: number,
  count: number,
  sets: number,
  announce: (datagram: Datagram) => void,
): Datagram[] {
  const options = { exporters, templates: TEMPLATES, templateEvery: 0xffffffff };
  const collected: Datagram[] = [];
  const parts = new Map<number, Datagram[]>();
  for (const datagram of simulate(sets === 1 ? options : { ...options, recordsPerDatagram: 3 })) {
    const { message, exporter } = datagram;
    if (message.templates.length > 0) {
      announce(datagram);
      continue;
    }
    if (sets === 1) {
      if (message.sets.length === 1) collected.push(datagram);
    } else {
      const open = parts.get(exporter) ?? [];
      const have = open.reduce((sum, part) => sum + part.message.sets.length, 0);
      if (have + message.sets.length <= sets) open.push(datagram);
      parts.set(exporter, open);
      if (open.reduce((sum, part) => sum + part.message.sets.length, 0) === sets) {
        collected.push(joinSets(open));
        parts.delete(exporter);
      }
    }
    if (collected.length === count) return collected;
  }
  return collected;
}
