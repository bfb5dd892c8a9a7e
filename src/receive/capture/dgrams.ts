/**
 * `.dgrams` files: datagrams without the frames around them.
 *
 *   record: source IPv4 address u32 (0 = unknown), source port u16, payload length u16, payload; big-endian
 */
import { writeMapped } from '../../base/ip.ts';
import type { ByteStream } from './byte-stream.ts';
import type { CapturedDatagram, CaptureStats, RecordReader } from './contract.ts';

export const DGRAMS_HEADER_BYTES = 8;
/** As much of a file is looked at to recognise it; a pipe has to deliver as much, or end, before its first batch. */
export const DGRAMS_PROBE_BYTES = 64 * 1024;

const PROBE_RECORDS = 32;

export class DgramsReader implements RecordReader {
  readonly #stream: ByteStream;
  readonly #stats: CaptureStats;

  /**
   * The format has no magic, so its first records are walked. They are believed when the walk ends exactly at the end of
   * the file, or when half of them or more begin like a flow export. atEnd: the probe reaches to the end of the file.
   */
  static matches(probe: DataView, atEnd: boolean): boolean {
    let at = 0;
    let records = 0;
    let exports = 0;
    let payloadBytes = 0;
    while (at + DGRAMS_HEADER_BYTES <= probe.byteLength && records < PROBE_RECORDS) {
      const length = probe.getUint16(at + 6);
      const payload = at + DGRAMS_HEADER_BYTES;
      if (length >= 2 && payload + 2 <= probe.byteLength && isExportVersion(probe.getUint16(payload)))
        exports++;
      records++;
      payloadBytes += length;
      at = payload + length;
    }
    return (atEnd && at === probe.byteLength && payloadBytes > 0) || (records > 0 && exports * 2 >= records);
  }

  constructor(stream: ByteStream, stats: CaptureStats) {
    this.#stream = stream;
    this.#stats = stats;
  }

  step(output: CapturedDatagram[]): number {
    const stream = this.#stream;
    const { bytes, view, start } = stream;
    const available = stream.end - start;
    if (available < DGRAMS_HEADER_BYTES) return DGRAMS_HEADER_BYTES;
    const recordBytes = DGRAMS_HEADER_BYTES + view.getUint16(start + 6);
    if (available < recordBytes) return recordBytes;
    const address = new Uint8Array(16);
    const v4 = view.getUint32(start);
    if (v4 !== 0) writeMapped(address, 0, v4);
    output.push({
      payload: bytes.subarray(start + DGRAMS_HEADER_BYTES, start + recordBytes),
      address,
      port: view.getUint16(start + 4),
      destinationPort: 0,
      capturedAtMs: Number.NaN,
    });
    stream.start = start + recordBytes;
    this.#stats.frames++;
    this.#stats.datagrams++;
    return 0;
  }
}

/** NetFlow 1 to 9 and IPFIX. */
function isExportVersion(version: number): boolean {
  return version >= 1 && version <= 10;
}
