import type { Clock } from '../base/clock.ts';
import { WideCounter } from '../base/wide-counter.ts';
import type { SharedMemory } from '../memory/shared-memory.ts';
import { DgramReceiver, probeListen } from './dgram-receiver.ts';
import { kernelDrops } from './kernel-drops.ts';
import type { ReceiveChoice } from './receive-mode.ts';
import type { ListenAddress, Receiver } from './receiver.ts';
import { ThreadReceiver } from './thread-receiver.ts';

export interface ReceiverSetParts {
  choice: ReceiveChoice;
  /** Has a ring for each receiver. */
  memory: SharedMemory;
  clock: Clock;
  /** A ring that the main thread fills has something. Threads wake it by themselves. */
  onDatagrams: () => void;
  /** A receive thread has ended and was started again. */
  onLost: () => void;
  /** Takes a line for people. */
  warn: (line: string) => void;
}

/** The receivers of all listen addresses. */
export class ReceiverSet {
  readonly #parts: ReceiverSetParts;
  readonly #receivers: Receiver[] = [];
  /** Datagrams that the kernel dropped, as the receivers and as its own tables say it. */
  readonly #toldDrops = new WideCounter();
  readonly #listedDrops = new WideCounter();

  constructor(parts: ReceiverSetParts) {
    this.#parts = parts;
  }

  /** In the order of the addresses and of the rings. */
  get all(): readonly Receiver[] {
    return this.#receivers;
  }

  /** Binds all addresses. MillraceError LISTEN_FAILED when one cannot be bound; the others stay open. */
  async open(addresses: readonly ListenAddress[], bufferBytes: number): Promise<void> {
    const { receivers } = this.#parts.choice;
    for (const address of addresses) {
      // Sockets that share their port would share it with those of another collector, too, and each would get a part.
      if (receivers > 1) (await probeListen(address))();
      let { port } = address;
      for (let i = 0; i < receivers; i++) {
        const receiver = this.#next({ ...address, port });
        await receiver.open(bufferBytes);
        this.#receivers.push(receiver);
        port = receiver.port;
      }
      this.#checkBuffer(this.#receivers.at(-1)!, bufferBytes);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#receivers.map((receiver) => receiver.close()));
  }

  /** Datagrams longer than a slot, as far as receivers see that. */
  get oversize(): number {
    return sum(this.#receivers.map(({ oversize }) => oversize));
  }

  get ringFull(): number {
    return sum(this.#receivers.map(({ ringFull }) => ringFull));
  }

  /** Datagrams that the kernel dropped, as the sockets say it: with the next datagram. */
  kernelDropsTold(): number {
    return this.#toldDrops.see(sum(this.#receivers.map((receiver) => receiver.kernelDrops || 0)));
  }

  /** The same from the system's table; 0 where it has none. */
  async kernelDropsListed(): Promise<number> {
    if (this.#receivers.length === 0) return 0;
    return this.#listedDrops.see((await kernelDrops(this.#receivers)) || 0);
  }

  #next(address: ListenAddress): Receiver {
    const { choice, memory, clock, onDatagrams, onLost } = this.#parts;
    const index = this.#receivers.length;
    const ring = memory.ring(index);
    return choice.mode === 'recvmmsg'
      ? new ThreadReceiver(address, memory.buffer, index, ring, choice.receivers > 1, onLost)
      : new DgramReceiver(address, memory, ring, clock, onDatagrams);
  }

  #checkBuffer({ port, receiveBufferBytes }: Receiver, bufferBytes: number): void {
    const linux = process.platform === 'linux';
    // Linux says twice what it gave, because it counts its own bookkeeping.
    const got = linux ? receiveBufferBytes / 2 : receiveBufferBytes;
    if (got >= bufferBytes) return;
    this.#parts.warn(
      `port ${port}: the system caps the receive buffer at ${got} bytes; for ${bufferBytes}: ` +
        (linux ? `sysctl -w net.core.rmem_max=${bufferBytes}` : 'raise its limit'),
    );
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
