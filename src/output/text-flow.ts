import { isV4Mapped } from '../base/ip.ts';
import type { FlowBatch, SetContext } from '../decode/batch.ts';
import type { RecordView } from '../schema/view.ts';
import { putAddress, putIpv4, putIpv6, putMac, putU32, putU64 } from './ascii.ts';
import { type ByteWriter, putBytes } from './byte-writer.ts';
import { measureJson, putFloat } from './json-ops.ts';
import { Kind, type Op, OpTable } from './op.ts';
import { FIREWALL_EVENTS, NAT_EVENTS, PROTOCOLS } from './protocol-names.ts';
import type { ListReader, Rows } from './rows.ts';
import { FieldTextRows, putMoment, putVia } from './text-fields.ts';
import { putJsonText, textLength } from './utf8.ts';

/** Room for everything in a line but the texts of exporters. */
const LINE_BYTES = 1024;

/** Widths to which the columns of a line are filled up: `255.255.255.255:65535`, `ICMP6`, `999999 pkts`, `1023.9 KiB`. */
const ENDPOINT_WIDTH = 21;
const PROTOCOL_WIDTH = 5;
const PACKETS_WIDTH = 6;
const OCTETS_WIDTH = 10;

const SPACE = 32;
const QUOTE = 34;
const COLON = 58;
const DOT = 46;
const ZERO = 48;
const OPEN = 91;
const CLOSE = 93;
const SLASH = 47;

const ICMP = 1;
const ICMP_V6 = 58;
const MAX_SHARE = 1024;

const utf8 = new TextEncoder();
const text = (value: string): Uint8Array => utf8.encode(value);
const NOTHING = text('');
const GAP = text('  ');
const ARROW = text(' → ');
const UNKNOWN = text('-');
const PROTOCOL = text('proto ');
const PACKETS = text(' pkts');
const TIMES = text('  ×');
const REVERSE = text('  ← ');
const IN = text('  in ');
const OUT = text(' out ');
const ONLY_OUT = text('  out ');
const AS = text('  AS');
const TO_AS = text('→AS');
const NAT = text('  NAT ');
const USER = text('  user ');
const APPLICATION = text('  app ');
const UNITS = [' B', ' KiB', ' MiB', ' GiB', ' TiB', ' PiB', ' EiB'].map(text);

/** The values of the record that a line shows. */
const SHOWN = [
  'time_flow_start',
  'src_addr',
  'src_port',
  'src_mac',
  'dst_addr',
  'dst_port',
  'dst_mac',
  'proto',
  'icmp_type',
  'icmp_code',
  'packets',
  'bytes',
  'sampling_rate',
  'reverse_packets',
  'reverse_bytes',
  'in_if',
  'in_if_name',
  'out_if',
  'out_if_name',
  'src_as',
  'dst_as',
  'nat_src_addr',
  'nat_src_port',
  'nat_dst_addr',
  'nat_dst_port',
  'nat_event',
  'fw_event',
  'user_name',
  'app_name',
] as const;

/**
 * Flows of one plan as lines for people. Parts that a record does not have are left out, counts and addresses stand under each
 * other, and nothing that an exporter sent reaches the terminal as a control character.
 */
export class FlowTextRows implements Rows {
  readonly #view: RecordView;
  readonly #readList: ListReader;
  readonly #fields: FieldTextRows;
  readonly #table: OpTable;
  readonly #ops: Readonly<Record<(typeof SHOWN)[number], Op | null>>;

  constructor(view: RecordView, readList: ListReader) {
    this.#view = view;
    this.#readList = readList;
    this.#fields = new FieldTextRows(view, readList);
    const shown = new Set<string>(SHOWN);
    this.#table = new OpTable(
      view.values.filter((value) => shown.has(value.key)),
      () => NOTHING,
    );
    const ops = new Map(this.#table.ops.map((op) => [op.value.key, op]));
    this.#ops = Object.fromEntries(SHOWN.map((key) => [key, ops.get(key) ?? null])) as Record<
      (typeof SHOWN)[number],
      Op | null
    >;
  }

  encode(batch: FlowBatch, options: boolean, writer: ByteWriter): number {
    this.#view.bind(batch);
    this.#table.refresh();
    let rows = 0;
    for (let i = 0; i < batch.setCount; i++) {
      const set = batch.sets[i];
      if (set.options && !options) continue;
      if (set.options) this.#fields.encodeSet(batch, set, writer);
      else this.#encodeSet(batch, set, writer);
      rows += set.rowEnd - set.rowStart;
    }
    return rows;
  }

  #encodeSet(batch: FlowBatch, set: SetContext, writer: ByteWriter): void {
    for (let row = set.rowStart; row < set.rowEnd; row++) {
      writer.reserve(LINE_BYTES + measureJson(this.#table.variable, batch, row, set, this.#readList));
      const { bytes, view } = writer;
      const start = this.#ops.time_flow_start;
      let at = putMoment(view, writer.at, start === null ? set.exportTimeMs : start.f64[row]);
      at = this.#putPath(bytes, view, putBytes(bytes, at, GAP), row);
      at = this.#putCounts(bytes, view, at, row);
      at = this.#putRouting(bytes, view, at, row);
      at = this.#putEvents(bytes, view, at, row);
      writer.at = putVia(bytes, view, at, set);
    }
  }

  /** Source, destination and protocol. */
  #putPath(bytes: Uint8Array, view: DataView, at: number, row: number): number {
    const ops = this.#ops;
    const protocol = has(ops.proto, row) ? numberOf(ops.proto, row) : -1;
    const icmp = protocol === ICMP || protocol === ICMP_V6;
    const sourcePort = icmp ? null : ops.src_port;
    const destinationPort = icmp ? null : ops.dst_port;
    let from = at;
    at = putEndpoint(bytes, view, at, ops.src_addr, sourcePort, ops.src_mac, row);
    at = putBytes(bytes, alignRight(bytes, from, at, ENDPOINT_WIDTH), ARROW);
    from = at;
    at = putEndpoint(bytes, view, at, ops.dst_addr, destinationPort, ops.dst_mac, row);
    at = fillUp(bytes, from, at, ENDPOINT_WIDTH);
    if (protocol < 0) return at;
    at = putBytes(bytes, at, GAP);
    from = at;
    const name = PROTOCOLS.get(protocol);
    at =
      name === undefined ? putU32(view, putBytes(bytes, at, PROTOCOL), protocol) : putBytes(bytes, at, name);
    if (icmp && has(ops.icmp_type, row) && has(ops.icmp_code, row)) {
      bytes[at++] = SPACE;
      at = putU32(view, at, numberOf(ops.icmp_type, row));
      bytes[at++] = SLASH;
      at = putU32(view, at, numberOf(ops.icmp_code, row));
    }
    return fillUp(bytes, from, at, PROTOCOL_WIDTH);
  }

  #putCounts(bytes: Uint8Array, view: DataView, at: number, row: number): number {
    const ops = this.#ops;
    if (has(ops.packets, row))
      at = putPackets(bytes, view, putBytes(bytes, at, GAP), ops.packets, row, PACKETS_WIDTH);
    if (has(ops.bytes, row))
      at = putOctets(bytes, view, putBytes(bytes, at, GAP), ops.bytes, row, OCTETS_WIDTH);
    if (has(ops.sampling_rate, row))
      at = putFloat(view, putBytes(bytes, at, TIMES), ops.sampling_rate.f64[row]);
    const packets = has(ops.reverse_packets, row);
    if (packets) at = putPackets(bytes, view, putBytes(bytes, at, REVERSE), ops.reverse_packets!, row, 0);
    if (has(ops.reverse_bytes, row)) {
      at = putOctets(bytes, view, putBytes(bytes, at, packets ? GAP : REVERSE), ops.reverse_bytes, row, 0);
    }
    return at;
  }

  #putRouting(bytes: Uint8Array, view: DataView, at: number, row: number): number {
    const ops = this.#ops;
    const hasIn = has(ops.in_if, row);
    if (hasIn) at = putInterface(bytes, view, putBytes(bytes, at, IN), ops.in_if!, ops.in_if_name, row);
    if (has(ops.out_if, row)) {
      at = putInterface(
        bytes,
        view,
        putBytes(bytes, at, hasIn ? OUT : ONLY_OUT),
        ops.out_if,
        ops.out_if_name,
        row,
      );
    }
    if (has(ops.src_as, row) && has(ops.dst_as, row)) {
      const source = numberOf(ops.src_as, row);
      const destination = numberOf(ops.dst_as, row);
      if (source !== 0 || destination !== 0) {
        at = putU32(view, putBytes(bytes, at, AS), source);
        at = putU32(view, putBytes(bytes, at, TO_AS), destination);
      }
    }
    return at;
  }

  #putEvents(bytes: Uint8Array, view: DataView, at: number, row: number): number {
    const ops = this.#ops;
    if (has(ops.nat_src_addr, row) || has(ops.nat_dst_addr, row)) {
      at = putEndpoint(bytes, view, putBytes(bytes, at, NAT), ops.nat_src_addr, ops.nat_src_port, null, row);
      at = putEndpoint(
        bytes,
        view,
        putBytes(bytes, at, ARROW),
        ops.nat_dst_addr,
        ops.nat_dst_port,
        null,
        row,
      );
    }
    at = putEvent(bytes, at, NAT_EVENTS, ops.nat_event, row);
    at = putEvent(bytes, at, FIREWALL_EVENTS, ops.fw_event, row);
    if (hasText(ops.user_name, row)) at = putQuoted(bytes, putBytes(bytes, at, USER), ops.user_name, row);
    if (hasText(ops.app_name, row))
      at = putQuoted(bytes, putBytes(bytes, at, APPLICATION), ops.app_name, row);
    return at;
  }
}

function has(op: Op | null, row: number): op is Op {
  return op !== null && !op.value.absent && (op.present === null || op.present[row] !== 0);
}

function hasText(op: Op | null, row: number): op is Op {
  return has(op, row) && textLength(op.heap, op.lo[row], op.hi[row]) > 0;
}

function numberOf(op: Op, row: number): number {
  return op.kind === Kind.u64 ? op.hi[row] * 2 ** 32 + op.lo[row] : op.lo[row];
}

/** Address and port, IPv6 in brackets; without an address the MAC address. */
function putEndpoint(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  address: Op | null,
  port: Op | null,
  mac: Op | null,
  row: number,
): number {
  if (!has(address, row)) {
    return has(mac, row) ? putMac(view, at, mac.hi[row], mac.lo[row]) : putBytes(bytes, at, UNKNOWN);
  }
  const hasPort = has(port, row);
  if (address.kind === Kind.ipv4) {
    at = putIpv4(view, at, address.lo[row]);
  } else {
    const v4 = address.kind === Kind.address && isV4Mapped(address.wide, row * 16);
    const brackets = hasPort && !v4;
    if (brackets) bytes[at++] = OPEN;
    at = (v4 ? putAddress : putIpv6)(view, at, address.wide, row * 16);
    if (brackets) bytes[at++] = CLOSE;
  }
  if (!hasPort) return at;
  bytes[at] = COLON;
  return putU64(view, at + 1, port.kind === Kind.u64 ? port.hi[row] : 0, port.lo[row]);
}

function putPackets(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  op: Op,
  row: number,
  width: number,
): number {
  const end = putU64(view, at, op.kind === Kind.u64 ? op.hi[row] : 0, op.lo[row]);
  return putBytes(bytes, alignRight(bytes, at, end, width), PACKETS);
}

/** Octets with a binary unit and, from 1 KiB on, one digit behind the point. */
function putOctets(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  op: Op,
  row: number,
  width: number,
): number {
  let value = numberOf(op, row);
  let unit = 0;
  let end = at;
  if (value < MAX_SHARE) {
    end = putU32(view, at, value);
  } else {
    // 1023.96 would be shown as 1024.0 of the smaller unit.
    for (; value >= MAX_SHARE - 0.05 && unit < UNITS.length - 1; unit++) value /= 1024;
    const tenths = Math.round(value * 10);
    end = putU32(view, at, Math.floor(tenths / 10));
    bytes[end] = DOT;
    bytes[end + 1] = ZERO + (tenths % 10);
    end += 2;
  }
  return alignRight(bytes, at, putBytes(bytes, end, UNITS[unit]), width);
}

function putInterface(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  index: Op,
  name: Op | null,
  row: number,
): number {
  if (!hasText(name, row))
    return putU64(view, at, index.kind === Kind.u64 ? index.hi[row] : 0, index.lo[row]);
  return putJsonText(bytes, at, name.heap, name.lo[row], textLength(name.heap, name.lo[row], name.hi[row]));
}

function putEvent(
  bytes: Uint8Array,
  at: number,
  names: ReadonlyMap<number, Uint8Array>,
  op: Op | null,
  row: number,
): number {
  const name = has(op, row) ? names.get(numberOf(op, row)) : undefined;
  return name === undefined ? at : putBytes(bytes, putBytes(bytes, at, GAP), name);
}

function putQuoted(bytes: Uint8Array, at: number, op: Op, row: number): number {
  bytes[at++] = QUOTE;
  at = putJsonText(bytes, at, op.heap, op.lo[row], textLength(op.heap, op.lo[row], op.hi[row]));
  bytes[at] = QUOTE;
  return at + 1;
}

/** Moves what stands from `start` to `end` to the right edge of a column; returns the end. */
function alignRight(bytes: Uint8Array, start: number, end: number, width: number): number {
  const pad = width - (end - start);
  if (pad <= 0) return end;
  bytes.copyWithin(start + pad, start, end);
  bytes.fill(SPACE, start, start + pad);
  return end + pad;
}

/** Spaces up to the right edge of a column; returns the end. */
function fillUp(bytes: Uint8Array, start: number, end: number, width: number): number {
  const edge = Math.max(end, start + width);
  bytes.fill(SPACE, end, edge);
  return edge;
}
