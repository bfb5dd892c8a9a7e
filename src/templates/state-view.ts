import {
  Entry,
  findEntry,
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

/** Slots of the caches of a reader; powers of two. Both are direct-mapped: a newcomer takes the place of what was there. */
const VIEW_SLOTS = 1024;
const VALUE_SLOTS = 8192;

/** The shared heap as a reader needs it; see src/memory/heap.ts. */
export interface ReadableBlocks {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/**
 * Reads snapshots of exporter state in any thread. Keeps what it has read by the uid of the page it stood in, so that an
 * exporter that announces a name too many costs the others nothing, and in a fixed number of slots, so that numbers made
 * up by an exporter cannot make it grow.
 */
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
  /** Milliseconds since the Unix epoch at which sysUptime was 0; NaN when unknown. */
  readonly systemInitMs: number;

  /** For StateReader. address: of a root block, 0 for none. */
  constructor(source: StateSource, address: number) {
    const { view } = source;
    this.#source = source;
    this.#address = address;
    this.#uid = address === 0 ? 0 : view.getFloat64(address + Root.uid);
    this.#kinds = address === 0 ? 0 : view.getUint32(address + Root.kinds);
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

  /** UTF-8 name, null when unknown. Never changes, so it may be kept. */
  interfaceName(index: number): Uint8Array | null {
    return this.#text(StateKind.interfaceName, index);
  }

  interfaceDescription(index: number): Uint8Array | null {
    return this.#text(StateKind.interfaceDescription, index);
  }

  vrfName(id: number): Uint8Array | null {
    return this.#text(StateKind.vrfName, id);
  }

  samplerName(id: number): Uint8Array | null {
    return this.#text(StateKind.samplerName, id);
  }

  selectorName(id: number): Uint8Array | null {
    return this.#text(StateKind.selectorName, id);
  }

  /** Name of the application whose id is so many octets at offset. */
  applicationName(bytes: Uint8Array, offset: number, length: number): Uint8Array | null {
    return this.#applicationText(StateKind.applicationName, bytes, offset, length);
  }

  applicationDescription(bytes: Uint8Array, offset: number, length: number): Uint8Array | null {
    return this.#applicationText(StateKind.applicationDescription, bytes, offset, length);
  }

  #rate(kind: number, id: number): number {
    const slot = this.#lookUp(kind, id);
    return slot < 0 ? 0 : this.#source.rates[slot];
  }

  #text(kind: number, id: number): Uint8Array | null {
    const slot = this.#lookUp(kind, id);
    return slot < 0 ? null : this.#source.texts[slot];
  }

  /** Cache slot with the answer for a number key, -1 when there can be none. */
  #lookUp(kind: number, id: number): number {
    // Absent, or too large to be exact: keys are never like that.
    if ((this.#kinds & (1 << kind)) === 0 || !(id >= 0 && id <= Number.MAX_SAFE_INTEGER)) return -1;
    const hash = hashNumber(kind, id);
    return this.#locate(hash) ? this.#source.number(kind, id, hash) : -1;
  }

  #applicationText(kind: number, bytes: Uint8Array, offset: number, length: number): Uint8Array | null {
    if ((this.#kinds & (1 << kind)) === 0) return null;
    if (length < 1 || length > STATE_LIMITS.maxApplicationIdBytes) return null;
    const hash = hashBytes(kind, bytes, offset, length);
    if (!this.#locate(hash)) return null;
    return this.#source.texts[this.#source.octets(kind, bytes, offset, length, hash)];
  }

  /** Points the source at the page that holds a hash; false when the snapshot has no page or is no longer there. */
  #locate(hash: number): boolean {
    const root = this.#address;
    const slots = this.#slots;
    if (slots === 0 || !this.stands(root)) return false;
    const slot = hash & (slots - 1);
    const { view } = this.#source;
    this.#source.pageUid = view.getFloat64(slotUidAt(root, slot));
    this.#source.page = view.getUint32(slotAddressAt(root, slots, slot));
    return true;
  }
}

/** The heap, and what was read from its pages: one direct-mapped cache for all snapshots of a reader. */
class StateSource {
  readonly view: DataView;
  readonly #bytes: Uint8Array;
  /** The page to look into. */
  page = 0;
  pageUid = 0;
  /** Answers by cache slot: 0 and null where the page has no such entry. */
  readonly rates = new Float64Array(VALUE_SLOTS);
  readonly texts: (Uint8Array | null)[] = new Array(VALUE_SLOTS).fill(null);
  // What the answer of a slot belongs to. No page has uid 0; the kind says whether the id or the key counts.
  readonly #uids = new Float64Array(VALUE_SLOTS);
  readonly #kinds = new Uint8Array(VALUE_SLOTS);
  readonly #ids = new Float64Array(VALUE_SLOTS);
  readonly #keys: (Uint8Array | null)[] = new Array(VALUE_SLOTS).fill(null);
  readonly #numberKey = new Uint8Array(NUMBER_KEY_BYTES);
  readonly #numberKeyView = new DataView(this.#numberKey.buffer);

  constructor(blocks: ReadableBlocks) {
    this.view = blocks.view;
    this.#bytes = blocks.bytes;
  }

  /** Cache slot with the answer of the page for a number key. */
  number(kind: number, id: number, hash: number): number {
    const slot = this.#slot(hash);
    if (this.#uids[slot] === this.pageUid && this.#kinds[slot] === kind && this.#ids[slot] === id)
      return slot;
    this.#numberKeyView.setUint32(0, Math.floor(id / 2 ** 32));
    this.#numberKeyView.setUint32(4, id >>> 0);
    this.#fill(slot, kind, hash, this.#numberKey, 0, NUMBER_KEY_BYTES);
    this.#ids[slot] = id;
    return slot;
  }

  /** Cache slot with the answer of the page for a key of octets. */
  octets(kind: number, bytes: Uint8Array, offset: number, length: number, hash: number): number {
    const slot = this.#slot(hash);
    const key = this.#keys[slot];
    if (
      key !== null &&
      this.#uids[slot] === this.pageUid &&
      this.#kinds[slot] === kind &&
      same(key, bytes, offset, length)
    ) {
      return slot;
    }
    this.#fill(slot, kind, hash, bytes, offset, length);
    this.#keys[slot] = new Uint8Array(bytes.subarray(offset, offset + length));
    return slot;
  }

  // The low bits of a hash choose the page, the high ones the place beside others of that page.
  #slot(hash: number): number {
    return (Math.imul(hash ^ this.pageUid, 0x9e3779b1) >>> 16) & (VALUE_SLOTS - 1);
  }

  #fill(
    slot: number,
    kind: number,
    hash: number,
    key: Uint8Array,
    keyOffset: number,
    keyBytes: number,
  ): void {
    this.#uids[slot] = this.pageUid;
    this.#kinds[slot] = kind;
    this.rates[slot] = 0;
    this.texts[slot] = null;
    const { view, page } = this;
    if (page === 0 || view.getFloat64(page + Page.uid) !== this.pageUid) return;
    const entry = findEntry(view, page, kind, hash, key, keyOffset, keyBytes);
    if (entry === 0) return;
    const at = valueAt(view, entry);
    if (kind < StateKind.interfaceName) this.rates[slot] = view.getFloat64(at);
    else
      this.texts[slot] = new Uint8Array(
        this.#bytes.subarray(at, at + view.getUint16(entry + Entry.valueBytes)),
      );
  }
}

function same(key: Uint8Array, bytes: Uint8Array, offset: number, length: number): boolean {
  if (key.length !== length) return false;
  for (let i = 0; i < length; i++) if (key[i] !== bytes[offset + i]) return false;
  return true;
}
