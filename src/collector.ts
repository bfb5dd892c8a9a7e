import { availableParallelism } from 'node:os';
import type { Writable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { abandon } from './accounting/abandon.ts';
import { Count, Ledger, type LedgerReport, type OutputAccount } from './accounting/ledger.ts';
import { type Clock, systemClock } from './base/clock.ts';
import { countText } from './base/count-text.ts';
import { MillraceError } from './base/errors.ts';
import { Mute } from './base/mute.ts';
import { type CollectorParts, describeParts } from './collector-parts.ts';
import type { JitMode } from './decode/plan-runner.ts';
import { type AdmissionRules, Gatekeeper } from './dispatch/admission.ts';
import type { Companion } from './dispatch/binder.ts';
import { type DecodeThreads, startDecodeThreads } from './dispatch/decode-threads.ts';
import { type DatagramIdentity, identityText } from './dispatch/note.ts';
import { OutputSet } from './dispatch/output-set.ts';
import { Pipeline } from './dispatch/pipeline.ts';
import type { DecodePool } from './dispatch/pool.ts';
import { Quarantine } from './dispatch/quarantine.ts';
import { DEFAULT_SCANNER_OPTIONS, type ScannerOptions } from './dispatch/scanner.ts';
import { StoreHost, type StoreOptions, type StoreReport } from './dispatch/store-host.ts';
import type { Element, ElementLookup } from './elements/element.ts';
import { CurrentElements, elementsWith, isStructuredAlike } from './elements/registry.ts';
import type { Filter } from './filter/parser.ts';
import type { MemorySize } from './memory/layout.ts';
import { SharedMemory } from './memory/shared-memory.ts';
import type { Encoding } from './output/encoder.ts';
import type { WhenFull } from './output/output-queue.ts';
import type { OutputSpec } from './output/output-uri.ts';
import { Tail } from './output/tail.ts';
import { Feeder } from './receive/feeder.ts';
import { chooseReceive, type ReceiveChoice, type ReceiveMode } from './receive/receive-mode.ts';
import type { ListenAddress } from './receive/receiver.ts';
import { ReceiverSet } from './receive/receiver-set.ts';
import type { Scope } from './templates/scope.ts';

/** Receives the lines of a log; what is repeated is muted before it gets here. */
export interface CollectorLog {
  info(text: string, fields?: object): void;
  warn(text: string, fields?: object): void;
}

export interface CollectorOptions {
  /** Where datagrams come from: sockets, or whoever holds `feeder`. */
  source: { listen: readonly ListenAddress[] } | 'feeder';
  outputs: readonly OutputSpec[];
  /** What a full output means; default `drop` for sockets, `wait` for the feeder. */
  whenFull?: WhenFull;
  /** Decode threads; default: cores left over after the main thread, at least 1. */
  workers?: number;
  scanner?: Partial<ScannerOptions>;
  /** Who may send, and how much; default everybody, anything. */
  admission?: Partial<AdmissionRules>;
  /** Information elements beside those that are built in, or in their place. */
  elements?: readonly Element[];
  /** What flow records have to pass to be written; default none. */
  filter?: Filter;
  /** Directory for datagrams that end a worker twice; default none. */
  quarantine?: string;
  memory?: Partial<Omit<MemorySize, 'rings'>>;
  /** How datagrams are received from sockets; default `auto`. */
  receive?: ReceiveMode;
  /** Receive threads that share each listen address; default 1. */
  receivers?: number;
  /** Socket receive buffer to ask for. */
  receiveBufferBytes?: number;
  log?: CollectorLog;
  clock?: Clock;
  /** Where `stdout:` outputs go; default standard output. */
  stdout?: Writable;
  /** Whether plans are compiled; default `auto`. */
  jit?: JitMode;
  /** Called when the reader of standard output has gone away. */
  onOutputClosed?: () => void;
  /** Where templates and exporter state are shared or kept; default nowhere. */
  store?: StoreOptions;
  /** Module that decode threads run; default workers/decode.ts. */
  workerEntry?: URL;
  /** Whether flows can be watched while they go by (`tail`). */
  tail?: boolean;
}

/** What can change while the collector runs; each replaces what there was. */
export type Reloadable = Required<Pick<CollectorOptions, 'outputs' | 'elements'>> & {
  admission: AdmissionRules;
};

export interface CollectorStatus {
  datagrams: number;
  flows: number;
  /** Exporter and domain pairs, templates and held sets that are known at present. */
  exporters: number;
  templates: number;
  held: number;
  /** Shared memory for templates, exporter state and held sets that is in use. */
  heapBytes: number;
  /** Datagrams and flows that sequence numbers say were lost, and datagrams refused for want of room. */
  lost: number;
  /** The template store; null where there is none. */
  store: StoreReport | null;
  /** Trouble of outputs, one line each. */
  troubles: string[];
}

export interface CollectorReport extends LedgerReport {
  outputs: OutputAccount[];
}

/** Datagrams of up to 9 kB jumbo frames while listening; anything from a file. */
export const LIVE_MEMORY = {
  slots: 8_192,
  maxDatagramBytes: 9_216,
  items: 65_536,
  heapBytes: 64 * 1024 * 1024,
};
const FILE_MEMORY = { slots: 1_024, maxDatagramBytes: 65_535, items: 65_536, heapBytes: 64 * 1024 * 1024 };
export const DEFAULT_RECEIVE_BUFFER_BYTES = 32 * 1024 * 1024;
const TICK_MS = 1_000;
/** Time over which the rates of exporters are taken. */
const RATE_MS = 5_000;
const NOTE_INTERVAL_MS = 10_000;

export function defaultWorkers(): number {
  return Math.max(1, availableParallelism() - 1);
}

/**
 * Composition root: builds the parts, and owns the order in which they start and stop.
 * Start: outputs, quarantine, workers, sockets. Stop: sockets, what was received, outputs, workers.
 */
export class Collector {
  readonly ledger = new Ledger();
  readonly memory: SharedMemory;
  readonly workers: number;
  /** For those who watch flows; null unless asked for. */
  readonly tail: Tail | null;
  readonly #options: CollectorOptions;
  readonly #clock: Clock;
  readonly #log: CollectorLog;
  readonly #mute: Mute;
  readonly #receive: ReceiveChoice;
  readonly #receivers: ReceiverSet;
  readonly #gatekeeper: Gatekeeper;
  readonly #elements: CurrentElements;
  readonly #outputs: OutputSet;
  #quarantine: Quarantine | null = null;
  #threads: DecodeThreads | null = null;
  #pipeline: Pipeline | null = null;
  readonly #store: StoreHost | null;
  #feeder: Feeder | null = null;
  #ticker: NodeJS.Timeout | undefined;
  #ratesAtMs: number;
  #reloading: Promise<void> = Promise.resolve();

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? { info: () => {}, warn: () => {} };
    this.#mute = new Mute(this.#clock, NOTE_INTERVAL_MS);
    this.#store = options.store === undefined ? null : new StoreHost(options.store, this.#log);
    this.workers = options.workers ?? defaultWorkers();
    this.#receive = chooseReceive(options.receive ?? 'auto', options.receivers ?? 1);
    this.#elements = new CurrentElements(elementsWith(options.elements ?? []));
    this.tail = options.tail ? new Tail(this.#clock) : null;
    this.#ratesAtMs = this.#clock.monotonicMs();
    const sinks = {
      whenFull: options.whenFull ?? (options.source === 'feeder' ? 'wait' : 'drop'),
      onClosed: options.onOutputClosed,
      stdout: options.stdout,
      clock: this.#clock,
    };
    this.#outputs = new OutputSet(sinks, this.tail);
    this.#gatekeeper = new Gatekeeper({ allow: [], exporterRate: 0, ...options.admission });
    const { source } = options;
    this.memory = SharedMemory.create({
      ...(source === 'feeder' ? FILE_MEMORY : LIVE_MEMORY),
      ...options.memory,
      rings: source === 'feeder' ? 1 : Math.max(1, source.listen.length * this.#receive.receivers),
    });
    this.#receivers = new ReceiverSet({
      choice: this.#receive,
      memory: this.memory,
      clock: this.#clock,
      onDatagrams: () => this.#pipeline!.schedule(),
      onLost: () => this.#note('receiver', () => 'a receive thread ended and was started again'),
      warn: (line) => this.#log.warn(line),
    });
  }

  /** For sources other than sockets; only after start. */
  get feeder(): Feeder {
    return this.#feeder!;
  }

  /** The decode threads; for tests that end them. */
  get pool(): DecodePool {
    return this.#threads!.pool;
  }

  /** How datagrams are received from sockets, and why, in one line. */
  get receiving(): string {
    return this.#receive.explanation;
  }

  /** Shared memory of all kinds. */
  get sharedBytes(): number {
    return this.memory.buffer.byteLength + (this.#threads?.slabs.buffer.byteLength ?? 0);
  }

  /** Ports that are bound, in the order of the listen addresses; each as often as it has receivers. */
  get ports(): number[] {
    return this.#receivers.all.map(({ port }) => port);
  }

  /**
   * Opens everything. Rejects with a MillraceError when something cannot be opened; then nothing stays open. signal: ends the
   * wait for the template store, and the start with it.
   */
  async start(signal?: AbortSignal): Promise<void> {
    const { source, receiveBufferBytes } = this.#options;
    try {
      await this.#openPipeline();
      await this.#store?.start(this.#pipeline!, signal);
      if (source === 'feeder') {
        this.#feeder = new Feeder(this.memory, this.memory.ring(0), () => this.#pipeline!.schedule());
      } else {
        await this.#receivers.open(source.listen, receiveBufferBytes ?? DEFAULT_RECEIVE_BUFFER_BYTES);
      }
    } catch (error) {
      await this.#closeAll();
      throw error;
    }
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    this.#ticker.unref();
  }

  /** Stops receiving, finishes what was received, closes the outputs. */
  async stop(): Promise<CollectorReport> {
    await this.#reloading;
    await this.countKernelDrops();
    await this.#receivers.close();
    await this.#pipeline?.drained();
    this.#settle();
    await this.#closeAll();
    return this.report();
  }

  /** The account as it is when what is not finished is given up; the process is to end then. */
  abandon(): { report: CollectorReport; abandoned: string[] } {
    const given = abandon(this.report(), this.#pipeline?.waiting ?? 0);
    const queued = this.#store?.report?.queued ?? 0;
    if (queued > 0) given.abandoned.push(countText(queued, 'write', ' to the template store'));
    return given;
  }

  /**
   * Gives the outputs up in front of everything else, for an output that has failed and will not take any more: what is
   * still decoded counts as dropped. To be followed by stop.
   */
  async closeOutputs(): Promise<void> {
    await this.#outputs.close();
  }

  /** Starts new files in the outputs that have files. */
  rotate(): void {
    this.#outputs.rotate();
  }

  /**
   * Takes over what can change while it runs, from one datagram to the next. Resolves when all that came before is on its
   * way to the outputs, and those that are not wanted any more are closing. Rejects with a MillraceError, and everything
   * stays as it was, when an output cannot be opened, decode threads cannot start, or elements change in a way that needs a
   * restart.
   */
  reload(wanted: Reloadable): Promise<void> {
    const reloaded = this.#reloading.then(() => this.#reload(wanted));
    this.#reloading = reloaded.catch(() => {});
    return reloaded;
  }

  report(): CollectorReport {
    this.#settle();
    return { ...this.ledger.toJSON(), outputs: this.#outputs.accounts };
  }

  status(): CollectorStatus {
    this.#settle();
    const { ledger } = this;
    const scanner = this.#pipeline?.scanner;
    return {
      datagrams: ledger.get(Count.datagrams_received),
      flows: ledger.get(Count.records_decoded),
      exporters: scanner?.scopes.size ?? 0,
      templates: scanner?.templates.size ?? 0,
      held: scanner?.pending?.sets ?? 0,
      heapBytes: this.#pipeline?.heapBytes ?? 0,
      lost:
        ledger.get(Count.sequence_lost_datagrams) +
        ledger.get(Count.sequence_lost_records) +
        ledger.get(Count.datagrams_refused_ring_full),
      store: this.#store?.report ?? null,
      troubles: this.#outputs.troubles,
    };
  }

  /** Whether everything is open that was asked for. */
  get started(): boolean {
    return this.#ticker !== undefined;
  }

  parts(): CollectorParts {
    const pool = this.#threads?.pool ?? null;
    const store = this.#store?.report ?? null;
    return describeParts(this, this.#receivers.all, pool, this.#pipeline, this.#outputs.sinks, store);
  }

  /** The dictionary in use. */
  get elements(): ElementLookup {
    return this.#elements;
  }

  /** Exporters and domains that are known at present. */
  scopes(): Iterable<Scope<Companion>> {
    return this.#pipeline?.scanner.scopes ?? [];
  }

  async #reload({ outputs, elements, admission }: Reloadable): Promise<void> {
    const before = this.#threads!;
    const sameElements = isDeepStrictEqual(elements, before.setup.elements);
    const registry = elementsWith(elements);
    if (!sameElements && !isStructuredAlike(this.#elements.registry, registry)) {
      throw new MillraceError(
        'CONFIG_INVALID',
        'elements of structured types changed, which needs a restart',
      );
    }
    const change = await this.#outputs.prepare(outputs);
    let after = before;
    if (!sameElements || change.encodings !== before.setup.encodings) {
      try {
        after = await this.#startThreads(change.encodings, elements);
      } catch (error) {
        await change.abandon();
        throw error;
      }
    }
    this.#gatekeeper.change(admission);
    this.#elements.registry = registry;
    await this.#pipeline!.exchange({ ...after, ...change.commit() });
    this.#outputs.closeRemoved();
    this.#threads = after;
    if (after === before) return;
    await before.pool.close();
    after.pool.lost += before.pool.lost;
  }

  async #openPipeline(): Promise<void> {
    const change = await this.#outputs.prepare(this.#options.outputs);
    const destinations = change.commit();
    const { quarantine } = this.#options;
    const scanner = { ...DEFAULT_SCANNER_OPTIONS, ...this.#options.scanner };
    if (quarantine !== undefined) {
      const onTrouble = (text: string) => this.#note('quarantine-trouble', () => text);
      this.#quarantine = new Quarantine(quarantine, this.#clock, this.#elements, onTrouble);
      await this.#quarantine.open();
    }
    this.#threads = await this.#startThreads(change.encodings, this.#options.elements ?? []);
    this.#pipeline = new Pipeline({
      memory: this.memory,
      elements: this.#elements,
      scanner,
      ...this.#threads,
      ...destinations,
      ledger: this.ledger,
      clock: this.#clock,
      gatekeeper: this.#gatekeeper,
      quarantine: this.#quarantine,
      note: (kind, text, about) => this.#note(kind, text, about),
      watchRings: this.#options.source !== 'feeder' && this.#receive.mode === 'recvmmsg',
      onRelease: () => this.#feeder?.released(),
      sharing: this.#store,
    });
  }

  #startThreads(encodings: readonly Encoding[], elements: readonly Element[]): Promise<DecodeThreads> {
    const { limits } = { ...DEFAULT_SCANNER_OPTIONS, ...this.#options.scanner };
    const setup = {
      memory: this.memory.buffer,
      encodings,
      elements,
      limits,
      jit: this.#options.jit ?? 'auto',
      filter: this.#options.filter?.text ?? null,
    };
    return startDecodeThreads(this.workers, setup, this.#options.workerEntry);
  }

  /** Counters that are kept where things happen come into the ledger here. */
  #settle(): void {
    this.#pipeline?.settle();
    const { ringFull } = this.#receivers;
    const oversize = this.#receivers.oversize + (this.#feeder?.oversize ?? 0);
    const scanned = sum(this.#pipeline?.scanned);
    this.ledger.set(Count.datagrams_received, scanned + oversize + ringFull);
    this.ledger.set(Count.datagrams_refused_oversize, oversize + sum(this.#pipeline?.oversize));
    this.ledger.set(Count.datagrams_refused_ring_full, ringFull);
    this.ledger.raise(Count.datagrams_kernel_dropped, this.#receivers.kernelDropsTold());
  }

  /** Counts what the kernel dropped, from the system's table where it has one: sockets tell only with the next datagram. */
  async countKernelDrops(): Promise<void> {
    this.ledger.raise(Count.datagrams_kernel_dropped, await this.#receivers.kernelDropsListed());
  }

  async #closeAll(): Promise<void> {
    clearInterval(this.#ticker);
    this.#pipeline?.stopWatching();
    await this.#receivers.close();
    await this.#outputs.close();
    await this.#store?.close();
    await this.#quarantine?.close();
    await this.#threads?.pool.close();
  }

  #tick(): void {
    this.#pipeline?.checkStuck();
    this.#sampleRates();
    this.#settle();
    // Life times are measured with arrival times; only where datagrams arrive now does the clock say what time it is.
    if (this.#options.source !== 'feeder') this.#pipeline?.scanner.expire(this.#clock.wallMs());
  }

  #sampleRates(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#ratesAtMs < RATE_MS) return;
    const seconds = (nowMs - this.#ratesAtMs) / 1000;
    this.#ratesAtMs = nowMs;
    for (const { companion } of this.scopes()) companion.activity.sample(seconds);
  }

  #note(kind: string, text: () => string, about?: () => DatagramIdentity): void {
    const muted = this.#mute.pass(kind);
    if (muted < 0) return;
    const identity = about?.();
    const line = identity === undefined ? text() : `${text()}: ${identityText(identity)}`;
    this.#log.warn(muted === 0 ? line : `${line} (and ${muted} more like it)`, {
      event: kind,
      muted,
      ...identity,
    });
  }
}

function sum(numbers: readonly number[] = []): number {
  return numbers.reduce((a, b) => a + b, 0);
}
