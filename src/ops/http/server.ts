import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describeError, MillraceError } from '../../base/errors.ts';
import { Access } from './access.ts';
import { HTTP_LIMITS } from './limits.ts';
import { type EventStream, json, type Reply, type Request, RequestError, type Route } from './reply.ts';

export interface HttpCounts {
  /** By path (a route, or `other`) and status. */
  readonly requests: ReadonlyMap<string, ReadonlyMap<number, number>>;
  /** Connections closed at once, because there were too many. */
  readonly refusedConnections: number;
}

const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Bytes of the errors that node finds before there is a request. */
const EARLY_ERRORS: Readonly<Record<string, readonly [status: number, reason: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
};

/** Whether an address could be served. Rejects with MillraceError LISTEN_FAILED. */
export async function probeServe({ host, port }: { host: string; port: number }): Promise<void> {
  const server = new HttpServer(new Map(), new Access(null, false));
  await server.open(host, port);
  await server.close();
}

/** Serves a table of routes: GET and HEAD, no bodies, everything bounded (limits.ts). The only file that knows node:http. */
export class HttpServer implements HttpCounts {
  readonly requests = new Map<string, Map<number, number>>();
  refusedConnections = 0;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #access: Access;
  readonly #server: Server;
  readonly #streams = new Set<ServerResponse>();

  constructor(routes: ReadonlyMap<string, Route>, access: Access) {
    this.#routes = routes;
    this.#access = access;
    const server = createServer(
      {
        maxHeaderSize: HTTP_LIMITS.maxHeaderBytes,
        headersTimeout: HTTP_LIMITS.requestTimeoutMs,
        requestTimeout: HTTP_LIMITS.requestTimeoutMs,
        keepAliveTimeout: HTTP_LIMITS.keepAliveMs,
        connectionsCheckingInterval: HTTP_LIMITS.requestTimeoutMs / 4,
      },
      (request, response) => void this.#serve(request, response),
    );
    server.maxConnections = HTTP_LIMITS.maxConnections;
    // Also ends a connection whose client does not read its reply.
    server.timeout = HTTP_LIMITS.idleMs;
    server.on('drop', () => this.refusedConnections++);
    server.on('clientError', (error, socket) => this.#refuseEarly(error, socket as Socket));
    this.#server = server;
  }

  /** Rejects with MillraceError LISTEN_FAILED. */
  async open(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const failed = (cause: Error) => {
        const at = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
        reject(
          new MillraceError('LISTEN_FAILED', `cannot serve http://${at}: ${describeError(cause)}`, { cause }),
        );
      };
      this.#server.once('error', failed);
      this.#server.listen({ host, port, exclusive: true }, () => {
        this.#server.off('error', failed);
        // Trouble with accepting, such as too many open files: the rest goes on.
        this.#server.on('error', () => {});
        resolve();
      });
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** Ends streams and closes; replies under way are finished. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const response of this.#streams) response.end();
    this.#server.closeIdleConnections();
    const late = setTimeout(() => this.#server.closeAllConnections(), 1_000);
    await closed;
    clearTimeout(late);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = request.url ?? '';
    const path = /^[^?#]*/.exec(url)![0];
    const route = this.#routes.get(path);
    const counted = route === undefined ? 'other' : path;
    try {
      const parameters = this.#check(request, url, route);
      const reply = await route!.handle({ parameters });
      if ('start' in reply) this.#stream(counted, request, response, reply.start);
      else this.#send(counted, request, response, reply);
    } catch (error) {
      // Anything else is a defect of ours; the client learns no more than that.
      const known = error instanceof RequestError;
      const text = known ? error.message : 'internal error';
      this.#send(counted, request, response, json(known ? error.status : 500, { error: text }));
    }
  }

  /** The parameters of a request that may be served. Throws RequestError. */
  #check(request: IncomingMessage, url: string, route: Route | undefined): Request['parameters'] {
    const { method, headers } = request;
    const hasBody = headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
    if (url.length > HTTP_LIMITS.maxUrlBytes) {
      throw new RequestError(414, `longer than ${HTTP_LIMITS.maxUrlBytes} characters`);
    }
    if (method !== 'GET' && method !== 'HEAD') throw new RequestError(405, 'only GET and HEAD');
    if (hasBody) throw new RequestError(413, 'no request has a body here');
    const refused = route?.open === true ? 0 : this.#access.check(headers);
    if (refused === 401) throw new RequestError(401, 'a bearer token is required');
    if (refused === 403) throw new RequestError(403, 'without a token pages of other sites are not served');
    if (refused === 421)
      throw new RequestError(421, 'without a token only addresses and localhost are served');
    if (route === undefined) throw new RequestError(404, 'no such page');
    return parametersOf(url, route.parameters);
  }

  #send(path: string, request: IncomingMessage, response: ServerResponse, reply: Reply): void {
    this.#count(path, reply.status);
    const body = typeof reply.body === 'string' ? Buffer.from(reply.body) : reply.body;
    const headers: Record<string, string | number> = {
      ...HEADERS,
      'content-type': reply.type,
      'content-length': body.length,
    };
    if (reply.status === 401) headers['www-authenticate'] = 'Bearer';
    if (reply.status === 405) headers['allow'] = 'GET, HEAD';
    // What is left of such a request is not worth reading.
    if (reply.status === 413 || reply.status === 405) headers['connection'] = 'close';
    response.writeHead(reply.status, headers);
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  #stream(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    start: (stream: EventStream) => () => void,
  ): void {
    this.#count(path, 200);
    response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream; charset=utf-8' });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    response.flushHeaders();
    this.#streams.add(response);
    const stopped = start({
      write: (bytes) => void response.write(bytes),
      end: () => response.end(),
      get waiting() {
        return response.writableLength;
      },
    });
    response.on('error', () => {});
    response.once('close', () => {
      this.#streams.delete(response);
      stopped();
    });
  }

  #refuseEarly(error: NodeJS.ErrnoException, socket: Socket): void {
    const [status, reason] = EARLY_ERRORS[error.code ?? ''] ?? [400, 'Bad Request'];
    this.#count('other', status);
    if (socket.writable) socket.end(`HTTP/1.1 ${status} ${reason}\r\nconnection: close\r\n\r\n`);
    else socket.destroy();
  }

  #count(path: string, status: number): void {
    let byStatus = this.requests.get(path);
    if (byStatus === undefined) this.requests.set(path, (byStatus = new Map()));
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
  }
}

function parametersOf(url: string, allowed: readonly string[]): Map<string, string> {
  const parameters = new Map<string, string>();
  const question = url.indexOf('?');
  if (question < 0) return parameters;
  for (const [name, value] of new URLSearchParams(url.slice(question + 1))) {
    if (!allowed.includes(name)) {
      const known = allowed.length === 0 ? 'there are none here' : `allowed are ${allowed.join(', ')}`;
      throw new RequestError(400, `unknown parameter ${JSON.stringify(name)}; ${known}`);
    }
    if (parameters.has(name)) throw new RequestError(400, `${name} is given twice`);
    parameters.set(name, value);
  }
  return parameters;
}
