import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { MillraceError } from '../../src/base/errors.ts';
import { Access } from '../../src/ops/http/access.ts';
import { HTTP_LIMITS } from '../../src/ops/http/limits.ts';
import { integerParameter, json, type Route } from '../../src/ops/http/reply.ts';
import { HttpServer } from '../../src/ops/http/server.ts';

const routes: Record<string, Route> = {
  '/number': {
    parameters: ['n'],
    open: false,
    handle: (request) => json(200, integerParameter(request, 'n', 1, 5, 3)),
  },
  '/defect': {
    parameters: [],
    open: false,
    handle: () => {
      throw new Error('secret of ours');
    },
  },
};
const server = new HttpServer(new Map(Object.entries(routes)), new Access(null, false));
before(() => server.open('127.0.0.1', 0));
after(() => server.close());

const open = async (): Promise<Socket> => {
  const socket = connect(server.port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
};

/** Sends bytes on a connection of its own and reads to the end. */
async function raw(text: string): Promise<string> {
  const socket = await open();
  let reply = '';
  socket.setEncoding('latin1').on('data', (part) => {
    reply += part;
  });
  socket.on('error', () => {});
  socket.write(text);
  await once(socket, 'close');
  return reply;
}
const get = (path: string, headers = '', method = 'GET'): Promise<string> =>
  raw(`${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n${headers}\r\n`);
const statusOf = (reply: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(reply)?.[1]);
const bodyOf = (reply: string): string => reply.slice(reply.indexOf('\r\n\r\n') + 4);

test('routes, parameters and their mistakes', async () => {
  assert.equal(bodyOf(await get('/number')), '3\n');
  assert.equal(bodyOf(await get('/number?n=5')), '5\n');
  for (const bad of ['n=6', 'n=0', 'n=', 'n=-1', 'n=1.5', 'n=1e0']) {
    const reply = await get(`/number?${bad}`);
    assert.equal(statusOf(reply), 400, bad);
    assert.match(bodyOf(reply), /"error":"n: allowed is a whole number from 1 to 5"/);
  }
  assert.match(bodyOf(await get('/number?m=1')), /unknown parameter \\"m\\"; allowed are n/);
  assert.match(bodyOf(await get('/number?n=1&n=2')), /n is given twice/);
  assert.equal(statusOf(await get('/nothing')), 404);
  assert.equal(statusOf(await get('/number/')), 404);
  assert.equal(statusOf(await get('/../../etc/passwd')), 404);
  assert.equal(statusOf(await get('/constructor')), 404);
});

test('a defect of ours is told without its words', async () => {
  const reply = await get('/defect');
  assert.equal(statusOf(reply), 500);
  assert.equal(bodyOf(reply), '{"error":"internal error"}\n');
});

test('every reply forbids a browser what it does not need', async () => {
  for (const path of ['/number', '/nothing']) {
    const reply = await get(path);
    assert.match(reply, /content-security-policy: default-src 'none'; script-src 'self'/);
    assert.match(reply, /x-content-type-options: nosniff/);
    assert.match(reply, /cache-control: no-store/);
  }
});

test('HEAD has headers only; other methods and bodies are refused', async () => {
  const head = await get('/number', '', 'HEAD');
  assert.match(head, /content-length: 2/);
  assert.equal(bodyOf(head), '');
  const post = await get('/number', 'content-length: 0\r\n', 'POST');
  assert.equal(statusOf(post), 405);
  assert.match(post, /allow: GET, HEAD/);
  assert.equal(statusOf(await get('/number', 'content-length: 1\r\n')), 413);
  assert.equal(statusOf(await get('/number', 'transfer-encoding: chunked\r\n')), 413);
});

test('host names are turned away without a token', async () => {
  const reply = await raw('GET /number HTTP/1.1\r\nhost: rebound.example\r\nconnection: close\r\n\r\n');
  assert.equal(statusOf(reply), 421);
});

test('maxUrlBytes', async () => {
  const long = (length: number) => `/${'x'.repeat(length - 1)}`;
  assert.equal(statusOf(await get(long(HTTP_LIMITS.maxUrlBytes))), 404);
  assert.equal(statusOf(await get(long(HTTP_LIMITS.maxUrlBytes + 1))), 414);
  assert.equal(server.requests.get('other')?.get(414), 1);
});

test('maxHeaderBytes', async () => {
  assert.equal(statusOf(await get('/number', `x: ${'x'.repeat(HTTP_LIMITS.maxHeaderBytes - 500)}\r\n`)), 200);
  assert.equal(statusOf(await get('/number', `x: ${'x'.repeat(HTTP_LIMITS.maxHeaderBytes + 500)}\r\n`)), 431);
  assert.equal(server.requests.get('other')?.get(431), 1);
});

test('what is no HTTP is answered with 400 and closed', async () => {
  assert.equal(statusOf(await raw('\u0000\u0001\u0002 nonsense\r\n\r\n')), 400);
  assert.ok(server.requests.get('other')!.get(400)! >= 1);
});

test('a request that does not come to its end is ended', async () => {
  assert.equal(statusOf(await raw('GET /number HTTP/1.1\r\nhost: 127.')), 408);
  assert.equal(server.requests.get('other')?.get(408), 1);
});

test('maxConnections: one more is closed and counted', async () => {
  const held: Socket[] = [];
  const closed = new Set<Socket>();
  const refusedBefore = server.refusedConnections;
  try {
    while (held.length < HTTP_LIMITS.maxConnections) held.push(await open());
    for (const socket of held) socket.on('close', () => closed.add(socket)).on('error', () => {});
    // The last one that fits is served.
    held.at(-1)!.write('GET /number HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
    const [reply] = (await once(held.at(-1)!, 'data')) as [Buffer];
    assert.equal(statusOf(reply.toString()), 200);
    assert.equal(server.refusedConnections, refusedBefore);
    assert.equal(await get('/number'), '');
    assert.equal(server.refusedConnections, refusedBefore + 1);
    assert.equal(closed.size, 0);
  } finally {
    for (const socket of held) socket.destroy();
  }
});

test('a port in use is one clear line', async () => {
  const other = new HttpServer(new Map(), new Access(null, false));
  await assert.rejects(other.open('127.0.0.1', server.port), (error: unknown) => {
    assert.ok(error instanceof MillraceError);
    assert.equal(error.code, 'LISTEN_FAILED');
    assert.equal(error.message, `cannot serve http://127.0.0.1:${server.port}: address already in use`);
    return true;
  });
  await other.close();
});
