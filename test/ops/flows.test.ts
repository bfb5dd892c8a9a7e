import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { FlowStreams } from '../../src/ops/http/flows.ts';
import { HTTP_LIMITS } from '../../src/ops/http/limits.ts';
import { type EventStream, RequestError } from '../../src/ops/http/reply.ts';
import { MAX_TAIL_RECORDS_PER_SECOND, Tail } from '../../src/output/tail.ts';

/** A client that reads what it wants, when it wants. */
class Client implements EventStream {
  text = '';
  waiting = 0;
  ended = false;
  reads = true;

  write(bytes: string | Uint8Array): void {
    const text = Buffer.from(bytes as Uint8Array).toString();
    this.text += text;
    if (!this.reads) this.waiting += text.length;
  }

  end(): void {
    this.ended = true;
  }

  get records(): unknown[] {
    return [...this.text.matchAll(/^data: (.*)$/gm)].map((match) => JSON.parse(match[1]));
  }
}

/** A clock that stands still until it is moved. */
const clock = { now: 0, wallMs: () => clock.now, monotonicMs: () => clock.now };
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});
const request = (parameters: Record<string, string>) => ({ parameters: new Map(Object.entries(parameters)) });

function connect(
  streams: FlowStreams,
  parameters: Record<string, string> = {},
): { client: Client; stop: () => void } {
  const client = new Client();
  const stop = streams.open(request(parameters)).start(client);
  stops.push(stop);
  return { client, stop };
}

const lines = (from: number, count: number): Uint8Array =>
  Buffer.from(Array.from({ length: count }, (_, i) => `{"n":${from + i}}\n`).join(''));
const numbers = (client: Client): number[] => (client.records as { n: number }[]).map(({ n }) => n);

test('readers are shown every record, until they go', () => {
  const tail = new Tail(clock);
  const streams = new FlowStreams(tail);
  assert.equal(tail.wanted, false);
  const first = connect(streams);
  const second = connect(streams);
  assert.equal(tail.wanted, true);
  tail.show(lines(0, 3), 3);
  second.stop();
  tail.show(lines(3, 1), 1);
  assert.deepEqual(numbers(first.client), [0, 1, 2, 3]);
  assert.deepEqual(numbers(second.client), [0, 1, 2]);
  assert.equal(first.client.text.split('\n\n')[0], 'data: {"n":0}');
  assert.deepEqual([streams.sent, streams.lost, streams.readers], [7, 0, 1]);
  first.stop();
  assert.equal(tail.wanted, false);
});

test('sample shows one of so many, limit ends the stream', () => {
  const tail = new Tail(clock);
  const streams = new FlowStreams(tail);
  const { client, stop } = connect(streams, { sample: '3', limit: '3' });
  tail.show(lines(0, 5), 5);
  tail.show(lines(5, 5), 5);
  assert.deepEqual(numbers(client).slice(0, 3), [0, 3, 6]);
  assert.match(client.text, /event: end\ndata: \{\}\n\n$/);
  assert.equal(client.ended, true);
  assert.equal(streams.sent, 3);
  stop();
});

test('a filter chooses among flows before sample and limit do, and its mistakes have a column', () => {
  const tail = new Tail(clock);
  const streams = new FlowStreams(tail);
  const { client, stop } = connect(streams, { filter: 'dst port 53 and bytes > 2', sample: '2' });
  const flows = Array.from({ length: 12 }, (_, i) => ({ n: i, dst_port: i % 2 === 0 ? 53 : 80, bytes: i }));
  tail.show(Buffer.from(flows.map((flow) => `${JSON.stringify(flow)}\n`).join('')), flows.length);
  assert.deepEqual(numbers(client), [4, 8]);
  stop();
  assert.throws(
    () => streams.open(request({ filter: 'bytes >' })),
    (error: unknown) =>
      error instanceof RequestError && error.status === 400 && /^filter: column 8: /.test(error.message),
  );
});

test('what is wrong with a request is told', () => {
  const streams = new FlowStreams(new Tail(clock));
  const bad: Record<string, string>[] = [
    { limit: '0' },
    { limit: 'x' },
    { sample: '0' },
    { filter: 'dst prot 53' },
    { filter: 'port 53'.repeat(2_000) },
  ];
  for (const parameters of bad) {
    assert.throws(
      () => streams.open(request(parameters)),
      (error: unknown) => error instanceof RequestError && error.status === 400,
    );
  }
  assert.equal(streams.readers, 0);
});

test('maxFlowReaderBytes: a reader that does not read loses records, is told so later, and delays nobody', () => {
  const tail = new Tail(clock);
  const streams = new FlowStreams(tail);
  const slow = connect(streams);
  const quick = connect(streams);
  slow.client.reads = false;
  const record = `{"x":"${'y'.repeat(1000)}"}\n`;
  const many = Math.ceil(HTTP_LIMITS.maxFlowReaderBytes / record.length) + 10;
  for (let i = 0; i < many; i++) tail.show(Buffer.from(record), 1);
  assert.equal(quick.client.records.length, many);
  const got = slow.client.records.length;
  assert.ok(got < many);
  assert.equal(streams.lost, many - got);
  assert.ok(slow.client.waiting <= HTTP_LIMITS.maxFlowReaderBytes);
  assert.ok(
    slow.client.waiting + record.length + 20 > HTTP_LIMITS.maxFlowReaderBytes,
    'not before the limit',
  );
  slow.client.waiting = 0;
  slow.client.reads = true;
  tail.show(Buffer.from(record), 1);
  assert.match(slow.client.text, new RegExp(`event: lost\ndata: \\{"records":${many - got}\\}\n\ndata: `));
  slow.stop();
  quick.stop();
});

test('maxFlowReaders: one more is refused', () => {
  const streams = new FlowStreams(new Tail(clock));
  const connected = Array.from({ length: HTTP_LIMITS.maxFlowReaders }, () => connect(streams));
  assert.throws(
    () => connect(streams),
    (error: unknown) => error instanceof RequestError && error.status === 503,
  );
  assert.equal(streams.readers, HTTP_LIMITS.maxFlowReaders);
  connected[0].stop();
  connect(streams);
});

test('more records per second than are shown are passed over and counted', () => {
  const tail = new Tail(clock);
  const streams = new FlowStreams(tail);
  const { client } = connect(streams);
  tail.show(lines(0, MAX_TAIL_RECORDS_PER_SECOND), MAX_TAIL_RECORDS_PER_SECOND);
  assert.equal(tail.wanted, false);
  tail.show(lines(0, 7), 7);
  tail.pass(5);
  assert.equal(client.records.length, MAX_TAIL_RECORDS_PER_SECOND);
  assert.equal(streams.lost, 12);
  clock.now += 1;
  assert.equal(tail.wanted, true);
  tail.show(lines(1, 1), 1);
  assert.match(client.text, /event: lost\ndata: \{"records":12\}\n\ndata: \{"n":1\}\n\n$/);
});
