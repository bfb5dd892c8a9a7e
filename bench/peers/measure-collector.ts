import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kernelDrops } from '../../src/receive/kernel-drops.ts';
import type { Sent } from '../pipeline/batch-sender.ts';
import { Child } from '../pipeline/child.ts';
import type { PoolOptions } from '../pipeline/datagram-pool.ts';
import { loadAverage, ProcessUsage } from '../pipeline/process-usage.ts';
import type { SenderOrder, SenderReply } from '../pipeline/sender.ts';
import type { PeerCollector } from './collectors.ts';
import { TouchedMemory } from './touched-memory.ts';

export interface CollectorRun {
  name: string;
  version: string;
  writes: string;
  sent: Sent;
  /** Datagrams per second: what was asked of the sender, and what it did. */
  asked: number;
  rate: number;
  kernelDropped: number;
  userNsPerFlow: number;
  systemNsPerFlow: number;
  /** CPU time from SIGTERM to its end, with what it had not written by then. */
  endingMs: number;
  /** Of the resident memory of all its processes. */
  peakBytes: number;
  bytesPerFlow: number;
  /** Flows that its output has, warm-up included, as a part of those that were sent. */
  written: number;
  loadAverage: number;
}

const START_MS = 15_000;
const END_MS = 30_000;
const POLL_MS = 25;
/** Idle: so little CPU time over so long. */
const IDLE_SLICE_MS = 300;
const IDLE_NS = 6e6;
const IDLE_LIMIT_MS = 20_000;
export const WARMUP_SECONDS = 10;
/** Of output, for each flow: about what the collectors that write much write. */
const BYTES_PER_FLOW = 600;
const FLOWS_PER_DATAGRAM = 23;

/** Load into one collector in a process of its own, from which CPU time is read from outside. */
export async function measureCollector(
  peer: PeerCollector,
  load: PoolOptions,
  rate: number,
  seconds: number,
): Promise<CollectorRun> {
  const inMemory = existsSync('/dev/shm');
  // In memory where there is such a place: what is compared are collectors, not how fast a disk takes their output.
  const folder = mkdtempSync(join(inMemory ? '/dev/shm' : tmpdir(), 'millrace-bench-'));
  const port = await freePort();
  const log = openSync(join(folder, 'log.txt'), 'w');
  const [command, ...args] = peer.command(port, folder);
  const flows = rate * (WARMUP_SECONDS + seconds) * FLOWS_PER_DATAGRAM;
  const memory = inMemory ? new TouchedMemory(folder, flows * BYTES_PER_FLOW) : null;
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', log, log] });
  const sender = new Child<SenderOrder, SenderReply>('./sender.js', { ...load, port });
  const usage = new ProcessUsage(child.pid!);
  const poll = setInterval(() => {
    usage.read();
    memory?.used(bytesIn(folder));
  }, POLL_MS);
  try {
    await sender.next('ready');
    await listening(port, () => child.exitCode, join(folder, 'log.txt'));
    const burst = async (duration: number): Promise<Sent> => {
      const order = { datagrams: Math.round(rate * duration), rate };
      const { kind: _, ...sent } = await sender.order(order, 'sent');
      await idle(usage);
      return sent;
    };
    const warmup = await burst(WARMUP_SECONDS);
    const before = usage.read();
    const dropsBefore = await kernelDrops([{ host: '127.0.0.1', port }]);
    const sent = await burst(seconds);
    const after = usage.read();
    const kernelDropped = (await kernelDrops([{ host: '127.0.0.1', port }])) - dropsBefore;
    const load1 = loadAverage();
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await Promise.race([ended, sleep(END_MS, undefined, { ref: false })]);
    const endingMs = (usage.last.ranNs - after.ranNs) / 1e6;
    const flows = sent.records * (1 - kernelDropped / sent.datagrams);
    const user = after.user - before.user;
    const share = user / Math.max(1, user + after.system - before.system);
    return {
      name: peer.name,
      version: peer.version!,
      writes: peer.writes,
      sent,
      asked: rate,
      rate: sent.datagrams / sent.seconds,
      kernelDropped,
      userNsPerFlow: ((after.ranNs - before.ranNs) / flows) * share,
      systemNsPerFlow: ((after.ranNs - before.ranNs) / flows) * (1 - share),
      endingMs,
      peakBytes: usage.last.peakBytes,
      bytesPerFlow: bytesIn(folder) / (sent.records + warmup.records),
      written: (peer.flows(folder) ?? Number.NaN) / (sent.records + warmup.records),
      loadAverage: load1,
    };
  } finally {
    clearInterval(poll);
    sender.kill();
    child.kill('SIGKILL');
    memory?.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

async function listening(port: number, exitCode: () => number | null, log: string): Promise<void> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  for (let waitedMs = 0; waitedMs < START_MS; waitedMs += POLL_MS) {
    for (const table of ['/proc/net/udp', '/proc/net/udp6']) {
      const bound = readFileSync(table, 'latin1')
        .split('\n')
        .some((line) => line.trim().split(/\s+/)[1]?.endsWith(`:${wanted}`));
      if (bound) {
        await sleep(500);
        return;
      }
    }
    if (exitCode() !== null) break;
    await sleep(POLL_MS);
  }
  throw new Error(`it does not listen: ${readFileSync(log, 'utf8').slice(-500)}`);
}

async function idle(usage: ProcessUsage): Promise<void> {
  for (let waitedMs = 0; waitedMs < IDLE_LIMIT_MS; waitedMs += IDLE_SLICE_MS) {
    const { ranNs } = usage.read();
    await sleep(IDLE_SLICE_MS);
    if (usage.read().ranNs - ranNs < IDLE_NS) return;
  }
}

function bytesIn(folder: string): number {
  const names = readdirSync(folder).filter((name) => name !== 'log.txt');
  return names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}
