/** The other end of NOTIFY_SOCKET: Node.js has no datagram sockets of the Unix domain, so this is one of the system. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  loadSystemCalls,
  MSG_DONTWAIT,
  SOCK_DGRAM_CLOEXEC,
  type SystemCalls,
} from '../../src/base/system-calls.ts';

const AF_UNIX = 1;
const MAX_MESSAGE_BYTES = 4_096;
const HEADER_BYTES = 64;
const IOVEC_BYTES = 16;

const calls = loadSystemCalls();
/** For the `skip` of tests: false, or why there are no such sockets here. */
export const noNotifySocket: string | false = typeof calls === 'string' ? calls : false;

export class NotifyReceiver {
  readonly #calls = calls as SystemCalls;
  readonly #fd: number;
  /** struct mmsghdr, struct iovec and the message, in memory that does not move. */
  readonly #memory = Buffer.from(new SharedArrayBuffer(HEADER_BYTES + IOVEC_BYTES + MAX_MESSAGE_BYTES));
  readonly #header: number;

  /** name: as in NOTIFY_SOCKET. */
  constructor(name: string) {
    const path = Buffer.from(name.startsWith('@') ? name.replace('@', '\0') : `${name}\0`);
    const address = Buffer.concat([Uint8Array.of(AF_UNIX, 0), path]);
    this.#fd = this.#calls.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
    if (this.#calls.bind(this.#fd, address, address.length) < 0) throw new Error(this.#calls.errorName());
    this.#header = this.#calls.addressOf(this.#memory);
    const { iov, iovCount, base, length } = {
      iov: 16,
      iovCount: 24,
      base: HEADER_BYTES,
      length: HEADER_BYTES + 8,
    };
    this.#memory.writeBigUInt64LE(BigInt(this.#header + HEADER_BYTES), iov);
    this.#memory.writeBigUInt64LE(1n, iovCount);
    this.#memory.writeBigUInt64LE(BigInt(this.#header + HEADER_BYTES + IOVEC_BYTES), base);
    this.#memory.writeBigUInt64LE(BigInt(MAX_MESSAGE_BYTES), length);
  }

  /** A message that is there already; null when there is none. */
  take(): string | null {
    if (this.#calls.recvmmsg(this.#fd, this.#header, 1, MSG_DONTWAIT, null) < 1) return null;
    const bytes = this.#memory.readUInt32LE(56);
    const text = HEADER_BYTES + IOVEC_BYTES;
    return this.#memory.toString('utf8', text, text + bytes);
  }

  /** Everything that is there already. */
  takeAll(): string[] {
    const messages: string[] = [];
    for (let message = this.take(); message !== null; message = this.take()) messages.push(message);
    return messages;
  }

  /** The next message; one that never comes hangs the test. */
  async next(): Promise<string> {
    for (;;) {
      const message = this.take();
      if (message !== null) return message;
      await delay(10);
    }
  }

  close(): void {
    this.#calls.close(this.#fd);
  }
}
