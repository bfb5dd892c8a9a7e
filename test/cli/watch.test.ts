/** `top` and `tail` on a running collector, and on servers that are none. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { eventsOf } from '../../src/cli/event-stream.ts';
import { terminalSize, topLines } from '../../src/cli/top-view.ts';
import type { ExportersDocument } from '../../src/ops/exporters.ts';
import type { StatusDocument } from '../../src/ops/operations.ts';
import { jsonLines } from '../support/json-lines.ts';
import { Running, run } from './child.ts';

const TOKEN = 'correct-horse-battery';

async function collector(...args: string[]): Promise<{ running: Running; url: string; to: string[] }> {
  const listen = ['--listen', 'netflow://127.0.0.1:0', '--workers', '1', '--output', 'null:'];
  const running = new Running(['collect', ...listen, '--http', '127.0.0.1:0', ...args]);
  const port = await running.port();
  const url = /http:\/\/[\d.:]+/.exec(running.stderr)![0];
  return { running, url, to: ['--to', `127.0.0.1:${port}`] };
}

test('top prints once where there is no terminal', async () => {
  const { url, to } = await collector('--http-token', TOKEN);
  await run(['generate', ...to, '--exporters', '2', '--count', '20', '--rate', '1000']);
  const { code, stdout, stderr } = await run(['top', '--url', `${url}/`, '--http-token', TOKEN]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^millrace \d+\.\d+\.\d+ at http:\S+, up \d+ s, ready\nflows /);
  assert.match(stdout, /\nworkers 1 of 1, .* busy .*ring /);
  assert.match(stdout, /\nEXPORTER +FLOWS\/S .*\n127\.0\.0\.[12] .* v9 .*\n127\.0\.0\.[12] /);
  const refused = await run(['top', '--url', url]);
  assert.equal(refused.code, 2);
  assert.match(
    refused.stderr,
    /^millrace: http:\S+ asks for its token; allowed is the one of the collector, with --http-token-file FILE\n$/,
  );
});

test('a token that is not the right one is told apart from none', async () => {
  const { url } = await collector('--http-token', TOKEN);
  const { code, stderr } = await run(['tail', '--url', url, '--http-token', `${TOKEN}-another`]);
  assert.equal(code, 2);
  assert.match(stderr, /^millrace: http:\S+ does not take this token; allowed is the one of the collector/);
});

test('tail writes flows until there are enough, or nobody reads', async () => {
  const { running, url, to } = await collector();
  new Running(['generate', ...to, '--rate', '200']);
  const { code, stdout, stderr } = await run(['tail', '--url', url, '--limit', '7', '--sample', '2']);
  assert.equal(code, 0, stderr);
  const records = jsonLines(stdout);
  assert.equal(records.length, 7);
  for (const record of records) assert.ok('src_addr' in record);

  const reader = new Running(['tail', '--url', url], {}, false);
  await reader.somethingToRead();
  reader.child.stdout!.destroy();
  assert.equal((await reader.ended).code, 0);

  const filtered = await run(['tail', 'proto udp and bytes > 0', '--url', url, '--limit', '3']);
  assert.equal(filtered.code, 0, filtered.stderr);
  const chosen = jsonLines(filtered.stdout);
  assert.equal(chosen.length, 3);
  for (const { proto } of chosen) assert.equal(proto, 17);
  const mistaken = await run(['tail', 'bytes >', '--url', url]);
  assert.equal(mistaken.code, 2);
  assert.match(mistaken.stderr, /^millrace: filter: column 8: [^\n]+\n$/);

  const left = new Running(['tail', '--url', url]);
  await left.lines(1);
  running.kill('SIGTERM');
  const ended = await left.ended;
  assert.deepEqual([ended.code, ended.stderr], [1, `millrace: ${url} has ended the connection\n`]);
});

test('servers that are no collector, and none at all', async () => {
  const replies: [number, string][] = [
    [200, 'nonsense'],
    [200, 'null'],
    [200, '{}'],
    [500, '{"error":"\\u001b[31mred"}'],
    [404, ''],
  ];
  for (const [status, body] of replies) {
    const server = createServer((_, response) => response.writeHead(status).end(body)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const { code, stdout, stderr } = await run(['top', '--url', `http://127.0.0.1:${port}`]);
    server.close();
    assert.deepEqual([code, stdout], [1, ''], body);
    assert.match(stderr, /^millrace: [ -~\ufffd]+\n$/);
  }
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  const { code, stderr } = await run(['tail', '--url', `http://127.0.0.1:${port}`]);
  assert.equal(code, 1);
  assert.match(stderr, /^millrace: cannot ask http:\S+: [^\n]+\n$/);
});

test('what top shows fits the terminal and has no control characters', async () => {
  const { url, to } = await collector();
  await run(['generate', ...to, '--count', '10', '--rate', '1000', '--version', '10', '--loss', '20%']);
  const status = (await (await fetch(`${url}/status`)).json()) as StatusDocument;
  const exporters = (await (await fetch(`${url}/exporters`)).json()) as ExportersDocument;
  exporters.exporters[0].exporter = '\u001b[2J\u009b31m\u202eevil';
  status.parts.outputs[0].trouble = 'gone\nnext';
  for (const columns of [1, 40, 80, 200]) {
    const lines = topLines(
      url,
      status,
      { ...status.sample, atMs: status.sample.atMs - 1000 },
      exporters,
      columns,
    );
    for (const line of lines) {
      assert.ok(line.length <= columns, line);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
      assert.ok(!/[\u0000-\u001f\u007f-\u009f\u202e]/.test(line), JSON.stringify(line));
    }
    if (columns >= 40)
      for (const part of [' kernel, ', ' refused)', 'busy', 'main ', 'ring ', ' held'])
        assert.ok(
          lines.some((line) => line.includes(part)),
          `${columns}: ${part}`,
        );
    if (columns === 200) assert.ok(lines.some((line) => line.includes('CLOCK')));
    if (columns === 40)
      assert.ok(lines.some((line) => line.startsWith('EXPORTER') && !line.includes('CLOCK')));
  }
});

test('a terminal that does not know its size shows something all the same', () => {
  assert.deepEqual(terminalSize({ columns: 0, rows: 0 }), { columns: 80, rows: 24 });
  assert.deepEqual(terminalSize({ columns: 132, rows: 5 }), { columns: 132, rows: 5 });
});

test('server-sent events in any pieces', async () => {
  const text = 'data: {"a":"ü"}\n\n: alive\n\nevent: lost\ndata: {"records":3}\n\ndata: {}\n\n';
  const bytes = Buffer.from(text);
  for (const size of [1, 2, 7, bytes.length]) {
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    };
    const events = [];
    for await (const event of eventsOf(pieces())) events.push(event);
    assert.deepEqual(events, [
      { type: 'message', data: '{"a":"ü"}' },
      { type: 'lost', data: '{"records":3}' },
      { type: 'message', data: '{}' },
    ]);
  }
});

test('a line without end is refused', async () => {
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) yield Buffer.alloc(1024 * 1024, 'x');
  };
  await assert.rejects(async () => {
    for await (const _ of eventsOf(endless()));
  }, /not what a collector answers/);
});
