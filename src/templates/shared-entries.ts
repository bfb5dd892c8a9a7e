import {
  LAYOUT_FIELD_BYTES,
  LAYOUT_HEADER_BYTES,
  type Layout,
  layoutBytes,
  readLayout,
} from '../decode/layout.ts';
import type { ElementLookup } from '../elements/element.ts';
import type { SharedBlocks } from '../memory/heap.ts';
import type { Scope, TemplateEntry, TemplateKind } from './scope.ts';
import type { EntryPublisher } from './template-registry.ts';

/**
 * Template entries as decode workers see them. Blocks of the shared heap, little-endian:
 *
 * ```
 * entry      f64 layout uid, u32 layout address, u16 template id, u8 1 for options
 * layout     canonical bytes (decode/layout.ts)
 * directory  u32 count, then per template u32 template id, u32 entry address
 * ```
 */
const ENTRY_BYTES = 15;
const DIRECTORY_RECORD_BYTES = 8;

/** Publishes entries into the shared heap. Main thread. */
export class SharedEntries implements EntryPublisher {
  readonly #blocks: SharedBlocks;
  /** Addresses of layout blocks by uid. */
  readonly #layouts = new Map<number, number>();

  constructor(blocks: SharedBlocks) {
    this.#blocks = blocks;
  }

  publish(_scope: Scope, templateId: number, kind: TemplateKind, layout: Layout): number {
    const { view } = this.#blocks;
    const layoutAddress = this.#layouts.get(layout.uid) ?? this.#publishLayout(layout);
    if (layoutAddress === 0) return 0;
    const address = this.#blocks.allocate(ENTRY_BYTES);
    if (address === 0) return 0;
    // In 32 bits the numbers of layouts would come again after some hours of a flood of templates.
    view.setFloat64(address, layout.uid, true);
    view.setUint32(address + 8, layoutAddress, true);
    view.setUint16(address + 12, templateId, true);
    view.setUint8(address + 14, kind === 'options' ? 1 : 0);
    return address;
  }

  retire(entry: TemplateEntry): void {
    this.#blocks.free(entry.address);
  }

  forget(layout: Layout): void {
    const address = this.#layouts.get(layout.uid);
    if (address === undefined) return;
    this.#layouts.delete(layout.uid);
    this.#blocks.free(address);
  }

  /** The templates of a scope as they are now, for sets with structured data; 0 when there is no room. */
  publishDirectory(scope: Scope): number {
    const { view } = this.#blocks;
    const address = this.#blocks.allocate(4 + scope.templates.size * DIRECTORY_RECORD_BYTES);
    if (address === 0) return 0;
    view.setUint32(address, scope.templates.size, true);
    let at = address + 4;
    for (const entry of scope.templates.values()) {
      view.setUint32(at, entry.templateId, true);
      view.setUint32(at + 4, entry.address, true);
      at += DIRECTORY_RECORD_BYTES;
    }
    return address;
  }

  #publishLayout(layout: Layout): number {
    const canonical = layoutBytes(layout.dialect, layout.scopeCount, layout.fields);
    const address = this.#blocks.allocate(LAYOUT_HEADER_BYTES + layout.fields.length * LAYOUT_FIELD_BYTES);
    if (address === 0) return 0;
    this.#blocks.bytes.set(canonical, address);
    this.#layouts.set(layout.uid, address);
    return address;
  }
}

export const entryLayoutUid = (view: DataView, address: number): number => view.getFloat64(address, true);
export const entryTemplateId = (view: DataView, address: number): number =>
  view.getUint16(address + 12, true);
export const entryIsOptions = (view: DataView, address: number): boolean => view.getUint8(address + 14) === 1;

/** The layout of an entry; any thread that holds a work item which refers to it. */
export function entryLayout(view: DataView, address: number, elements: ElementLookup): Layout {
  return readLayout(view, view.getUint32(address + 8, true), entryLayoutUid(view, address), elements);
}

/** Address of a template's entry in a directory block, 0 when it is not there. */
export function directoryFind(view: DataView, address: number, templateId: number): number {
  const count = view.getUint32(address, true);
  for (let i = 0, at = address + 4; i < count; i++, at += DIRECTORY_RECORD_BYTES) {
    if (view.getUint32(at, true) === templateId) return view.getUint32(at + 4, true);
  }
  return 0;
}
