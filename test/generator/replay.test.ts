import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../src/base/ip.ts';
import {
  type RecordedDatagram,
  type ReplayOptions,
  type ReplayProgress,
  replay,
} from '../../src/generator/replay.ts';
import { PacedSender } from '../../src/generator/sender.ts';
import { TestReceiver } from './receiver.ts';

function datagram(address: string, octet: number, capturedAtMs: number): RecordedDatagram {
  const bytes = new Uint8Array(16);
  assert.ok(parseAddress(address, bytes));
  return { payload: Uint8Array.of(octet), port: 2055, address: bytes, capturedAtMs };
}

const RECORDING = [
  [datagram('192.0.2.1', 1, 10_000), datagram('192.0.2.2', 2, 10_500)],
  [datagram('2001:db8::1', 3, 12_000)],
  [datagram('192.0.2.1', 4, 12_000)],
];

interface Call {
  octet: number;
  source: number;
  atMs: number;
}

/** Replays into a list, with a clock that only waiting moves. */
async function run(options: ReplayOptions, batches = RECORDING) {
  const calls: Call[] = [];
  const progress: ReplayProgress[] = [];
  let nowMs = 0;
  let opened = 0;
  const open = async function* () {
    opened++;
    yield* batches;
  };
  const sender = {
    send: (payload: Uint8Array, source = 0) => {
      calls.push({ octet: payload[0], source, atMs: nowMs });
      return undefined;
    },
  };
  const clock = { wallMs: () => nowMs, monotonicMs: () => nowMs };
  const sleep = async (ms: number) => {
    nowMs += ms;
  };
  const result = await replay(open, sender, clock, {
    sleep,
    onProgress: (p) => progress.push(p),
    ...options,
  });
  return { calls, progress, result, opened: () => opened };
}

test('recorded distances are kept and addresses have sources', async () => {
  const { calls, result, progress } = await run({});
  assert.deepEqual(calls, [
    { octet: 1, source: 0, atMs: 0 },
    { octet: 2, source: 1, atMs: 500 },
    { octet: 3, source: 2, atMs: 2000 },
    { octet: 4, source: 0, atMs: 2000 },
  ]);
  assert.deepEqual(result, { datagrams: 4, bytes: 4, rounds: 1 });
  assert.deepEqual(progress, [
    { datagrams: 2, bytes: 2, rounds: 0 },
    { datagrams: 3, bytes: 3, rounds: 0 },
    { datagrams: 4, bytes: 4, rounds: 0 },
  ]);
});

test('speed divides the distances, a rate replaces them', async () => {
  assert.deepEqual(
    (await run({ speed: 4 })).calls.map(({ atMs }) => atMs),
    [0, 125, 500, 500],
  );
  assert.deepEqual(
    (await run({ rate: 10 })).calls.map(({ atMs }) => atMs),
    [0, 100, 200, 300],
  );
  for (const options of [{ speed: 0 }, { speed: Number.POSITIVE_INFINITY }, { rate: 0 }]) {
    assert.deepEqual(
      (await run(options)).calls.map(({ atMs }) => atMs),
      [0, 0, 0, 0],
    );
  }
});

test('datagrams without a time go as fast as possible', async () => {
  const batch = [1, 2, 3].map((octet) => datagram('192.0.2.1', octet, Number.NaN));
  assert.deepEqual(
    (await run({}, [batch])).calls.map(({ atMs }) => atMs),
    [0, 0, 0],
  );
});

test('a loop opens the recording again, each round with the recorded distances', async () => {
  const { calls, result, opened } = await run({ loop: 3 });
  assert.equal(opened(), 3);
  assert.equal(result.rounds, 3);
  assert.deepEqual(
    calls.map(({ atMs }) => atMs),
    [0, 500, 2000, 2000, 2000, 2500, 4000, 4000, 4000, 4500, 6000, 6000],
  );
});

test('an empty recording is not repeated for ever', async () => {
  const { result } = await run({ loop: Number.POSITIVE_INFINITY }, []);
  assert.deepEqual(result, { datagrams: 0, bytes: 0, rounds: 1 });
});

test('an aborted signal ends it between two datagrams', async () => {
  const abort = new AbortController();
  const onProgress = (p: ReplayProgress) => {
    if (p.datagrams >= 6) abort.abort();
  };
  const { result } = await run({ loop: Number.POSITIVE_INFINITY, signal: abort.signal, onProgress });
  assert.deepEqual(result, { datagrams: 6, bytes: 6, rounds: 1 });
});

test('more addresses than sockets share them, and one address keeps its own', async () => {
  const address = (i: number) => `10.0.${i >> 8}.${i & 255}`;
  const once = Array.from({ length: 600 }, (_, i) => datagram(address(i), 0, Number.NaN));
  const { calls } = await run({}, [once, once]);
  assert.deepEqual(
    calls.slice(0, 256).map(({ source }) => source),
    Array.from({ length: 256 }, (_, i) => i),
  );
  for (let i = 0; i < 600; i++) {
    assert.ok(calls[i].source >= 0 && calls[i].source < 256);
    assert.equal(calls[600 + i].source, calls[i].source);
  }
});

test('options that contradict or make no sense are refused', async () => {
  for (const [options, message] of [
    [{ rate: 1, speed: 1 }, /a rate or a speed, not both/],
    [{ rate: -1 }, /rate must be/],
    [{ rate: Number.NaN }, /rate must be/],
    [{ speed: -0.5 }, /speed must be/],
    [{ loop: 0 }, /loop must be/],
    [{ loop: 1.5 }, /loop must be/],
  ] as [ReplayOptions, RegExp][]) {
    await assert.rejects(run(options), { code: 'CONFIG_INVALID', message });
  }
});

test('a recording arrives over UDP from one socket per exporter', async () => {
  const receiver = await new TestReceiver().open();
  const sender = new PacedSender({ host: '127.0.0.1', port: receiver.port });
  await sender.open();
  const clock = { wallMs: () => 0, monotonicMs: () => 0 };
  const open = async function* () {
    yield* RECORDING;
  };
  await replay(open, sender, clock, { speed: 0, loop: 2 });
  await sender.close();
  const received = await receiver.until(8);
  const ports = new Map<number, number[]>();
  for (const { payload, from } of received)
    ports.set(from.port, [...(ports.get(from.port) ?? []), payload[0]]);
  assert.deepEqual([...ports.values()].map((octets) => octets.sort()).sort(), [
    [1, 1, 4, 4],
    [2, 2],
    [3, 3],
  ]);
  await receiver.close();
});
