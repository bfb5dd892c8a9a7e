/**
 * Shared memory for encoded output: pieces of equal size that a decode worker fills and the main thread hands to the
 * outputs, used again and again, so that bytes on their way out are neither copied nor allocated. The main thread says who
 * has which piece; a worker writes into those of its task only, and its result message orders the two.
 */
export class Slabs {
  readonly buffer: SharedArrayBuffer;
  readonly slabBytes: number;
  readonly #free: number[];
  readonly #views: ({ bytes: Uint8Array; view: DataView } | undefined)[] = [];

  private constructor(buffer: SharedArrayBuffer, slabBytes: number, free: number[]) {
    this.buffer = buffer;
    this.slabBytes = slabBytes;
    this.#free = free;
  }

  /** Main thread. */
  static create(count: number, slabBytes: number): Slabs {
    const free = Array.from({ length: count }, (_, i) => count - 1 - i);
    return new Slabs(new SharedArrayBuffer(count * slabBytes), slabBytes, free);
  }

  /** Decode worker: can look at slabs, and give out none. */
  static attach(buffer: SharedArrayBuffer, slabBytes: number): Slabs {
    return new Slabs(buffer, slabBytes, []);
  }

  /** Main thread: number of a free slab, or NO_SLAB when all are in use. */
  acquire(): number {
    return this.#free.pop() ?? NO_SLAB;
  }

  /** Main thread: nobody needs the slab any more. */
  release(slab: number): void {
    if (slab >= 0) this.#free.push(slab);
  }

  get available(): number {
    return this.#free.length;
  }

  at(slab: number): { readonly bytes: Uint8Array; readonly view: DataView } {
    let piece = this.#views[slab];
    if (piece === undefined) {
      const offset = slab * this.slabBytes;
      piece = {
        bytes: new Uint8Array(this.buffer, offset, this.slabBytes),
        view: new DataView(this.buffer, offset, this.slabBytes),
      };
      this.#views[slab] = piece;
    }
    return piece;
  }
}

/** In place of a slab: the bytes are sent by message; or: there are no readers for them at present. */
export const NO_SLAB = -1;
export const NOT_WANTED = -2;
