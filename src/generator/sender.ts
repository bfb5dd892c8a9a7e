import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { assert } from '../base/assert.ts';
import { describeError, MillraceError } from '../base/errors.ts';

export { Pacer } from './pacer.ts';

export interface SendTarget {
  /** Address or name; of a name with both kinds of address the IPv4 one is taken. */
  host: string;
  port: number;
}

export interface SenderOptions {
  /** Addresses of this machine to send from, one socket each; source n uses address n modulo their number. */
  bindAddresses?: readonly string[];
}

export interface SentCounts {
  /** Datagrams that the kernel took. */
  datagrams: number;
  /** Octets of their payloads. */
  bytes: number;
  /** Datagrams that the kernel did not take, and refusals that it reported of earlier ones. */
  errors: number;
}

export const MAX_SOURCES = 256;
/** Datagrams that may wait for the kernel at a time; the socket's own buffer holds about as many. */
const MAX_IN_FLIGHT = 64;
const SLOT_BYTES = 2048;

/** A datagram on its way to the kernel, in memory of its own: the caller's is free again when `send` returns. */
interface Slot {
  bytes: Uint8Array;
  length: number;
  socket: Socket | undefined;
  retried: boolean;
  /** Made once per slot, not per datagram. */
  readonly done: (error: Error | null) => void;
}

/**
 * Sends datagrams to one target from up to 256 sockets, so that simulated exporters are told apart. They differ in
 * their source port. Where the target is in 127.0.0.0/8 they also differ in their source address: source k sends from
 * 127.0.0.(k+1), going on with 127.0.1.0. Systems that do not let a socket have such an address (macOS) send from the usual one.
 *
 * Runs on the event loop of the thread that made it. Not paced by itself: await a Pacer before each `send`.
 */
export class PacedSender {
  readonly sent: Readonly<SentCounts>;
  readonly #sent: SentCounts = { datagrams: 0, bytes: 0, errors: 0 };
  readonly #target: SendTarget;
  readonly #bindAddresses: readonly string[];
  readonly #sourceCount: number;
  #address = '';
  #family = 4;
  readonly #sockets: (Socket | undefined)[] = [];
  readonly #opening: (Promise<void> | undefined)[] = [];
  readonly #slots: Slot[] = [];
  readonly #free: Slot[] = [];
  #room: Promise<void> | undefined;
  #roomReady: (() => void) | undefined;
  #roomAt = 0;

  constructor(target: SendTarget, options: SenderOptions = {}) {
    this.sent = this.#sent;
    this.#target = target;
    this.#bindAddresses = options.bindAddresses ?? [];
    this.#sourceCount = Math.min(MAX_SOURCES, this.#bindAddresses.length || MAX_SOURCES);
    for (let i = 0; i < MAX_IN_FLIGHT; i++) this.#slots.push(this.#makeSlot());
    this.#free.push(...this.#slots);
  }

  /** Resolves the host and opens the first socket, or all that have a given address. Rejects with MillraceError SEND_FAILED. */
  async open(): Promise<void> {
    const { host, port } = this.#target;
    if (!Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new MillraceError('SEND_FAILED', `cannot send to ${host}: ${port} is no UDP port`);
    }
    try {
      const addresses = await lookup(host, { all: true });
      const best = addresses.find(({ family }) => family === 4) ?? addresses[0];
      this.#address = best.address;
      this.#family = best.family;
    } catch (error) {
      throw this.#failure(error);
    }
    await this.#openSource(0);
    for (let i = 1; i < this.#bindAddresses.length && i < MAX_SOURCES; i++) await this.#openSource(i);
  }

  /**
   * Hands a datagram to the socket of its source (any whole number from 0). The payload has been copied when this returns
   * nothing or when the promise that it returns is resolved: then there is room for another.
   */
  send(payload: Uint8Array, source = 0): Promise<void> | undefined {
    const index = source % this.#sourceCount;
    const socket = this.#sockets[index];
    if (socket === undefined) return this.#sendLater(this.#openSource(index), payload, source);
    const slot = this.#free.pop();
    if (slot === undefined) return this.#sendLater(this.#waitForFree(1), payload, source);
    if (payload.length > slot.bytes.length) slot.bytes = new Uint8Array(payload.length);
    slot.bytes.set(payload);
    slot.length = payload.length;
    slot.socket = socket;
    slot.retried = false;
    socket.send(slot.bytes, 0, slot.length, slot.done);
    // Half of them, so that callers wake up for more than one datagram.
    return this.#free.length === 0 ? this.#waitForFree(MAX_IN_FLIGHT / 2) : undefined;
  }

  /** Closes the sockets when the kernel has everything that was sent. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#opening);
    while (this.#free.length < MAX_IN_FLIGHT) await this.#waitForFree(MAX_IN_FLIGHT);
    const open = this.#sockets.filter((socket) => socket !== undefined);
    this.#address = '';
    this.#sockets.length = 0;
    this.#opening.length = 0;
    await Promise.all(open.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }

  async #sendLater(ready: Promise<void>, payload: Uint8Array, source: number): Promise<void> {
    await ready;
    await this.send(payload, source);
  }

  #makeSlot(): Slot {
    const slot: Slot = {
      bytes: new Uint8Array(SLOT_BYTES),
      length: 0,
      socket: undefined,
      retried: false,
      done: (error) => this.#done(slot, error),
    };
    return slot;
  }

  #done(slot: Slot, error: Error | null): void {
    if (error === null) {
      this.#sent.datagrams++;
      this.#sent.bytes += slot.length;
    } else {
      this.#sent.errors++;
      const refused = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
      if (refused && !slot.retried) {
        // The refusal is about an earlier datagram, reported instead of taking this one.
        slot.retried = true;
        slot.socket?.send(slot.bytes, 0, slot.length, slot.done);
        return;
      }
    }
    slot.socket = undefined;
    this.#free.push(slot);
    if (this.#roomReady !== undefined && this.#free.length >= this.#roomAt) {
      const ready = this.#roomReady;
      this.#room = undefined;
      this.#roomReady = undefined;
      ready();
    }
  }

  /** Resolves when so many slots are free; who asks for more than others makes the others wait as long. */
  #waitForFree(count: number): Promise<void> {
    this.#roomAt = this.#room === undefined ? count : Math.max(count, this.#roomAt);
    this.#room ??= new Promise((resolve) => {
      this.#roomReady = resolve;
    });
    return this.#room;
  }

  #openSource(index: number): Promise<void> {
    assert(this.#address !== '', 'the sender is open');
    return (this.#opening[index] ??= this.#openSocket(index));
  }

  async #openSocket(index: number): Promise<void> {
    const given = this.#bindAddresses[index];
    if (given !== undefined) {
      this.#sockets[index] = await this.#connected(given);
      return;
    }
    const loopback = this.#family === 4 && this.#address.startsWith('127.');
    if (loopback) {
      const host = index + 1;
      try {
        this.#sockets[index] = await this.#connected(`127.0.${host >> 8}.${host & 255}`);
        return;
      } catch {
        // Only Linux has all of 127.0.0.0/8; a socket with a port of its own still serves.
      }
    }
    this.#sockets[index] = await this.#connected(undefined);
  }

  /** A socket that is bound and connected: the kernel then tells of refusals, and needs no address with every datagram. */
  async #connected(from: string | undefined): Promise<Socket> {
    const socket = createSocket(this.#family === 6 ? 'udp6' : 'udp4');
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind({ port: 0, address: from, exclusive: true }, () => {
          socket.off('error', reject);
          resolve();
        });
      });
      await new Promise<void>((resolve, reject) => {
        socket.connect(this.#target.port, this.#address, (error?: Error) =>
          error ? reject(error) : resolve(),
        );
      });
    } catch (error) {
      socket.close();
      throw this.#failure(error, from);
    }
    socket.on('error', () => {
      this.#sent.errors++;
    });
    return socket;
  }

  #failure(error: unknown, from?: string): MillraceError {
    const { host, port } = this.#target;
    const source = from === undefined ? '' : ` from ${from}`;
    const message = `cannot send to ${host} port ${port}${source}: ${describeError(error)}`;
    return new MillraceError('SEND_FAILED', message, { cause: error });
  }
}
