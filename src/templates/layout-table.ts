import { BUILTIN_LAYOUTS } from '../decode/builtin.ts';
import {
  createLayout,
  type Dialect,
  type FieldSpecifier,
  type Layout,
  layoutBytes,
} from '../decode/layout.ts';
import type { ElementLookup } from '../elements/element.ts';

interface Shared {
  readonly layout: Layout;
  readonly key: string;
  references: number;
}

/**
 * Layouts by their shape: templates of equal shape, whoever announced them, share one. A layout is forgotten when its last
 * template is. Main thread.
 */
export class LayoutTable {
  readonly #elements: ElementLookup;
  readonly #byShape = new Map<string, Shared>();
  readonly #byUid = new Map<number, Shared>();
  #nextUid = BUILTIN_LAYOUTS + 1;

  constructor(elements: ElementLookup) {
    this.#elements = elements;
  }

  get size(): number {
    return this.#byShape.size;
  }

  /** The layout of this shape; every acquire is answered by one release. */
  acquire(dialect: Dialect, scopeCount: number, fields: readonly FieldSpecifier[]): Layout {
    const bytes = layoutBytes(dialect, scopeCount, fields);
    const key = Buffer.from(bytes.buffer).toString('latin1');
    let shared = this.#byShape.get(key);
    if (shared === undefined) {
      const layout = createLayout(this.#nextUid++, dialect, scopeCount, fields, this.#elements);
      shared = { layout, key, references: 0 };
      this.#byShape.set(key, shared);
      this.#byUid.set(layout.uid, shared);
    }
    shared.references++;
    return shared.layout;
  }

  /** Returns true when nobody needs the layout any more. */
  release(layout: Layout): boolean {
    const shared = this.#byUid.get(layout.uid);
    if (shared === undefined || --shared.references > 0) return false;
    this.#byUid.delete(layout.uid);
    this.#byShape.delete(shared.key);
    return true;
  }
}
