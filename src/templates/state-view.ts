import {
  Entry,
  findIndexed,
  hashBytes,
  hashNumber,
  NUMBER_KEY_BYTES,
  Page,
  ROOT_MAGIC,
  Root,
  StateKind,
  slotAddressAt,
  slotUidAt,
  valueAt,
} from './state-block.ts';
import { STATE_LIMITS } from './state-limits.ts';

/** Slots of the cache of snapshots, a power of two: a newcomer takes the place of what was there. */
const VIEW_SLOTS = 1024;

/** The shared heap as a reader needs it; see src/memory/heap.ts. */
export interface ReadableBlocks {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** UTF-8 as it stands in the shared heap. One object for all answers of a reader: valid until its next call. */
export interface StateText {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
}

/** Reads snapshots of exporter state in any thread, and remembers no content of them: looking into a page is as fast. */
export class StateReader {
  readonly #source: StateSource;
  readonly #views: (StateView | undefined)[] = new Array(VIEW_SLOTS).fill(undefined);
  readonly #none: StateView;

  constructor(blocks: ReadableBlocks) {
    this.#source = new StateSource(blocks);
    this.#none = new StateView(this.#source, 0);
  }

  /** The snapshot at an address of the heap; one that knows nothing for address 0 and where no snapshot stands. */
  at(address: number): StateView {
    if (address === 0) return this.#none;
    // Blocks lie at multiples of their size, so the low bits of their addresses are much the same: the upper bits of a product.
    const slot = Math.imul(address, 0x9e3779b1) >>> 22;
    const known = this.#views[slot];
    if (known?.stands(address)) return known;
    if (this.#source.view.getUint32(address + Root.magic) !== ROOT_MAGIC) return this.#none;
    const view = new StateView(this.#source, address);
    this.#views[slot] = view;
    return view;
  }
}

/** One snapshot. Once its block is gone, it knows nothing beyond the two values that it holds itself. */
export class StateView {
  readonly #source: StateSource;
  readonly #address: number;
  readonly #uid: number;
  readonly #kinds: number;
  readonly #slots: number;
  readonly #systemRate: number;
  /** Whether any interface has a rate of its own. */
  readonly ratesOfInterfaces: boolean;
  /** Milliseconds since the Unix epoch at which sysUptime was 0; NaN when unknown. */
  readonly systemInitMs: number;

  /** For StateReader. address: of a root block, 0 for none. */
  constructor(source: StateSource, address: number) {
    const { view } = source;
    this.#source = source;
    this.#address = address;
    this.#uid = address === 0 ? 0 : view.getFloat64(address + Root.uid);
    this.#kinds = address === 0 ? 0 : view.getUint32(address + Root.kinds);
    this.ratesOfInterfaces = this.#has(StateKind.interfaceRate);
    this.#slots = address === 0 ? 0 : view.getUint32(address + Root.slots);
    this.#systemRate = address === 0 ? 0 : view.getFloat64(address + Root.systemRate);
    this.systemInitMs = address === 0 ? Number.NaN : view.getFloat64(address + Root.systemInitMs);
  }

  /** Whether its block still is at the address. */
  stands(address: number): boolean {
    return address === this.#address && this.#source.view.getFloat64(address + Root.uid) === this.#uid;
  }

  /**
   * Packets per sampled packet for a record with these values, 0 when unknown; -1 for a value that the record does not
   * have. The first rate that is known of: selector, sampler, template, interface, the whole system. samplerId is the older
   * number of selectorId, and some exporters use one in options data and the other in flows.
   */
  samplingRate(samplerId: number, selectorId: number, inIf: number, templateId: number): number {
    return (
      this.#rate(StateKind.selectorRate, selectorId) ||
      this.#rate(StateKind.samplerRate, samplerId) ||
      this.#rate(StateKind.samplerRate, selectorId) ||
      this.#rate(StateKind.selectorRate, samplerId) ||
      this.#rate(StateKind.templateRate, templateId) ||
      this.#rate(StateKind.interfaceRate, inIf) ||
      this.#systemRate
    );
  }

  /** Name, null when unknown. */
  interfaceName(index: number): StateText | null {
    return this.#text(StateKind.interfaceName, index);
  }

  interfaceDescription(index: number): StateText | null {
    return this.#text(StateKind.interfaceDescription, index);
  }

  vrfName(id: number): StateText | null {
    return this.#text(StateKind.vrfName, id);
  }

  samplerName(id: number): StateText | null {
    return this.#text(StateKind.samplerName, id);
  }

  selectorName(id: number): StateText | null {
    return this.#text(StateKind.selectorName, id);
  }

  /** Name of the application whose id is so many octets at offset. */
  applicationName(bytes: Uint8Array, offset: number, length: number): StateText | null {
    return this.#applicationText(StateKind.applicationName, bytes, offset, length);
  }

  applicationDescription(bytes: Uint8Array, offset: number, length: number): StateText | null {
    return this.#applicationText(StateKind.applicationDescription, bytes, offset, length);
  }

  #rate(kind: number, id: number): number {
    const entry = this.#findNumber(kind, id);
    return entry === 0 ? 0 : this.#source.view.getFloat64(valueAt(this.#source.view, entry));
  }

  #text(kind: number, id: number): StateText | null {
    return this.#source.text(this.#findNumber(kind, id));
  }

  #applicationText(kind: number, bytes: Uint8Array, offset: number, length: number): StateText | null {
    if (!this.#has(kind) || length < 1 || length > STATE_LIMITS.maxApplicationIdBytes) return null;
    return this.#source.text(this.#find(kind, hashBytes(kind, bytes, offset, length), bytes, offset, length));
  }

  #has(kind: number): boolean {
    return (this.#kinds & (1 << kind)) !== 0;
  }

  #findNumber(kind: number, id: number): number {
    // Absent, or too large to be exact: keys are never like that.
    if (!this.#has(kind) || !(id >= 0 && id <= Number.MAX_SAFE_INTEGER)) return 0;
    return this.#find(kind, hashNumber(kind, id), this.#source.numberKey(id), 0, NUMBER_KEY_BYTES);
  }

  /** Position of the entry with a key, 0 when there is none or the snapshot is no longer there. */
  #find(kind: number, hash: number, key: Uint8Array, offset: number, length: number): number {
    const root = this.#address;
    if (!this.stands(root)) return 0;
    const { view } = this.#source;
    const slots = this.#slots;
    const slot = hash & (slots - 1);
    const page = view.getUint32(slotAddressAt(root, slots, slot));
    if (view.getFloat64(page + Page.uid) !== view.getFloat64(slotUidAt(root, slot))) return 0;
    return findIndexed(view, page, kind, hash, key, offset, length);
  }
}

/** The heap, and the key and the answer of one call. */
class StateSource implements StateText {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  start = 0;
  length = 0;
  readonly #numberKey = new Uint8Array(NUMBER_KEY_BYTES);
  readonly #numberKeyView = new DataView(this.#numberKey.buffer);

  constructor({ bytes, view }: ReadableBlocks) {
    this.bytes = bytes;
    this.view = view;
  }

  /** Valid until the next call. */
  numberKey(id: number): Uint8Array {
    this.#numberKeyView.setUint32(0, Math.floor(id / 2 ** 32));
    this.#numberKeyView.setUint32(4, id >>> 0);
    return this.#numberKey;
  }

  /** The value of an entry; null for 0. */
  text(entry: number): StateText | null {
    if (entry === 0) return null;
    this.start = valueAt(this.view, entry);
    this.length = this.view.getUint16(entry + Entry.valueBytes);
    return this;
  }
}
