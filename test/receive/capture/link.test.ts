import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, u8, u16, u32 } from '../../support/bytes.ts';
import { counts, ethernet, ipv4, ipv6, little, pattern, pcap, read, udp } from './build.ts';

const PAYLOAD = pattern(40);
const V4 = ipv4(udp(PAYLOAD));
const V6 = ipv6(udp(PAYLOAD));

const sll = (protocol: number, packet: Uint8Array): Uint8Array =>
  concat(u16(0, 1, 6), new Uint8Array(8), u16(protocol), packet);
const sll2 = (protocol: number, packet: Uint8Array): Uint8Array =>
  concat(u16(protocol, 0), u32(3), u16(1), u8(0, 6), new Uint8Array(8), packet);
const vlan = (tags: number[], type: number, packet: Uint8Array): Uint8Array =>
  ethernet(tags[0], concat(...tags.map((_, i) => u16(100 + i, tags[i + 1] ?? type)), packet));
const pppoe = (protocol: number, packet: Uint8Array): Uint8Array =>
  ethernet(0x8864, concat(u8(0x11, 0), u16(5, packet.length + 2, protocol), packet));

const FRAMES: [name: string, linkType: number, frame: Uint8Array][] = [
  ['Ethernet IPv4', 1, ethernet(0x0800, V4)],
  ['Ethernet IPv6', 1, ethernet(0x86dd, V6)],
  ['one 802.1Q tag', 1, vlan([0x8100], 0x0800, V4)],
  ['802.1ad and 802.1Q', 1, vlan([0x88a8, 0x8100], 0x86dd, V6)],
  ['five tags', 1, vlan([0x88a8, 0x9100, 0x8100, 0x8100, 0x8100], 0x0800, V4)],
  ['PPPoE IPv4', 1, pppoe(0x0021, V4)],
  ['PPPoE IPv6 in a VLAN', 1, vlan([0x8100], 0x8864, concat(u8(0x11, 0), u16(5, 99, 0x57), V6))],
  ['one MPLS label', 1, ethernet(0x8847, concat(u32(0x00064140), V4))],
  ['three MPLS labels', 1, ethernet(0x8848, concat(u32(0x00064040, 0x00065040, 0x00066140), V6))],
  ['Linux cooked IPv4', 113, sll(0x0800, V4)],
  ['Linux cooked IPv6', 113, sll(0x86dd, V6)],
  ['Linux cooked VLAN', 113, sll(0x8100, concat(u16(7, 0x0800), V4))],
  ['Linux cooked 2 IPv4', 276, sll2(0x0800, V4)],
  ['Linux cooked 2 IPv6', 276, sll2(0x86dd, V6)],
  ['raw 101 IPv4', 101, V4],
  ['raw 101 IPv6', 101, V6],
  ['raw 12', 12, V4],
  ['raw 14', 14, V6],
  ['IPv4 228', 228, V4],
  ['IPv6 229', 229, V6],
  ['loopback, little-endian family', 0, concat(little.u32(2), V4)],
  ['loopback, big-endian family', 0, concat(u32(2), V4)],
  ['loopback IPv6 of FreeBSD', 0, concat(little.u32(28), V6)],
  ['loopback IPv6 of macOS', 0, concat(little.u32(30), V6)],
  ['loopback IPv6 of OpenBSD, network order', 108, concat(u32(24), V6)],
  ['loopback IPv4, network order', 108, concat(u32(2), V4)],
];

for (const [name, linkType, frame] of FRAMES) {
  test(`finds the datagram: ${name}`, async () => {
    const { datagrams, stats } = await read(pcap(linkType, frame));
    assert.deepEqual(counts(stats), { frames: 1, datagrams: 1 });
    assert.deepEqual(datagrams[0].payload, PAYLOAD);
    assert.equal(datagrams[0].port, 4000);
    assert.equal(datagrams[0].destinationPort, 2055);
  });

  test(`is cut anywhere: ${name}`, async () => {
    const cuts = Array.from({ length: frame.length }, (_, length) => frame.subarray(0, length));
    const { datagrams, stats } = await read(pcap(linkType, ...cuts));
    assert.equal(datagrams.length, 0);
    assert.deepEqual(counts(stats), { frames: cuts.length, truncated: cuts.length });
  });
}

test('counts frames of other kinds', async () => {
  const others: [number, Uint8Array][] = [
    [1, ethernet(0x0806, pattern(28))],
    [1, ethernet(0x0040, V4)], // IEEE 802.3 with a length
    [1, pppoe(0xc021, V4)],
    [1, ethernet(0x8864, concat(u8(0x11, 0x07), u16(5, 99, 0x21), V4))], // a discovery code
    [1, ethernet(0x8847, concat(u32(0x00064140, 0), V4))], // a control word
    [113, sll(0x0806, V4)],
    [276, sll2(0x0806, V4)],
    [0, concat(little.u32(7), V4)],
    [108, concat(u32(0xffffffff), V4)],
    [101, u8(0x50, ...V4.subarray(1))],
  ];
  for (const [linkType, frame] of others) {
    const { stats } = await read(pcap(linkType, frame));
    assert.deepEqual(counts(stats), { frames: 1, notUdp: 1 });
  }
});

test('counts frames of link layers it does not know', async () => {
  const { stats } = await read(pcap(105, V4, V6));
  assert.deepEqual(counts(stats), { frames: 2, unsupported: 2 });
});
