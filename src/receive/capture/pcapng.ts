/**
 * pcapng files (draft-ietf-opsawg-pcapng): sections of either byte order, each with its own interfaces.
 *
 *   block:  type u32, total length u32, body, total length u32; the length is a multiple of 4
 *   option: code u16, length u16, value, padding to a multiple of 4
 */
import { MAX_ISO_SECONDS } from '../../decode/timestamp.ts';
import type { ByteStream } from './byte-stream.ts';
import {
  BROKEN,
  type CapturedDatagram,
  type CaptureStats,
  FRAME_BYTES_MAX,
  type RecordReader,
} from './contract.ts';
import type { FrameDecoder } from './ip.ts';

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const OBSOLETE_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const MAJOR_VERSION = 1;
const BLOCK_BYTES_MIN = 12;
const SECTION_BYTES_MIN = 28;
const BLOCK_BYTES_MAX = 16 * 1024 * 1024;
/** Interfaces remembered per section; what the obsolete packet block can name. */
const INTERFACES_MAX = 65_536;

const OPTION_END = 0;
const IF_TSRESOL = 9;
const IF_TSOFFSET = 14;

/** Enough of a file to recognise it. */
export const PCAPNG_HEADER_BYTES = 16;

interface CaptureInterface {
  linkType: number;
  /** Longest part of a frame that is kept, 0 when there is no limit. */
  snapBytes: number;
  unitsPerSecond: number;
  offsetSeconds: number;
}

export class PcapngReader implements RecordReader {
  readonly #stream: ByteStream;
  readonly #decoder: FrameDecoder;
  readonly #stats: CaptureStats;
  #littleEndian = false;
  #interfaces: CaptureInterface[] = [];

  /** Whether the PCAPNG_HEADER_BYTES bytes begin a section of a version that is known. */
  static matches(header: DataView): boolean {
    if (header.getUint32(0) !== SECTION_HEADER) return false;
    const littleEndian = header.getUint32(8, true) === BYTE_ORDER_MAGIC;
    return (
      (littleEndian || header.getUint32(8) === BYTE_ORDER_MAGIC) &&
      isSectionLength(header.getUint32(4, littleEndian)) &&
      header.getUint16(12, littleEndian) === MAJOR_VERSION
    );
  }

  /** The stream stands at a section header that matches. */
  constructor(stream: ByteStream, decoder: FrameDecoder, stats: CaptureStats) {
    this.#stream = stream;
    this.#decoder = decoder;
    this.#stats = stats;
  }

  step(output: CapturedDatagram[]): number {
    const stream = this.#stream;
    const { view, start } = stream;
    const available = stream.end - start;
    if (available < BLOCK_BYTES_MIN) return BLOCK_BYTES_MIN;
    // The type of a section header reads the same in both orders; its magic tells the order of what follows.
    const isSection = view.getUint32(start) === SECTION_HEADER;
    if (isSection && !this.#readOrder(start)) return BROKEN;
    const blockBytes = view.getUint32(start + 4, this.#littleEndian);
    if (isSection ? !isSectionLength(blockBytes) : !isBlockLength(blockBytes)) return BROKEN;
    if (available < blockBytes) return blockBytes;
    if (view.getUint32(start + blockBytes - 4, this.#littleEndian) !== blockBytes) return BROKEN;
    stream.start = start + blockBytes;
    return this.#block(start, start + blockBytes - 4, output);
  }

  /** Byte order of the section at start; false when its magic is wrong. */
  #readOrder(start: number): boolean {
    const { view } = this.#stream;
    this.#littleEndian = view.getUint32(start + 8, true) === BYTE_ORDER_MAGIC;
    return this.#littleEndian || view.getUint32(start + 8) === BYTE_ORDER_MAGIC;
  }

  /** The block from start to end, its second length not included. */
  #block(start: number, end: number, output: CapturedDatagram[]): number {
    const { view } = this.#stream;
    switch (view.getUint32(start, this.#littleEndian)) {
      case SECTION_HEADER:
        this.#interfaces = [];
        return view.getUint16(start + 12, this.#littleEndian) === MAJOR_VERSION ? 0 : BROKEN;
      case INTERFACE_DESCRIPTION:
        this.#describe(start + 8, end);
        return 0;
      case ENHANCED_PACKET: {
        if (start + 28 > end) return this.#count('malformed');
        const number = view.getUint32(start + 8, this.#littleEndian);
        return this.#packet(number, start + 12, start + 28, end, output);
      }
      case OBSOLETE_PACKET: {
        if (start + 28 > end) return this.#count('malformed');
        const number = view.getUint16(start + 8, this.#littleEndian);
        return this.#packet(number, start + 12, start + 28, end, output);
      }
      case SIMPLE_PACKET: {
        if (start + 12 > end) return this.#count('malformed');
        const source = this.#interfaces[0];
        if (source === undefined) return this.#count('unsupported');
        const originalBytes = view.getUint32(start + 8, this.#littleEndian);
        const captured = Math.min(originalBytes, source.snapBytes || originalBytes, end - start - 12);
        return this.#frame(source, start + 12, captured, Number.NaN, output);
      }
      default:
        return 0;
    }
  }

  #describe(body: number, end: number): void {
    const { bytes, view } = this.#stream;
    if (body + 8 > end || this.#interfaces.length === INTERFACES_MAX) return;
    const littleEndian = this.#littleEndian;
    let unitsPerSecond = 1e6;
    let offsetSeconds = 0;
    for (let at = body + 8; at + 4 <= end; ) {
      const code = view.getUint16(at, littleEndian);
      const length = view.getUint16(at + 2, littleEndian);
      const value = at + 4;
      if (code === OPTION_END || value + length > end) break;
      if (code === IF_TSRESOL && length === 1) {
        const exponent = bytes[value] & 0x7f;
        unitsPerSecond = bytes[value] & 0x80 ? 2 ** exponent : 10 ** exponent;
      } else if (code === IF_TSOFFSET && length === 8) {
        const high = view.getInt32(littleEndian ? value + 4 : value, littleEndian);
        const low = view.getUint32(littleEndian ? value : value + 4, littleEndian);
        offsetSeconds = high * 2 ** 32 + low;
      }
      at = value + ((length + 3) & ~3);
    }
    this.#interfaces.push({
      linkType: view.getUint16(body, littleEndian),
      snapBytes: view.getUint32(body + 4, littleEndian),
      unitsPerSecond,
      offsetSeconds,
    });
  }

  /** Enhanced and obsolete packets are the same from the time stamp on: high, low, captured length, original length. */
  #packet(number: number, times: number, data: number, end: number, output: CapturedDatagram[]): number {
    const { view } = this.#stream;
    const source = this.#interfaces[number];
    if (source === undefined) return this.#count('unsupported');
    const captured = view.getUint32(times + 8, this.#littleEndian);
    if (captured > end - data) return this.#count('malformed');
    const units =
      view.getUint32(times, this.#littleEndian) * 2 ** 32 + view.getUint32(times + 4, this.#littleEndian);
    const ms = source.offsetSeconds * 1000 + units / (source.unitsPerSecond / 1000);
    const known = ms >= 0 && ms <= MAX_ISO_SECONDS * 1000;
    return this.#frame(source, data, captured, known ? ms : Number.NaN, output);
  }

  #frame(
    source: CaptureInterface,
    data: number,
    captured: number,
    capturedAtMs: number,
    output: CapturedDatagram[],
  ): number {
    if (captured > FRAME_BYTES_MAX) return BROKEN;
    this.#decoder.frame(source.linkType, this.#stream.bytes, data, data + captured, capturedAtMs, output);
    return 0;
  }

  /** A packet that cannot be looked at. */
  #count(reason: 'malformed' | 'unsupported'): number {
    this.#stats.frames++;
    this.#stats[reason]++;
    return 0;
  }
}

function isBlockLength(length: number): boolean {
  return length >= BLOCK_BYTES_MIN && length <= BLOCK_BYTES_MAX && length % 4 === 0;
}

function isSectionLength(length: number): boolean {
  return isBlockLength(length) && length >= SECTION_BYTES_MIN;
}
