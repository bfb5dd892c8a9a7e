import type { Pipeline } from './dispatch/pipeline.ts';
import type { DecodePool } from './dispatch/pool.ts';
import type { StoreReport } from './dispatch/store-host.ts';
import type { SharedMemory } from './memory/shared-memory.ts';
import type { Sink } from './output/sink.ts';
import { listenText, type Receiver } from './receive/receiver.ts';

/** The state of the parts at a moment. Numbers that only grow are counted from the start. */
export interface CollectorParts {
  receivers: {
    /** Address and port that are bound, and which receiver of them it is. */
    name: string;
    /** Datagrams taken into the ring, and refused because they were too long or the ring was full. */
    accepted: number;
    oversize: number;
    ringFull: number;
    /** How often the receiver found no free slot: each time it waited, or refused a datagram. */
    timesFull: number;
    slots: number;
    slotsUsed: number;
    bufferBytes: number;
  }[];
  workers: { configured: number; alive: number; lost: number; tasks: number; busySeconds: number };
  templates: { scopes: number; templates: number; layouts: number; heldSets: number };
  outputs: { name: string; bytesWritten: number; queuedRecords: number; trouble: string | null }[];
  /** The template store; null where there is none. */
  store: StoreReport | null;
  /** Shared memory of all kinds; and what templates, exporter state and held sets have of it. */
  sharedMemoryBytes: number;
  heapBytes: number;
}

/** Parts that are not there yet, or not any more, count as nothing. */
export function describeParts(
  { memory, workers, sharedBytes }: { memory: SharedMemory; workers: number; sharedBytes: number },
  receivers: readonly Receiver[],
  pool: DecodePool | null,
  pipeline: Pipeline | null,
  sinks: readonly Sink[],
  store: StoreReport | null,
): CollectorParts {
  const load = pipeline?.load;
  const scanner = pipeline?.scanner;
  return {
    receivers: receivers.map((receiver, i) => {
      const tooLong = pipeline?.oversize[i] ?? 0;
      return {
        name: `${listenText(receiver)}/${nthOfItsAddress(receivers, i)}`,
        accepted: (pipeline?.scanned[i] ?? 0) - tooLong,
        oversize: receiver.oversize + tooLong,
        ringFull: receiver.ringFull,
        timesFull: receiver.ringFull + memory.ring(i).timesFull,
        slots: memory.size.slots,
        slotsUsed: load?.slotsUsed[i] ?? 0,
        bufferBytes: receiver.receiveBufferBytes,
      };
    }),
    workers: {
      configured: workers,
      alive: pool?.alive ?? 0,
      lost: pool?.lost ?? 0,
      tasks: load?.tasks ?? 0,
      busySeconds: (pipeline?.busyMs ?? 0) / 1000,
    },
    templates: {
      scopes: scanner?.scopes.size ?? 0,
      templates: scanner?.templates.size ?? 0,
      layouts: scanner?.templates.layouts ?? 0,
      heldSets: scanner?.pending?.sets ?? 0,
    },
    outputs: sinks.map(({ name, counts, trouble }) => ({
      name,
      bytesWritten: counts.bytesWritten,
      queuedRecords: counts.queued,
      trouble,
    })),
    store,
    sharedMemoryBytes: sharedBytes,
    heapBytes: pipeline?.heapBytes ?? 0,
  };
}

function nthOfItsAddress(receivers: readonly Receiver[], index: number): number {
  const { host, port } = receivers[index];
  return receivers.slice(0, index).filter((other) => other.host === host && other.port === port).length;
}
