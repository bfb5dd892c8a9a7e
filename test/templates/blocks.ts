import type { SharedBlocks } from '../../src/memory/heap.ts';

/** Shared blocks for tests that check every call: nothing is given back twice, nothing that was never given out. */
abstract class CheckedBlocks implements SharedBlocks {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Length of each block in use, by address. */
  readonly live = new Map<number, number>();
  allocations = 0;
  protected top = 8;

  constructor(capacity: number) {
    const shared = new SharedArrayBuffer(capacity);
    this.bytes = new Uint8Array(shared);
    this.view = new DataView(shared);
  }

  abstract allocate(byteLength: number): number;

  free(address: number): void {
    const length = this.live.get(address);
    if (length === undefined) throw new Error(`no block at ${address}`);
    this.live.delete(address);
    this.freed(address, length);
  }

  protected abstract freed(address: number, length: number): void;

  protected extend(length: number): number {
    if (this.top + length > this.bytes.length) return 0;
    const address = this.top;
    this.top += length;
    this.live.set(address, length);
    return address;
  }
}

/** Memory that is never used again: what was read once must read the same for ever. */
export class LastingBlocks extends CheckedBlocks {
  /** Whether the region is full. */
  full = false;

  allocate(byteLength: number): number {
    if (this.full) return 0;
    this.allocations++;
    return this.extend((byteLength + 7) & ~7);
  }

  protected freed(): void {}
}

/** Memory that is overwritten and used again after reclaim, and not before. */
export class ReusedBlocks extends CheckedBlocks {
  readonly #waiting: [address: number, length: number][] = [];
  readonly #free = new Map<number, number[]>();

  allocate(byteLength: number): number {
    this.allocations++;
    const length = (byteLength + 7) & ~7;
    const address = this.#free.get(length)?.shift();
    if (address === undefined) return this.extend(length);
    this.live.set(address, length);
    return address;
  }

  reclaim(): void {
    for (const [address, length] of this.#waiting.splice(0)) {
      this.bytes.fill(0xdb, address, address + length);
      const list = this.#free.get(length);
      if (list === undefined) this.#free.set(length, [address]);
      else list.push(address);
    }
  }

  protected freed(address: number, length: number): void {
    this.#waiting.push([address, length]);
  }
}
