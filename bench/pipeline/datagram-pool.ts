import { ExporterSimulator } from '../../src/generator/exporters.ts';

export interface PoolOptions {
  exporters: number;
  /** Field lists per exporter; 1 is the 21-field IPv4 flow of 59 octets. */
  templates: number;
  seed: number;
  /** Octets of a datagram at most. */
  maxDatagramBytes: number;
}

/** Octets from one datagram to the next. */
const STRIDE_BYTES = 1536;
/** Datagrams of all exporters together, unless there are more exporters: enough to vary, few enough for a cache. */
const POOL_DATAGRAMS = 1024;

/** Of the template of 21 fields. */
const RECORD_BYTES = 59;
const PORT_OFFSET = 11;

/** Where the data set of a v9 datagram has its first record. */
function firstRecord(payload: Uint8Array): number {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  let at = 20;
  while (view.getUint16(at) < 256) at += view.getUint16(at + 2);
  return at + 4;
}

/**
 * NetFlow v9 datagrams made once and sent again and again: sequence number and times are written anew each time, so
 * that a collector sees streams without gap, and source ports (with one template), so that collectors that add up equal
 * flows find none. Each exporter repeats its templates once a round.
 * In shared memory, because that never moves.
 */
export class DatagramPool {
  readonly exporters: number;
  /** Datagrams of each exporter. */
  readonly round: number;
  readonly buffer: SharedArrayBuffer;
  readonly #view: DataView;
  readonly #lengths: Uint16Array;
  readonly #records: Uint16Array;
  readonly #uptimes: Uint32Array;
  /** Where the source port of the first record stands; 0 where records differ in length. */
  readonly #ports: Uint16Array;
  readonly #startMs: number;

  constructor(options: PoolOptions, nowMs: number) {
    if (options.maxDatagramBytes > STRIDE_BYTES) throw new RangeError(`at most ${STRIDE_BYTES} octets`);
    this.exporters = options.exporters;
    this.round = Math.max(4, Math.floor(POOL_DATAGRAMS / options.exporters));
    this.#startMs = nowMs;
    const count = this.exporters * this.round;
    this.buffer = new SharedArrayBuffer(count * STRIDE_BYTES);
    this.#view = new DataView(this.buffer);
    this.#lengths = new Uint16Array(count);
    this.#records = new Uint16Array(count);
    this.#uptimes = new Uint32Array(this.exporters);
    this.#ports = new Uint16Array(count);
    const simulator = new ExporterSimulator({
      ...options,
      version: 9,
      startMs: nowMs,
      intervalMs: 0,
      templateEvery: this.round,
    });
    const bytes = new Uint8Array(this.buffer);
    for (let i = 0; i < count; i++) {
      const { payload, exporter, records } = simulator.next();
      const place = exporter * this.round + Math.floor(i / this.exporters);
      bytes.set(payload, place * STRIDE_BYTES);
      this.#lengths[place] = payload.length;
      this.#records[place] = records;
      if (options.templates === 1) this.#ports[place] = firstRecord(payload) + PORT_OFFSET;
      this.#uptimes[exporter] = this.#view.getUint32(place * STRIDE_BYTES + 4);
    }
  }

  /** Mean octets and records of a datagram. */
  get meanBytes(): number {
    return this.#lengths.reduce((sum, n) => sum + n, 0) / this.#lengths.length;
  }
  get meanRecords(): number {
    return this.#records.reduce((sum, n) => sum + n, 0) / this.#records.length;
  }

  offset(exporter: number, sequence: number): number {
    return (exporter * this.round + (sequence % this.round)) * STRIDE_BYTES;
  }
  length(exporter: number, sequence: number): number {
    return this.#lengths[exporter * this.round + (sequence % this.round)];
  }
  records(exporter: number, sequence: number): number {
    return this.#records[exporter * this.round + (sequence % this.round)];
  }

  /** Makes the datagram the one of this sequence number, exported now. */
  stamp(exporter: number, sequence: number, nowMs: number): void {
    const at = this.offset(exporter, sequence);
    const view = this.#view;
    view.setUint32(at + 4, this.#uptimes[exporter] + (nowMs - this.#startMs));
    view.setUint32(at + 8, Math.floor(nowMs / 1000));
    view.setUint32(at + 12, sequence);
    const place = exporter * this.round + (sequence % this.round);
    let port = at + this.#ports[place];
    if (port === at) return;
    for (let i = this.#records[place]; i > 0; i--, port += RECORD_BYTES)
      view.setUint16(port, sequence & 0xffff);
  }

  /** A copy of a datagram as it would be sent, for decoders that are fed from memory. */
  datagram(exporter: number, sequence: number, nowMs: number): Uint8Array<ArrayBuffer> {
    this.stamp(exporter, sequence, nowMs);
    const at = this.offset(exporter, sequence);
    return new Uint8Array(this.buffer).slice(
      at,
      at + this.length(exporter, sequence),
    ) as Uint8Array<ArrayBuffer>;
  }
}
