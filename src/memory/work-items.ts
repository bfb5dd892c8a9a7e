import { ITEM_OPTIONS_BIT, ItemState, ItemWord } from './layout.ts';
import type { SharedMemory } from './shared-memory.ts';

/**
 * The ring of work items. The main thread makes items at the end and retires them at the start, in order; a worker reads
 * those of its task and writes their progress and result.
 */
export class WorkItems {
  readonly #words: Int32Array;
  readonly #base: number;
  readonly #mask: number;
  readonly capacity: number;
  /** Items made and retired since the start; numbers of items count from 0. */
  made = 0;
  retired = 0;

  constructor(memory: SharedMemory) {
    this.#words = memory.words;
    this.#base = memory.offsets.items >>> 2;
    this.capacity = memory.size.items;
    this.#mask = this.capacity - 1;
  }

  get free(): number {
    return this.capacity - (this.made - this.retired);
  }

  /** Main thread: makes the next item. Only when free. */
  make(
    payload: number,
    header: number,
    start: number,
    end: number,
    options: boolean,
    entry: number,
    state: number,
    directory: number,
  ): void {
    const words = this.#words;
    const at = this.#at(this.made++);
    words[at + ItemWord.payload] = payload;
    words[at + ItemWord.headerAndStart] = (header << 16) | start;
    words[at + ItemWord.end] = end | (options ? ITEM_OPTIONS_BIT : 0);
    words[at + ItemWord.entry] = entry;
    words[at + ItemWord.state] = state;
    words[at + ItemWord.directory] = directory;
    words[at + ItemWord.progress] = ItemState.waiting;
    words[at + ItemWord.result] = 0;
  }

  payload(item: number): number {
    return this.#words[this.#at(item) + ItemWord.payload];
  }
  header(item: number): number {
    return this.#words[this.#at(item) + ItemWord.headerAndStart] >>> 16;
  }
  start(item: number): number {
    return this.#words[this.#at(item) + ItemWord.headerAndStart] & 0xffff;
  }
  end(item: number): number {
    return this.#words[this.#at(item) + ItemWord.end] & 0xffff;
  }
  isOptions(item: number): boolean {
    return (this.#words[this.#at(item) + ItemWord.end] & ITEM_OPTIONS_BIT) !== 0;
  }
  entry(item: number): number {
    return this.#words[this.#at(item) + ItemWord.entry];
  }
  state(item: number): number {
    return this.#words[this.#at(item) + ItemWord.state];
  }
  directory(item: number): number {
    return this.#words[this.#at(item) + ItemWord.directory];
  }

  /** Stored with Atomics: the main thread looks at it when the worker has died, without a message from it. */
  setProgress(item: number, state: number, threadId: number): void {
    Atomics.store(this.#words, this.#at(item) + ItemWord.progress, (threadId << 2) | state);
  }
  progress(item: number): number {
    return Atomics.load(this.#words, this.#at(item) + ItemWord.progress) & 3;
  }
  isSkipped(item: number): boolean {
    return this.progress(item) === ItemState.skip;
  }
  threadId(item: number): number {
    return Atomics.load(this.#words, this.#at(item) + ItemWord.progress) >>> 2;
  }

  setResult(item: number, records: number, fault: number): void {
    this.#words[this.#at(item) + ItemWord.result] = (fault << 24) | records;
  }
  records(item: number): number {
    return this.#words[this.#at(item) + ItemWord.result] & 0xffffff;
  }
  fault(item: number): number {
    return this.#words[this.#at(item) + ItemWord.result] >>> 24;
  }

  #at(item: number): number {
    return this.#base + (item & this.#mask) * ItemWord.words;
  }
}
