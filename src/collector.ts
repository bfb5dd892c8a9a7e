import { availableParallelism } from 'node:os';
import type { Writable } from 'node:stream';
import { Count, Ledger, type LedgerReport, type OutputAccount } from './accounting/ledger.ts';
import { type Clock, systemClock } from './base/clock.ts';
import type { Cidr } from './base/ip.ts';
import { Mute } from './base/mute.ts';
import { Pipeline, type PipelineOutput } from './dispatch/pipeline.ts';
import { DecodePool } from './dispatch/pool.ts';
import { Quarantine } from './dispatch/quarantine.ts';
import { DEFAULT_SCANNER_OPTIONS, type ScannerOptions } from './dispatch/scanner.ts';
import { standardElements } from './elements/registry.ts';
import type { MemorySize } from './memory/layout.ts';
import { SharedMemory } from './memory/shared-memory.ts';
import type { Encoding } from './output/encoder.ts';
import { openSink } from './output/open-sink.ts';
import type { OutputSpec } from './output/output-uri.ts';
import type { Sink } from './output/sink.ts';
import { DgramReceiver, type ListenAddress } from './receive/dgram-receiver.ts';
import { Feeder } from './receive/feeder.ts';
import { kernelDrops } from './receive/kernel-drops.ts';

/** Receives the lines of a log; what is repeated is muted before it gets here. */
export interface CollectorLog {
  info(text: string): void;
  warn(text: string): void;
}

export interface CollectorOptions {
  /** Where datagrams come from: sockets, or whoever holds `feeder`. */
  source: { listen: readonly ListenAddress[] } | 'feeder';
  outputs: readonly OutputSpec[];
  /** Decode threads; default: cores left over after the main thread, at least 1. */
  workers?: number;
  scanner?: Partial<ScannerOptions>;
  /** Address ranges that may send; default everybody. */
  allow?: readonly Cidr[];
  /** Directory for datagrams that end a worker twice; default none. */
  quarantine?: string;
  memory?: Partial<Omit<MemorySize, 'rings'>>;
  /** Socket receive buffer to ask for. */
  receiveBufferBytes?: number;
  log?: CollectorLog;
  clock?: Clock;
  /** Where `stdout:` outputs go; default standard output. */
  stdout?: Writable;
  /** Called when the reader of standard output has gone away. */
  onOutputClosed?: () => void;
  /** Module that decode threads run; default workers/decode.ts. */
  workerEntry?: URL;
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
const TICK_MS = 1_000;
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
  readonly #options: CollectorOptions;
  readonly #clock: Clock;
  readonly #log: CollectorLog;
  readonly #mute: Mute;
  readonly #encodings: Encoding[] = [];
  readonly #outputs: PipelineOutput[] = [];
  readonly #receivers: DgramReceiver[] = [];
  #quarantine: Quarantine | null = null;
  #pool: DecodePool | null = null;
  #pipeline: Pipeline | null = null;
  #feeder: Feeder | null = null;
  #ticker: NodeJS.Timeout | undefined;

  constructor(options: CollectorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? { info: () => {}, warn: () => {} };
    this.#mute = new Mute(this.#clock, NOTE_INTERVAL_MS);
    this.workers = options.workers ?? defaultWorkers();
    const live = options.source !== 'feeder';
    const rings = live ? (options.source as { listen: readonly ListenAddress[] }).listen.length : 1;
    this.memory = SharedMemory.create({
      ...(live ? LIVE_MEMORY : FILE_MEMORY),
      ...options.memory,
      rings: Math.max(1, rings),
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

  /** Ports that are bound, in the order of the listen addresses. */
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
    await this.#countKernelDrops();
    for (const receiver of this.#receivers) await receiver.close();
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

  async #openOutputs(): Promise<void> {
    const whenFull = this.#options.source === 'feeder' ? 'wait' : 'drop';
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
    const setup = { memory: this.memory.buffer, encodings: this.#encodings, limits: scanner.limits };
    this.#pool = new DecodePool(this.workers, setup, this.#options.workerEntry);
    this.#pipeline = new Pipeline({
      memory: this.memory,
      elements: standardElements,
      scanner,
      pool: this.#pool,
      outputs: this.#outputs,
      optionsWanted: this.#encodings.some(({ options, schema }) => options || schema === 'iana'),
      ledger: this.ledger,
      clock: this.#clock,
      allow: allow ?? [],
      quarantine: this.#quarantine,
      note: (kind, text) => this.#note(kind, text),
      onRelease: () => this.#feeder?.released(),
    });
  }

  async #openSockets(addresses: readonly ListenAddress[]): Promise<void> {
    const bufferBytes = this.#options.receiveBufferBytes ?? DEFAULT_RECEIVE_BUFFER_BYTES;
    for (const [i, address] of addresses.entries()) {
      const onReceived = () => this.#pipeline!.schedule();
      const receiver = new DgramReceiver(address, this.memory, this.memory.ring(i), this.#clock, onReceived);
      await receiver.open(bufferBytes);
      this.#receivers.push(receiver);
      const got = receiver.receiveBufferBytes;
      // Linux doubles what is asked for, for its own bookkeeping.
      if (got < bufferBytes) {
        this.#log.warn(
          `port ${receiver.port}: the system caps the receive buffer at ${got} bytes; ` +
            `for ${bufferBytes}: sysctl -w net.core.rmem_max=${bufferBytes}`,
        );
      }
    }
  }

  /** Counters that are kept where things happen come into the ledger here. */
  #settle(): void {
    this.#pipeline?.settle();
    let oversize = this.#feeder?.oversize ?? 0;
    let ringFull = 0;
    for (const { drops } of this.#receivers) {
      oversize += drops.oversize;
      ringFull += drops.ringFull;
    }
    this.ledger.set(Count.datagrams_received, (this.#pipeline?.scanned ?? 0) + oversize + ringFull);
    this.ledger.set(Count.datagrams_refused_oversize, oversize);
    this.ledger.set(Count.datagrams_refused_ring_full, ringFull);
  }

  async #countKernelDrops(): Promise<void> {
    if (this.#receivers.length === 0) return;
    const drops = await kernelDrops(this.ports);
    if (!Number.isNaN(drops)) this.ledger.set(Count.datagrams_kernel_dropped, drops);
  }

  async #closeAll(): Promise<void> {
    clearInterval(this.#ticker);
    for (const receiver of this.#receivers) await receiver.close();
    for (const { sink } of this.#outputs) await sink.close();
    await this.#quarantine?.close();
    await this.#pool?.close();
  }

  #tick(): void {
    this.#pipeline?.checkStuck();
    // Life times are measured with arrival times; only where datagrams arrive now does the clock say what time it is.
    if (this.#options.source !== 'feeder') this.#pipeline?.scanner.expire(this.#clock.wallMs());
  }

  #note(kind: string, text: () => string): void {
    const muted = this.#mute.pass(kind);
    if (muted < 0) return;
    this.#log.warn(muted === 0 ? text() : `${text()} (and ${muted} more like it)`);
  }
}
