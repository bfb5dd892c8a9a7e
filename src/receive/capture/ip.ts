/**
 * Frames to UDP datagrams: IPv4 and IPv6 headers, fragments, UDP. Bytes are hostile; every frame is delivered or counted
 * in exactly one place, nothing throws, nothing is read outside the frame.
 */
import { writeMapped } from '../../base/ip.ts';
import type { CapturedDatagram, CaptureStats } from './contract.ts';
import { type Fragment, IpReassembly } from './ip-reassembly.ts';
import { CUT, findIp, UNSUPPORTED } from './link.ts';

const UDP = 17;
const UDP_HEADER_BYTES = 8;

/**
 * End of a packet that says its length is 0: one that the machine that captured was to cut up itself (segmentation
 * offload). Only the UDP header can tell where it ends.
 */
const NO_END = 2 ** 30;

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;
const MOBILITY = 135;

/** What a frame or datagram came to. */
type Outcome = 'delivered' | 'kept' | 'notUdp' | 'unsupported' | 'truncated' | 'malformed';

export class FrameDecoder {
  readonly #stats: CaptureStats;
  readonly #reassembly: IpReassembly;
  #output: CapturedDatagram[] = [];
  #capturedAtMs = Number.NaN;

  constructor(stats: CaptureStats) {
    this.#stats = stats;
    this.#reassembly = new IpReassembly(stats);
  }

  /** Decodes the frame bytes[from .. to); adds a datagram to output when it holds or completes one. */
  frame(
    linkType: number,
    bytes: Uint8Array,
    from: number,
    to: number,
    capturedAtMs: number,
    output: CapturedDatagram[],
  ): void {
    this.#output = output;
    this.#capturedAtMs = capturedAtMs;
    this.#stats.frames++;
    const outcome = this.#decode(linkType, bytes, from, to);
    if (outcome !== 'delivered' && outcome !== 'kept') this.#stats[outcome]++;
  }

  finish(): void {
    this.#reassembly.finish();
  }

  #decode(linkType: number, bytes: Uint8Array, from: number, to: number): Outcome {
    const at = findIp(linkType, bytes, from, to);
    if (at >= 0) {
      const version = bytes[at] >>> 4;
      if (version === 4) return this.#ipv4(bytes, at, to);
      if (version === 6) return this.#ipv6(bytes, at, to);
      return 'notUdp';
    }
    if (at === CUT) return 'truncated';
    return at === UNSUPPORTED ? 'unsupported' : 'notUdp';
  }

  #ipv4(bytes: Uint8Array, at: number, to: number): Outcome {
    if (at + 20 > to) return 'truncated';
    if (bytes[at + 9] !== UDP) return 'notUdp';
    const headerBytes = (bytes[at] & 15) * 4;
    const totalBytes = read16(bytes, at + 2);
    const payloadFrom = at + headerBytes;
    const payloadTo = totalBytes === 0 ? NO_END : at + totalBytes;
    if (headerBytes < 20 || payloadTo < payloadFrom) return 'malformed';
    const flags = read16(bytes, at + 6);
    const more = (flags & 0x2000) !== 0;
    const offset = (flags & 0x1fff) * 8;
    if (!more && offset === 0) {
      return this.#udp(bytes, payloadFrom, payloadTo, to, mappedAddress(bytes, at + 12));
    }
    if (payloadTo > to) return 'truncated';
    const whole = this.#reassembly.add({
      bytes,
      addressesFrom: at + 12,
      addressesTo: at + 20,
      id: read16(bytes, at + 4),
      nextHeader: UDP,
      offset,
      more,
      from: payloadFrom,
      to: payloadTo,
      capturedAtMs: this.#capturedAtMs,
    });
    if (whole !== null) {
      const { data } = whole;
      const outcome = this.#udp(data, 0, data.length, data.length, mappedAddress(bytes, at + 12));
      this.#countReassembled(outcome, whole.frames);
    }
    return 'kept';
  }

  #ipv6(bytes: Uint8Array, at: number, to: number): Outcome {
    if (at + 40 > to) return 'truncated';
    const payloadFrom = at + 40;
    const payloadBytes = read16(bytes, at + 4);
    const payloadTo = payloadBytes === 0 ? NO_END : payloadFrom + payloadBytes;
    return this.#ipv6Payload(bytes, payloadFrom, payloadTo, to, bytes[at + 6], bytes, at);
  }

  /**
   * Follows the extension headers in bytes[from .. payloadTo), of which bytes[.. to) were captured. The IPv6 header is
   * packet[at ..]: another array once the payload has been put together, where no more fragment header is accepted.
   */
  #ipv6Payload(
    bytes: Uint8Array,
    from: number,
    payloadTo: number,
    to: number,
    nextHeader: number,
    packet: Uint8Array,
    at: number,
  ): Outcome {
    while (nextHeader !== UDP) {
      if (!isExtension(nextHeader)) return 'notUdp';
      if (from + 8 > payloadTo) return 'malformed';
      if (from + 8 > to) return 'truncated';
      if (nextHeader === FRAGMENT) {
        const fragment = read16(bytes, from + 2);
        if ((fragment & 0xfff9) !== 0) {
          if (bytes !== packet) return 'malformed';
          return this.#ipv6Fragment(bytes, at, from, payloadTo, to);
        }
        nextHeader = bytes[from];
        from += 8; // A datagram of one fragment (RFC 6946).
      } else {
        const length = nextHeader === AUTHENTICATION ? (bytes[from + 1] + 2) * 4 : (bytes[from + 1] + 1) * 8;
        nextHeader = bytes[from];
        from += length;
      }
    }
    return this.#udp(bytes, from, payloadTo, to, packet.slice(at + 8, at + 24));
  }

  #ipv6Fragment(bytes: Uint8Array, at: number, header: number, payloadTo: number, to: number): Outcome {
    const nextHeader = bytes[header];
    if (nextHeader !== UDP && !isExtension(nextHeader)) return 'notUdp';
    if (payloadTo > to) return 'truncated';
    const flags = read16(bytes, header + 2);
    const fragment: Fragment = {
      bytes,
      addressesFrom: at + 8,
      addressesTo: at + 40,
      id: read16(bytes, header + 4) * 65_536 + read16(bytes, header + 6),
      nextHeader,
      offset: flags & 0xfff8,
      more: (flags & 1) !== 0,
      from: header + 8,
      to: payloadTo,
      capturedAtMs: this.#capturedAtMs,
    };
    const whole = this.#reassembly.add(fragment);
    if (whole !== null) {
      const { data } = whole;
      const outcome = this.#ipv6Payload(data, 0, data.length, data.length, whole.nextHeader, bytes, at);
      this.#countReassembled(outcome, whole.frames);
    }
    return 'kept';
  }

  #countReassembled(outcome: Outcome, frames: number): void {
    if (outcome === 'delivered') this.#stats.reassembled++;
    else this.#stats.fragmentsDropped += frames;
  }

  /** The UDP header at bytes[from], in an IP payload that ends at payloadTo and was captured up to `to`. */
  #udp(bytes: Uint8Array, from: number, payloadTo: number, to: number, address: Uint8Array): Outcome {
    if (from + UDP_HEADER_BYTES > payloadTo) return 'malformed';
    if (from + UDP_HEADER_BYTES > to) return 'truncated';
    const length = read16(bytes, from + 4);
    if (length < UDP_HEADER_BYTES || from + length > payloadTo) return 'malformed';
    if (from + length > to) return 'truncated';
    this.#output.push({
      payload: bytes.subarray(from + UDP_HEADER_BYTES, from + length),
      address,
      port: read16(bytes, from),
      destinationPort: read16(bytes, from + 2),
      capturedAtMs: this.#capturedAtMs,
    });
    this.#stats.datagrams++;
    return 'delivered';
  }
}

/** Headers that may stand before UDP. */
function isExtension(nextHeader: number): boolean {
  switch (nextHeader) {
    case HOP_BY_HOP:
    case ROUTING:
    case FRAGMENT:
    case AUTHENTICATION:
    case DESTINATION_OPTIONS:
    case MOBILITY:
      return true;
    default:
      return false;
  }
}

function mappedAddress(bytes: Uint8Array, at: number): Uint8Array {
  const address = new Uint8Array(16);
  writeMapped(address, 0, read16(bytes, at) * 65_536 + read16(bytes, at + 2));
  return address;
}

function read16(bytes: Uint8Array, at: number): number {
  return (bytes[at] << 8) | bytes[at + 1];
}
