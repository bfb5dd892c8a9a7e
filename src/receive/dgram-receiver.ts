import { createSocket, type Socket } from 'node:dgram';
import type { Clock } from '../base/clock.ts';
import { describeError, MillraceError } from '../base/errors.ts';
import { parseAddress } from '../base/ip.ts';
import { type Ring, writeRecord } from '../memory/ring.ts';
import type { SharedMemory } from '../memory/shared-memory.ts';
import { type ListenAddress, listenText, type Receiver } from './receiver.ts';

/** Source addresses whose 16-byte form is remembered. */
const MAX_KNOWN_ADDRESSES = 65_536;

/**
 * Receives on one UDP socket through node:dgram and copies each datagram into a ring slot. Runs on the main thread, which
 * is also the ring's consumer; the ring keeps the roles apart all the same.
 */
export class DgramReceiver implements Receiver {
  readonly #listen: ListenAddress;
  readonly #memory: SharedMemory;
  readonly #ring: Ring;
  readonly #clock: Clock;
  readonly #onReceived: () => void;
  readonly #addresses = new Map<string, Uint8Array>();
  #socket: Socket | null = null;
  oversize = 0;
  ringFull = 0;
  /** Node cannot ask the socket; the system's table is read instead (kernel-drops.ts). */
  readonly kernelDrops = Number.NaN;

  constructor(listen: ListenAddress, memory: SharedMemory, ring: Ring, clock: Clock, onReceived: () => void) {
    this.#listen = listen;
    this.#memory = memory;
    this.#ring = ring;
    this.#clock = clock;
    this.#onReceived = onReceived;
  }

  get host(): string {
    return this.#listen.host;
  }

  get port(): number {
    return this.#socket?.address().port ?? 0;
  }

  get receiveBufferBytes(): number {
    return this.#socket?.getRecvBufferSize() ?? 0;
  }

  async open(receiveBufferBytes: number): Promise<void> {
    const socket = await bound(this.#listen, receiveBufferBytes);
    // Errors of single datagrams (an ICMP answer to something sent) say nothing about the socket.
    socket.on('error', () => {});
    socket.on('message', (payload, source) => this.#received(payload, source.address, source.port));
    this.#socket = socket;
  }

  async close(): Promise<void> {
    const socket = this.#socket;
    if (socket === null) return;
    this.#socket = null;
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }

  #received(payload: Uint8Array, address: string, port: number): void {
    if (payload.length > this.#memory.size.maxDatagramBytes) {
      this.oversize++;
      return;
    }
    const slot = this.#ring.claim();
    if (slot < 0) {
      this.ringFull++;
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

/** Binds the address and returns what gives it free again. Rejects with MillraceError LISTEN_FAILED. */
export async function probeListen(listen: ListenAddress): Promise<() => void> {
  const socket = await bound(listen, 0);
  return () => socket.close();
}

/** receiveBufferBytes: 0 for the system's default. */
async function bound(listen: ListenAddress, receiveBufferBytes: number): Promise<Socket> {
  const { host, port } = listen;
  const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', ipv6Only: false });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind({ address: host, port, exclusive: true }, () => {
        socket.off('error', reject);
        resolve();
      });
    });
    if (receiveBufferBytes > 0) askForBuffer(socket, receiveBufferBytes);
    return socket;
  } catch (error) {
    socket.close();
    const reason = describeError(error);
    throw new MillraceError('LISTEN_FAILED', `cannot listen on ${listenText(listen)}: ${reason}`, {
      cause: error,
    });
  }
}

/** Linux gives what it can; other systems refuse what is too much, and the buffer stays as it was. */
function askForBuffer(socket: Socket, bytes: number): void {
  try {
    socket.setRecvBufferSize(bytes);
  } catch {
    // The size is read back, and said when it is less.
  }
}
