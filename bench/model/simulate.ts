import type { Pace } from '../../src/base/pace.ts';
import { DEFAULT_RECEIVE_BUFFER_BYTES, LIVE_MEMORY } from '../../src/collector.ts';
import {
  ITEMS_PER_DATAGRAM,
  lookPace,
  PUMP_DATAGRAMS,
  TASK_LINGER_MS,
  TURN_DATAGRAMS,
} from '../../src/dispatch/pipeline.ts';
import { TASKS_PER_WORKER } from '../../src/dispatch/pool.ts';
import { TASK_DATAGRAMS } from '../../src/dispatch/task-queue.ts';
import { BATCH_DATAGRAMS, restPace } from '../../src/receive/batch-socket.ts';
import { Scheduler, type Thread } from './scheduler.ts';

/**
 * The collector’s pipeline as a discrete-event simulation: receive → scan → tasks → workers → retire, with the limits of
 * ring, items and tasks that the collector has, on cores that it may share
 * with a sender and with other work. Times in ns.
 */

/**
 * What each step costs a thread. The cost per datagram is that of a thread that works all the time on full batches and tasks.
 * What comes on top is the price of having slept: caches, pages and predictors hold other things by then, the more so the longer
 * the sleep was, until nothing is left (coldness).
 */
export interface Costs {
  receiveDatagram: number;
  mainDatagram: number;
  decodeDatagram: number;
  /** Helper threads of V8. */
  otherDatagram: number;
  /** The sender, when it shares the cores. 0: another machine sends. */
  sendDatagram: number;
  /** Each wake-up of receive thread and sender, whose sleeps all have one length. */
  receiveWake: number;
  sendWake: number;
  /** Times coldness: each wake-up of the main thread; each task of a decode thread that has slept, and each datagram of it. */
  mainCold: number;
  decodeColdTask: number;
  decodeColdDatagram: number;
  /** A sleep of so many ns leaves nothing. */
  coldNs: number;
}

/** 0 for a thread that has not slept, 1 after a sleep that left nothing of what it works with. */
export function coldness(sleptNs: number, coldNs: number): number {
  return Math.min(1, sleptNs / coldNs);
}

export interface SimulationSetup {
  costs: Costs;
  cores: number;
  workers: number;
  receivers: number;
  /** Datagrams per second; Infinity: as fast as they are taken. */
  rate: number;
  seconds: number;
  slots: number;
  /** Other work on the machine: so many cores of it, in stretches. */
  background?: number;
}

export interface Prediction {
  retired: number;
  /** Retired per second, until the last that was sent. */
  perSecond: number;
  lost: number;
  tasks: number;
  mainWakes: number;
  receiveWakes: number;
  /** CPU ns per retired datagram. */
  main: number;
  receive: number;
  decode: number;
  other: number;
  /** Part of the time in which the busiest thread of each kind had work. */
  busy: Record<'main' | 'receive' | 'decode', number>;
  /** From arrival at the socket to retirement. */
  p50Ms: number;
  p99Ms: number;
}

const LINGER_NS = TASK_LINGER_MS * 1e6;
/** Octets of socket buffer that a datagram of this size takes. */
const SOCKET_DATAGRAM_BYTES = 2_304;
const SOCKET = Math.floor(DEFAULT_RECEIVE_BUFFER_BYTES / SOCKET_DATAGRAM_BYTES);
const SEND_BATCH = 32;
const SEND_PAUSE_NS = 1e6;
const DRAIN_STEP_NS = 1e6;
/** Length of a stretch of other work. */
const BACKGROUND_NS = 1e7;

interface Task {
  datagrams: number;
  openedAt: number;
  slots: number[];
  arrivals: number[];
  done: boolean;
}

export function simulate(setup: SimulationSetup): Prediction {
  return new Simulation(setup).run();
}

class Simulation {
  readonly #setup: SimulationSetup;
  readonly #scheduler: Scheduler;
  readonly #main: Thread;
  readonly #sender: Thread;
  readonly #others: Thread[];
  readonly #background: Thread[];
  readonly #backgroundUntil: number[];
  readonly #receivers: Thread[];
  readonly #workers: Thread[];
  /** Arrival times: of datagrams in sockets, and of those in rings that are not scanned. */
  readonly #sockets: number[][];
  readonly #rings: number[][];
  readonly #ringUsed: number[];
  readonly #workerQueues: Task[][];
  #tasks: Task[] = [];
  #waiting: Task[] = [];
  #running = 0;
  #items = 0;
  #open: Task;
  #results = 0;
  #scheduled = false;
  /** The pause of the main thread that is going on: its end, NaN for none. What was scanned before the last one. */
  #pauseEnd = Number.NaN;
  readonly #looks: Pace;
  #scanned = 0;
  #scannedBefore = 0;
  /** Of each receive thread: how it rests, until when, and what it has received since the last rest. */
  readonly #rests: (Pace | null)[];
  readonly #restEnds: number[];
  readonly #received: number[];
  #otherWork = 0;
  #sendAt = 0;
  #sent = 0;
  readonly #latencies: number[] = [];
  readonly #result = { retired: 0, lost: 0, tasks: 0, mainWakes: 0, receiveWakes: 0 };

  constructor(setup: SimulationSetup) {
    this.#setup = setup;
    this.#looks = lookPace(setup.slots);
    const rings = Array.from({ length: setup.receivers }, (_, i) => i);
    this.#scheduler = new Scheduler(setup.cores);
    this.#main = this.#scheduler.thread('main');
    this.#sender = this.#scheduler.thread('sender');
    this.#others = [0, 1].map(() => this.#scheduler.thread('other'));
    this.#receivers = rings.map(() => this.#scheduler.thread('receive'));
    this.#workers = Array.from({ length: setup.workers }, () => this.#scheduler.thread('decode'));
    const stretches = Math.ceil((setup.background ?? 0) * 2);
    this.#background = Array.from({ length: stretches }, () => this.#scheduler.thread('background'));
    this.#backgroundUntil = this.#background.map((_, i) => (i * BACKGROUND_NS) / stretches);
    this.#sockets = rings.map(() => []);
    this.#rings = rings.map(() => []);
    this.#ringUsed = rings.map(() => 0);
    // The kernel gives twice what it is asked for.
    this.#rests = rings.map(() => restPace(2 * DEFAULT_RECEIVE_BUFFER_BYTES));
    this.#restEnds = rings.map(() => 0);
    this.#received = rings.map(() => 0);
    this.#workerQueues = this.#workers.map(() => []);
    this.#open = this.#newTask();
  }

  get #now(): number {
    return this.#scheduler.now;
  }

  run(): Prediction {
    const { seconds, workers, receivers } = this.#setup;
    this.#scheduler.run(seconds * 1e9, () => this.#wake());
    if (this.#setup.costs.sendDatagram > 0) this.#drain();
    const end = this.#now;
    const { retired } = this.#result;
    const sum = (threads: Thread[]): number => threads.reduce((n, { used }) => n + used, 0);
    const share = (threads: Thread[], count: number): number => sum(threads) / count / end;
    this.#latencies.sort((a, b) => a - b);
    const percentile = (p: number): number =>
      (this.#latencies[Math.floor(this.#latencies.length * p)] ?? 0) / 1e6;
    return {
      ...this.#result,
      perSecond: (retired / end) * 1e9,
      main: this.#main.used / retired,
      receive: sum(this.#receivers) / retired,
      decode: sum(this.#workers) / retired,
      other: sum(this.#others) / retired,
      busy: {
        main: this.#main.used / end,
        receive: share(this.#receivers, receivers),
        decode: share(this.#workers, workers),
      },
      p50Ms: percentile(0.5),
      p99Ms: percentile(0.99),
    };
  }

  /** Bursts are measured until all that was sent is retired. */
  #drain(): void {
    this.#sendAt = Number.POSITIVE_INFINITY;
    const done = (): boolean =>
      !this.#sender.busy && this.#sockets.every(({ length }, i) => length === 0 && this.#ringUsed[i] === 0);
    while (!done()) this.#scheduler.run(this.#now + DRAIN_STEP_NS, () => this.#wake());
  }

  #coldness(thread: Thread): number {
    return coldness(thread.slept(this.#now), this.#setup.costs.coldNs);
  }

  /** Gives work to every thread that has none and for which there is some. */
  #wake(): void {
    if (!this.#sender.busy && this.#now >= this.#sendAt) this.#send();
    this.#receivers.forEach((thread, i) => {
      if (!thread.busy && this.#now >= this.#restEnds[i] && this.#mayReceive(i)) {
        this.#result.receiveWakes++;
        this.#receive(i, this.#setup.costs.receiveWake);
      }
    });
    if (!this.#main.busy && this.#mainHasWork()) {
      this.#result.mainWakes++;
      this.#main.start(this.#setup.costs.mainCold * this.#coldness(this.#main), () => this.#mainTurn());
    }
    this.#workers.forEach((_, i) => {
      this.#decode(i);
    });
    this.#background.forEach((_, i) => {
      this.#disturb(i);
    });
    for (const thread of this.#others) {
      if (thread.busy || this.#otherWork < 1e5) continue;
      this.#otherWork -= 1e5;
      thread.start(1e5, () => {});
    }
  }

  /** Every other core-half is busy in stretches, for as much of the time as the other work is. */
  #disturb(i: number): void {
    const thread = this.#background[i];
    if (thread.busy || this.#now < this.#backgroundUntil[i]) return;
    const share = (this.#setup.background ?? 0) / this.#background.length;
    const began = this.#now;
    this.#backgroundUntil[i] = began + BACKGROUND_NS / share;
    this.#scheduler.at(this.#backgroundUntil[i], () => {});
    thread.start(BACKGROUND_NS, () => {});
  }

  #send(): void {
    const { rate, costs, receivers } = this.#setup;
    if (rate !== Number.POSITIVE_INFINITY && this.#sent >= (this.#now / 1e9) * rate) {
      this.#sendAt = this.#now + SEND_PAUSE_NS;
      this.#scheduler.at(this.#sendAt, () => {});
      return;
    }
    // Without a sender among the threads, an unlimited rate keeps the sockets full.
    if (rate === Number.POSITIVE_INFINITY && costs.sendDatagram === 0) {
      for (const socket of this.#sockets) while (socket.length < SOCKET) socket.push(this.#now);
      this.#sendAt = this.#now + SEND_PAUSE_NS / 10;
      this.#scheduler.at(this.#sendAt, () => {});
      return;
    }
    const socket = this.#sockets[Math.floor(this.#sent / SEND_BATCH) % receivers];
    this.#sent++;
    const woken = this.#sendAt > 0;
    this.#sendAt = 0;
    this.#sender.start(costs.sendDatagram + (woken ? costs.sendWake : 0) + 1, () => {
      if (socket.length < SOCKET) socket.push(this.#now);
      else this.#result.lost++;
    });
  }

  #mayReceive(i: number): boolean {
    return this.#sockets[i].length > 0 && this.#ringUsed[i] < this.#setup.slots;
  }

  /** Wakes up first and looks then what is there: more may have come by that time. */
  #receive(i: number, wake: number): void {
    if (wake > 0) {
      this.#receivers[i].start(wake, () => this.#receive(i, 0));
      return;
    }
    const count = Math.min(BATCH_DATAGRAMS, this.#sockets[i].length, this.#setup.slots - this.#ringUsed[i]);
    this.#ringUsed[i] += count;
    this.#receivers[i].start(count * this.#setup.costs.receiveDatagram + 1, () => {
      this.#rings[i].push(...this.#sockets[i].splice(0, count));
      this.#received[i] += count;
      const rest = this.#rests[i];
      if (count < BATCH_DATAGRAMS && rest !== null) {
        this.#restEnds[i] = this.#now + rest.next(this.#received[i]) * 1e6;
        this.#received[i] = 0;
        this.#scheduler.at(this.#restEnds[i], () => {});
      } else if (this.#mayReceive(i)) this.#receive(i, 0);
    });
  }

  #mainHasWork(): boolean {
    if (this.#results > 0 || this.#scheduled || this.#now >= this.#pauseEnd) return true;
    // Rings are watched only while no pause is going on.
    const watching = Number.isNaN(this.#pauseEnd);
    return watching && this.#mayScan() && this.#rings.some((ring) => ring.length > 0);
  }

  #mayScan(): boolean {
    return LIVE_MEMORY.items - this.#items >= ITEMS_PER_DATAGRAM;
  }

  /** One turn of the event loop: results that have come in, then the rings, unless they wait for the end of a pause. */
  #mainTurn(): void {
    this.#results = 0;
    const stalled = !this.#hasRoom() || !this.#mayScan();
    if (this.#now >= this.#pauseEnd) this.#pauseEnd = Number.NaN;
    this.#retire();
    const looks = Number.isNaN(this.#pauseEnd) || this.#scheduled || stalled;
    this.#scheduled = false;
    if (looks) this.#pump(PUMP_DATAGRAMS);
  }

  #pump(left: number): void {
    const { costs } = this.#setup;
    let scanned = 0;
    for (let i = 0; i < this.#rings.length && scanned < TURN_DATAGRAMS; i++) {
      if (!this.#mayScan()) break;
      const take = Math.min(
        TURN_DATAGRAMS,
        this.#rings[i].length,
        left,
        TASK_DATAGRAMS - this.#open.datagrams,
      );
      if (take === 0) continue;
      if (this.#open.datagrams === 0) this.#open.openedAt = this.#now;
      this.#scanned += take;
      this.#open.arrivals.push(...this.#rings[i].splice(0, take));
      this.#open.slots[i] += take;
      this.#open.datagrams += take;
      this.#items += take;
      scanned += take;
      if (this.#open.datagrams >= TASK_DATAGRAMS) break;
    }
    const close = this.#open.datagrams >= TASK_DATAGRAMS || (scanned === 0 && this.#isDue());
    if (scanned === 0 && !close) {
      if (left <= 0) this.#scheduled = true;
      else if (this.#open.datagrams > 0 || left < PUMP_DATAGRAMS) this.#pause();
      this.#continueMain();
      return;
    }
    this.#main.start(scanned * costs.mainDatagram, () => {
      if (close) this.#close();
      if (left - scanned > 0) this.#pump(left - scanned);
      else {
        this.#scheduled = true;
        this.#continueMain();
      }
    });
  }

  /** Whether the open task has waited for long enough, or holds so much that the ring needs it back. */
  #isDue(): boolean {
    const { datagrams, openedAt } = this.#open;
    if (datagrams === 0 || !this.#hasRoom()) return false;
    return this.#now - openedAt >= LINGER_NS || datagrams * 2 >= this.#setup.slots;
  }

  #pause(): void {
    if (!Number.isNaN(this.#pauseEnd)) return;
    const came = this.#scanned - this.#scannedBefore;
    this.#scannedBefore = this.#scanned;
    this.#pauseEnd = this.#now + this.#looks.next(came) * 1e6;
    this.#scheduler.at(this.#pauseEnd, () => {});
  }

  /** The loop turns again without sleeping when there is more to do. */
  #continueMain(): void {
    if (this.#mainHasWork()) this.#mainTurn();
  }

  #hasRoom(): boolean {
    return this.#running < this.#workers.length * TASKS_PER_WORKER;
  }

  #close(): void {
    this.#tasks.push(this.#open);
    this.#waiting.push(this.#open);
    this.#open = this.#newTask();
    this.#give();
  }

  #newTask(): Task {
    return {
      datagrams: 0,
      openedAt: 0,
      slots: new Array<number>(this.#setup.receivers).fill(0),
      arrivals: [],
      done: false,
    };
  }

  #give(): void {
    while (this.#waiting.length > 0 && this.#hasRoom()) {
      this.#running++;
      const shortest = this.#workerQueues.reduce((a, b) => (b.length < a.length ? b : a));
      shortest.push(this.#waiting.shift()!);
    }
  }

  #decode(i: number): void {
    const [task] = this.#workerQueues[i];
    if (this.#workers[i].busy || task === undefined) return;
    const { decodeDatagram, decodeColdTask, decodeColdDatagram } = this.#setup.costs;
    const cold = this.#coldness(this.#workers[i]);
    const work = cold * decodeColdTask + task.datagrams * (decodeDatagram + cold * decodeColdDatagram);
    this.#workers[i].start(work, () => {
      this.#workerQueues[i].shift();
      task.done = true;
      this.#results++;
      this.#running--;
    });
  }

  #retire(): void {
    this.#give();
    while (this.#tasks[0]?.done) {
      const task = this.#tasks.shift()!;
      this.#items -= task.datagrams;
      task.slots.forEach((count, i) => {
        this.#ringUsed[i] -= count;
      });
      this.#result.tasks++;
      this.#result.retired += task.datagrams;
      this.#otherWork += task.datagrams * this.#setup.costs.otherDatagram;
      for (let i = 0; i < task.arrivals.length; i += 8) this.#latencies.push(this.#now - task.arrivals[i]);
    }
  }
}
