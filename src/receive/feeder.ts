import { type Ring, writeRecord } from '../memory/ring.ts';
import type { SharedMemory } from '../memory/shared-memory.ts';

/**
 * Puts datagrams that are at hand (from a file) into a ring, waiting while it is full instead of dropping. Main thread.
 */
export class Feeder {
  readonly #memory: SharedMemory;
  readonly #ring: Ring;
  readonly #onFed: () => void;
  #waiting: (() => void) | null = null;
  /** Datagrams longer than a slot. */
  oversize = 0;

  constructor(memory: SharedMemory, ring: Ring, onFed: () => void) {
    this.#memory = memory;
    this.#ring = ring;
    this.#onFed = onFed;
  }

  /** Slots became free. */
  released(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.();
  }

  /** Resolves when the datagram is in a slot; returns at once where one is free. */
  feed(
    payload: Uint8Array,
    address: Uint8Array,
    port: number,
    receivedAtMs: number,
  ): Promise<void> | undefined {
    if (payload.length > this.#memory.size.maxDatagramBytes) {
      this.oversize++;
      return undefined;
    }
    const slot = this.#ring.claim();
    if (slot < 0) return this.#wait().then(() => this.feed(payload, address, port, receivedAtMs));
    writeRecord(this.#memory, slot, payload, address, 0, port, receivedAtMs);
    this.#ring.publish();
    return undefined;
  }

  /** Tells the pipeline that something is there. */
  flush(): void {
    this.#onFed();
  }

  #wait(): Promise<void> {
    this.#onFed();
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }
}
