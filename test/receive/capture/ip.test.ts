import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressText } from '../../../src/base/ip.ts';
import { concat, u8 } from '../../support/bytes.ts';
import {
  counts,
  ethernet,
  extension,
  fragment6,
  frame,
  ipv4,
  ipv6,
  pattern,
  pcap,
  read,
  udp,
} from './build.ts';

const PAYLOAD = pattern(60);
const SEGMENT = udp(PAYLOAD);
const RAW = 101;

async function only(packet: Uint8Array): Promise<Uint8Array> {
  const { datagrams, stats } = await read(pcap(RAW, packet));
  assert.deepEqual(counts(stats), { frames: 1, datagrams: 1 });
  return datagrams[0].payload;
}

async function outcome(packet: Uint8Array): Promise<object> {
  const { stats } = await read(pcap(RAW, packet));
  return counts(stats);
}

test('source address and ports of IPv4', async () => {
  const { datagrams } = await read(pcap(RAW, ipv4(udp(PAYLOAD, { port: 65_535, target: 1 }))));
  assert.equal(addressText(datagrams[0].address, 0), '192.0.2.7');
  assert.equal(datagrams[0].address.length, 16);
  assert.equal(datagrams[0].port, 65_535);
  assert.equal(datagrams[0].destinationPort, 1);
});

test('source address of IPv6', async () => {
  const { datagrams } = await read(pcap(RAW, ipv6(SEGMENT)));
  assert.equal(addressText(datagrams[0].address, 0), '2001:db8::7');
});

test('IPv4 options are skipped', async () => {
  assert.deepEqual(await only(ipv4(SEGMENT, { options: new Uint8Array(4) })), PAYLOAD);
  assert.deepEqual(await only(ipv4(SEGMENT, { options: new Uint8Array(40).fill(1) })), PAYLOAD);
});

test('Ethernet padding and bytes after the IP total length are not payload', async () => {
  const short = frame(u8(1, 2, 3));
  const { datagrams } = await read(pcap(1, concat(short, new Uint8Array(60 - short.length).fill(0xee))));
  assert.deepEqual(datagrams[0].payload, u8(1, 2, 3));
});

test('the UDP length is what counts inside the IP payload', async () => {
  assert.deepEqual(await only(ipv4(concat(SEGMENT, pattern(20)))), PAYLOAD);
  assert.deepEqual(await only(ipv6(concat(SEGMENT, pattern(20)))), PAYLOAD);
  assert.deepEqual(await only(ipv4(udp(PAYLOAD, { length: 8 }))), u8());
  assert.deepEqual(await only(ipv4(udp(PAYLOAD, { length: 9 }))), PAYLOAD.subarray(0, 1));
});

test('UDP lengths that cannot be', async () => {
  const malformed = { frames: 1, malformed: 1 };
  assert.deepEqual(await outcome(ipv4(udp(PAYLOAD, { length: 7 }))), malformed);
  assert.deepEqual(await outcome(ipv4(udp(PAYLOAD, { length: 0 }))), malformed);
  assert.deepEqual(await outcome(ipv4(udp(PAYLOAD, { length: 8 + 61 }))), malformed);
  assert.deepEqual(await outcome(ipv6(udp(PAYLOAD, { length: 8 + 61 }))), malformed);
  assert.deepEqual(await outcome(ipv4(pattern(7))), malformed);
});

test('IPv4 headers that cannot be', async () => {
  const malformed = { frames: 1, malformed: 1 };
  const short = ipv4(SEGMENT);
  short[0] = 0x44;
  assert.deepEqual(await outcome(short), malformed);
  assert.deepEqual(await outcome(ipv4(SEGMENT, { total: 19 })), malformed);
  assert.deepEqual(await outcome(ipv4(SEGMENT, { total: 27 })), malformed);
});

test('a datagram cut by the snap length is counted, not delivered', async () => {
  const { datagrams, stats } = await read(
    pcap(RAW, ipv4(SEGMENT).subarray(0, -1), ipv6(SEGMENT).subarray(0, -1)),
  );
  assert.equal(datagrams.length, 0);
  assert.deepEqual(counts(stats), { frames: 2, truncated: 2 });
});

test('a packet of length 0 (segmentation offload) ends where UDP says', async () => {
  assert.deepEqual(await only(concat(ipv4(SEGMENT, { total: 0 }), pattern(5))), PAYLOAD);
  assert.deepEqual(await only(concat(ipv6(SEGMENT, 17, 0), pattern(5))), PAYLOAD);
  assert.deepEqual(await outcome(ipv4(SEGMENT, { total: 0 }).subarray(0, -1)), { frames: 1, truncated: 1 });
});

test('other protocols are not UDP, cut or not', async () => {
  const notUdp = { frames: 1, notUdp: 1 };
  assert.deepEqual(await outcome(ipv4(SEGMENT, { protocol: 6 })), notUdp);
  assert.deepEqual(await outcome(ipv4(SEGMENT, { protocol: 6 }).subarray(0, 30)), notUdp);
  assert.deepEqual(await outcome(ipv4(SEGMENT, { protocol: 6, more: true })), notUdp);
  assert.deepEqual(await outcome(ipv6(SEGMENT, 58)), notUdp);
  assert.deepEqual(await outcome(ipv6(SEGMENT, 59)), notUdp);
  assert.deepEqual(await outcome(ipv6(extension(6, 0, SEGMENT), 0)), notUdp);
  assert.deepEqual(await outcome(ipv6(fragment6(pattern(8), { nextHeader: 6, more: true }), 44)), notUdp);
});

test('IPv6 extension headers are skipped', async () => {
  const headers = extension(43, 0, extension(60, 2, extension(17, 1, SEGMENT)));
  assert.deepEqual(await only(ipv6(headers, 0)), PAYLOAD);
  const authentication = concat(u8(17, 4), new Uint8Array(22), SEGMENT);
  assert.deepEqual(await only(ipv6(authentication, 51)), PAYLOAD);
  assert.deepEqual(await only(ipv6(extension(17, 0, SEGMENT), 135)), PAYLOAD);
});

test('IPv6 extension headers that lead out of the packet', async () => {
  const malformed = { frames: 1, malformed: 1 };
  assert.deepEqual(await outcome(ipv6(u8(17, 255, ...SEGMENT), 0)), malformed);
  assert.deepEqual(await outcome(ipv6(u8(0, 0, 0, 0), 0)), malformed);
  // Headers up to the very end and no UDP.
  assert.deepEqual(await outcome(ipv6(extension(17, 0, u8()), 0)), malformed);
  assert.deepEqual(await outcome(ipv6(extension(0, 0, u8()), 0)), malformed);
});

test('an IPv6 datagram of a single fragment is whole', async () => {
  assert.deepEqual(await only(ipv6(fragment6(SEGMENT), 44)), PAYLOAD);
});

test('an Ethernet type that contradicts the IP version is settled by the version', async () => {
  const { stats } = await read(pcap(1, ethernet(0x0800, ipv6(SEGMENT))));
  assert.deepEqual(counts(stats), { frames: 1, datagrams: 1 });
});
