import { assert } from '../base/assert.ts';
import { ItemState } from '../memory/layout.ts';
import type { WorkItems } from '../memory/work-items.ts';
import { acquireSlabs, type Route } from './route.ts';
import type { DecodeTaskResult } from './task.ts';

/** A task is full with so many datagrams, octets of them, or items. Octets grow about tenfold as NDJSON, to what a slab holds. */
export const TASK_DATAGRAMS = 256;
const TASK_OCTETS = 384 * 1024;
const TASK_ITEMS = 1_024;

/** A range of the stream that is decoded at once and retired at once, in order. */
export class Task {
  readonly firstItem: number;
  items = 0;
  datagrams = 0;
  octets = 0;
  /** When its first datagram was scanned. */
  openedAtMs = 0;
  /** Datagrams that count as decoded once the range is retired. */
  decoded = 0;
  /** Slots of each ring that the range occupies, and the heap blocks of sets that were held. */
  readonly slots: number[];
  readonly blocks: number[] = [];
  /** Messages whose sequence numbers are checked when the range is retired. */
  messages = 0;
  state: 'open' | 'ready' | 'running' | 'done' = 'open';
  failures = 0;
  startedAtMs = 0;
  /** The slab of each encoding; acquired when the task is started. */
  outputSlabs: readonly number[] = [];
  /** null where no worker was needed. */
  result: DecodeTaskResult | null = null;
  readonly route: Route;
  onRetired: (() => void) | null = null;

  constructor(firstItem: number, rings: number, route: Route) {
    this.firstItem = firstItem;
    this.route = route;
    this.slots = new Array<number>(rings).fill(0);
  }

  get full(): boolean {
    return this.datagrams >= TASK_DATAGRAMS || this.octets >= TASK_OCTETS || this.items >= TASK_ITEMS;
  }

  get empty(): boolean {
    return this.datagrams === 0 && this.items === 0;
  }
}

/** Attempts after which a range is given up even if no single datagram can be blamed. */
const MAX_FAILURES = 8;

export interface TaskQueueOwner {
  /** A task has come to the head of the queue and is done. */
  retire(task: Task): void;
  taskFailed(reason: string): void;
  taskRetried(): void;
  /** These items are given up: all that a datagram has, or a set that was held. */
  quarantine(items: readonly number[]): void;
}

/**
 * Tasks in stream order: opened, given to workers as they have room, retired in order whatever the order in which they
 * finish. A task whose worker died is tried again; the datagram it died of twice is taken out. Main thread.
 */
export class TaskQueue {
  readonly #capacity: number;
  readonly #items: WorkItems;
  readonly #owner: TaskQueueOwner;
  readonly #nowMs: () => number;
  readonly #tasks: Task[] = [];
  /** Position in #tasks of the first task that was not started. */
  #next = 0;
  #running = 0;

  /** capacity: tasks in work at a time. */
  constructor(capacity: number, items: WorkItems, owner: TaskQueueOwner, nowMs: () => number) {
    this.#capacity = capacity;
    this.#items = items;
    this.#owner = owner;
    this.#nowMs = nowMs;
  }

  get length(): number {
    return this.#tasks.length;
  }

  /** Tasks that workers have. */
  get running(): number {
    return this.#running;
  }

  /** The task that was added last, unless it is retired. */
  get last(): Task | undefined {
    return this.#tasks.at(-1);
  }

  /** Whether a task that is added now would start at once. */
  get hasRoom(): boolean {
    return this.#running < this.#capacity;
  }

  add(task: Task): void {
    task.state = task.items === 0 ? 'done' : 'ready';
    this.#tasks.push(task);
    this.#advance();
  }

  /**
   * Ends the worker of the oldest task on which one has worked for too long. That need not be the head of the queue: a task that
   * is tried again may wait behind a later one.
   */
  checkStuck(limitMs: number): void {
    const nowMs = this.#nowMs();
    for (const task of this.#tasks) {
      if (task.state !== 'running' || nowMs - task.startedAtMs < limitMs) continue;
      const item = this.#firstStarted(task);
      if (item < 0) continue;
      void task.route.pool.terminate(this.#items.threadId(item));
      return;
    }
  }

  #advance(): void {
    while (this.#next < this.#tasks.length && this.hasRoom) {
      const task = this.#tasks[this.#next++];
      if (task.state === 'ready') this.#start(task);
    }
    while (this.#tasks.length > 0 && this.#tasks[0].state === 'done') {
      assert(this.#next > 0 || this.#tasks[0].items === 0, 'a finished task was started');
      const task = this.#tasks.shift()!;
      this.#next = Math.max(0, this.#next - 1);
      this.#owner.retire(task);
    }
  }

  #start(task: Task): void {
    task.state = 'running';
    task.startedAtMs = this.#nowMs();
    this.#running++;
    if (task.failures === 0) task.outputSlabs = acquireSlabs(task.route);
    const { firstItem, items, outputSlabs: slabs } = task;
    task.route.pool.run({ firstItem, items, careful: task.failures > 0, slabs }).then(
      (result) => {
        task.result = result;
        this.#finished(task);
      },
      (error: unknown) => this.#failed(task, error),
    );
  }

  #finished(task: Task): void {
    this.#running--;
    task.state = 'done';
    this.#advance();
  }

  /** The worker died, or the task threw: find out what it was working on, and try the rest again. */
  #failed(task: Task, error: unknown): void {
    this.#running--;
    task.failures++;
    this.#owner.taskFailed(error instanceof Error ? error.message : String(error));
    const end = task.firstItem + task.items;
    const culprit = this.#firstStarted(task);
    if (task.failures >= MAX_FAILURES) this.#takeOut(task);
    else if (task.failures >= 2 && culprit >= 0) this.#takeOut(task, this.#items.payload(culprit));
    let left = 0;
    for (let item = task.firstItem; item < end; item++) {
      if (this.#items.progress(item) === ItemState.skip) continue;
      this.#items.setProgress(item, ItemState.waiting, 0);
      left++;
    }
    if (left === 0) {
      task.state = 'done';
      this.#advance();
      return;
    }
    this.#owner.taskRetried();
    this.#start(task);
  }

  #firstStarted(task: Task): number {
    for (let item = task.firstItem; item < task.firstItem + task.items; item++) {
      if (this.#items.progress(item) === ItemState.started) return item;
    }
    return -1;
  }

  /** The datagram with this payload, or all of them. Held sets that a datagram released stand between its own. */
  #takeOut(task: Task, payload = 0): void {
    const byPayload = new Map<number, number[]>();
    for (let item = task.firstItem; item < task.firstItem + task.items; item++) {
      const its = this.#items.payload(item);
      if (this.#items.isSkipped(item) || (payload !== 0 && its !== payload)) continue;
      this.#items.setProgress(item, ItemState.skip, 0);
      this.#items.setResult(item, 0, 0);
      const items = byPayload.get(its);
      if (items === undefined) byPayload.set(its, [item]);
      else items.push(item);
    }
    for (const items of byPayload.values()) this.#owner.quarantine(items);
  }
}
