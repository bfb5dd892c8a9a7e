import { createRequire } from 'node:module';
import type { DatagramPool } from './datagram-pool.ts';

/** What one burst of load was. */
export interface Sent {
  datagrams: number;
  records: number;
  bytes: number;
  /** Datagrams that the kernel refused; not among the others. */
  errors: number;
  seconds: number;
  /** CPU time of the sender, in which is what the kernel does to deliver to a socket of the same machine. */
  cpuNs: number;
}

// Numbers of the Linux ABI (little-endian, 64-bit).
const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 0x80002;
const MMSGHDR_BYTES = 64;
const IOVEC_BYTES = 16;
const SOCKADDR_BYTES = 16;

/** Datagrams of one exporter that go with one system call. */
const BATCH = 32;
/** Who is later than this goes on from there: after a pause of the machine there is no burst to make up for it. */
const MAX_LAG_MS = 20;
const PAUSE_MS = 1;

interface Calls {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  connect(fd: number, address: Uint8Array, length: number): number;
  sendmmsg(fd: number, headers: number, count: number, flags: number): number;
  close(fd: number): number;
  addressOf(bytes: Uint8Array): number;
}

function loadCalls(): Calls {
  const libc = createRequire(import.meta.url)('koffi').load('libc.so.6');
  const memcpy = libc.func('uintptr_t memcpy(void *to, const void *from, size_t n)');
  return {
    socket: libc.func('int socket(int family, int type, int protocol)'),
    bind: libc.func('int bind(int fd, const void *address, uint32_t length)'),
    connect: libc.func('int connect(int fd, const void *address, uint32_t length)'),
    sendmmsg: libc.func('int sendmmsg(int fd, uintptr_t headers, unsigned int count, int flags)'),
    close: libc.func('int close(int fd)'),
    addressOf: (bytes) => Number(memcpy(bytes, bytes, 0)),
  };
}

/**
 * Sends a pool to a port of this machine with sendmmsg, exporter k from 127.0.0.(k+1). Linux only. Blocks its thread
 * while it sends, so it has a process of its own.
 */
export class BatchSender {
  readonly #calls = loadCalls();
  readonly #pool: DatagramPool;
  readonly #sockets: number[] = [];
  readonly #sequences: Uint32Array;
  readonly #prepared: DataView;
  readonly #preparedAt: number;
  readonly #poolAt: number;
  readonly #nap = new Int32Array(new SharedArrayBuffer(4));
  #turn = 0;

  constructor(pool: DatagramPool, port: number) {
    this.#pool = pool;
    this.#sequences = new Uint32Array(pool.exporters);
    const memory = new SharedArrayBuffer(BATCH * (MMSGHDR_BYTES + IOVEC_BYTES));
    this.#prepared = new DataView(memory);
    this.#preparedAt = this.#calls.addressOf(new Uint8Array(memory));
    this.#poolAt = this.#calls.addressOf(new Uint8Array(pool.buffer));
    for (let i = 0; i < BATCH; i++) {
      this.#pointer(i * MMSGHDR_BYTES + 16, this.#preparedAt + BATCH * MMSGHDR_BYTES + i * IOVEC_BYTES);
      this.#pointer(i * MMSGHDR_BYTES + 24, 1);
    }
    for (let k = 0; k < pool.exporters; k++) this.#sockets.push(this.#open(k, port));
  }

  /** Sends so many datagrams at this rate per second; Infinity: as fast as possible. */
  run(datagrams: number, rate: number): Sent {
    const sent: Sent = { datagrams: 0, records: 0, bytes: 0, errors: 0, seconds: 0, cpuNs: 0 };
    const usedBefore = process.cpuUsage();
    const startMs = performance.now();
    let originMs = startMs;
    let gone = 0;
    while (gone < datagrams) {
      const nowMs = performance.now();
      const due = Math.min(datagrams, Math.floor(((nowMs - originMs) / 1000) * rate) + 1) - gone;
      if (due <= 0) {
        Atomics.wait(this.#nap, 0, 0, Math.max(PAUSE_MS, ((1 - due) / rate) * 1000));
        continue;
      }
      const lagMs = (due / rate) * 1000;
      if (lagMs > MAX_LAG_MS) originMs += lagMs - MAX_LAG_MS;
      gone += this.#batch(Math.min(due, BATCH), sent);
    }
    sent.seconds = (performance.now() - startMs) / 1000;
    const { user, system } = process.cpuUsage(usedBefore);
    sent.cpuNs = (user + system) * 1000;
    return sent;
  }

  close(): void {
    for (const fd of this.#sockets) this.#calls.close(fd);
  }

  #batch(count: number, sent: Sent): number {
    const pool = this.#pool;
    const exporter = this.#turn;
    this.#turn = (this.#turn + 1) % pool.exporters;
    count = Math.min(count, pool.round);
    const nowMs = Date.now();
    const first = this.#sequences[exporter];
    for (let i = 0; i < count; i++) {
      pool.stamp(exporter, first + i, nowMs);
      const iovec = BATCH * MMSGHDR_BYTES + i * IOVEC_BYTES;
      this.#pointer(iovec, this.#poolAt + pool.offset(exporter, first + i));
      this.#pointer(iovec + 8, pool.length(exporter, first + i));
    }
    const taken = this.#calls.sendmmsg(this.#sockets[exporter], this.#preparedAt, count, 0);
    if (taken <= 0) {
      sent.errors++;
      return 1;
    }
    for (let i = 0; i < taken; i++) {
      sent.bytes += pool.length(exporter, first + i);
      sent.records += pool.records(exporter, first + i);
    }
    sent.datagrams += taken;
    this.#sequences[exporter] += taken;
    return taken;
  }

  #open(exporter: number, port: number): number {
    const fd = this.#calls.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
    const from = address(127, 0, (exporter + 1) >> 8, (exporter + 1) & 255, 0);
    const to = address(127, 0, 0, 1, port);
    if (fd < 0 || this.#calls.bind(fd, from, from.length) < 0 || this.#calls.connect(fd, to, to.length) < 0) {
      throw new Error(`no socket for exporter ${exporter}`);
    }
    return fd;
  }

  #pointer(at: number, value: number): void {
    this.#prepared.setUint32(at, value >>> 0, true);
    this.#prepared.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
  }
}

function address(a: number, b: number, c: number, d: number, port: number): Uint8Array {
  const bytes = new Uint8Array(SOCKADDR_BYTES);
  bytes[0] = AF_INET;
  bytes.set([port >> 8, port & 255, a, b, c, d], 2);
  return bytes;
}
