import type { Column } from '../../decode/plan.ts';
import type { Element } from '../../elements/element.ts';
import type { Filter } from '../../filter/parser.ts';
import { ViewFilter } from '../../filter/view-filter.ts';
import { MillraceView } from '../../schema/millrace-view.ts';
import { Scratch } from '../../schema/scratch.ts';
import type { RowValue } from '../../schema/values.ts';
import { type FrameView, NO_PLAN } from './frame-view.ts';

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

  /**
   * Takes the rows that do not pass out of the frame and returns how many they were. Null for a frame of schema iana that has
   * rows without one of its fields: no template has made it, so it cannot be told what a flow record would be.
   */
  apply(view: FrameView): number | null {
    const { batch } = view;
    const { rows } = batch;
    if (this.#kept.length < rows) this.#kept = new Uint32Array(rows);
    if (view.schema === 'iana' && !view.grouped.every(isEverywhere)) return null;
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

  /** The native record of flows that have these fields; without what only options data told. */
  #nativeView({ grouped }: FrameView): MillraceView {
    const byName = (this.#byName ??= new Map([...this.#elements].map((element) => [element.name, element])));
    const columns = grouped.flatMap((field) => planColumns(field, byName.get(field.key)));
    const plan = { layout: NO_PLAN.layout, columns, fields: [] };
    return new MillraceView(plan, this.#scratch, () => null, this.#filter.keys);
  }
}

function isEverywhere({ absent, present }: RowValue): boolean {
  return !absent && present === null;
}

function planColumns({ key, columns }: RowValue, element: Element | undefined): Column[] {
  const { pen, id } = element ?? { pen: 0, id: 0 };
  return columns.map(({ storage, render }) => ({
    ...{ key, element, pen, id, scope: false, length: 0, offset: -1, source: 'record', storage },
    // Fields are never of the other kinds, and of this one nothing is made.
    render: render === 'time' || render === 'rate' || render === 'word' ? 'float' : render,
  }));
}
