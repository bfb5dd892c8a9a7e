/** A file that is one datagram and nothing else. */
import { HEADER_BYTES } from '../../wire/header.ts';
import type { ByteStream } from './byte-stream.ts';
import type { CapturedDatagram, CaptureStats, RecordReader } from './contract.ts';

const MAX_DATAGRAM_BYTES = 65_535;

/** Gives the whole content as one datagram of unknown source. */
export class RawReader implements RecordReader {
  readonly #stream: ByteStream;
  readonly #stats: CaptureStats;
  #done = false;

  /** Whether the content begins like flow export. No other format does: those have magics, or an IPv4 address. */
  static matches(content: DataView): boolean {
    const { byteLength } = content;
    return byteLength >= 2 && byteLength <= MAX_DATAGRAM_BYTES && content.getUint16(0) in HEADER_BYTES;
  }

  /** stream: has all of the content in its buffer. */
  constructor(stream: ByteStream, stats: CaptureStats) {
    this.#stream = stream;
    this.#stats = stats;
  }

  step(output: CapturedDatagram[]): number {
    const stream = this.#stream;
    if (this.#done) return 1;
    this.#done = true;
    output.push({
      payload: stream.bytes.subarray(stream.start, stream.end),
      address: new Uint8Array(16),
      port: 0,
      destinationPort: 0,
      capturedAtMs: Number.NaN,
    });
    stream.start = stream.end;
    this.#stats.frames++;
    this.#stats.datagrams++;
    return 0;
  }
}
