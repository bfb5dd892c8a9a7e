/**
 * pcap files of both byte orders, in micro- and nanoseconds, and the "modified" form of old Linux systems.
 *
 *   file:   magic u32, major u16, minor u16, zone u32, accuracy u32, snap length u32, link type u32
 *   record: seconds u32, fraction u32, captured length u32, original length u32, [modified: 8 more], frame
 */
import type { ByteStream } from './byte-stream.ts';
import { BROKEN, type CapturedDatagram, FRAME_BYTES_MAX, type RecordReader } from './contract.ts';
import type { FrameDecoder } from './ip.ts';

export const PCAP_HEADER_BYTES = 24;

const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;
const MODIFIED = 0xa1b2cd34;

export class PcapReader implements RecordReader {
  readonly #stream: ByteStream;
  readonly #decoder: FrameDecoder;
  readonly #littleEndian: boolean;
  readonly #headerBytes: number;
  readonly #fractionsPerMs: number;
  readonly #linkType: number;

  /** Whether the PCAP_HEADER_BYTES bytes are the header of a pcap file. */
  static matches(header: DataView): boolean {
    return isMagic(header.getUint32(0))
      ? header.getUint16(4) === 2
      : header.getUint16(4, true) === 2 && isMagic(header.getUint32(0, true));
  }

  /** The stream stands at a file header that matches. */
  constructor(stream: ByteStream, decoder: FrameDecoder) {
    const { view, start } = stream;
    this.#stream = stream;
    this.#decoder = decoder;
    this.#littleEndian = !isMagic(view.getUint32(start));
    const magic = view.getUint32(start, this.#littleEndian);
    this.#headerBytes = magic === MODIFIED ? 24 : 16;
    this.#fractionsPerMs = magic === NANOSECONDS ? 1e6 : 1e3;
    // The upper half of the word may tell the length of a frame check sequence, which nobody here looks at.
    this.#linkType = view.getUint32(start + 20, this.#littleEndian) & 0xffff;
    stream.start += PCAP_HEADER_BYTES;
  }

  step(output: CapturedDatagram[]): number {
    const stream = this.#stream;
    const { bytes, view, start } = stream;
    const available = stream.end - start;
    if (available < this.#headerBytes) return this.#headerBytes;
    const captured = view.getUint32(start + 8, this.#littleEndian);
    if (captured > FRAME_BYTES_MAX) return BROKEN;
    const recordBytes = this.#headerBytes + captured;
    if (available < recordBytes) return recordBytes;
    const capturedAtMs =
      view.getUint32(start, this.#littleEndian) * 1000 +
      view.getUint32(start + 4, this.#littleEndian) / this.#fractionsPerMs;
    stream.start = start + recordBytes;
    this.#decoder.frame(
      this.#linkType,
      bytes,
      start + this.#headerBytes,
      start + recordBytes,
      capturedAtMs,
      output,
    );
    return 0;
  }
}

function isMagic(magic: number): boolean {
  return magic === MICROSECONDS || magic === NANOSECONDS || magic === MODIFIED;
}
