/**
 * The words of the filter language: one table of phrases, what they look at and what values they take. The words are
 * those of nfdump.
 */
import type { FieldRef } from './expression.ts';

/**
 * address: an address or range; number: whole, up to max; counter: with k, M, G or T; duration: ms or with a unit;
 * protocol, direction: number or name; flags: letters or number; time: a date, with a time of day or without; mac.
 */
export type ValueKind =
  | 'address'
  | 'number'
  | 'counter'
  | 'duration'
  | 'time'
  | 'protocol'
  | 'direction'
  | 'flags'
  | 'mac';

export interface Term {
  readonly kind: ValueKind;
  readonly fields: readonly FieldRef[];
  /** Greatest value of a number. */
  readonly max: number;
}

/** Phrases that stand alone: what they mean in longer words. Empty: everything. */
export const ALONE: ReadonlyMap<string, string> = new Map([
  ['any', ''],
  ['inet', 'ethertype 2048'],
  ['ipv4', 'ethertype 2048'],
  ['inet6', 'ethertype 34525'],
  ['ipv6', 'ethertype 34525'],
]);

/** Words of nfdump that have no meaning here, with what there is in their place. */
export const NOT_HERE: ReadonlyMap<string, string> = new Map([
  ['count', 'records are not numbered'],
  ['flows', 'every record is one flow'],
  ['ident', 'exporter and domain say where a flow comes from'],
  ['tun', 'records have no keys for tunnels'],
]);

const MAX_LABELS = 10;
export const U8 = 0xff;
export const U16 = 0xffff;
export const U32 = 0xffffffff;
const U48 = 0xffff_ffff_ffff;

const terms = new Map<string, Term>();

function term(phrases: string, kind: ValueKind, keys: string | readonly FieldRef[], max = U32): void {
  const fields = typeof keys === 'string' ? keys.split(' ').map((key) => ({ key })) : keys;
  for (const phrase of phrases.split(', ')) terms.set(phrase, { kind, fields, max });
}

/** A noun with src and dst in front, or with neither, which means either. */
function ends(nouns: string, kind: ValueKind, source: string, destination: string, max?: number): void {
  for (const noun of nouns.split(', ')) {
    term(`src ${noun}`, kind, source, max);
    term(`dst ${noun}`, kind, destination, max);
    term(noun, kind, `${source} ${destination}`, max);
  }
}

/** A noun with in and out in front, or with neither, which means either. */
function ways(noun: string, inwards: string, outwards: string): void {
  term(`in ${noun}, ingress ${noun}`, 'number', inwards);
  term(`out ${noun}, egress ${noun}`, 'number', outwards);
  term(noun, 'number', `${inwards} ${outwards}`);
}

ends('ip, host, net', 'address', 'src_addr', 'dst_addr');
ends('port', 'number', 'src_port', 'dst_port', U16);
ends('as', 'number', 'src_as', 'dst_as');
ends('mask', 'number', 'src_mask', 'dst_mask', 128);
ends('vlan', 'number', 'src_vlan', 'dst_vlan', U16);
ends('mac', 'mac', 'src_mac', 'dst_mac', U48);
ends('nat ip', 'address', 'nat_src_addr', 'nat_dst_addr');
ends('nat port', 'number', 'nat_src_port', 'nat_dst_port', U16);
ways('if', 'in_if', 'out_if');
ways('vrf', 'in_vrf_id', 'out_vrf_id');
term('next as', 'number', 'next_as');
term('prev as', 'number', 'prev_as');
term('next ip', 'address', 'next_hop');
term('bgp next ip, bgpnext ip', 'address', 'bgp_next_hop');
term('proto', 'protocol', 'proto', U8);
term('ethertype', 'number', 'etype', U16);
term('flags', 'flags', 'tcp_flags', U16);
term('tos, src tos', 'number', 'ip_tos', U8);
term('dst tos', 'number', 'out_ip_tos', U8);
term('ttl', 'number', 'ip_ttl', U8);
term('min ttl', 'number', 'min_ttl', U8);
term('max ttl', 'number', 'max_ttl', U8);
term('icmp-type', 'number', 'icmp_type', U8);
term('icmp-code', 'number', 'icmp_code', U8);
term('fwdstat', 'number', 'forwarding_status');
term('nat event', 'number', 'nat_event', U8);
term('packets, in packets', 'counter', 'packets');
term('bytes, in bytes', 'counter', 'bytes');
term('out packets', 'counter', 'out_packets');
term('out bytes', 'counter', 'out_bytes');
for (const rate of ['pps', 'bps', 'bpp']) term(rate, 'counter', rate);
term('duration', 'duration', 'duration');
term('first seen', 'time', 'time_flow_start');
term('last seen', 'time', 'time_flow_end');
term('flowdir', 'direction', 'direction', U8);
term('mpls label', 'number', 'mpls_labels', 0xfffff);
for (let i = 0; i < MAX_LABELS; i++) {
  term(`mpls label${i + 1}`, 'number', [{ key: 'mpls_labels', index: i }], 0xfffff);
}
term('exporter, router ip', 'address', 'exporter_addr');
term('domain, observation domain id', 'number', 'observation_domain_id');
term('observation point id', 'number', 'observation_point_id', Number.MAX_SAFE_INTEGER);
term('engine-type', 'number', 'engine_type', U8);
term('engine-id', 'number', 'engine_id', U8);
term('template', 'number', 'template_id', U16);
term('version', 'number', 'version', U16);

/** Every phrase with what it means, but those that stand alone. */
export const TERMS: ReadonlyMap<string, Term> = terms;

/** What may follow each beginning of a phrase; the words that begin one follow the empty text. */
export const CONTINUATIONS: ReadonlyMap<string, ReadonlySet<string>> = continuations();

function continuations(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const phrase of [...terms.keys(), ...ALONE.keys()]) {
    let begin = '';
    for (const word of phrase.split(' ')) {
      const known = found.get(begin);
      if (known === undefined) found.set(begin, new Set([word]));
      else known.add(word);
      begin = begin === '' ? word : `${begin} ${word}`;
    }
  }
  return found;
}
