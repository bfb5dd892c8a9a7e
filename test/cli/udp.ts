import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { after } from 'node:test';

/** Something that receives, on a free port of the loopback interface. */
export class Receiver {
  readonly datagrams: Buffer[] = [];
  readonly sources = new Set<string>();
  readonly #socket: Socket;
  #wake: (() => void) | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (datagram, { address, port }) => {
      this.datagrams.push(datagram);
      this.sources.add(`${address} ${port}`);
      this.#wake?.();
    });
  }

  static async open(): Promise<Receiver> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    socket.setRecvBufferSize(4 * 1024 * 1024);
    after(() => socket.close());
    return new Receiver(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  get target(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Waits until so many datagrams have come. */
  async received(count: number): Promise<void> {
    while (this.datagrams.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
