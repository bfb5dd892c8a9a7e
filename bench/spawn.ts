import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ALLOCATION_FLAGS, type Allocations } from './allocations.ts';
import type { Measurement } from './harness.ts';
import type { ProfileEntry } from './profile.ts';

/** Asks a process of its own about a bench. child: the child.js to run, of this build or another. */
const HERE = fileURLToPath(new URL('child.js', import.meta.url));
const run = promisify(execFile);

async function ask(child: string, flags: readonly string[], args: readonly string[]): Promise<unknown> {
  const { stdout } = await run(process.execPath, [...flags, child, ...args], { maxBuffer: 64 * 2 ** 20 });
  return JSON.parse(stdout);
}

export const measureApart = (name: string, child = HERE, timeMs?: number): Promise<Measurement> =>
  ask(
    child,
    ['--expose-gc'],
    ['measure', name, ...(timeMs === undefined ? [] : [`${timeMs}`])],
  ) as Promise<Measurement>;

export const allocationsApart = (name: string): Promise<Allocations> =>
  ask(HERE, ALLOCATION_FLAGS, ['allocations', name]) as Promise<Allocations>;

export const profileApart = (name: string): Promise<ProfileEntry[]> =>
  ask(HERE, [], ['profile', name]) as Promise<ProfileEntry[]>;

export const benchNames = (child = HERE): Promise<string[]> => ask(child, [], ['names']) as Promise<string[]>;
