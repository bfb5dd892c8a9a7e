import { createSocket, type Socket } from 'node:dgram';
import type { Clock } from '../base/clock.ts';
import { describeError, MillraceError } from '../base/errors.ts';
import { parseAddress } from '../base/ip.ts';
import { type Ring, writeRecord } from '../memory/ring.ts';
import type { SharedMemory } from '../memory/shared-memory.ts';

export interface ListenAddress {
  /** IP address to bind; `::` receives IPv4 as well. */
  host: string;
  port: number;
}

/** Datagrams that did not get into the ring. */
export interface ReceiverDrops {
  oversize: number;
  ringFull: number;
}

/** Source addresses whose 16-byte form is remembered. */
const MAX_KNOWN_ADDRESSES = 65_536;

/**
 * Receives on one UDP socket through node:dgram and copies each datagram into a ring slot. Runs on the main thread, which
 * is also the ring's consumer; the ring keeps the roles apart all the same.
 */
export class DgramReceiver {
  readonly #listen: ListenAddress;
  readonly #memory: SharedMemory;
  readonly #ring: Ring;
  readonly #clock: Clock;
  readonly #onReceived: () => void;
  readonly #addresses = new Map<string, Uint8Array>();
  #socket: Socket | null = null;
  readonly drops: ReceiverDrops = { oversize: 0, ringFull: 0 };

  constructor(listen: ListenAddress, memory: SharedMemory, ring: Ring, clock: Clock, onReceived: () => void) {
    this.#listen = listen;
    this.#memory = memory;
    this.#ring = ring;
    this.#clock = clock;
    this.#onReceived = onReceived;
  }

  /** Port that is bound, also where port 0 was asked for. */
  get port(): number {
    return this.#socket?.address().port ?? 0;
  }

  get receiveBufferBytes(): number {
    return this.#socket?.getRecvBufferSize() ?? 0;
  }

  /** Binds the socket. MillraceError LISTEN_FAILED when that is not possible. */
  async open(receiveBufferBytes: number): Promise<void> {
    const { host, port } = this.#listen;
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', ipv6Only: false });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind({ address: host, port, exclusive: true }, () => {
          socket.off('error', reject);
          resolve();
        });
      });
      socket.setRecvBufferSize(receiveBufferBytes);
    } catch (error) {
      socket.close();
      const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
      throw new MillraceError('LISTEN_FAILED', `cannot listen on ${where}: ${describeError(error)}`, {
        cause: error,
      });
    }
    // Errors of single datagrams (an ICMP answer to something sent) say nothing about the socket.
    socket.on('error', () => {});
    socket.on('message', (payload, source) => this.#received(payload, source.address, source.port));
    this.#socket = socket;
  }

  /** Stops receiving. */
  async close(): Promise<void> {
    const socket = this.#socket;
    if (socket === null) return;
    this.#socket = null;
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }

  #received(payload: Uint8Array, address: string, port: number): void {
    if (payload.length > this.#memory.size.maxDatagramBytes) {
      this.drops.oversize++;
      return;
    }
    const slot = this.#ring.claim();
    if (slot < 0) {
      this.drops.ringFull++;
      return;
    }
    writeRecord(this.#memory, slot, payload, this.#addressOf(address), 0, port, this.#clock.wallMs());
    this.#ring.publish();
    this.#onReceived();
  }

  #addressOf(text: string): Uint8Array {
    let bytes = this.#addresses.get(text);
    if (bytes === undefined) {
      if (this.#addresses.size >= MAX_KNOWN_ADDRESSES) this.#addresses.clear();
      bytes = new Uint8Array(16);
      parseAddress(text, bytes);
      this.#addresses.set(text, bytes);
    }
    return bytes;
  }
}
