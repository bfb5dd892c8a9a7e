/**
 * The native flow record: the one table that says which keys there are, what they mean and where they come from, in output
 * order. The `millrace` view is built from it; descriptions for other systems can be derived from it.
 *
 * Absent is absent: a key is written only when the exporter sent the value, or options data gave it.
 */

export type FieldType =
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'rate'
  | 'text'
  | 'word'
  | 'address'
  | 'mac'
  | 'time'
  | 'labels';

/** Id of an IANA element, or [enterprise number, id]. */
export type ElementRef = number | readonly [pen: number, id: number];

export interface RecordField {
  readonly key: string;
  /**
   * u8 to u64: integers of so many bits; rate: a positive number, rarely with a fraction; text: UTF-8; word: one of `words`;
   * address: text of an IPv4 or IPv6 address; mac: text of a MAC address; time: a point in time (JSON: ms since the epoch,
   * binary formats: ns since the epoch); labels: array of integers.
   */
  readonly type: FieldType;
  readonly unit?: string;
  readonly words?: readonly string[];
  /** core: attempted for every flow; extended: where the exporter sends it. */
  readonly tier: 'core' | 'extended';
  /**
   * header: from the message header or the datagram; direct: the first of `elements` that the template has and whose type fits;
   * pair: `elements` are the IPv4 and the IPv6 form of one value, then further numbers of the IPv4 form; computed: a rule of its
   * own makes it.
   */
  readonly rule: 'header' | 'direct' | 'pair' | 'computed';
  readonly elements?: readonly ElementRef[];
  /** For a pair that does not say itself which form holds: the address pair that decides. */
  readonly decidedBy?: string;
  readonly description: string;
}

export const FLOW_TYPES = ['netflow_v5', 'netflow_v7', 'netflow_v9', 'ipfix'] as const;
export const SAMPLING_SOURCES = ['record', 'options'] as const;

const REVERSE = 29305;

type Rest = Omit<RecordField, 'key' | 'type' | 'tier' | 'rule' | 'description'>;

function entry(tier: RecordField['tier'], rule: RecordField['rule']) {
  return (key: string, type: FieldType, description: string, rest: Rest = {}): RecordField => ({
    key,
    type,
    tier,
    rule,
    description,
    ...rest,
  });
}
const header = entry('core', 'header');
const coreComputed = entry('core', 'computed');
const computed = entry('extended', 'computed');
const corePair = entry('core', 'pair');
const pair = entry('extended', 'pair');

function direct(tier: RecordField['tier']) {
  return (
    key: string,
    type: FieldType,
    elements: readonly ElementRef[],
    description: string,
    unit?: string,
  ): RecordField => ({ key, type, tier, rule: 'direct', elements, description, ...(unit && { unit }) });
}
const core = direct('core');
const extended = direct('extended');

export const RECORD: readonly RecordField[] = [
  header('flow_type', 'word', 'Protocol and version of the message', { words: FLOW_TYPES }),
  header('record', 'word', 'Set to options for options records, else absent', { words: ['options'] }),
  header('time_received', 'time', 'When the datagram was received'),
  header('time_exported', 'time', 'Export time of the message header'),
  header('exporter_addr', 'address', 'Source address of the datagram'),
  header('exporter_port', 'u16', 'Source UDP port of the datagram'),
  header('observation_domain_id', 'u32', 'Observation domain, v9 source id, v5 engine'),
  header('template_id', 'u16', 'Template that the record was decoded with; absent for v5 and v7'),
  header('sequence', 'u32', 'Sequence number of the message header'),

  coreComputed('time_flow_start', 'time', 'First packet of the flow', {
    elements: [156, 154, 152, 158, 150, 22, 160, 161, 162, 325, 324, 323, 322],
  }),
  coreComputed('time_flow_end', 'time', 'Last packet of the flow', {
    elements: [157, 155, 153, 159, 151, 21, 160, 161, 162, 325, 324, 323, 322],
  }),
  computed('time_source', 'word', 'Set to export where the flow times are the export time, else absent', {
    words: ['export'],
  }),
  coreComputed('sampling_rate', 'rate', 'Packets observed per packet sampled', {
    elements: [34, 50, 305, 306, 309, 310],
  }),
  coreComputed('sampling_source', 'word', 'Where the sampling rate comes from', { words: SAMPLING_SOURCES }),
  extended('sampler_id', 'u64', [48, 302], 'Sampler or selector'),
  computed('sampler_name', 'text', 'Name of the sampler or selector', { elements: [84, 335] }),

  corePair('src_addr', 'address', 'Source address', { elements: [8, 27] }),
  corePair('dst_addr', 'address', 'Destination address', { elements: [12, 28] }),
  core('src_port', 'u16', [7], 'Source transport port'),
  core('dst_port', 'u16', [11], 'Destination transport port'),
  core('proto', 'u8', [4], 'IP protocol'),
  coreComputed('etype', 'u16', 'Ethernet type', { elements: [256, 60] }),
  core('bytes', 'u64', [1, 85, 231], 'Octets as exported, not scaled', 'octets'),
  core('packets', 'u64', [2, 86, 298], 'Packets as exported, not scaled', 'packets'),
  extended('out_bytes', 'u64', [23], 'Octets after a middlebox function', 'octets'),
  extended('out_packets', 'u64', [24], 'Packets after a middlebox function', 'packets'),
  extended(
    'reverse_bytes',
    'u64',
    [[REVERSE, 1], [REVERSE, 85], 232],
    'Octets of the reverse direction',
    'octets',
  ),
  extended(
    'reverse_packets',
    'u64',
    [[REVERSE, 2], [REVERSE, 86], 299],
    'Packets of the reverse direction',
    'packets',
  ),
  core('tcp_flags', 'u16', [6], 'TCP control bits of all packets'),
  core('ip_tos', 'u8', [5], 'Type of service or traffic class'),
  extended('out_ip_tos', 'u8', [55], 'Type of service or traffic class on the way out'),
  extended('ip_ttl', 'u8', [192], 'Time to live'),
  extended('min_ttl', 'u8', [52], 'Lowest time to live'),
  extended('max_ttl', 'u8', [53], 'Highest time to live'),
  computed('icmp_type', 'u8', 'ICMP type', { elements: [176, 178, 32, 139] }),
  computed('icmp_code', 'u8', 'ICMP code', { elements: [177, 179, 32, 139] }),
  extended('fragment_id', 'u32', [54], 'Identification of fragments'),
  extended('fragment_offset', 'u16', [88], 'Fragment offset', '8 octets'),
  extended('ip_flags', 'u8', [197], 'Fragmentation flags of the IP header'),
  extended('ipv6_flow_label', 'u32', [31], 'IPv6 flow label'),

  core('in_if', 'u32', [10, 252], 'Ingress interface'),
  core('out_if', 'u32', [14, 253], 'Egress interface'),
  computed('in_if_name', 'text', 'Name of the ingress interface'),
  computed('out_if_name', 'text', 'Name of the egress interface'),
  computed('in_if_desc', 'text', 'Description of the ingress interface'),
  computed('out_if_desc', 'text', 'Description of the egress interface'),
  core('direction', 'u8', [61], '0 ingress, 1 egress, as observed'),
  extended('biflow_direction', 'u8', [239], '1 initiator, 2 reverse initiator, 3 perimeter'),
  core('src_as', 'u32', [16], 'Autonomous system of the source'),
  core('dst_as', 'u32', [17], 'Autonomous system of the destination'),
  extended('next_as', 'u32', [128], 'Next adjacent autonomous system'),
  extended('prev_as', 'u32', [129], 'Previous adjacent autonomous system'),
  corePair('src_mask', 'u8', 'Prefix length of the source', {
    elements: [9, 29],
    decidedBy: 'src_addr',
    unit: 'bits',
  }),
  corePair('dst_mask', 'u8', 'Prefix length of the destination', {
    elements: [13, 30],
    decidedBy: 'dst_addr',
    unit: 'bits',
  }),
  corePair('next_hop', 'address', 'Next hop router', { elements: [15, 62] }),
  pair('bgp_next_hop', 'address', 'BGP next hop', { elements: [18, 63] }),

  extended('src_mac', 'mac', [56, 81], 'Source MAC address'),
  extended('dst_mac', 'mac', [80, 57], 'Destination MAC address'),
  extended('src_vlan', 'u16', [58, 243], 'VLAN on the way in'),
  extended('dst_vlan', 'u16', [59, 254], 'VLAN on the way out'),
  computed('mpls_labels', 'labels', 'MPLS labels, top of the stack first', {
    elements: [70, 71, 72, 73, 74, 75, 76, 77, 78, 79],
  }),
  extended('in_vrf_id', 'u32', [234], 'Ingress VRF'),
  extended('out_vrf_id', 'u32', [235], 'Egress VRF'),
  computed('in_vrf_name', 'text', 'Name of the ingress VRF'),
  computed('out_vrf_name', 'text', 'Name of the egress VRF'),
  computed('vpn_rd', 'text', 'Route distinguisher as in RFC 4364, administrator:number', { elements: [90] }),
  extended('forwarding_status', 'u32', [89], 'Forwarding status and reason'),
  extended(
    'end_reason',
    'u8',
    [136],
    'Why the flow ended: 1 idle, 2 active, 3 end, 4 forced, 5 lack of resources',
  ),
  computed('app_id', 'text', 'Application as in RFC 6759, engine:selector', { elements: [95] }),
  computed('app_name', 'text', 'Name of the application', { elements: [96] }),

  pair('nat_src_addr', 'address', 'Source address after translation', {
    elements: [225, 281, 40001],
  }),
  pair('nat_dst_addr', 'address', 'Destination address after translation', {
    elements: [226, 282, 40002],
  }),
  extended('nat_src_port', 'u16', [227, 40003], 'Source port after translation'),
  extended('nat_dst_port', 'u16', [228, 40004], 'Destination port after translation'),
  extended('nat_event', 'u8', [230], 'Kind of translation event'),
  extended('fw_event', 'u8', [233, 40005], 'Kind of firewall event'),
  extended('user_name', 'text', [371, 40000], 'User'),
  extended('flow_id', 'u64', [148], 'Flow number of the exporter'),
  extended('observation_point_id', 'u64', [138], 'Observation point'),
  pair('exporter_reported_addr', 'address', 'Address that the exporter gives for itself', {
    elements: [130, 131],
  }),
];

/** Key of the object that holds every field no rule took, by IANA name or `<enterprise>.<id>`. */
export const EXTENSION_KEY = 'ext';
