/** Names that people know better than the numbers, for the text format; numbers as assigned by IANA. */

const utf8 = new TextEncoder();
const table = (names: Readonly<Record<number, string>>): ReadonlyMap<number, Uint8Array> =>
  new Map(Object.entries(names).map(([id, name]) => [Number(id), utf8.encode(name)]));

export const PROTOCOLS = table({
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPIP',
  6: 'TCP',
  17: 'UDP',
  41: 'IPv6',
  46: 'RSVP',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  58: 'ICMP6',
  88: 'EIGRP',
  89: 'OSPF',
  103: 'PIM',
  112: 'VRRP',
  115: 'L2TP',
  132: 'SCTP',
});

/** Values of natEvent. */
export const NAT_EVENTS = table({
  1: 'translation created',
  2: 'translation deleted',
  3: 'addresses exhausted',
  4: 'NAT44 session created',
  5: 'NAT44 session deleted',
  6: 'NAT64 session created',
  7: 'NAT64 session deleted',
  8: 'NAT44 binding created',
  9: 'NAT44 binding deleted',
  10: 'NAT64 binding created',
  11: 'NAT64 binding deleted',
  12: 'ports exhausted',
  13: 'quota exceeded',
  14: 'address binding created',
  15: 'address binding deleted',
  16: 'port block allocated',
  17: 'port block released',
  18: 'threshold reached',
});

/** Values of firewallEvent. */
export const FIREWALL_EVENTS = table({
  1: 'flow created',
  2: 'flow deleted',
  3: 'flow denied',
  4: 'flow alert',
  5: 'flow updated',
});
