/** IPFIX files (RFC 5655): IPFIX messages one after another and nothing else. */
import { HEADER_BYTES } from '../../wire/header.ts';
import type { ByteStream } from './byte-stream.ts';
import { BROKEN, type CapturedDatagram, type CaptureStats, type RecordReader } from './contract.ts';

const VERSION = 10;
/** Version and length. */
const PREFIX_BYTES = 4;

export class IpfixFileReader implements RecordReader {
  readonly #stream: ByteStream;
  readonly #stats: CaptureStats;

  /** Whether the probe begins with a message that is followed by another one or the end of the probe. */
  static matches(probe: DataView): boolean {
    if (probe.byteLength < PREFIX_BYTES) return false;
    const second = messageBytes(probe, 0);
    return (
      second !== BROKEN &&
      (second + PREFIX_BYTES > probe.byteLength || messageBytes(probe, second) !== BROKEN)
    );
  }

  constructor(stream: ByteStream, stats: CaptureStats) {
    this.#stream = stream;
    this.#stats = stats;
  }

  /** Gives each message as a datagram of unknown source. */
  step(output: CapturedDatagram[]): number {
    const stream = this.#stream;
    const { bytes, view, start } = stream;
    const available = stream.end - start;
    if (available < PREFIX_BYTES) return PREFIX_BYTES;
    const length = messageBytes(view, start);
    if (length === BROKEN || available < length) return length;
    output.push({
      payload: bytes.subarray(start, start + length),
      address: new Uint8Array(16),
      port: 0,
      destinationPort: 0,
      capturedAtMs: Number.NaN,
    });
    stream.start = start + length;
    this.#stats.frames++;
    this.#stats.datagrams++;
    return 0;
  }
}

function messageBytes(view: DataView, at: number): number {
  const length = view.getUint16(at + 2);
  return view.getUint16(at) === VERSION && length >= HEADER_BYTES[VERSION] ? length : BROKEN;
}
