import { Budget, FlowBatch } from '../../src/decode/batch.ts';
import { interpretSet, SetCursor } from '../../src/decode/interpret.ts';
import { createPlan } from '../../src/decode/plan.ts';
import { standardElements } from '../../src/elements/registry.ts';
import type { SharedHeap } from '../../src/memory/heap.ts';
import type { SharedMemory } from '../../src/memory/shared-memory.ts';
import { ExporterState } from '../../src/templates/exporter-state.ts';
import type { Scope, TemplateEntry } from '../../src/templates/scope.ts';
import type { MessageHeader } from '../../src/wire/header.ts';
import { CountingHandler, createMemory, createScanner, type Datagram, simulate, teach } from './input.ts';

/** Snapshots of exporter state in shared memory, learned from simulated options data. */
export interface States {
  memory: SharedMemory;
  /** Address of the snapshot by exporter. */
  addresses: number[];
}

export function learnStates(exporters: number): States {
  const memory = createMemory('smoke');
  const states = Array.from({ length: exporters }, () => new ExporterState({ entries: 0 }));
  const handler = new OptionsHandler(states);
  const scanner = createScanner(createMemory('smoke'), handler);
  const records = new Array<number>(exporters).fill(0);
  let left = exporters;
  for (const datagram of simulate({ exporters, options: true, templateEvery: 0xffffffff })) {
    const { exporter, message } = datagram;
    handler.datagram = datagram;
    teach(scanner, datagram);
    // Options records come in the first datagrams of an exporter only.
    if (message.optionsData.length === 0 && records[exporter] > 0) left--;
    records[exporter] = message.optionsData.length === 0 ? -1 : records[exporter] + 1;
    if (left === 0) break;
  }
  const heap: SharedHeap = memory.heap();
  return { memory, addresses: states.map((state) => state.publish(heap)) };
}

class OptionsHandler extends CountingHandler {
  datagram: Datagram | undefined;
  readonly #states: readonly ExporterState[];
  readonly #batches = new Map<number, FlowBatch>();
  readonly #cursor = new SetCursor();
  readonly #budget = new Budget();

  constructor(states: readonly ExporterState[]) {
    super();
    this.#states = states;
  }

  override bound(
    entry: TemplateEntry,
    _scope: Scope<null>,
    header: MessageHeader,
    start: number,
    end: number,
  ): void {
    if (entry.kind !== 'options') return;
    const { payload, exporter } = this.datagram!;
    const { uid } = entry.layout;
    const batch = this.#batches.get(uid) ?? new FlowBatch(createPlan(entry.layout, standardElements), 64);
    this.#batches.set(uid, batch);
    batch.reset();
    const set = batch.beginSet();
    set.options = true;
    set.templateId = entry.templateId;
    this.#budget.reset(1e6, 1e6);
    this.#cursor.begin(header.start, start, end, 1000);
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    interpretSet(batch.plan, batch, payload, view, this.#cursor, this.#budget);
    set.rowEnd = batch.rows;
    this.#states[exporter].learn(batch, set);
  }
}
