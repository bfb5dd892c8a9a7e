import type { Prng } from './prng.ts';

/**
 * The network behind the simulated exporters: what flows there are, independent of how they are written on the wire.
 * Every exporter sees the same flows of hosts in a network of its own. All addresses, AS numbers and names are
 * from ranges set aside for documentation and private use, so that no demo points at anybody.
 */

export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;

export interface Service {
  readonly name: string;
  readonly description: string;
  readonly protocol: number;
  readonly port: number;
  /** Share of the flows, relative to the others. */
  readonly weight: number;
  /** Octets of a usual packet. */
  readonly packetBytes: number;
  /** Long flows have about 2^n packets. */
  readonly packetsLog2: number;
  /** applicationId of RFC 6759: engine in the first octet, selector in the other three. */
  readonly application: number;
}

const IANA_L3 = 1 << 24;
const IANA_L4 = 3 << 24;
const PANA_L7 = 13 << 24;

const service = (
  name: string,
  description: string,
  protocol: number,
  port: number,
  weight: number,
  packetBytes: number,
  packetsLog2: number,
  application = IANA_L4 | port,
): Service => ({ name, description, protocol, port, weight, packetBytes, packetsLog2, application });

/** Most used first; the weights fall off like the ranks of a real link. */
export const SERVICES: readonly Service[] = [
  service('https', 'HTTP over TLS', TCP, 443, 400, 880, 11),
  service('domain', 'Domain Name System', UDP, 53, 180, 92, 2),
  service('quic', 'QUIC transport', UDP, 443, 140, 1090, 11, PANA_L7 | 453),
  service('http', 'World Wide Web traffic', TCP, 80, 75, 760, 8),
  service('icmp', 'Internet Control Message', ICMP, 0, 45, 84, 5, IANA_L3 | 1),
  service('ntp', 'Network Time Protocol', UDP, 123, 40, 76, 1),
  service('ssh', 'Secure Shell', TCP, 22, 32, 210, 9),
  service('imaps', 'Mail access over TLS', TCP, 993, 22, 430, 7),
  service('smtp', 'Mail transfer', TCP, 25, 18, 620, 6),
  service('snmp', 'Network management', UDP, 161, 15, 130, 4),
  service('rdp', 'Remote desktop', TCP, 3389, 10, 350, 9),
  service('sip', 'Session initiation', UDP, 5060, 8, 540, 4),
  service('bgp', 'Border Gateway Protocol', TCP, 179, 6, 110, 5),
  service('mysql', 'Database access', TCP, 3306, 5, 480, 8),
  service('syslog', 'System logging', UDP, 514, 4, 240, 5),
];
const TOTAL_WEIGHT = SERVICES.reduce((sum, { weight }) => sum + weight, 0);

/** A network on the other side of the uplinks. */
export interface RemoteNetwork {
  readonly v4: number;
  readonly mask4: number;
  /** Third group of the IPv6 prefix 3fff:0:n::/48. */
  readonly v6: number;
  readonly as: number;
}

const network = (a: number, b: number, c: number, mask4: number, v6: number, as: number): RemoteNetwork => ({
  v4: ((a << 24) | (b << 16) | (c << 8)) >>> 0,
  mask4,
  v6,
  as,
});

/** Nearest first, as the flows go. */
export const REMOTE_NETWORKS: readonly RemoteNetwork[] = [
  network(203, 0, 113, 24, 0x10, 64496),
  network(198, 51, 100, 24, 0x20, 64499),
  network(192, 0, 2, 24, 0x31, 64505),
  network(198, 18, 0, 16, 0x42, 65537),
  network(198, 19, 64, 18, 0x53, 65540),
  network(100, 64, 0, 16, 0x64, 64511),
  network(198, 19, 128, 20, 0x75, 65551),
  network(100, 65, 32, 19, 0x86, 64509),
];
export const LOCAL_AS = 64512;
export const LOCAL_MASK4 = 24;
export const MASK6 = 48;

export interface Interface {
  readonly index: number;
  readonly name: string;
  readonly description: string;
}

/** Six interfaces to the hosts, two uplinks. */
export const INTERFACES: readonly Interface[] = [
  { index: 1, name: 'GigabitEthernet0/0/1', description: 'Offices, first floor' },
  { index: 2, name: 'GigabitEthernet0/0/2', description: 'Offices, second floor' },
  { index: 3, name: 'GigabitEthernet0/0/3', description: 'Voice' },
  { index: 4, name: 'GigabitEthernet0/0/4', description: 'Servers A' },
  { index: 5, name: 'GigabitEthernet0/0/5', description: 'Servers B' },
  { index: 6, name: 'GigabitEthernet0/0/6', description: 'Gäste-WLAN' },
  { index: 7, name: 'TenGigabitEthernet0/1/0', description: 'Uplink AS64496' },
  { index: 8, name: 'TenGigabitEthernet0/1/1', description: 'Uplink AS64499' },
];
const LOCAL_INTERFACES = 6;
const LOCAL_HOSTS = 200;

/** One flow of the population; `local` is the side that belongs to the exporter's own network. */
export interface Flow {
  readonly service: Service;
  readonly outbound: boolean;
  /** Host number in the network of the exporter, from 1. */
  readonly localHost: number;
  readonly remote: RemoteNetwork;
  /** Host bits of the remote address. */
  readonly remoteHost: number;
  readonly localInterface: number;
  readonly uplink: number;
  /** Port of the side that opened the flow. */
  readonly clientPort: number;
  readonly tcpFlags: number;
  readonly tos: number;
  /** Packets at least; what is sent is up to twice as much. */
  readonly packets: number;
  readonly packetBytes: number;
  readonly durationMs: number;
  /** From the end of the flow to its export. */
  readonly endedAgoMs: number;
  /** 32 random bits for whatever else a record has. */
  readonly salt: number;
}

/** Whole connections and parts of long ones. */
const TCP_FLAGS = [0x1b, 0x1b, 0x1b, 0x1b, 0x1a, 0x18, 0x18, 0x10, 0x1e];
/** What is seen of flows of a few packets: attempts, refusals, ends. */
const SHORT_TCP_FLAGS = [0x02, 0x02, 0x12, 0x14, 0x11, 0x18];
const SHORT_PACKETS = 2;
const TOS = [0, 0, 0, 0, 0, 0, 0x20, 0x28, 0x48, 0xb8];
/** Packets of the rare transfer whose octets need more than 32 bits. */
const ELEPHANT_PACKETS = 3_000_000;

export function makeFlow(prng: Prng): Flow {
  const service = pickService(prng);
  const localHost = 1 + skewed(prng, LOCAL_HOSTS);
  const remote = REMOTE_NETWORKS[skewed(prng, REMOTE_NETWORKS.length)];
  const packets = 1 + prng.below(1 << (1 + prng.below(service.packetsLog2)));
  const packetBytes = service.packetBytes + prng.below(service.packetBytes >> 3);
  return {
    service,
    outbound: prng.below(2) === 0,
    localHost,
    remote,
    remoteHost: 1 + skewed(prng, Math.min(4000, 2 ** (32 - remote.mask4) - 2)),
    localInterface: 1 + (localHost % LOCAL_INTERFACES),
    uplink: LOCAL_INTERFACES + 1 + (remote.as % 2),
    clientPort: service.protocol === ICMP ? 0 : 32_768 + prng.below(28_232),
    tcpFlags: service.protocol === TCP ? prng.pick(packets > SHORT_PACKETS ? TCP_FLAGS : SHORT_TCP_FLAGS) : 0,
    tos: prng.pick(TOS),
    packets,
    packetBytes: packets > SHORT_PACKETS || service.protocol !== TCP ? packetBytes : 60,
    durationMs: packets === 1 ? 0 : prng.below(60_000),
    // Whole seconds of the header are cut off, so that a flow never ends after its export.
    endedAgoMs: 1000 + prng.below(14_000),
    salt: prng.next(),
  };
}

/** The same flow as a transfer of several gigabytes. */
export function elephant(flow: Flow): Flow {
  return {
    ...flow,
    tcpFlags: 0x18,
    packets: ELEPHANT_PACKETS + flow.packets,
    packetBytes: 1400,
    durationMs: 59_000,
  };
}

function pickService(prng: Prng): Service {
  let at = prng.below(TOTAL_WEIGHT);
  for (const service of SERVICES) {
    at -= service.weight;
    if (at < 0) return service;
  }
  return SERVICES[0];
}

/** 0 to n-1, low numbers much more often: the few busy hosts that every network has. */
function skewed(prng: Prng, n: number): number {
  return prng.below(prng.below(n) + 1);
}
