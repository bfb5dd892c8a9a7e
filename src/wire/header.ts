import { Fault } from './fault.ts';

/**
 * Message headers. All integers big-endian.
 *
 * ```
 * v5, v7  u16 version, u16 count, u32 sysUptime, u32 unixSeconds, u32 unixNanoseconds, u32 sequence,
 *         v5: u8 engineType, u8 engineId, u16 sampling; v7: u32 reserved        count records of 48 or 52 octets follow
 * v9      u16 version, u16 count, u32 sysUptime, u32 unixSeconds, u32 sequence, u32 sourceId      RFC 3954 section 5.1
 * IPFIX   u16 version, u16 length, u32 exportTime, u32 sequence, u32 observationDomainId          RFC 7011 section 3.1
 * ```
 */
export const HEADER_BYTES: Readonly<Record<number, number>> = { 5: 24, 7: 24, 9: 20, 10: 16 };
export const V5_RECORD_BYTES = 48;
export const V7_RECORD_BYTES = 52;

/** One message of a datagram. Reused from message to message. */
export class MessageHeader {
  version = 0;
  /** Octet offsets in the datagram's buffer: of the header, of what follows it, and of the end of the message. */
  start = 0;
  body = 0;
  end = 0;
  /** Header count of v5, v7 (flow records) and v9 (records of all kinds); 0 for IPFIX. */
  count = 0;
  sequence = 0;
  exportTimeMs = 0;
  /** -1 for IPFIX. */
  sysUptimeMs = -1;
  /** Source id (v9), observation domain id (IPFIX), engine type and id (v5: type << 8 | id), 0 for v7. */
  observationDomainId = 0;

  /** Reads the header at start in a datagram that ends at end. Returns a fault number, 0 when it is sound. */
  read(view: DataView, start: number, end: number): number {
    this.start = start;
    this.version = 0;
    if (end - start < 2) return Fault['datagram-too-short'];
    const version = view.getUint16(start);
    const headerBytes = HEADER_BYTES[version];
    if (headerBytes === undefined) return Fault['unknown-version'];
    this.version = version;
    if (end - start < headerBytes) return Fault['header-truncated'];
    this.body = start + headerBytes;
    this.end = end;
    return version === 10 ? this.#readIpfix(view, end) : this.#readNetflow(view, version, end);
  }

  #readIpfix(view: DataView, end: number): number {
    const { start } = this;
    const length = view.getUint16(start + 2);
    if (length < HEADER_BYTES[10] || start + length > end) return Fault['message-length-invalid'];
    this.end = start + length;
    this.count = 0;
    this.exportTimeMs = view.getUint32(start + 4) * 1000;
    this.sequence = view.getUint32(start + 8);
    this.observationDomainId = view.getUint32(start + 12);
    this.sysUptimeMs = -1;
    return 0;
  }

  #readNetflow(view: DataView, version: number, end: number): number {
    const { start } = this;
    this.count = view.getUint16(start + 2);
    this.sysUptimeMs = view.getUint32(start + 4);
    this.exportTimeMs = view.getUint32(start + 8) * 1000;
    if (version === 9) {
      this.sequence = view.getUint32(start + 12);
      this.observationDomainId = view.getUint32(start + 16);
      return 0;
    }
    this.exportTimeMs += Math.floor(view.getUint32(start + 12) / 1e6);
    this.sequence = view.getUint32(start + 16);
    this.observationDomainId = version === 5 ? view.getUint16(start + 20) : 0;
    const recordBytes = version === 5 ? V5_RECORD_BYTES : V7_RECORD_BYTES;
    if (this.count === 0) return Fault['record-count-invalid'];
    const messageEnd = this.body + this.count * recordBytes;
    if (messageEnd > end) return Fault['message-length-invalid'];
    this.end = messageEnd;
    return 0;
  }
}
