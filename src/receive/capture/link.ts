/**
 * Link layers: finds the IP packet in a frame. Bytes are hostile; nothing is read at or after `to`.
 * Numbers of link types: https://www.tcpdump.org/linktypes.html
 */

/** The frame ends inside its own headers. */
export const CUT = -1;
/** The frame carries something else than IP. */
export const NOT_IP = -2;
/** The link type is none of those below. */
export const UNSUPPORTED = -3;

const NULL = 0;
const ETHERNET = 1;
const RAW_12 = 12;
const RAW_14 = 14;
const RAW = 101;
const LOOP = 108;
const LINUX_SLL = 113;
const IPV4 = 228;
const IPV6 = 229;
const LINUX_SLL2 = 276;

/** Offset of the first byte of an IP packet (the version is for the caller to look at), or one of the above. */
export function findIp(linkType: number, bytes: Uint8Array, from: number, to: number): number {
  switch (linkType) {
    case ETHERNET:
      return skipEtherTypes(bytes, from + 12, from + 14, to);
    case LINUX_SLL:
      return skipEtherTypes(bytes, from + 14, from + 16, to);
    case LINUX_SLL2:
      return skipEtherTypes(bytes, from, from + 20, to);
    case RAW:
    case RAW_12:
    case RAW_14:
    case IPV4:
    case IPV6:
      return from < to ? from : CUT;
    case NULL:
    case LOOP:
      return skipFamily(bytes, from, to);
    default:
      return UNSUPPORTED;
  }
}

/** Follows the types of Ethernet through VLAN tags, a PPPoE session and MPLS labels. */
function skipEtherTypes(bytes: Uint8Array, typeAt: number, at: number, to: number): number {
  for (;;) {
    if (at > to) return CUT;
    switch ((bytes[typeAt] << 8) | bytes[typeAt + 1]) {
      case 0x0800:
      case 0x86dd:
        return at < to ? at : CUT;
      case 0x8100: // 802.1Q
      case 0x88a8: // 802.1ad
      case 0x9100: // 802.1ad before it was a standard
        typeAt = at + 2;
        at += 4;
        break;
      case 0x8864:
        return skipPppoe(bytes, at, to);
      case 0x8847:
      case 0x8848:
        return skipLabels(bytes, at, to);
      default:
        return NOT_IP;
    }
  }
}

/** RFC 2516: version and type, code, session, length, then the PPP protocol. */
function skipPppoe(bytes: Uint8Array, at: number, to: number): number {
  if (at + 8 >= to) return CUT;
  const protocol = (bytes[at + 6] << 8) | bytes[at + 7];
  return bytes[at] === 0x11 && bytes[at + 1] === 0 && (protocol === 0x0021 || protocol === 0x0057)
    ? at + 8
    : NOT_IP;
}

/** RFC 3032: label stack entries up to the one with the bottom bit; what follows says itself whether it is IP. */
function skipLabels(bytes: Uint8Array, at: number, to: number): number {
  for (;;) {
    if (at + 4 >= to) return CUT;
    const bottom = (bytes[at + 2] & 1) === 1;
    at += 4;
    if (bottom) return at;
  }
}

/** BSD loopback: an address family in the byte order of the machine that captured, or in network order. */
function skipFamily(bytes: Uint8Array, from: number, to: number): number {
  if (from + 4 >= to) return CUT;
  const little = bytes[from + 2] === 0 && bytes[from + 3] === 0;
  const family = little
    ? bytes[from] | (bytes[from + 1] << 8)
    : ((bytes[from] << 24) | (bytes[from + 1] << 16) | (bytes[from + 2] << 8) | bytes[from + 3]) >>> 0;
  switch (family) {
    case 2: // IPv4 everywhere
    case 10: // IPv6: Linux
    case 24: // NetBSD and OpenBSD
    case 28: // FreeBSD
    case 30: // macOS
      return from + 4;
    default:
      return NOT_IP;
  }
}
