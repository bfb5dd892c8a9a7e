import type { Clock } from '../base/clock.ts';
import { Pace } from '../base/pace.ts';
import { MSG_DONTWAIT, SOCK_DGRAM_CLOEXEC, type SystemCalls } from '../base/system-calls.ts';
import { LENGTH_OVERSIZE, RecordOffset } from '../memory/layout.ts';
import type { Ring } from '../memory/ring.ts';
import type { SharedMemory } from '../memory/shared-memory.ts';

// Numbers of the Linux ABI (little-endian, 64-bit).
const AF_INET6 = 10;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_REUSEPORT = 15;
const SO_RCVTIMEO = 20;
const SO_RCVBUFFORCE = 33;
const SO_RXQ_OVFL = 40;
const SO_MEMINFO = 55;
/** Of the words that SO_MEMINFO gives: the datagrams that were dropped. */
const SK_MEMINFO_DROPS = 8;
const SK_MEMINFO_WORDS = 9;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const MSG_TRUNC = 0x20;
const MSG_WAITFORONE = 0x10000;
const SOCKADDR_IN6_BYTES = 28;
const IOVEC_BYTES = 16;
/** struct mmsghdr: msghdr { name, namelen, iov, iovlen, control, controllen, flags }, len. */
const Mmsghdr = {
  name: 0,
  nameLength: 8,
  iov: 16,
  iovLength: 24,
  control: 32,
  controlLength: 40,
  flags: 48,
  length: 56,
  bytes: 64,
};
/** struct cmsghdr { size_t len; int level; int type; } and a u32. */
const CONTROL_BYTES = 24;

/** Datagrams taken from the kernel by one call. */
export const BATCH_DATAGRAMS = 64;
/**
 * After it has taken all there was, the thread rests for as long as so many datagrams take to come, within bounds: being woken
 * costs several times what receiving a datagram does.
 */
const REST_DATAGRAMS = 512;
const SHORTEST_REST_MS = 2;
const LONGEST_REST_MS = 16;
/** What a million datagrams of 1 400 octets per second take of the kernel's buffer in a millisecond: it holds what comes in a rest. */
const REST_BUFFER_BYTES_PER_MS = 2 * 1024 * 1024;
/** How long a call waits for the first datagram before the thread looks whether it should stop. */
const RECEIVE_TIMEOUT_MS = 100;
/** How long the queue of the kernel is emptied after the order to stop, should datagrams keep coming. */
const LAST_ROUND_MS = 1_000;

/** How a receive thread rests; null where the kernel's buffer is too small for that. */
export function restPace(receiveBufferBytes: number): Pace | null {
  const longestMs = Math.min(LONGEST_REST_MS, receiveBufferBytes / REST_BUFFER_BYTES_PER_MS);
  return longestMs < SHORTEST_REST_MS ? null : new Pace(REST_DATAGRAMS, SHORTEST_REST_MS, longestMs);
}

/**
 * A UDP socket that receives many datagrams a call, straight into ring slots: the kernel writes payload and source address
 * where they stay, JavaScript adds length and time. Runs in a thread of its own, which it blocks.
 *
 * One struct mmsghdr per slot is prepared when the socket opens. All share one control buffer, because the count of
 * dropped datagrams that arrives there only grows.
 */
export class BatchSocket {
  readonly #calls: SystemCalls;
  readonly #memory: SharedMemory;
  readonly #ring: Ring;
  readonly #clock: Clock;
  readonly fd: number;
  readonly #headersAt: number;
  readonly #headers: DataView;
  readonly #control: DataView;

  /** fd: of a socket that `open` has made, maybe in another thread. */
  constructor(calls: SystemCalls, fd: number, memory: SharedMemory, ring: Ring, clock: Clock) {
    this.#calls = calls;
    this.fd = fd;
    this.#memory = memory;
    this.#ring = ring;
    this.#clock = clock;
    const { slots } = memory.size;
    // Shared memory, because it never moves.
    const prepared = new SharedArrayBuffer(slots * (Mmsghdr.bytes + IOVEC_BYTES) + CONTROL_BYTES);
    const iovecs = slots * Mmsghdr.bytes;
    const control = iovecs + slots * IOVEC_BYTES;
    this.#headers = new DataView(prepared);
    this.#control = new DataView(prepared, control);
    this.#headersAt = calls.addressOf(new Uint8Array(prepared));
    const slotsAt = calls.addressOf(memory.bytes);
    for (let i = 0; i < slots; i++) {
      const slot = slotsAt + ring.slotAt(i);
      const iovec = iovecs + i * IOVEC_BYTES;
      this.#pointer(iovec, slot + RecordOffset.payload);
      this.#pointer(iovec + 8, memory.size.maxDatagramBytes);
      const header = i * Mmsghdr.bytes;
      this.#pointer(header + Mmsghdr.name, slot + RecordOffset.source);
      this.#pointer(header + Mmsghdr.iov, this.#headersAt + iovec);
      this.#pointer(header + Mmsghdr.iovLength, 1);
      this.#pointer(header + Mmsghdr.control, this.#headersAt + control);
      this.#rearm(header);
    }
  }

  /** Opens and binds. address: 16-byte form; the unspecified IPv6 address receives IPv4 too. Returns the name of an error. */
  static open(
    calls: SystemCalls,
    address: Uint8Array,
    port: number,
    share: boolean,
    bufferBytes: number,
    memory: SharedMemory,
    ring: Ring,
    clock: Clock,
  ): BatchSocket | string {
    const fd = calls.socket(AF_INET6, SOCK_DGRAM_CLOEXEC, 0);
    if (fd < 0) return calls.errorName();
    const set = (level: number, name: number, ...values: number[]): number => {
      const bytes = new Uint8Array(Int32Array.from(values).buffer);
      return calls.setsockopt(fd, level, name, bytes, bytes.length);
    };
    set(IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (share) set(SOL_SOCKET, SO_REUSEPORT, 1);
    set(SOL_SOCKET, SO_RXQ_OVFL, 1);
    set(SOL_SOCKET, SO_RCVTIMEO, 0, 0, RECEIVE_TIMEOUT_MS * 1000, 0);
    // Beyond the system's maximum only with the right to; otherwise as much as it allows.
    if (set(SOL_SOCKET, SO_RCVBUFFORCE, bufferBytes) < 0) set(SOL_SOCKET, SO_RCVBUF, bufferBytes);
    const name = new Uint8Array(SOCKADDR_IN6_BYTES);
    new DataView(name.buffer).setUint16(0, AF_INET6, true);
    new DataView(name.buffer).setUint16(2, port);
    name.set(address, 8);
    if (calls.bind(fd, name, name.length) < 0) {
      const error = calls.errorName();
      calls.close(fd);
      return error;
    }
    return new BatchSocket(calls, fd, memory, ring, clock);
  }

  /** The port that is bound, and the receive buffer the kernel gave. */
  get port(): number {
    const name = new Uint8Array(SOCKADDR_IN6_BYTES);
    this.#calls.getsockname(this.fd, name, length(SOCKADDR_IN6_BYTES));
    return new DataView(name.buffer).getUint16(2);
  }
  get receiveBufferBytes(): number {
    const value = new Uint8Array(4);
    this.#calls.getsockopt(this.fd, SOL_SOCKET, SO_RCVBUF, value, length(4));
    return new DataView(value.buffer).getInt32(0, true);
  }

  /**
   * Receives into the ring until it is stopped, and then what the kernel has accepted by that time. What there was no time for
   * counts as dropped by the kernel.
   */
  run(): void {
    const pace = restPace(this.receiveBufferBytes);
    /** Since the last rest. */
    let received = 0;
    while (!this.#ring.stopping()) {
      const count = this.#step(MSG_WAITFORONE);
      received += count;
      if (pace === null || count === 0 || count === BATCH_DATAGRAMS) continue;
      this.#ring.rest(pace.next(received));
      received = 0;
    }
    const deadline = this.#clock.monotonicMs() + LAST_ROUND_MS;
    while (this.#clock.monotonicMs() < deadline && this.#step(MSG_DONTWAIT) > 0);
    const discarded = this.#discard();
    this.#ring.setKernelDrops(this.#kernelDrops() + discarded);
  }

  /** Empties the queue of the kernel into nothing; returns how many datagrams there were. */
  #discard(): number {
    const byte = new Uint8Array(1);
    const deadline = this.#clock.monotonicMs() + LAST_ROUND_MS;
    let count = 0;
    while (this.#calls.recv(this.fd, byte, byte.length, MSG_DONTWAIT) >= 0) {
      count++;
      if (this.#clock.monotonicMs() > deadline) break;
    }
    return count;
  }

  /** Dropped so far; datagrams tell that as well, but only the next one to come. */
  #kernelDrops(): number {
    const words = new Uint8Array(4 * SK_MEMINFO_WORDS);
    if (this.#calls.getsockopt(this.fd, SOL_SOCKET, SO_MEMINFO, words, length(words.length)) < 0)
      return this.#ring.kernelDrops;
    return new DataView(words.buffer).getUint32(4 * SK_MEMINFO_DROPS, true);
  }

  /** Returns how many datagrams were received; a whole batch when there was no room for any. */
  #step(flags: number): number {
    const room = this.#ring.freeRun();
    if (room > 0) return this.#receive(Math.min(room, BATCH_DATAGRAMS), flags);
    this.#ring.waitForRoom();
    return BATCH_DATAGRAMS;
  }

  close(): void {
    this.#calls.close(this.fd);
  }

  #receive(most: number, flags: number): number {
    const ring = this.#ring;
    const first = ring.nextIndex;
    const headers = this.#headersAt + first * Mmsghdr.bytes;
    const count = this.#calls.recvmmsg(this.fd, headers, most, flags, null);
    // A timeout, or a signal: nothing was received.
    if (count <= 0) return 0;
    const { view } = this.#memory;
    const now = this.#clock.wallMs();
    const prepared = this.#headers;
    for (let i = first; i < first + count; i++) {
      const header = i * Mmsghdr.bytes;
      const slot = ring.slotAt(i);
      const cut = (prepared.getInt32(header + Mmsghdr.flags, true) & MSG_TRUNC) !== 0;
      const bytes = prepared.getUint32(header + Mmsghdr.length, true);
      view.setUint32(slot + RecordOffset.length, cut ? LENGTH_OVERSIZE : bytes, true);
      view.setFloat64(slot + RecordOffset.receivedAtMs, now, true);
      if (prepared.getUint32(header + Mmsghdr.controlLength, true) === CONTROL_BYTES) this.#noteDrops();
      this.#rearm(header);
    }
    ring.publishMany(count);
    return count;
  }

  #noteDrops(): void {
    if (this.#control.getInt32(12, true) === SO_RXQ_OVFL)
      this.#ring.setKernelDrops(this.#control.getUint32(16, true));
  }

  /** What the kernel changes in a header has to be set again before it is used again. */
  #rearm(header: number): void {
    this.#headers.setUint32(header + Mmsghdr.nameLength, SOCKADDR_IN6_BYTES, true);
    this.#headers.setUint32(header + Mmsghdr.controlLength, CONTROL_BYTES, true);
  }

  #pointer(at: number, value: number): void {
    this.#headers.setUint32(at, value >>> 0, true);
    this.#headers.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  }
}

function length(bytes: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(bytes).buffer);
}
