import { ExportStream, StreamContext } from './export-stream.ts';
import { type GeneratorOptions, resolveGeneratorOptions } from './generator-options.ts';

export { DEFAULT_START_MS, type GeneratorOptions, resolveGeneratorOptions } from './generator-options.ts';

export interface GeneratedDatagram {
  /** Belongs to the simulator: valid until the next call of `next` or `drain`. */
  readonly payload: Uint8Array<ArrayBuffer>;
  /** Index of the exporter, from 0. */
  readonly exporter: number;
  /** Data records, options data not included. */
  readonly records: number;
  readonly optionsRecords: number;
  /** Virtual time of the export, ms since the epoch. */
  readonly atMs: number;
}

/** Counts of datagrams and of the records in them. */
export interface GeneratedCounts {
  datagrams: number;
  /** Data records. */
  records: number;
  optionsRecords: number;
}

/**
 * A number of exporters that send NetFlow v5, v7, v9 or IPFIX, one datagram each in turn, as they would over a network
 * that loses and swaps some. Everything follows from the options: equal options, equal bytes. Loss does not change what
 * is in the datagrams, it takes some away. Runs in whatever thread owns it, without timers and without I/O.
 */
export class ExporterSimulator {
  readonly options: Readonly<GeneratorOptions>;
  /** What `next` and `drain` have returned. */
  readonly emitted: Readonly<GeneratedCounts>;
  /** What was made and thrown away. */
  readonly lost: Readonly<GeneratedCounts>;
  readonly #emitted: GeneratedCounts = { datagrams: 0, records: 0, optionsRecords: 0 };
  readonly #lost: GeneratedCounts = { datagrams: 0, records: 0, optionsRecords: 0 };
  readonly #context: StreamContext;
  readonly #streams: ExportStream[] = [];
  /** Views of the context's buffer by length; making one costs more than writing a header. */
  readonly #views = new Map<number, Uint8Array<ArrayBuffer>>();
  /** Datagrams that wait for the next one of their exporter, by exporter. */
  readonly #held: (GeneratedDatagram | undefined)[] = [];
  #overtaken: GeneratedDatagram | undefined;
  #turn = 0;
  #nowMs: number;

  /** Throws MillraceError CONFIG_INVALID. */
  constructor(options: Partial<GeneratorOptions> = {}) {
    this.options = resolveGeneratorOptions(options);
    this.emitted = this.#emitted;
    this.lost = this.#lost;
    this.#context = new StreamContext(this.options);
    for (let i = 0; i < this.options.exporters; i++) {
      this.#streams.push(new ExportStream(i, this.#context));
      this.#held.push(undefined);
    }
    this.#nowMs = this.options.startMs;
  }

  /** Virtual time of the next datagram, ms since the epoch. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Sets the virtual clock forward; it never goes back. For senders that want export times to follow the real clock. */
  advanceTo(timeMs: number): void {
    if (timeMs > this.#nowMs) this.#nowMs = timeMs;
  }

  /** The next datagram that reaches the network. */
  next(): GeneratedDatagram {
    const { loss, reorder, intervalMs } = this.options;
    const overtaken = this.#overtaken;
    if (overtaken !== undefined) {
      this.#overtaken = undefined;
      return this.#emit(overtaken);
    }
    for (;;) {
      const stream = this.#streams[this.#turn];
      const atMs = this.#nowMs;
      stream.make(atMs);
      this.#nowMs += intervalMs;
      if (++this.#turn === this.#streams.length) this.#turn = 0;
      if (loss === 0 && reorder === 0) return this.#emit(this.#datagram(stream, atMs));

      const isLost = stream.fate.chance(loss);
      const isLate = stream.fate.chance(reorder);
      const held = this.#held[stream.index];
      this.#held[stream.index] = undefined;
      if (isLost) {
        count(this.#lost, stream);
        // There is nothing left that could overtake it.
        if (held !== undefined) return this.#emit(held);
      } else if (held !== undefined) {
        this.#overtaken = held;
        return this.#emit(this.#datagram(stream, atMs));
      } else if (isLate) {
        const datagram = this.#datagram(stream, atMs);
        this.#held[stream.index] = { ...datagram, payload: datagram.payload.slice() };
      } else {
        return this.#emit(this.#datagram(stream, atMs));
      }
    }
  }

  /** One of the datagrams that still wait to be overtaken, or undefined; makes none. For the end of a run. */
  drain(): GeneratedDatagram | undefined {
    const overtaken = this.#overtaken;
    this.#overtaken = undefined;
    if (overtaken !== undefined) return this.#emit(overtaken);
    const index = this.#held.findIndex((datagram) => datagram !== undefined);
    if (index < 0) return undefined;
    const datagram = this.#held[index] as GeneratedDatagram;
    this.#held[index] = undefined;
    return this.#emit(datagram);
  }

  #datagram(stream: ExportStream, atMs: number): GeneratedDatagram {
    let payload = this.#views.get(stream.length);
    if (payload === undefined) {
      payload = this.#context.writer.bytes.subarray(0, stream.length);
      this.#views.set(stream.length, payload);
    }
    const { index, records, optionsRecords } = stream;
    return { payload, exporter: index, records, optionsRecords, atMs };
  }

  #emit(datagram: GeneratedDatagram): GeneratedDatagram {
    count(this.#emitted, datagram);
    return datagram;
  }
}

function count(counts: GeneratedCounts, datagram: { records: number; optionsRecords: number }): void {
  counts.datagrams++;
  counts.records += datagram.records;
  counts.optionsRecords += datagram.optionsRecords;
}
