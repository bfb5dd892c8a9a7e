import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../src/base/clock.ts';
import { loadSystemCalls } from '../src/base/system-calls.ts';
import { SharedMemory } from '../src/memory/shared-memory.ts';
import { BatchSocket } from '../src/receive/batch-socket.ts';
import type { ReceiveReply, ReceiveSetup } from '../src/receive/thread-receiver.ts';

/** Entry of a receive thread: says whether it could bind, then receives until it is stopped. */
const setup = workerData as ReceiveSetup;
const memory = SharedMemory.attach(setup.memory);
const ring = memory.ring(setup.ring);
const calls = loadSystemCalls();
const { address, port, share, receiveBufferBytes, fd } = setup;
const socket =
  typeof calls === 'string'
    ? calls
    : fd >= 0
      ? new BatchSocket(calls, fd, memory, ring, systemClock)
      : BatchSocket.open(calls, address, port, share, receiveBufferBytes, memory, ring, systemClock);
const reply = (message: ReceiveReply): void => parentPort?.postMessage(message);
if (typeof socket === 'string') {
  reply({ error: socket });
} else {
  reply({ fd: socket.fd, port: socket.port, receiveBufferBytes: socket.receiveBufferBytes });
  socket.run();
  socket.close();
}
