import { VARIABLE } from './message-writer.ts';

/**
 * The field lists of simulated exporters. Each version has a few base lists; a list is also sent in turned order, which
 * keeps its octets and changes its meaning: the redefinition that hurts a collector most.
 */

/** Where the value of a field comes from; see flow-values.ts for those that stay the same and record-pool.ts for the others. */
export type ValueName =
  // Written anew in every record.
  | 'octets'
  | 'packets'
  | 'startUptime'
  | 'endUptime'
  | 'startSeconds'
  | 'endSeconds'
  | 'startMillis'
  | 'endMillis'
  | 'startMicros'
  | 'endMicros'
  | 'startDelta'
  | 'endDelta'
  | 'bootMillis'
  // The same whenever a flow of the population is sent.
  | 'srcAddr4'
  | 'dstAddr4'
  | 'srcAddr6'
  | 'dstAddr6'
  | 'srcMask4'
  | 'dstMask4'
  | 'srcMask6'
  | 'dstMask6'
  | 'srcPort'
  | 'dstPort'
  | 'dstPort6'
  | 'protocol'
  | 'protocol6'
  | 'tcpFlags'
  | 'tos'
  | 'inIf'
  | 'outIf'
  | 'nextHop4'
  | 'nextHop6'
  | 'bgpNextHop4'
  | 'srcAs'
  | 'dstAs'
  | 'direction'
  | 'sampler'
  | 'application'
  | 'flowLabel'
  | 'ttl'
  | 'lengthMin'
  | 'lengthMax'
  | 'vlan'
  | 'srcMac'
  | 'dstMac'
  | 'endReason'
  | 'forwarding'
  | 'vrf'
  | 'flowId'
  | 'natSrcAddr4'
  | 'natDstAddr4'
  | 'natSrcPort'
  | 'natDstPort'
  | 'natEvent'
  | 'firewallEvent'
  | 'mplsLabel'
  | 'mplsLastLabel'
  | 'mplsTopType'
  | 'mplsTopAddr4'
  | 'reverseOctets'
  | 'reversePackets'
  | 'userName'
  | 'hostName'
  | 'target'
  | 'opaque'
  | 'router'
  | 'zero';

export interface TemplateField {
  readonly id: number;
  /** Octets on the wire, or VARIABLE. */
  readonly length: number;
  readonly value: ValueName;
  /** Private enterprise number; 0 for none. */
  readonly pen: number;
}

const f = (id: number, length: number, value: ValueName, pen = 0): TemplateField => ({
  id,
  length,
  value,
  pen,
});

const REVERSE_PEN = 29305;
/** Enterprise number for examples, RFC 5612. */
const EXAMPLE_PEN = 32473;

const uptimes = [f(21, 4, 'endUptime'), f(22, 4, 'startUptime')];
const seconds = [f(151, 4, 'endSeconds'), f(150, 4, 'startSeconds')];
const millis = [f(153, 8, 'endMillis'), f(152, 8, 'startMillis')];
const micros = [f(155, 8, 'endMicros'), f(154, 8, 'startMicros')];
const deltas = [f(159, 4, 'endDelta'), f(158, 4, 'startDelta')];

/** 21 fields, 59 octets. */
const classic = (times: TemplateField[], samplerId: number): TemplateField[] => [
  f(1, 4, 'octets'),
  f(2, 4, 'packets'),
  f(4, 1, 'protocol'),
  f(5, 1, 'tos'),
  f(6, 1, 'tcpFlags'),
  f(7, 2, 'srcPort'),
  f(8, 4, 'srcAddr4'),
  f(9, 1, 'srcMask4'),
  f(10, 4, 'inIf'),
  f(11, 2, 'dstPort'),
  f(12, 4, 'dstAddr4'),
  f(13, 1, 'dstMask4'),
  f(14, 4, 'outIf'),
  f(15, 4, 'nextHop4'),
  f(16, 4, 'srcAs'),
  f(17, 4, 'dstAs'),
  ...times,
  f(61, 1, 'direction'),
  f(samplerId, 1, 'sampler'),
  f(18, 4, 'bgpNextHop4'),
];

const ipv6 = (times: TemplateField[], samplerId: number): TemplateField[] => [
  f(27, 16, 'srcAddr6'),
  f(28, 16, 'dstAddr6'),
  f(29, 1, 'srcMask6'),
  f(30, 1, 'dstMask6'),
  f(7, 2, 'srcPort'),
  f(11, 2, 'dstPort6'),
  f(4, 1, 'protocol6'),
  f(6, 1, 'tcpFlags'),
  f(5, 1, 'tos'),
  f(31, 4, 'flowLabel'),
  f(10, 4, 'inIf'),
  f(14, 4, 'outIf'),
  f(62, 16, 'nextHop6'),
  f(1, 8, 'octets'),
  f(2, 8, 'packets'),
  ...times,
  f(16, 4, 'srcAs'),
  f(17, 4, 'dstAs'),
  f(61, 1, 'direction'),
  f(samplerId, 1, 'sampler'),
];

/** Counters of 3 and 5 octets, interfaces and AS numbers of 2. */
const reduced = (times: TemplateField[]): TemplateField[] => [
  f(8, 4, 'srcAddr4'),
  f(12, 4, 'dstAddr4'),
  f(1, 5, 'octets'),
  f(2, 3, 'packets'),
  f(10, 2, 'inIf'),
  f(14, 2, 'outIf'),
  f(7, 2, 'srcPort'),
  f(11, 2, 'dstPort'),
  f(4, 1, 'protocol'),
  f(16, 2, 'srcAs'),
  f(17, 2, 'dstAs'),
  ...times,
  f(95, 4, 'application'),
  f(234, 4, 'vrf'),
  f(61, 1, 'direction'),
];

const ethernet = (times: TemplateField[], samplerId: number): TemplateField[] => [
  f(56, 6, 'srcMac'),
  f(80, 6, 'dstMac'),
  f(58, 2, 'vlan'),
  f(8, 4, 'srcAddr4'),
  f(12, 4, 'dstAddr4'),
  f(7, 2, 'srcPort'),
  f(11, 2, 'dstPort'),
  f(4, 1, 'protocol'),
  f(6, 1, 'tcpFlags'),
  f(5, 1, 'tos'),
  f(52, 1, 'ttl'),
  f(53, 1, 'ttl'),
  f(25, 2, 'lengthMin'),
  f(26, 2, 'lengthMax'),
  f(10, 4, 'inIf'),
  f(14, 4, 'outIf'),
  f(1, 8, 'octets'),
  f(2, 8, 'packets'),
  ...times,
  f(samplerId, 1, 'sampler'),
];

/** A firewall's view; the tail is the exporter's own. */
const translated = (time: TemplateField, tail: TemplateField[]): TemplateField[] => [
  f(148, 4, 'flowId'),
  f(8, 4, 'srcAddr4'),
  f(7, 2, 'srcPort'),
  f(12, 4, 'dstAddr4'),
  f(11, 2, 'dstPort'),
  f(4, 1, 'protocol'),
  f(10, 2, 'inIf'),
  f(14, 2, 'outIf'),
  f(225, 4, 'natSrcAddr4'),
  f(226, 4, 'natDstAddr4'),
  f(227, 2, 'natSrcPort'),
  f(228, 2, 'natDstPort'),
  f(230, 1, 'natEvent'),
  time,
  f(231, 4, 'octets'),
  f(232, 4, 'reverseOctets'),
  ...tail,
];

const mpls = (times: TemplateField[], samplerId: number): TemplateField[] => [
  f(70, 3, 'mplsLabel'),
  f(71, 3, 'mplsLastLabel'),
  f(46, 1, 'mplsTopType'),
  f(47, 4, 'mplsTopAddr4'),
  f(8, 4, 'srcAddr4'),
  f(12, 4, 'dstAddr4'),
  f(7, 2, 'srcPort'),
  f(11, 2, 'dstPort'),
  f(4, 1, 'protocol'),
  f(6, 1, 'tcpFlags'),
  f(10, 4, 'inIf'),
  f(14, 4, 'outIf'),
  f(1, 8, 'octets'),
  f(2, 4, 'packets'),
  ...times,
  f(89, 1, 'forwarding'),
  f(samplerId, 1, 'sampler'),
];

/** Strings of variable length between fixed fields, reverse counters and elements that nobody has registered. */
const named = (times: TemplateField[]): TemplateField[] => [
  f(8, 4, 'srcAddr4'),
  f(12, 4, 'dstAddr4'),
  f(7, 2, 'srcPort'),
  f(11, 2, 'dstPort'),
  f(4, 1, 'protocol'),
  f(371, VARIABLE, 'userName'),
  f(1, 8, 'octets'),
  f(2, 8, 'packets'),
  f(1, 8, 'reverseOctets', REVERSE_PEN),
  f(2, 8, 'reversePackets', REVERSE_PEN),
  ...times,
  f(460, VARIABLE, 'hostName'),
  f(461, VARIABLE, 'target'),
  f(1, 4, 'opaque', EXAMPLE_PEN),
  f(136, 1, 'endReason'),
];

const V9_SHAPES = [
  classic(uptimes, 48),
  ipv6(uptimes, 48),
  reduced(uptimes),
  ethernet(uptimes, 48),
  translated(f(323, 8, 'endMillis'), [
    f(33_002, 2, 'firewallEvent'),
    f(33_000, 12, 'opaque'),
    f(40_000, 20, 'userName'),
  ]),
  mpls(uptimes, 48),
];

const IPFIX_SHAPES = [
  classic(seconds, 302),
  ipv6(millis, 302),
  named(millis),
  reduced(deltas),
  ethernet(micros, 302),
  translated(f(323, 8, 'endMillis'), [
    f(233, 1, 'firewallEvent'),
    f(2, 12, 'opaque', EXAMPLE_PEN),
    f(3, VARIABLE, 'userName', EXAMPLE_PEN),
  ]),
  mpls([...uptimes, f(160, 8, 'bootMillis')], 302),
];

/** The 48 octets after the header, as if a template had said so. */
const V5_SHAPES = [
  [
    f(8, 4, 'srcAddr4'),
    f(12, 4, 'dstAddr4'),
    f(15, 4, 'nextHop4'),
    f(10, 2, 'inIf'),
    f(14, 2, 'outIf'),
    f(2, 4, 'packets'),
    f(1, 4, 'octets'),
    f(22, 4, 'startUptime'),
    f(21, 4, 'endUptime'),
    f(7, 2, 'srcPort'),
    f(11, 2, 'dstPort'),
    f(210, 1, 'zero'),
    f(6, 1, 'tcpFlags'),
    f(4, 1, 'protocol'),
    f(5, 1, 'tos'),
    f(16, 2, 'srcAs'),
    f(17, 2, 'dstAs'),
    f(9, 1, 'srcMask4'),
    f(13, 1, 'dstMask4'),
    f(210, 2, 'zero'),
  ],
];

/** As v5, and in the end the router whose work the switch did. */
const V7_SHAPES = [[...V5_SHAPES[0], f(130, 4, 'router')]];

const SHAPES: Readonly<Record<number, readonly (readonly TemplateField[])[]>> = {
  5: V5_SHAPES,
  7: V7_SHAPES,
  9: V9_SHAPES,
  10: IPFIX_SHAPES,
};

const TURNS = 4;
const FIELDS_PER_TURN = 3;

/**
 * Number of the field list of a template: its place among the exporter's templates and how often it was redefined. Two
 * definitions of a template that follow each other are never the same.
 */
export function shapeKey(version: number, place: number, redefinitions: number): number {
  const bases = SHAPES[version].length;
  const base = (place + (redefinitions >>> 1)) % bases;
  const turn = (Math.floor(place / bases) + redefinitions) % TURNS;
  return base * TURNS + turn;
}

/** The field list of such a number. */
export function shapeFields(version: number, key: number): readonly TemplateField[] {
  const fields = SHAPES[version][Math.floor(key / TURNS)];
  const first = (key % TURNS) * FIELDS_PER_TURN;
  return [...fields.slice(first), ...fields.slice(0, first)];
}

/** Octets of the field specifiers in a template record; enterprise numbers as in RFC 7011 section 3.2. */
export function specifiers(fields: readonly Pick<TemplateField, 'id' | 'length' | 'pen'>[]): Uint8Array {
  return Uint8Array.from(
    fields.flatMap(({ id, length, pen }) => {
      const type = pen === 0 ? id : id | 0x8000;
      const octets = [type >>> 8, type & 255, length >>> 8, length & 255];
      if (pen !== 0) octets.push(pen >>> 24, (pen >>> 16) & 255, (pen >>> 8) & 255, pen & 255);
      return octets;
    }),
  );
}
