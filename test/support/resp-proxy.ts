import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** What passes the proxy: one command of a client, or one answer or message of the server. */
export interface Passing {
  readonly from: 'client' | 'server';
  /** Connections are numbered in the order in which they came. */
  readonly connection: number;
  /** Counts the commands, or the answers and messages, of this connection from 0. */
  readonly step: number;
  /** Name of a command in lower case, or `message` for a published one; else empty. */
  readonly name: string;
  readonly bytes: Buffer;
}

/** pass it on; drop it; hang: hold this and all that follows; cut-before, cut-after: end the connection; or the first octets. */
export type Fate = 'pass' | 'drop' | 'hang' | 'cut-before' | 'cut-after' | { readonly cutAfterBytes: number };

/** Stands between clients and a Redis, understands RESP, and does to what passes what it is told. */
export class RespProxy {
  /** Decides over everything that passes; may be changed at any time. */
  fate: (passing: Passing) => Fate = () => 'pass';
  port = 0;
  /** Where new connections go. */
  target: number;
  /** Commands seen, in order. */
  readonly seen: Passing[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #connections = 0;

  private constructor(target: number) {
    this.target = target;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async start(target: number): Promise<RespProxy> {
    const proxy = new RespProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    proxy.port = (proxy.#server.address() as { port: number }).port;
    return proxy;
  }

  get uri(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.#connections;
  }

  /** Ends all connections, as a network does. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** From now on another server answers. */
  swapTo(target: number): void {
    this.target = target;
    this.cutAll();
  }

  async stop(): Promise<void> {
    this.cutAll();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    const connection = this.#connections++;
    const server = createConnection({ host: '127.0.0.1', port: this.target });
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    this.#relay('client', connection, client, server, end);
    this.#relay('server', connection, server, client, end);
  }

  #relay(from: Passing['from'], connection: number, source: Socket, sink: Socket, end: () => void): void {
    let held = Buffer.alloc(0);
    let step = 0;
    let hanging = false;
    source.on('data', (octets: Buffer) => {
      held = Buffer.concat([held, octets]);
      for (;;) {
        const length = valueLength(held, 0);
        if (length < 0 || hanging) return;
        const bytes = held.subarray(0, length);
        held = held.subarray(length);
        const passing = { from, connection, step: step++, name: nameOf(from, bytes), bytes };
        if (from === 'client') this.seen.push(passing);
        const fate = this.fate(passing);
        if (fate === 'cut-before') return end();
        if (fate === 'hang') hanging = true;
        else if (fate === 'pass') sink.write(bytes);
        else if (fate === 'cut-after') {
          // The other side is to get it before the end.
          sink.end(bytes);
          source.destroy();
          return;
        } else if (fate !== 'drop') {
          sink.end(bytes.subarray(0, fate.cutAfterBytes));
          source.destroy();
          return;
        }
      }
    });
  }
}

/** Octets of the RESP value at an offset, -1 when it is not all there yet. */
function valueLength(bytes: Buffer, at: number): number {
  const lineEnd = bytes.indexOf('\r\n', at);
  if (lineEnd < 0) return -1;
  const kind = String.fromCharCode(bytes[at]);
  const head = lineEnd + 2 - at;
  const count = Number(bytes.toString('latin1', at + 1, lineEnd));
  if ('$=!'.includes(kind)) {
    if (count < 0) return head;
    return bytes.length >= at + head + count + 2 ? head + count + 2 : -1;
  }
  if (!'*%~>|'.includes(kind)) return head;
  let length = head;
  for (let i = 0; i < (kind === '%' || kind === '|' ? count * 2 : count); i++) {
    const part = valueLength(bytes, at + length);
    if (part < 0) return -1;
    length += part;
  }
  return length;
}

function nameOf(from: Passing['from'], bytes: Buffer): string {
  const first =
    /^[*>]\d+\r\n\$\d+\r\n([a-zA-Z]+)\r\n/.exec(bytes.toString('latin1', 0, 64))?.[1].toLowerCase() ?? '';
  return from === 'client' || first === 'message' ? first : '';
}
