import { backlog, socketBuffers, udpDrops } from './check-kernel.ts';
import { container, http, ports } from './check-network.ts';
import { clock, cores, receiver, space } from './check-resources.ts';
import { store } from './check-store.ts';
import type { Check } from './finding.ts';

/** Everything that is looked at, in the order of the report. */
export const CHECKS: readonly { readonly name: string; readonly check: Check }[] = [
  { name: 'listen', check: ports },
  { name: 'status page', check: http },
  { name: 'receiver', check: receiver },
  { name: 'socket buffers', check: socketBuffers },
  { name: 'network queue', check: backlog },
  { name: 'UDP drops', check: udpDrops },
  { name: 'cores', check: cores },
  { name: 'clock', check: clock },
  { name: 'container', check: container },
  { name: 'space', check: space },
  { name: 'template store', check: store },
];
