import { availableParallelism } from 'node:os';
import type { Writable } from 'node:stream';
import { Count, Ledger, type LedgerReport, type OutputAccount } from './accounting/ledger.ts';
import { type Clock, systemClock } from './base/clock.ts';
import type { Cidr } from './base/ip.ts';
import { Mute } from './base/mute.ts';
import { type CollectorParts, describeParts } from './collector-parts.ts';
import type { JitMode } from './decode/plan-runner.ts';
import type { Companion } from './dispatch/binder.ts';
import { Pipeline, type PipelineOutput } from './dispatch/pipeline.ts';
import { DecodePool, TASKS_PER_WORKER } from './dispatch/pool.ts';
import { Quarantine } from './dispatch/quarantine.ts';
import { DEFAULT_SCANNER_OPTIONS, type ScannerOptions } from './dispatch/scanner.ts';
import { standardElements } from './elements/registry.ts';
import type { MemorySize } from './memory/layout.ts';
import { SharedMemory } from './memory/shared-memory.ts';
import { Slabs } from './memory/slabs.ts';
import type { Encoding } from './output/encoder.ts';
import { openSink } from './output/open-sink.ts';
import type { WhenFull } from './output/output-queue.ts';
import type { OutputSpec } from './output/output-uri.ts';
import type { Sink } from './output/sink.ts';
import { Tail } from './output/tail.ts';
import { DgramReceiver } from './receive/dgram-receiver.ts';
import { Feeder } from './receive/feeder.ts';
import { kernelDrops } from './receive/kernel-drops.ts';
import { chooseReceive, type ReceiveChoice, type ReceiveMode } from './receive/receive-mode.ts';
import type { ListenAddress, Receiver } from './receive/receiver.ts';
import { ThreadReceiver } from './receive/thread-receiver.ts';
import type { Scope } from './templates/scope.ts';

/** Receives the lines of a log; what is repeated is muted before it gets here. */
export interface CollectorLog {
  info(text: string): void;
  warn(text: string): void;
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
  /** Address ranges that may send; default everybody. */
  allow?: readonly Cidr[];
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
  /** Module that decode threads run; default workers/decode.ts. */
  workerEntry?: URL;
  /** Whether flows can be watched while they go by (`tail`). */
  tail?: boolean;
}

export interface CollectorStatus {
  datagrams: number;
  flows: number;
  /** Exporter and domain pairs, templates and held sets that are known at present. */
  exporters: number;
  templates: number;
  held: number;
  /** Datagrams and flows that sequence numbers say were lost, and datagrams refused for want of room. */
  lost: number;
  /** Trouble of outputs, one line each. */
  troubles: string[];
}

export interface CollectorReport extends LedgerReport {
  outputs: OutputAccount[];
}

/** Datagrams of up to 9 kB jumbo frames while listening; anything from a file. */
const LIVE_MEMORY = { slots: 8_192, maxDatagramBytes: 9_216, items: 65_536, heapBytes: 64 * 1024 * 1024 };
const FILE_MEMORY = { slots: 1_024, maxDatagramBytes: 65_535, items: 65_536, heapBytes: 64 * 1024 * 1024 };
export const DEFAULT_RECEIVE_BUFFER_BYTES = 32 * 1024 * 1024;
/** Encoded bytes of a task of full datagrams; longer ones are sent by message. */
const SLAB_BYTES = 4 * 1024 * 1024;
const SPARE_SLABS = 4;
const TICK_MS = 1_000;
/** Time over which the rates of exporters are taken. */
const RATE_MS = 5_000;
/** What a tail shows. */
const TAIL_ENCODING: Encoding = { format: 'ndjson', schema: 'millrace', options: false };
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
  readonly #encodings: Encoding[] = [];
  readonly #outputs: PipelineOutput[] = [];
  readonly #receivers: Receiver[] = [];
  readonly #receive: ReceiveChoice;
  #quarantine: Quarantine | null = null;
  #slabs: Slabs | null = null;
  #pool: DecodePool | null = null;
  #pipeline: Pipeline | null = null;
  #feeder: Feeder | null = null;
  #ticker: NodeJS.Timeout | undefined;
  #ratesAtMs: number;

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? { info: () => {}, warn: () => {} };
    this.#mute = new Mute(this.#clock, NOTE_INTERVAL_MS);
    this.workers = options.workers ?? defaultWorkers();
    this.tail = options.tail ? new Tail(this.#clock) : null;
    this.#ratesAtMs = this.#clock.monotonicMs();
    this.#receive = chooseReceive(options.receive ?? 'auto', options.receivers ?? 1);
    const { source } = options;
    this.memory = SharedMemory.create({
      ...(source === 'feeder' ? FILE_MEMORY : LIVE_MEMORY),
      ...options.memory,
      rings: source === 'feeder' ? 1 : Math.max(1, source.listen.length * this.#receive.receivers),
    });
  }

  /** For sources other than sockets; only after start. */
  get feeder(): Feeder {
    return this.#feeder!;
  }

  /** The decode threads; for tests that end them. */
  get pool(): DecodePool {
    return this.#pool!;
  }

  /** How datagrams are received from sockets, and why, in one line. */
  get receiving(): string {
    return this.#receive.explanation;
  }

  /** Shared memory of all kinds. */
  get sharedBytes(): number {
    return this.memory.buffer.byteLength + (this.#slabs?.buffer.byteLength ?? 0);
  }

  /** Ports that are bound, in the order of the listen addresses; each as often as it has receivers. */
  get ports(): number[] {
    return this.#receivers.map((receiver) => receiver.port);
  }

  /** Opens everything. Rejects with a MillraceError when something cannot be opened; then nothing stays open. */
  async start(): Promise<void> {
    try {
      await this.#openOutputs();
      await this.#openPipeline();
      if (this.#options.source === 'feeder') {
        this.#feeder = new Feeder(this.memory, this.memory.ring(0), () => this.#pipeline!.schedule());
      } else {
        await this.#openSockets(this.#options.source.listen);
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
    await this.countKernelDrops();
    await Promise.all(this.#receivers.map((receiver) => receiver.close()));
    await this.#pipeline?.drained();
    this.#settle();
    await this.#closeAll();
    return this.report();
  }

  /**
   * Gives the outputs up in front of everything else, for an output that has failed and will not take any more: what is
   * still decoded counts as dropped. To be followed by stop.
   */
  async closeOutputs(): Promise<void> {
    await Promise.all(this.#outputs.map(({ sink }) => sink.close()));
  }

  /** Starts new files in the outputs that have files. */
  rotate(): void {
    for (const { sink } of this.#outputs) sink.rotate();
  }

  report(): CollectorReport {
    this.#settle();
    return { ...this.ledger.toJSON(), outputs: this.#pipeline?.outputAccounts() ?? [] };
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
      lost:
        ledger.get(Count.sequence_lost_datagrams) +
        ledger.get(Count.sequence_lost_records) +
        ledger.get(Count.datagrams_refused_ring_full),
      troubles: this.#outputs.flatMap(({ sink }) =>
        sink.trouble === null ? [] : [`${sink.name} ${sink.trouble}`],
      ),
    };
  }

  /** Whether everything is open that was asked for. */
  get started(): boolean {
    return this.#ticker !== undefined;
  }

  parts(): CollectorParts {
    return describeParts(this, this.#receivers, this.#pool, this.#pipeline, this.#outputs);
  }

  /** Exporters and domains that are known at present. */
  scopes(): Iterable<Scope<Companion>> {
    return this.#pipeline?.scanner.scopes ?? [];
  }

  async #openOutputs(): Promise<void> {
    const whenFull = this.#options.whenFull ?? (this.#options.source === 'feeder' ? 'wait' : 'drop');
    const { onOutputClosed: onClosed, stdout } = this.#options;
    for (const spec of this.#options.outputs) {
      const sink: Sink = await openSink(spec, { whenFull, onClosed, stdout, clock: this.#clock });
      this.#outputs.push({ sink, encoding: this.#encodingOf(spec.encoding), encoded: 0 });
    }
  }

  /** Position of an encoding among those the workers make; equal ones share a position. */
  #encodingOf(encoding: Encoding): number {
    const known = this.#encodings.findIndex(
      (other) =>
        other.format === encoding.format &&
        other.schema === encoding.schema &&
        other.options === encoding.options,
    );
    return known >= 0 ? known : this.#encodings.push(encoding) - 1;
  }

  async #openPipeline(): Promise<void> {
    const { quarantine, allow } = this.#options;
    const scanner = { ...DEFAULT_SCANNER_OPTIONS, ...this.#options.scanner };
    if (quarantine !== undefined) {
      const onTrouble = (text: string) => this.#note('quarantine-trouble', () => text);
      this.#quarantine = new Quarantine(quarantine, this.#clock, standardElements, onTrouble);
      await this.#quarantine.open();
    }
    // For every task in work or waiting there is one more on its way out.
    const count = this.#encodings.length * (this.workers * TASKS_PER_WORKER * 2 + SPARE_SLABS);
    const slabs = Slabs.create(count, SLAB_BYTES);
    this.#slabs = slabs;
    // Slabs are for outputs: what only a tail wants goes without.
    const tail = this.tail && { tail: this.tail, encoding: this.#encodingOf(TAIL_ENCODING) };
    const setup = {
      memory: this.memory.buffer,
      slabs: slabs.buffer,
      slabBytes: SLAB_BYTES,
      encodings: this.#encodings,
      limits: scanner.limits,
      jit: this.#options.jit ?? 'auto',
    };
    this.#pool = new DecodePool(this.workers, setup, this.#options.workerEntry);
    await this.#pool.ready();
    this.#pipeline = new Pipeline({
      memory: this.memory,
      slabs,
      elements: standardElements,
      scanner,
      pool: this.#pool,
      outputs: this.#outputs,
      tail,
      optionsWanted: this.#encodings.some(({ options, schema }) => options || schema === 'iana'),
      ledger: this.ledger,
      clock: this.#clock,
      allow: allow ?? [],
      quarantine: this.#quarantine,
      note: (kind, text) => this.#note(kind, text),
      watchRings: this.#options.source !== 'feeder' && this.#receive.mode === 'recvmmsg',
      onRelease: () => this.#feeder?.released(),
    });
  }

  async #openSockets(addresses: readonly ListenAddress[]): Promise<void> {
    const bufferBytes = this.#options.receiveBufferBytes ?? DEFAULT_RECEIVE_BUFFER_BYTES;
    for (const address of addresses) {
      let port = address.port;
      for (let i = 0; i < this.#receive.receivers; i++) {
        const receiver = this.#receiver({ ...address, port });
        await receiver.open(bufferBytes);
        this.#receivers.push(receiver);
        port = receiver.port;
      }
      this.#checkBuffer(this.#receivers.at(-1)!, bufferBytes);
    }
  }

  #receiver(address: ListenAddress): Receiver {
    const index = this.#receivers.length;
    const ring = this.memory.ring(index);
    if (this.#receive.mode === 'recvmmsg') {
      const onLost = () => this.#note('receiver', () => 'a receive thread ended and was started again');
      return new ThreadReceiver(
        address,
        this.memory.buffer,
        index,
        ring,
        this.#receive.receivers > 1,
        onLost,
      );
    }
    return new DgramReceiver(address, this.memory, ring, this.#clock, () => this.#pipeline!.schedule());
  }

  #checkBuffer({ port, receiveBufferBytes: got }: Receiver, bufferBytes: number): void {
    // Linux says twice what it was asked for, because it counts its own bookkeeping.
    if (got >= bufferBytes) return;
    this.#log.warn(
      `port ${port}: the system caps the receive buffer at ${got} bytes; ` +
        `for ${bufferBytes}: sysctl -w net.core.rmem_max=${bufferBytes}`,
    );
  }

  /** Counters that are kept where things happen come into the ledger here. */
  #settle(): void {
    this.#pipeline?.settle();
    let oversize = this.#feeder?.oversize ?? 0;
    let ringFull = 0;
    for (const receiver of this.#receivers) {
      oversize += receiver.oversize;
      ringFull += receiver.ringFull;
    }
    const scanned = sum(this.#pipeline?.scanned);
    this.ledger.set(Count.datagrams_received, scanned + oversize + ringFull);
    oversize += sum(this.#pipeline?.oversize);
    const kernelDropped = this.#receivers.reduce((sum, receiver) => sum + (receiver.kernelDrops || 0), 0);
    this.ledger.raise(Count.datagrams_kernel_dropped, kernelDropped);
    this.ledger.set(Count.datagrams_refused_oversize, oversize);
    this.ledger.set(Count.datagrams_refused_ring_full, ringFull);
  }

  /** Counts what the kernel dropped, from the system's table where it has one: sockets tell only with the next datagram. */
  async countKernelDrops(): Promise<void> {
    if (this.#receivers.length === 0) return;
    const drops = await kernelDrops(new Set(this.ports));
    if (!Number.isNaN(drops)) this.ledger.raise(Count.datagrams_kernel_dropped, drops);
  }

  async #closeAll(): Promise<void> {
    clearInterval(this.#ticker);
    this.#pipeline?.stopWatching();
    await Promise.all(this.#receivers.map((receiver) => receiver.close()));
    for (const { sink } of this.#outputs) await sink.close();
    await this.#quarantine?.close();
    await this.#pool?.close();
  }

  #tick(): void {
    this.#pipeline?.checkStuck();
    this.#sampleRates();
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

  #note(kind: string, text: () => string): void {
    const muted = this.#mute.pass(kind);
    if (muted < 0) return;
    this.#log.warn(muted === 0 ? text() : `${text()} (and ${muted} more like it)`);
  }
}

function sum(numbers: readonly number[] = []): number {
  return numbers.reduce((a, b) => a + b, 0);
}
