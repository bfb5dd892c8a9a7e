/**
 * Puts fragmented IP datagrams together, of both families, in bounded memory. Pieces may come in any order and more than
 * once. Pieces that overlap with different data, or disagree about the end, make the whole datagram void, those of its
 * pieces that are still to come included (RFC 5722, applied to IPv4 too: no exporter sends such).
 */
import type { CaptureStats } from './contract.ts';

export const REASSEMBLY = Object.freeze({
  /** Datagrams under reassembly; the oldest makes room. */
  maxDatagrams: 256,
  /** Bytes of pieces kept in all; the oldest datagrams make room. */
  maxBytes: 1024 * 1024,
  /** Pieces kept of one datagram: 64 KiB over the smallest MTU in use is some 120. More make it void. */
  maxPieces: 256,
  /** Age by capture time since the first piece. */
  maxAgeMs: 30_000,
});

const DATAGRAM_BYTES_MAX = 65_535;

/** A piece, in place in a frame. */
export interface Fragment {
  bytes: Uint8Array;
  /** Source and destination address are bytes[addressesFrom .. addressesTo). */
  addressesFrom: number;
  addressesTo: number;
  id: number;
  /** What the piece says follows; counts for the first one. */
  nextHeader: number;
  /** Position of the data in the datagram, in bytes. */
  offset: number;
  more: boolean;
  /** The data are bytes[from .. to). */
  from: number;
  to: number;
  capturedAtMs: number;
}

/** A whole datagram, without its IP header. */
export interface Reassembled {
  data: Uint8Array;
  nextHeader: number;
  /** Frames it came in. */
  frames: number;
}

interface Assembly {
  addresses: Uint8Array;
  id: number;
  firstAtMs: number;
  nextHeader: number;
  /** -1 until the last piece is there. */
  total: number;
  /** Pieces without overlap, in order. */
  starts: number[];
  pieces: Uint8Array[];
  bytes: number;
  /** Frames that will be lost if this is dropped. */
  frames: number;
  void: boolean;
}

/** Only UDP comes here, so the protocol is not part of the key (and in IPv6 it never is: RFC 8200, 4.5). */
export class IpReassembly {
  readonly #stats: CaptureStats;
  /** Oldest first. */
  readonly #assemblies: Assembly[] = [];
  #bytes = 0;

  constructor(stats: CaptureStats) {
    this.#stats = stats;
  }

  /** Takes a piece; the datagram when this piece completes it. */
  add(fragment: Fragment): Reassembled | null {
    this.#stats.fragments++;
    const length = fragment.to - fragment.from;
    const end = fragment.offset + length;
    if (length <= 0 || end > DATAGRAM_BYTES_MAX || (fragment.more && length % 8 !== 0)) {
      this.#stats.fragmentsDropped++;
      return null;
    }
    this.#expire(fragment.capturedAtMs);
    const assembly = this.#find(fragment) ?? this.#begin(fragment);
    assembly.frames++;
    if (fragment.offset === 0) assembly.nextHeader = fragment.nextHeader;
    if (assembly.void || !agreesOnEnd(assembly, fragment.more, end) || !insert(assembly, fragment)) {
      this.#void(assembly);
      return null;
    }
    return assembly.bytes === assembly.total ? this.#complete(assembly) : this.#keepBounds(assembly);
  }

  /** The capture is over: what is not complete is dropped and counted. */
  finish(): void {
    while (this.#assemblies.length > 0) this.#drop(0);
  }

  #find(fragment: Fragment): Assembly | null {
    for (let i = 0; i < this.#assemblies.length; i++) {
      const assembly = this.#assemblies[i];
      if (assembly.id !== fragment.id || !sameAddresses(assembly.addresses, fragment)) continue;
      if (!isTooOld(assembly, fragment.capturedAtMs)) return assembly;
      this.#drop(i);
      return null;
    }
    return null;
  }

  #begin(fragment: Fragment): Assembly {
    if (this.#assemblies.length === REASSEMBLY.maxDatagrams) this.#drop(0);
    const assembly: Assembly = {
      addresses: fragment.bytes.slice(fragment.addressesFrom, fragment.addressesTo),
      id: fragment.id,
      firstAtMs: fragment.capturedAtMs,
      nextHeader: fragment.nextHeader,
      total: -1,
      starts: [],
      pieces: [],
      bytes: 0,
      frames: 0,
      void: false,
    };
    this.#assemblies.push(assembly);
    return assembly;
  }

  #complete(assembly: Assembly): Reassembled {
    const data = new Uint8Array(assembly.total);
    for (let i = 0; i < assembly.pieces.length; i++) data.set(assembly.pieces[i], assembly.starts[i]);
    this.#assemblies.splice(this.#assemblies.indexOf(assembly), 1);
    this.#recount();
    return { data, nextHeader: assembly.nextHeader, frames: assembly.frames };
  }

  #keepBounds(assembly: Assembly): null {
    this.#recount();
    // One datagram is far below the limit, so there is always another one to drop.
    while (this.#bytes > REASSEMBLY.maxBytes) this.#drop(this.#assemblies[0] === assembly ? 1 : 0);
    return null;
  }

  /** Keeps the key, so that pieces to come find it, but no data. */
  #void(assembly: Assembly): void {
    this.#stats.fragmentsDropped += assembly.frames;
    assembly.frames = 0;
    assembly.starts = [];
    assembly.pieces = [];
    assembly.bytes = 0;
    assembly.void = true;
    this.#recount();
  }

  #expire(nowMs: number): void {
    while (this.#assemblies.length > 0 && isTooOld(this.#assemblies[0], nowMs)) this.#drop(0);
  }

  #drop(index: number): void {
    this.#stats.fragmentsDropped += this.#assemblies[index].frames;
    this.#assemblies.splice(index, 1);
    this.#recount();
  }

  #recount(): void {
    let bytes = 0;
    for (let i = 0; i < this.#assemblies.length; i++) bytes += this.#assemblies[i].bytes;
    this.#bytes = bytes;
  }
}

/** False also where a time is not known. */
function isTooOld(assembly: Assembly, nowMs: number): boolean {
  return nowMs - assembly.firstAtMs > REASSEMBLY.maxAgeMs;
}

function sameAddresses(addresses: Uint8Array, fragment: Fragment): boolean {
  if (addresses.length !== fragment.addressesTo - fragment.addressesFrom) return false;
  for (let i = 0; i < addresses.length; i++) {
    if (addresses[i] !== fragment.bytes[fragment.addressesFrom + i]) return false;
  }
  return true;
}

/** Notes where the datagram ends; false when that contradicts other pieces. */
function agreesOnEnd(assembly: Assembly, more: boolean, end: number): boolean {
  if (more) return assembly.total < 0 || end < assembly.total;
  if (assembly.total >= 0) return assembly.total === end;
  const last = assembly.pieces.length - 1;
  if (last >= 0 && assembly.starts[last] + assembly.pieces[last].length > end) return false;
  assembly.total = end;
  return true;
}

/** Keeps copies of the parts that are new; false when other parts are not what is already there, or there are too many. */
function insert(assembly: Assembly, { bytes, offset, from, to }: Fragment): boolean {
  const end = offset + to - from;
  const starts: number[] = [];
  const pieces: Uint8Array[] = [];
  let at = offset;
  const addUpTo = (limit: number): void => {
    if (limit <= at) return;
    starts.push(at);
    pieces.push(bytes.slice(from + at - offset, from + limit - offset));
    assembly.bytes += limit - at;
    at = limit;
  };
  for (let i = 0; i < assembly.pieces.length; i++) {
    const start = assembly.starts[i];
    const piece = assembly.pieces[i];
    addUpTo(Math.min(start, end));
    const overlapEnd = Math.min(start + piece.length, end);
    for (; at < overlapEnd; at++) {
      if (piece[at - start] !== bytes[from + at - offset]) return false;
    }
    starts.push(start);
    pieces.push(piece);
  }
  addUpTo(end);
  assembly.starts = starts;
  assembly.pieces = pieces;
  return pieces.length <= REASSEMBLY.maxPieces;
}
