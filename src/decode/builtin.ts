import type { ElementLookup } from '../elements/element.ts';
import { createLayout, type FieldSpecifier, type Layout } from './layout.ts';

/** Records of v5 (48 octets) and v7 (52 octets) as layouts, so that one path decodes all versions. */

const field = (id: number, length: number): FieldSpecifier => ({ pen: 0, id, length });

const COMMON: readonly FieldSpecifier[] = [
  field(8, 4), // sourceIPv4Address
  field(12, 4), // destinationIPv4Address
  field(15, 4), // ipNextHopIPv4Address
  field(10, 2), // ingressInterface
  field(14, 2), // egressInterface
  field(2, 4), // packetDeltaCount
  field(1, 4), // octetDeltaCount
  field(22, 4), // flowStartSysUpTime
  field(21, 4), // flowEndSysUpTime
  field(7, 2), // sourceTransportPort
  field(11, 2), // destinationTransportPort
  field(210, 1), // v5: padding, v7: flags
  field(6, 1), // tcpControlBits
  field(4, 1), // protocolIdentifier
  field(5, 1), // ipClassOfService
  field(16, 2), // bgpSourceAsNumber
  field(17, 2), // bgpDestinationAsNumber
  field(9, 1), // sourceIPv4PrefixLength
  field(13, 1), // destinationIPv4PrefixLength
  field(210, 2), // v5: padding, v7: flags
];

/** Uids 1 and 2 are taken by these; tables of learned layouts start above. */
export const BUILTIN_LAYOUTS = 2;

export function createV5Layout(elements: ElementLookup): Layout {
  return createLayout(1, 5, 0, COMMON, elements);
}

export function createV7Layout(elements: ElementLookup): Layout {
  return createLayout(2, 7, 0, [...COMMON, field(43, 4)], elements); // ipv4RouterSc
}
