import { MillraceError } from '../../base/errors.ts';
import type { Column } from '../../decode/plan.ts';
import type { Element } from '../../elements/element.ts';
import type { Filter } from '../../filter/parser.ts';
import { ViewFilter } from '../../filter/view-filter.ts';
import { MillraceView } from '../../schema/millrace-view.ts';
import { Scratch } from '../../schema/scratch.ts';
import type { RowValue } from '../../schema/values.ts';
import { type FrameView, NO_PLAN } from './frame-view.ts';

/** A frame of which it cannot be told what a filter of the datagrams would have kept (code INPUT_FAILED). */
export class FrameFilterError extends MillraceError {
  constructor(reason: string) {
    super('INPUT_FAILED', reason);
  }
}

/** Applies a filter to frames, as BatchFilter does to batches. */
export class FrameFilter {
  readonly #filter: Filter;
  readonly #elements: Iterable<Element>;
  readonly #scratch = new Scratch();
  readonly #prepared = new WeakMap<FrameView, ViewFilter>();
  #byName: ReadonlyMap<string, Element> | null = null;
  #kept = new Uint32Array(0);

  /** elements: those after which fields of frames of schema iana are named. */
  constructor(filter: Filter, elements: Iterable<Element>) {
    this.#filter = filter;
    this.#elements = elements;
  }

  /** Takes the rows that do not pass out of the frame and returns how many they were. Throws FrameFilterError. */
  apply(view: FrameView): number {
    const { batch } = view;
    const { rows } = batch;
    if (this.#kept.length < rows) this.#kept = new Uint32Array(rows);
    if (view.schema === 'iana') prepareFields(view);
    const count = this.#filterOf(view).select(batch, this.#kept);
    view.keep(this.#kept, count);
    return rows - count;
  }

  #filterOf(view: FrameView): ViewFilter {
    let found = this.#prepared.get(view);
    if (found === undefined) {
      found = new ViewFilter(this.#filter, view.schema === 'iana' ? this.#nativeView(view) : view);
      this.#prepared.set(view, found);
    }
    return found;
  }

  /** The native record of flows that have these fields. */
  #nativeView(view: FrameView): MillraceView {
    const byName = (this.#byName ??= new Map([...this.#elements].map((element) => [element.name, element])));
    const columns = view.grouped.flatMap((field) => planColumns(field, byName.get(field.key)));
    const plan = { layout: NO_PLAN.layout, columns, fields: [] };
    const state = (address: number) => ({ ...NOTHING, systemInitMs: view.sets[address - 1].systemInitMs });
    return new MillraceView(plan, this.#scratch, state, this.#filter.keys);
  }
}

function prepareFields({ batch, grouped }: FrameView): void {
  if (grouped.some(({ absent, present }) => absent || present !== null))
    throw new FrameFilterError('it has records of one layout with different fields');
  // In place of an address in memory: from 1 on.
  batch.sets.forEach((set, i) => {
    set.stateAddress = i + 1;
  });
}

/** What filters look at depends on the state of the exporter in one case, the time the system came up. */
const NOTHING = {
  samplingRate: () => 0,
  ratesOfInterfaces: false,
  interfaceName: () => null,
  interfaceDescription: () => null,
  vrfName: () => null,
  applicationName: () => null,
  samplerName: () => null,
  selectorName: () => null,
};

function planColumns({ key, columns }: RowValue, element: Element | undefined): Column[] {
  const { pen, id } = element ?? { pen: 0, id: 0 };
  return columns.map(({ storage, render }) => ({
    ...{ key, element, pen, id, scope: false, length: 0, offset: -1, source: 'record', storage },
    // Fields are never of the other kinds, and of this one nothing is made.
    render: render === 'time' || render === 'rate' || render === 'word' ? 'float' : render,
  }));
}
