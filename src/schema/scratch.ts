const MIN_ROWS = 256;
const MIN_TEXT_BYTES = 4096;

/**
 * Memory for computed values. The views of one encoder share it, because only one of them is bound at a time: `begin` takes
 * everything back. Contents are whatever was there before, except where it says otherwise.
 */
export class Scratch {
  readonly #u32: Uint32Array[] = [];
  readonly #f64: Float64Array[] = [];
  readonly #u8: Uint8Array[] = [];
  readonly #names: NameSlots[] = [];
  #namesUsed = 0;
  #u32Used = 0;
  #f64Used = 0;
  #u8Used = 0;
  /** Texts made by rules, one after another; grows, so take it anew when a bind is done. */
  text = new Uint8Array(MIN_TEXT_BYTES);
  textUsed = 0;

  begin(): void {
    this.#namesUsed = 0;
    this.#u32Used = 0;
    this.#f64Used = 0;
    this.#u8Used = 0;
    this.textUsed = 0;
  }

  u32(length: number): Uint32Array {
    const i = this.#u32Used++;
    if (i >= this.#u32.length || this.#u32[i].length < length)
      this.#u32[i] = new Uint32Array(rounded(length));
    return this.#u32[i];
  }

  f64(length: number): Float64Array {
    const i = this.#f64Used++;
    if (i >= this.#f64.length || this.#f64[i].length < length)
      this.#f64[i] = new Float64Array(rounded(length));
    return this.#f64[i];
  }

  u8(length: number): Uint8Array {
    const i = this.#u8Used++;
    if (i >= this.#u8.length || this.#u8[i].length < length) this.#u8[i] = new Uint8Array(rounded(length));
    return this.#u8[i];
  }

  /** Slots that remember nothing. */
  names(): NameSlots {
    const i = this.#namesUsed++;
    this.#names[i] ??= new NameSlots();
    this.#names[i].forget();
    return this.#names[i];
  }

  /** Makes room for so many more bytes of text and returns where they go; the caller adds to textUsed what it wrote. */
  reserveText(bytes: number): number {
    const need = this.textUsed + bytes;
    if (need > this.text.length) {
      const larger = new Uint8Array(Math.max(need, this.text.length * 2));
      larger.set(this.text.subarray(0, this.textUsed));
      this.text = larger;
    }
    return this.textUsed;
  }
}

function rounded(length: number): number {
  let size = MIN_ROWS;
  while (size < length) size *= 2;
  return size;
}

/** 2^9: as many as the function place tells apart. */
const NAME_SLOTS = 512;

/** Texts already found for numbers of exporters, by the address of their state: where they are in the scratch text; a newcomer takes the place of what was there. */
export class NameSlots {
  readonly start = new Uint32Array(NAME_SLOTS);
  readonly length = new Uint32Array(NAME_SLOTS);
  readonly #ids = new Float64Array(NAME_SLOTS);
  readonly #addresses = new Uint32Array(NAME_SLOTS);
  readonly #rounds = new Uint32Array(NAME_SLOTS);
  #round = 0;

  forget(): void {
    this.#round = (this.#round + 1) >>> 0;
    // After 2^32 rounds an old mark could look like a new one.
    if (this.#round === 0) {
      this.#rounds.fill(0);
      this.#round = 1;
    }
  }

  /** The slot of a number, -1 when it is not remembered. */
  slotOf(address: number, id: number): number {
    const slot = place(address, id);
    const known = this.#ids[slot] === id && this.#addresses[slot] === address;
    return known && this.#rounds[slot] === this.#round ? slot : -1;
  }

  /** Returns the slot. */
  remember(address: number, id: number, start: number, length: number): number {
    const slot = place(address, id);
    this.#rounds[slot] = this.#round;
    this.#ids[slot] = id;
    this.#addresses[slot] = address;
    this.start[slot] = start;
    this.length[slot] = length;
    return slot;
  }
}

/** Upper bits of a product, so that numbers that follow one another and those of several exporters spread. */
function place(address: number, id: number): number {
  return Math.imul(id ^ Math.imul(address, 0x85ebca6b), 0x9e3779b1) >>> 23;
}
