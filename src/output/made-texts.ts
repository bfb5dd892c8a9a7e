/** Writes a text as its format wants it, where there is room for it; returns the offset behind. */
export type PutText = (
  bytes: Uint8Array,
  view: DataView,
  at: number,
  source: Uint8Array,
  offset: number,
  length: number,
) => number;

const SLOTS = 512;
const MIN_BYTES = 4096;
/** What is kept at most; beyond that it starts anew. Longer texts than a few names are not kept at all. */
const MAX_BYTES = 1024 * 1024;
const LONGEST_BYTES = 1024;
const WORD_BYTES = 8;

/**
 * Texts that rules have made (names, mostly) or that stand in a columnar frame, as a format writes them. Many rows of a batch share a text: it is encoded for the
 * first of them and copied word by word for the others. Known by where it stands in the scratch text, so only until the next
 * bind.
 */
export class MadeTexts {
  readonly #put: PutText;
  readonly #expansion: number;
  /** By slot: one more than the offset of the text, its length; where the encoded one starts, and its length. A newcomer takes the place. */
  readonly #offsets = new Uint32Array(SLOTS);
  readonly #sourceLengths = new Uint32Array(SLOTS);
  readonly #starts = new Uint32Array(SLOTS);
  readonly #lengths = new Uint32Array(SLOTS);
  #bytes = new Uint8Array(MIN_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #used = 0;

  /** expansion: octets that one octet of a text may become, headers apart. */
  constructor(put: PutText, expansion: number) {
    this.#put = put;
    this.#expansion = expansion;
  }

  /** To be called when another batch is bound. */
  forget(): void {
    if (this.#used === 0) return;
    this.#used = 0;
    this.#offsets.fill(0);
  }

  /** Writes a text to bytes, of which view is a view, and up to 7 octets beyond; returns the offset behind. */
  copyTo(
    bytes: Uint8Array,
    view: DataView,
    at: number,
    source: Uint8Array,
    offset: number,
    length: number,
  ): number {
    if (length > LONGEST_BYTES) return this.#put(bytes, view, at, source, offset, length);
    const slot = offset & (SLOTS - 1);
    if (this.#offsets[slot] !== offset + 1 || this.#sourceLengths[slot] !== length)
      this.#encode(slot, source, offset, length);
    const start = this.#starts[slot];
    const encoded = this.#lengths[slot];
    const from = this.#view;
    // Not as doubles: what stands behind a text may have the bits of a NaN, which a double need not keep.
    for (let i = 0; i < encoded; i += WORD_BYTES) {
      view.setUint32(at + i, from.getUint32(start + i, true), true);
      view.setUint32(at + i + 4, from.getUint32(start + i + 4, true), true);
    }
    return at + encoded;
  }

  #encode(slot: number, source: Uint8Array, offset: number, length: number): void {
    const room = length * this.#expansion + 2 * WORD_BYTES;
    if (this.#used + room > MAX_BYTES) this.forget();
    const need = this.#used + room;
    if (need > this.#bytes.length) this.#grow(need);
    const end = this.#put(this.#bytes, this.#view, this.#used, source, offset, length);
    this.#offsets[slot] = offset + 1;
    this.#sourceLengths[slot] = length;
    this.#starts[slot] = this.#used;
    this.#lengths[slot] = end - this.#used;
    this.#used = end;
  }

  #grow(need: number): void {
    const larger = new Uint8Array(Math.max(need, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
