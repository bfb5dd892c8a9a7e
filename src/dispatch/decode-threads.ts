import { Slabs } from '../memory/slabs.ts';
import { DecodePool, TASKS_PER_WORKER } from './pool.ts';
import type { WorkerSetup } from './task.ts';

/** Encoded bytes of a task of full datagrams; longer ones are sent by message. */
const SLAB_BYTES = 4 * 1024 * 1024;
/**
 * For an output that is slow for a moment: about what its queue holds of tasks of full datagrams. Beyond that, bytes go into
 * buffers of their own, which cost much more. Slabs that are not used take no memory, only addresses.
 */
const SPARE_SLABS = 16;

export type DecodeSetup = Omit<WorkerSetup, 'slabs' | 'slabBytes'>;

/** Decode threads, and what they were made for: other encodings or elements need other threads. */
export interface DecodeThreads {
  readonly setup: DecodeSetup;
  readonly pool: DecodePool;
  /** The memory that they encode into. */
  readonly slabs: Slabs;
  /** Whether any encoding has options records. */
  readonly optionsWanted: boolean;
}

/** Rejects with MillraceError WORKER_FAILED. entry: module that the threads run, workers/decode.ts unless given. */
export async function startDecodeThreads(
  workers: number,
  setup: DecodeSetup,
  entry?: URL,
): Promise<DecodeThreads> {
  const { encodings } = setup;
  // For every task in work or waiting there is one more on its way out.
  const slabs = Slabs.create(encodings.length * (workers * TASKS_PER_WORKER * 2 + SPARE_SLABS), SLAB_BYTES);
  const pool = new DecodePool(workers, { ...setup, slabs: slabs.buffer, slabBytes: SLAB_BYTES }, entry);
  try {
    await pool.ready();
  } catch (error) {
    await pool.close();
    throw error;
  }
  const optionsWanted = encodings.some(({ options, schema }) => options || schema === 'iana');
  return { setup, pool, slabs, optionsWanted };
}
