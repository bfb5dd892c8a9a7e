import { VARIABLE, writeUint } from './message-writer.ts';
import type { TemplateField } from './template-data.ts';
import { type Flow, ICMP, LOCAL_AS, LOCAL_MASK4, MASK6, TCP } from './traffic.ts';

/**
 * Values of a flow on the wire, for those fields that are the same every time the flow is sent. Runs once per flow of
 * the population, not per record. The network of the exporter is left at 0, record-pool.ts puts it in.
 */

/** Stands for an AS number that does not fit 16 bits, RFC 6793. */
const AS_TRANS = 23456;
const ICMPV6 = 58;
const ECHO_REQUEST = 0x0800;
const ECHO_REQUEST_V6 = 0x8000;

const encoder = new TextEncoder();

/** Writes one field and returns where it ends. Value names of template-data.ts; those written anew are left at 0. */
export function writeValue(
  flow: Flow,
  field: TemplateField,
  sampled: boolean,
  bytes: Uint8Array,
  at: number,
): number {
  const text = textValue(flow, field);
  if (text !== undefined) return writeText(text, field.length, bytes, at);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (field.value) {
    case 'srcAddr6':
    case 'dstAddr6':
      writeAddress6(view, at, flow, flow.outbound === (field.value === 'srcAddr6'));
      break;
    case 'nextHop6':
      if (flow.outbound) {
        view.setUint32(at, 0xfe80_0000);
        view.setUint8(at + 15, flow.uplink);
      }
      break;
    case 'srcMac':
    case 'dstMac':
      // Locally administered, one per interface or host.
      view.setUint16(at, 0x0200);
      view.setUint32(
        at + 2,
        flow.outbound === (field.value === 'srcMac') ? flow.localHost : 0xff00 + flow.uplink,
      );
      break;
    case 'opaque':
      for (let i = 0; i < field.length; i++) view.setUint8(at + i, flow.salt >>> ((i & 3) * 8));
      break;
    default:
      writeUint(view, at, field.length, numberValue(flow, field, sampled));
  }
  return at + field.length;
}

function numberValue(flow: Flow, field: TemplateField, sampled: boolean): number {
  const { service, outbound, remote } = flow;
  const icmp = service.protocol === ICMP;
  switch (field.value) {
    case 'srcAddr4':
      return outbound ? 0x0a00_0000 + flow.localHost : remote.v4 + flow.remoteHost;
    case 'dstAddr4':
      return outbound ? remote.v4 + flow.remoteHost : 0x0a00_0000 + flow.localHost;
    case 'srcMask4':
      return outbound ? LOCAL_MASK4 : remote.mask4;
    case 'dstMask4':
      return outbound ? remote.mask4 : LOCAL_MASK4;
    case 'srcMask6':
    case 'dstMask6':
      return MASK6;
    case 'srcPort':
      return outbound ? flow.clientPort : service.port;
    case 'dstPort':
      return icmp ? ECHO_REQUEST : outbound ? service.port : flow.clientPort;
    case 'dstPort6':
      return icmp ? ECHO_REQUEST_V6 : outbound ? service.port : flow.clientPort;
    case 'protocol':
      return service.protocol;
    case 'protocol6':
      return icmp ? ICMPV6 : service.protocol;
    case 'tcpFlags':
      return flow.tcpFlags;
    case 'tos':
      return flow.tos;
    case 'inIf':
      return outbound ? flow.localInterface : flow.uplink;
    case 'outIf':
      return outbound ? flow.uplink : flow.localInterface;
    case 'nextHop4':
      return outbound ? 0x6440_0000 + flow.uplink : 0;
    case 'bgpNextHop4':
      return outbound ? remote.v4 + 1 : 0;
    case 'srcAs':
      return asNumber(outbound ? LOCAL_AS : remote.as, field.length);
    case 'dstAs':
      return asNumber(outbound ? remote.as : LOCAL_AS, field.length);
    case 'direction':
      return outbound ? 1 : 0;
    case 'sampler':
      return sampled ? 1 + (flow.uplink & 1) : 0;
    case 'application':
      return service.application;
    case 'flowLabel':
      return flow.salt & 0xf_ffff;
    case 'ttl':
      return outbound ? 63 : 50 + (flow.salt & 7);
    case 'lengthMin':
      return service.protocol === TCP ? 40 : Math.min(flow.packetBytes, 60);
    case 'lengthMax':
      return Math.min(1500, flow.packetBytes * 2);
    case 'vlan':
      return 100 + flow.localInterface;
    case 'endReason':
      return 1 + (flow.salt & 3);
    case 'forwarding':
      return 0x40;
    case 'vrf':
      return flow.localInterface & 1;
    case 'flowId':
      return flow.salt;
    case 'natSrcAddr4':
      return outbound ? 0xc000_0264 : remote.v4 + flow.remoteHost;
    case 'natDstAddr4':
      return outbound ? remote.v4 + flow.remoteHost : 0xc000_0264;
    case 'natSrcPort':
      return outbound ? 1024 + (flow.salt & 0x7fff) : service.port;
    case 'natDstPort':
      return outbound ? service.port : 1024 + (flow.salt & 0x7fff);
    case 'natEvent':
    case 'firewallEvent':
      return 1 + (flow.salt & 1);
    case 'mplsLabel':
      return (16 + (flow.salt & 0xfff)) << 4;
    case 'mplsLastLabel':
      return ((5000 + flow.uplink) << 4) | 1;
    case 'mplsTopType':
      return 5;
    case 'mplsTopAddr4':
    case 'router':
      return 0xc000_0200 + flow.uplink;
    case 'reverseOctets':
      return flow.packets * 60;
    case 'reversePackets':
      return flow.packets;
    default:
      return 0;
  }
}

function asNumber(value: number, octets: number): number {
  return octets === 2 && value > 0xffff ? AS_TRANS : value;
}

function textValue(flow: Flow, field: TemplateField): string | undefined {
  switch (field.value) {
    case 'userName':
      return `user${flow.localHost}@example`;
    case 'hostName':
      return flow.service.port === 80 || flow.service.port === 443 ? `www${flow.remoteHost}.example.com` : '';
    case 'target':
      // Now and then longer than 254 octets, so that its length needs three.
      return `/catalog/${flow.salt}${(flow.salt & 15) === 0 ? `?filter=${'abcdefgh'.repeat(32)}` : ''}`;
    default:
      return undefined;
  }
}

/** Text in a fixed field, cut or filled up with zeros, or with its length in front. Returns where it ends. */
export function writeText(text: string, length: number, bytes: Uint8Array, at: number): number {
  if (length !== VARIABLE) {
    const end = at + length;
    const { written } = encoder.encodeInto(text, bytes.subarray(at, end));
    bytes.fill(0, at + written, end);
    return end;
  }
  const value = encoder.encode(text);
  if (value.length < 255) {
    bytes[at++] = value.length;
  } else {
    bytes[at++] = 255;
    bytes[at++] = value.length >>> 8;
    bytes[at++] = value.length;
  }
  bytes.set(value, at);
  return at + value.length;
}

/** 2001:db8:0::host for the exporter's own side, 3fff:0:n::host for the other (RFC 3849, RFC 9637). */
function writeAddress6(view: DataView, at: number, flow: Flow, local: boolean): void {
  view.setUint32(at, local ? 0x2001_0db8 : 0x3fff_0000);
  if (!local) view.setUint16(at + 4, flow.remote.v6);
  view.setUint16(at + 14, local ? flow.localHost : flow.remoteHost);
}
