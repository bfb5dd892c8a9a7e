/** Frames and capture files byte by byte, for tests. Shares nothing with the readers. */
import { Readable } from 'node:stream';
import {
  type CapturedDatagram,
  type CaptureStats,
  openCapture,
} from '../../../src/receive/capture/capture.ts';
import { concat, u8, u16, u32 } from '../../support/bytes.ts';

export const V4_SOURCE = u8(192, 0, 2, 7);
export const V4_TARGET = u8(198, 51, 100, 1);
export const V6_SOURCE = concat(u16(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7));
export const V6_TARGET = concat(u16(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

/** Octets 0, 1, 2, … modulo 251, so that shifted data differ. */
export const pattern = (length: number, first = 0): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (first + i) % 251);

export const udp = (
  payload: Uint8Array,
  { port = 4000, target = 2055, length = 8 + payload.length } = {},
): Uint8Array => concat(u16(port, target, length, 0), payload);

export interface V4Options {
  id?: number;
  /** In bytes. */
  offset?: number;
  more?: boolean;
  protocol?: number;
  options?: Uint8Array;
  total?: number;
  source?: Uint8Array;
}

export function ipv4(payload: Uint8Array, given: V4Options = {}): Uint8Array {
  const options = given.options ?? u8();
  const header = 20 + options.length;
  return concat(
    u8(0x40 | (header / 4), 0),
    u16(given.total ?? header + payload.length, given.id ?? 1),
    u16((given.more ? 0x2000 : 0) | ((given.offset ?? 0) / 8)),
    u8(64, given.protocol ?? 17, 0, 0),
    given.source ?? V4_SOURCE,
    V4_TARGET,
    options,
    payload,
  );
}

export const ipv6 = (
  payload: Uint8Array,
  nextHeader = 17,
  length = payload.length,
  source = V6_SOURCE,
): Uint8Array => concat(u32(0x60000000), u16(length), u8(nextHeader, 64), source, V6_TARGET, payload);

/** Hop-by-hop, routing, destination options: next header, length in units of 8 bytes less one, rest. */
export const extension = (nextHeader: number, units: number, rest: Uint8Array): Uint8Array =>
  concat(u8(nextHeader, units), new Uint8Array((units + 1) * 8 - 2), rest);

export const fragment6 = (
  data: Uint8Array,
  {
    offset = 0,
    more = false,
    id = 1,
    nextHeader = 17,
  }: { offset?: number; more?: boolean; id?: number; nextHeader?: number } = {},
): Uint8Array => concat(u8(nextHeader, 0), u16(offset | (more ? 1 : 0)), u32(id), data);

export const ethernet = (type: number, packet: Uint8Array): Uint8Array =>
  concat(new Uint8Array(12), u16(type), packet);

/** The usual frame: Ethernet, IPv4, UDP. */
export const frame = (payload: Uint8Array): Uint8Array => ethernet(0x0800, ipv4(udp(payload)));

/** Numbers in one byte order. */
export interface Order {
  u16(...values: number[]): Uint8Array;
  u32(...values: number[]): Uint8Array;
}

export const big: Order = { u16, u32 };
const swap = (bytes: Uint8Array, width: number): Uint8Array => {
  const swapped = bytes.slice();
  for (let at = 0; at < swapped.length; at += width) swapped.subarray(at, at + width).reverse();
  return swapped;
};
export const little: Order = {
  u16: (...values) => swap(u16(...values), 2),
  u32: (...values) => swap(u32(...values), 4),
};

export const pcapHeader = (order: Order, linkType = 1, magic = 0xa1b2c3d4): Uint8Array =>
  concat(order.u32(magic), order.u16(2, 4), order.u32(0, 0, 65_535, linkType));

export const pcapRecord = (
  order: Order,
  data: Uint8Array,
  { seconds = 1_700_000_000, fraction = 250_000, original = data.length } = {},
): Uint8Array => concat(order.u32(seconds, fraction, data.length, original), data);

export const pcap = (linkType: number, ...frames: Uint8Array[]): Uint8Array =>
  concat(pcapHeader(little, linkType), ...frames.map((data) => pcapRecord(little, data)));

export const padded = (bytes: Uint8Array): Uint8Array => concat(bytes, new Uint8Array(-bytes.length & 3));

export const block = (order: Order, type: number, body: Uint8Array): Uint8Array =>
  concat(order.u32(type, 12 + body.length), body, order.u32(12 + body.length));

export const section = (order: Order, options = u8()): Uint8Array =>
  block(
    order,
    0x0a0d0d0a,
    concat(order.u32(0x1a2b3c4d), order.u16(1, 0), order.u32(0xffffffff, 0xffffffff), options),
  );

export const option = (order: Order, code: number, value: Uint8Array): Uint8Array =>
  concat(order.u16(code, value.length), padded(value));

export const networkInterface = (
  order: Order,
  linkType: number,
  { snap = 0, options = u8() } = {},
): Uint8Array => block(order, 1, concat(order.u16(linkType, 0), order.u32(snap), options));

export const enhancedPacket = (
  order: Order,
  source: number,
  time: bigint,
  data: Uint8Array,
  captured = data.length,
): Uint8Array =>
  block(
    order,
    6,
    concat(
      order.u32(source, Number(time >> 32n), Number(time & 0xffffffffn), captured, data.length),
      padded(data),
    ),
  );

export interface Contents {
  datagrams: CapturedDatagram[];
  batches: number[];
  stats: CaptureStats;
}

/** Reads a capture from standard input, fed so many bytes at a time; payloads are copied as a user has to. */
export async function read(file: Uint8Array, chunkBytes = 65_536): Promise<Contents> {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < file.length; at += chunkBytes) chunks.push(file.subarray(at, at + chunkBytes));
  const capture = await openCapture('-', { stdin: Readable.from(chunks) });
  const datagrams: CapturedDatagram[] = [];
  const batches: number[] = [];
  for await (const batch of capture.batches()) {
    batches.push(batch.length);
    for (const datagram of batch) datagrams.push({ ...datagram, payload: datagram.payload.slice() });
  }
  assertAccounted(capture.stats);
  return { datagrams, batches, stats: capture.stats };
}

/** Every frame is in exactly one count; a cut file adds one to `truncated`. */
export function assertAccounted(stats: CaptureStats): void {
  const accounted =
    stats.datagrams -
    stats.reassembled +
    stats.notUdp +
    stats.unsupported +
    stats.truncated +
    stats.malformed +
    stats.fragments;
  const cutTail = accounted - stats.frames;
  if (cutTail !== 0 && !(cutTail === 1 && stats.truncated > 0)) {
    throw new Error(`frames are not accounted for: ${JSON.stringify(stats)}`);
  }
}

/** The counts that are not zero, without those of bytes. */
export function counts(stats: CaptureStats): Partial<CaptureStats> {
  const { bytesRead: _read, bytesTotal: _total, ...rest } = stats;
  return Object.fromEntries(Object.entries(rest).filter(([, count]) => count !== 0));
}
