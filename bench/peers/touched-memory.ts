import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';

/** Written at a time. */
const BLOCK = new Uint8Array(16 * 1024 * 1024).fill(1);
/** How much is free before it is asked for. */
const AHEAD_BYTES = 256 * 1024 * 1024;

/**
 * Memory of the machine that was used already and becomes free as fast as somebody else uses it up. A virtual machine asks its
 * host for every page that it touches for the first time, or for the first time in a while; where that takes longer than writing the
 * page, it would be the greater part of what a collector that writes much seems to cost.
 */
export class TouchedMemory {
  readonly #file: number;
  /** At first, and now. */
  readonly #size: number;
  #bytes = 0;

  /** folder: on a file system in memory. At most half of what is free is taken. */
  constructor(folder: string, bytes: number) {
    const path = join(folder, 'touched');
    this.#file = openSync(path, 'wx');
    unlinkSync(path);
    const most = Math.min(bytes + AHEAD_BYTES, freemem() / 2);
    while (this.#bytes < most) this.#bytes += writeSync(this.#file, BLOCK);
    this.#size = this.#bytes;
  }

  /** How much somebody else has used so far. */
  used(bytes: number): void {
    const left = Math.max(0, this.#size - AHEAD_BYTES - bytes);
    if (left >= this.#bytes) return;
    this.#bytes = left;
    ftruncateSync(this.#file, left);
  }

  close(): void {
    closeSync(this.#file);
  }
}
