import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface Received {
  payload: Uint8Array;
  from: RemoteInfo;
}

/** A socket on the loopback interface that keeps what it gets. */
export class TestReceiver {
  readonly received: Received[] = [];
  port = 0;
  readonly #socket: Socket;

  constructor(type: 'udp4' | 'udp6' = 'udp4') {
    this.#socket = createSocket(type);
    this.#socket.on('message', (payload, from) => {
      this.received.push({ payload: new Uint8Array(payload), from });
      this.#socket.emit('kept');
    });
  }

  async open(address = '127.0.0.1', port = 0): Promise<this> {
    this.#socket.bind(port, address);
    await once(this.#socket, 'listening');
    this.port = this.#socket.address().port;
    return this;
  }

  /** Waits until so many datagrams have come in all. */
  async until(count: number): Promise<Received[]> {
    while (this.received.length < count) await once(this.#socket, 'kept');
    return this.received;
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }
}
